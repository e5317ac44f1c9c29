"""`jointbid run` on a log: own logs give back their run exactly; any strategy plays against logged prices."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.experiments.log_files import read_log

from jointbid.experiments.cli.main import main
from jointbid.experiments.config.points import load
from jointbid.experiments.errors import BadInput
from jointbid.experiments.logs.replay.plan import ReplayPlan
from jointbid.experiments.logs.replay.priced_log import as_histogram, landscape, price_log, truncated
from jointbid.experiments.logs.synthetic.forms import write_all
from jointbid.experiments.studies.replay.run import run_log
from jointbid.sim.landscape import Landscape

DATA = Path(__file__).parents[1] / "data" / "ipinyou_synthetic.csv.gz"
MARKETS = {
    "default": [],
    "people, caps, deadlines, sales": ["scenario=busy_exchange", "supply.requests=3000"],
    "rivals": ["scenario=theory_rivals", "supply.requests=2000", "study.who=universal"],
    "first price, budgets": ["auction.type=first_price", "bidders.count=3", "bidders.budget=.3", "strategy=adaptive_pacing"],
    "mixed, two campaigns": ["scenario=theory", "auction.type={first_price:.5,soft_floor:.5}", "auction.soft_floor_cpm=900",
                             "study.arm=split_budget", "bidders.budget=200", "strategy=truthful"],
    "floors of one's own": ["auction.bidder_floor_cpm={focal: .04}", "auction.fee=.1"],
    "ties": ["scenario=theory", "rivals.landscape=null", "bidders.count=2", "study.arm=none", "strategy=truthful"],
}  # fmt: skip


def run(*texts: str):
    assert main(["run", "plot.enabled=false", *texts]) == 0


@pytest.mark.few(3)
@pytest.mark.parametrize("name", MARKETS)
def test_an_own_log_gives_back_its_run_exactly(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    small = (
        [] if any(text.startswith("supply.requests") for text in MARKETS[name]) else ["supply.requests=3000"]
    )
    run(*MARKETS[name], *small, "study.log=true", "results_dir=first")
    (log,) = tmp_path.glob("first/run/*/auctions.parquet")
    run(f"supply.path={log}", "results_dir=again")
    (again,) = tmp_path.glob("again/run/*/bidders.csv")
    assert again.read_bytes() == (log.parent / "bidders.csv").read_bytes()
    market = [
        json.loads((folder / "manifest.json").read_text())["market"] for folder in (log.parent, again.parent)
    ]
    assert market[0]["revenue"] == market[1]["revenue"]
    assert market[0]["exchange_fee"] == market[1]["exchange_fee"]
    spend = [
        pd.read_csv(folder / "timeseries.csv")[["bidder", "hour", "spend", "wins"]]
        for folder in (log.parent, again.parent)
    ]
    pd.testing.assert_frame_equal(*spend)


def test_a_log_of_several_slots_is_refused_and_so_is_a_foreign_file(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    run(
        "auction.slots=[1, .5]",
        "auction.type=vcg",
        "strategy=truthful",
        "supply.requests=500",
        "study.log=true",
        "results_dir=a",
    )
    (log,) = tmp_path.glob("a/run/*/auctions.parquet")
    assert main(["run", f"supply.path={log}"]) == 2
    assert "row 2, column 'slot': 1 is not 0: the log is of several slots" in capsys.readouterr().err


def test_a_log_of_bids_ranked_by_another_rule_is_refused(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    rank = ["auction.rank.rule=quality", "auction.rank.by_bidder.focal=2"]
    run(*rank, "supply.requests=500", "study.log=true", "results_dir=a")
    (log,) = tmp_path.glob("a/run/*/auctions.parquet")
    for verb in (["run"], ["log", "inspect"]):
        words = [f"supply.path={log}"] if verb == ["run"] else [str(log)]
        assert main([*verb, *words]) == 2
        assert (
            "bids were ranked by auction.rank.rule = quality; a replay ranks by bid"
            in capsys.readouterr().err
        )


PLAYED = [
    ["strategy=truthful"],
    ["strategy=linear", "bidders.strategy.gain=.5", "bidders.budget=.02"],
    ["strategy=adaptive_pacing", "bidders.budget=.02"],
    ["strategy=rlb", "bidders.budget=.02"],
    ["strategy=pid_spend", "bidders.budget=.02"],
    ["strategy=fluid_pacing", "bidders.budget=.02"],
    ["strategy=constant"],
    ["strategy=random"],
    ["strategy=ortb1"],
    ["strategy=throttling", "bidders.budget=.02"],
    ["strategy=shading", "auction.type=first_price"],
    ["strategy=learned_shading", "auction.type=first_price"],
]


@pytest.mark.parametrize("texts", PLAYED, ids=lambda texts: texts[0])
@pytest.mark.few(1)
def test_strategies_play_against_the_log_s_prices(texts, tmp_path):
    paths = write_all(tmp_path / "logs", 1_500)
    (point,) = load("run", [f"supply.path={paths['click_price_pctr']}", f"results_dir={tmp_path}", *texts])
    done, notes, _ = run_log(point)
    (focal,) = done.bidders.to_dict("records")
    frame = read_log(paths["click_price_pctr"]).frame.iloc[900:]
    assert focal["requests"] == 600
    assert 0 < focal["wins"] < 600 or texts == ["strategy=constant"]
    assert focal["spend"] <= frame["price_micros"].sum() / 1e6 * (3 if "first_price" in str(texts) else 1)
    if "bidders.budget=.02" in texts:
        assert 0.3 * 0.02 < focal["spend"] <= 0.02
    assert focal["clicks_expected"] <= frame["click"].sum()
    assert any(
        "1,516 rows read, 1,500 used, dropped: 15 episode line, 1 first line" in note for note in notes
    )
    assert any(note.startswith("censored") for note in notes)


def test_values_are_learned_on_the_training_part_alone():
    texts = [
        f"supply.path={DATA}",
        "supply.nonclick_weight=5",
        "study.replay.folds=3",
        "study.replay.penalties=[.3]",
    ]
    (point,) = load("run", texts)
    plan = ReplayPlan.from_settings(point.settings)
    log = read_log(DATA, nonclick_weight=5.0)
    one = price_log(plan, log, "joint")
    assert one.training.sum() == 1_500
    assert one.training[:1_500].all()
    frame = log.frame.copy()
    later = ~one.training
    frame.loc[later, "click"] = 1 - frame.loc[later, "click"]
    frame.loc[later, "price_micros"] *= 3
    flipped = price_log(plan, replace(log, frame=frame), "joint")
    # What a row of the test part is predicted, and what a click is worth, does not know the test part's outcomes.
    assert np.array_equal(one.ctr, flipped.ctr)
    assert np.array_equal(one.worth, flipped.worth)
    for arm in ("none", "stacked", "summed", "profile"):
        assert np.isfinite(price_log(plan, log, arm).ctr).all()
    with pytest.raises(BadInput, match=r"study\.arm = history"):
        price_log(plan, log, "history")


def test_people_are_kept_apart(tmp_path):
    paths = write_all(tmp_path / "logs", 1_500)
    mapping = tmp_path / "logs" / "shop.yaml"
    (point,) = load("run", [f"supply.path={paths['mapped']}", f"supply.mapping={mapping}", "study.replay.split=person",
                            "study.replay.folds=3", f"results_dir={tmp_path}", "strategy=truthful"])  # fmt: skip
    plan = ReplayPlan.from_settings(point.settings)
    field = price_log(plan, read_log(paths["mapped"], mapping=str(mapping)), "joint")
    user = field.log.frame["user"].to_numpy()
    assert not set(user[field.training]) & set(user[~field.training])
    done, _, scenario = run_log(point)
    assert scenario.currency == "EUR"
    assert done.bidders["requests"].iloc[0] == (~field.training).sum()


def test_truncation_is_undone_where_bids_vary():
    rng = np.random.default_rng(3)
    price, bid = rng.lognormal(0, 0.7, 60_000), rng.uniform(0.2, 4, 60_000)
    seen = price <= bid
    held, share = truncated(price[seen], bid[seen], np.ones(seen.sum()))
    upto = np.cumsum(share)
    for level in (0.5, 1.0, 2.0):
        true = (price <= level).mean() / (price <= 4).mean()
        naive = (price[seen] <= level).mean()
        found = upto[np.searchsorted(held, level) - 1]
        assert abs(found - true) < 0.02 < abs(naive - true)


def test_the_histogram_is_the_law_of_the_prices():
    log = read_log(DATA, nonclick_weight=5.0)
    law = Landscape(landscape(log, "empirical"))
    price, weight = log.frame["price_micros"].to_numpy() / 1e6, log.frame["weight"].to_numpy()
    for level in (2e-4, 5e-4, 1e-3, 2e-3):
        assert law.cdf(np.array(level)) == pytest.approx(np.average(price <= level, weights=weight), abs=0.01)
    assert as_histogram(np.array([3.0]), np.array([1.0])).weights == (1.0,)
    with pytest.raises(BadInput, match="has no bids of the logger"):
        landscape(log, "kaplan_meier")


def test_wrong_settings_stop_before_work(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for texts, part in (
        (["strategy=linear", "bidders.strategy.gian=2"], "no parameter 'gian'"),
        (["study.arm=history"], "study.arm = history"),
        (["study.replay.split=person"], "has no user ids of two people"),
        (["supply.clicks=x"], "supply.clicks: is for"),
    ):
        assert main(["run", f"supply.path={DATA}", *texts]) == 2
        assert part in capsys.readouterr().err


def test_a_weekly_table_of_a_log_is_refused(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("0 3 .1\n")
    with pytest.raises(BadInput, match=r"study\.weekly: a log does not say"):
        run_log(load("run", [f"supply.path={path}", "study.weekly=true"])[0])

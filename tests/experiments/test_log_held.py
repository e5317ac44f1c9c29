"""A log longer than memory is held as a sample that stands for it; the campaigns and the first rows that are asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.experiments.log_files import read_log

from jointbid.experiments.cli.main import main
from jointbid.experiments.errors import BadInput
from jointbid.experiments.logs.log_table import SAMPLED_OUT
from jointbid.experiments.logs.rows import delimited
from jointbid.experiments.logs.synthetic.forms import shop, write_click_price_pctr
from jointbid.experiments.logs.synthetic.ipinyou_rows import write_ipinyou_csv

DATA = Path(__file__).parents[1] / "data" / "ipinyou_synthetic.csv.gz"


@pytest.fixture(scope="module")
def long_log(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("long") / "1458.txt"
    write_click_price_pctr(path, 40_000)
    return path


def sums(frame: pd.DataFrame) -> dict[str, float]:
    weight = frame["weight"]
    return {
        "rows": weight.sum(),
        "clicks": (weight * frame["click"]).sum(),
        "cost": (weight * frame["price_micros"]).sum(),
        "early cost": (weight * frame["price_micros"])[frame["time_us"] < 1e9].sum(),
    }


def test_a_log_that_fits_is_held_whole(long_log):
    log = read_log(long_log, most_rows=40_000)
    assert len(log) == 40_000
    assert SAMPLED_OUT not in log.rows.dropped
    assert (log.frame["weight"] == 1).all()
    assert log.frame.equals(read_log(long_log).frame)


def test_a_longer_one_is_a_sample_whose_rows_add_up_and_stand_for_it(long_log):
    log = read_log(long_log, most_rows=9_000)
    frame, whole = log.frame, read_log(long_log).frame
    assert 4_500 <= len(frame) <= 9_000
    assert log.rows.read == len(frame) + sum(log.rows.dropped.values())
    assert log.rows.dropped[SAMPLED_OUT] == 40_000 - len(frame)
    assert (frame["click"] == 1).sum() == (whole["click"] == 1).sum()  # clicks are the few: all stay
    every = frame.loc[frame["click"] == 0, "weight"].unique()
    assert len(every) == 1
    assert np.log2(every[0]) % 1 == 0
    assert (
        f"all of those with a click and 1 in {every[0]:.0f} of the others, drawn with seed 1" in log.notes[0]
    )
    assert frame["time_us"].is_monotonic_increasing
    assert (np.diff(np.searchsorted(whole["time_us"], frame["time_us"])) > 0).all()


def test_totals_of_samples_are_unbiased(long_log):
    whole = pd.Series(sums(read_log(long_log).frame))
    drawn = pd.DataFrame([sums(read_log(long_log, most_rows=9_000, seed=seed).frame) for seed in range(30)])
    z = (drawn.mean() - whole) / (drawn.std().replace(0, 1) / np.sqrt(len(drawn)))
    assert (z.abs() < 4).all(), z
    assert drawn["cost"].nunique() == 30


def test_clicks_are_thinned_where_they_are_the_many(tmp_path):
    path = tmp_path / "7.txt"
    path.write_text("\n".join(f"{int(i % 10 < 8)} {i % 50 + 1} .1" for i in range(8_000)) + "\n")
    log = read_log(path, most_rows=3_000)
    weights = log.frame.groupby("click")["weight"].agg(["max", "sum"])
    assert weights["max"].tolist() == [2.0, 4.0]
    assert abs(weights["sum"][1] - 6_400) < 4 * np.sqrt(6_400 * 3)


def test_which_rows_are_held_does_not_depend_on_the_blocks(long_log, monkeypatch):
    expected = read_log(long_log, most_rows=5_000).frame
    monkeypatch.setattr(delimited, "BLOCK_BYTES", 10_000)
    assert read_log(long_log, most_rows=5_000).frame.equals(expected)


def test_the_first_rows_of_a_shuffled_log_are_the_first_in_time(tmp_path, monkeypatch):
    monkeypatch.setattr(delimited, "BLOCK_BYTES", 20_000)
    ordered, shuffled = tmp_path / "a.csv", tmp_path / "b.csv"
    frame = shop(3_000)
    frame["at"] = np.arange(3_000) * 7.0
    mapping = tmp_path / "m.yaml"
    mapping.write_text(
        "time: {column: at, unit: s}\nprice: paid_cpm\nclick: clicked\nprofile: [segment]\ncontext: [site]\n"
    )
    frame.to_csv(ordered, index=False)
    frame.sample(frac=1, random_state=1).to_csv(shuffled, index=False)
    logs = [read_log(path, mapping=str(mapping), requests=400) for path in (ordered, shuffled)]
    feature = ["time_us", "price_micros", "click", "segment", "site"]
    a, b = (log.frame[feature].astype({"segment": str, "site": str}) for log in logs)
    pd.testing.assert_frame_equal(a, b)
    assert list(a["time_us"] / 7e6) == list(range(400))
    assert [log.rows.dropped["beyond supply.requests"] for log in logs] == [2_600, 2_600]


def test_campaigns_are_chosen_and_a_slip_is_reported(tmp_path):
    path = tmp_path / "a.csv"
    write_ipinyou_csv(path)
    whole, some = read_log(path), read_log(path, campaign=["1458", "2259"])
    kept = whole.frame[whole.frame["campaign"].isin(["1458", "2259"])]
    assert len(some) == len(kept)
    assert some.rows.dropped == {"of other campaigns": len(whole) - len(kept)}
    assert set(some.frame["campaign"].cat.categories) == {"1458", "2259"}
    with pytest.raises(BadInput, match=r"supply.campaign = 1485: .* did you mean '1458'"):
        read_log(path, campaign=["1485", "2259"])


@pytest.mark.slow
def test_every_verb_takes_a_campaign_and_says_that_a_log_was_long(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    own = [
        "supply.campaign=1458",
        "supply.most_rows=1000",
        "plot.enabled=false",
        "study.replay.bootstrap=100",
    ]
    small = ["study.replay.penalties=[.3]", "study.replay.folds=3", "study.replay.budgets=[.25]"]
    for verb in (
        ["run", f"supply.path={DATA}"],
        ["log", "table", str(DATA)],
        ["value", f"supply.path={DATA}"],
    ):
        assert main([*verb, *own, *small]) == 0
        out = capsys.readouterr().out
        assert "of other campaigns" in out, verb
        assert "are kept (supply.most_rows = 1,000)" in out, verb
    assert main(["log", "calibrate", str(DATA), "--out", "fitted.yaml", *own, *small]) == 0
    assert "are kept (supply.most_rows = 1,000)" in capsys.readouterr().out
    assert main(["log", "inspect", str(DATA), "supply.campaign=1458"]) == 0
    assert "1: 1458 (" in capsys.readouterr().out
    assert main(["run", f"supply.path={DATA}", "supply.most_rows=10"]) == 2

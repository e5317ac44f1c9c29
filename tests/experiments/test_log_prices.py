"""Logs without prices, and logs whose lost auctions have none: landscapes, Kaplan-Meier, worst cases."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from tests.experiments.log_files import read_log

from jointbid.experiments.cli.main import main
from jointbid.experiments.errors import BadInput
from jointbid.experiments.logs.replay.censored import (
    BEST,
    KM_HIGH,
    KM_LOW,
    WORST,
    LostRows,
    censored_law,
    lost_gain,
    lost_rows,
)
from jointbid.experiments.logs.replay.plan import seen_rows
from jointbid.experiments.logs.replay.price_law import PriceLaw
from jointbid.experiments.logs.replay.stand_in_prices import ATOMS

N = 2_000
QUICK = [
    "study.replay.budgets=[0.1]",
    "study.replay.bootstrap=100",
    "study.replay.folds=3",
    "study.replay.penalties=[1.0]",
    "executor=serial",
    "plot.enabled=false",
]


def log_files(folder: Path, seed: int = 3) -> pd.DataFrame:
    """Write a log as bids with win and loss, as won impressions, and without prices; return all of it."""
    rng = np.random.default_rng(seed)
    segment, page = rng.integers(0, 4, N), rng.integers(0, 5, N)
    theta = 1 / (1 + np.exp(2.2 - 0.9 * (segment - 1.5) - 0.7 * (page - 2)))
    at = pd.Timestamp("2024-03-01") + pd.to_timedelta(np.sort(rng.random(N)) * 2 * 86_400, unit="s")
    price, bid = rng.lognormal(4, 0.8, N).round(3), rng.lognormal(4.3, 0.5, N).round(3)
    click, won = (rng.random(N) < theta).astype(int), price < bid
    log = pd.DataFrame(
        {"at": at.strftime("%Y-%m-%d %H:%M:%S"), "click": click, "segment": segment, "page": page}
    )
    log.to_csv(folder / "unpriced.csv", index=False)
    log = log.assign(bid=bid, price=price, won=won.astype(int))
    log.assign(price=log["price"].where(won), click=click * won).to_csv(folder / "bids.csv", index=False)
    log[won].to_csv(folder / "won.csv", index=False)
    base = "click: click\ntime: at\nprofile: [segment]\ncontext: [page]\n"
    (folder / "unpriced.yaml").write_text(base)
    (folder / "bids.yaml").write_text(base + "price: price\nbid: bid\nknown: won\nfull_information: true\n")
    (folder / "won.yaml").write_text(base + "price: price\nbid: bid\n")
    return log


def value(folder: Path, capsys, name: str, *more: str) -> tuple[str, Path]:
    out = folder / f"results-{name}"
    files = [f"supply.path={folder / name}.csv", f"supply.mapping={folder / name}.yaml", f"results_dir={out}"]
    assert main(["value", *files, *QUICK, *more]) == 0
    (study,) = (out / "value").iterdir()
    return " ".join(capsys.readouterr().out.split()), study


# -- no prices ------------------------------------------------------------------------------------------------------


def test_a_landscape_wins_and_pays_as_its_law_says():
    sigma = 0.7
    atoms = np.exp(sigma * norm.ppf((np.arange(ATOMS) + 0.5) / ATOMS))
    prices, bids = PriceLaw.from_equally_likely(atoms), np.array([0.0, 0.3, 1.0, 2.5, 1e9])
    with np.errstate(divide="ignore"):
        z = np.log(bids) / sigma
    assert prices.win_rate(bids) == pytest.approx(norm.cdf(z), abs=2e-4)
    assert prices.payment(bids) == pytest.approx(
        np.exp(sigma**2 / 2) * norm.cdf(z - sigma), rel=3e-3, abs=1e-3
    )


def test_without_prices_the_answer_is_a_band_in_click_values(tmp_path, capsys):
    log = log_files(tmp_path)
    shown, study = value(tmp_path, capsys, "unpriced")
    band, summary = (pd.read_csv(study / f"{name}.csv") for name in ("landscapes", "summary"))
    profits = band[band["metric"] == "focal_profit"]
    assert len(profits) == 6
    assert set(profits["unit"]) == {"click values per million logged impressions"}
    of = summary[
        (summary["estimand"] == "value_of_joint_data")
        & (summary["metric"] == "focal_profit")
        & np.isinf(summary["budget_share"])
    ]
    assert of["estimate"].item() == sorted(profits["estimate"])[2]
    assert "over 6 landscapes the value is from" in shown
    assert "a click is worth 1: the unit of all money" in shown
    # Without data every row gets one bid near the mean value: with level 1 and sigma s it wins about F(1).
    middle = profits.loc[profits["estimate"].sort_values().index[2], "landscape"]
    level, sigma = (float(part.split()[1]) for part in middle.split(", "))
    rate = summary[
        (summary["arm"] == "none") & (summary["metric"] == "win_rate") & np.isinf(summary["budget_share"])
    ]["estimate"].item()
    assert rate == pytest.approx(norm.cdf((-np.log(level) + sigma**2 / 2) / sigma), abs=0.02)
    assert log["click"].mean() > 0.1


@pytest.mark.slow
def test_a_budget_holds_on_average_and_scenario_prices_need_a_value(tmp_path, capsys):
    log_files(tmp_path)
    _, study = value(tmp_path, capsys, "unpriced", "study.replay.landscapes=[{level: 1.5, sigma: 0.5}]")
    summary = pd.read_csv(study / "summary.csv")
    spend = summary[(summary["arm"] == "joint") & (summary["metric"] == "spend")].set_index("budget_share")[
        "estimate"
    ]
    clicks = pd.read_csv(tmp_path / "unpriced.csv")["click"].mean()
    assert spend[0.1] == pytest.approx(0.1 * 1.5 * clicks * 1e6, rel=0.05)
    files = [
        f"supply.path={tmp_path}/unpriced.csv",
        f"supply.mapping={tmp_path}/unpriced.yaml",
        f"results_dir={tmp_path}/x",
        *QUICK,
    ]
    assert main(["value", *files, "study.replay.landscapes=scenario"]) == 2
    assert "study.replay.landscapes = scenario: " in capsys.readouterr().err
    for verb in (
        ["run"],
        ["log", "table", f"{tmp_path}/unpriced.csv"],
        ["log", "calibrate", f"{tmp_path}/unpriced.csv", "--out", f"{tmp_path}/s.yaml"],
    ):
        given = [word for word in files if not (verb[0] == "log" and word.startswith("supply.path"))]
        assert main([*verb, *given]) == 2
        assert "has no prices, so its auctions cannot be replayed" in capsys.readouterr().err


# -- lost auctions --------------------------------------------------------------------------------------------------


def test_lost_auctions_without_a_price_are_kept_for_bounds_alone(tmp_path):
    log = log_files(tmp_path)
    whole = read_log(tmp_path / "bids.csv", mapping=str(tmp_path / "bids.yaml"))
    assert len(whole) == log["won"].sum()
    assert lost_rows(whole, seen_rows(whole)) is None


def law_of(price: np.ndarray, bid: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    won = price < bid
    seen = pd.DataFrame({"price_micros": price[won], "weight": 1.0})
    lost = bid[~won]
    return censored_law(seen, lost, np.full(len(lost), np.nan), np.ones(len(lost)))


def test_kaplan_meier_finds_the_law_below_the_highest_bid():
    rng = np.random.default_rng(5)
    price, bid = rng.lognormal(0, 0.8, 40_000), rng.lognormal(0.2, 0.5, 40_000)
    atoms, shares = law_of(price, bid)
    for at in (0.3, 1.0, 2.0, 3.0):
        assert shares[atoms <= at].sum() == pytest.approx(norm.cdf(np.log(at) / 0.8), abs=0.012)
    assert atoms.max() <= bid.max()


def test_bounds_contain_the_truth_and_worst_cases_are_those_of_all_prices():
    rng = np.random.default_rng(6)
    n = 20_000
    price, bid = rng.lognormal(0, 0.8, n), rng.lognormal(0, 0.5, n)
    theta = rng.lognormal(0.3, 0.8, n)
    joint, silo = theta, theta * rng.lognormal(0, 0.6, n)
    lost = price >= bid
    atoms, shares = law_of(price, bid)
    rows = LostRows(
        pd.DataFrame({"weight": np.ones(lost.sum())}),
        bid[lost],
        np.full(lost.sum(), np.nan),
        atoms,
        shares,
        "",
    )
    of = {"joint": 1.0, "silo": -1.0}
    found = lost_gain(rows, {"joint": joint[lost], "silo": silo[lost]}, theta[lost], of)
    true = ((theta - price) * ((joint >= price) * 1.0 - (silo >= price)))[lost]
    assert found[KM_LOW].mean() == pytest.approx(
        true.mean(), abs=3 * true.std() / np.sqrt(lost.sum()) + 0.005
    )
    assert found[KM_LOW].mean() <= found[KM_HIGH].mean() + 1e-9
    assert (found[WORST] <= true + 1e-9).all()
    assert (true <= found[BEST] + 1e-9).all()
    # Each extreme is reached by some price above the logger's bid.
    for i in range(20):
        grid = np.unique(
            [
                rows.bids[i] + 1e-9,
                joint[lost][i],
                silo[lost][i],
                joint[lost][i] + 1e-9,
                silo[lost][i] + 1e-9,
                1e9,
            ]
        )
        grid = grid[grid > rows.bids[i]]
        sums = (theta[lost][i] - grid) * ((joint[lost][i] >= grid) * 1.0 - (silo[lost][i] >= grid))
        assert (found[WORST][i], found[BEST][i]) == pytest.approx(
            (min(sums.min(), 0), max(sums.max(), 0)), abs=1e-6
        )


def test_a_known_price_of_a_lost_auction_leaves_no_bounds():
    rows = LostRows(
        pd.DataFrame({"weight": [1.0]}),
        np.array([1.0]),
        np.array([2.0]),
        np.array([0.5]),
        np.array([0.4]),
        "",
    )
    found = lost_gain(
        rows,
        {"joint": np.array([3.0]), "silo": np.array([1.5])},
        np.array([2.5]),
        {"joint": 1.0, "silo": -1.0},
    )
    assert {name: column.item() for name, column in found.items()} == dict.fromkeys(
        (KM_LOW, KM_HIGH, WORST, BEST), 0.5
    )


@pytest.mark.few(1)
@pytest.mark.parametrize("name", ["bids", "won"])
def test_both_bounds_are_printed(tmp_path, capsys, name):
    log_files(tmp_path)
    shown, study = value(tmp_path, capsys, name, "study.replay.value_per_click=0.3")
    bounds = pd.read_csv(study / "bounds.csv").set_index("bound")["estimate"]
    assert bounds["worst"] <= bounds["km_never"] <= bounds["km_at_once"] <= bounds["best"]
    assert bounds["km_never"] > bounds["logged"]
    assert "by Kaplan-Meier, and from" in shown
    assert "per million logged impressions" in shown


def test_a_mapping_without_price_has_no_lost_auctions_at_0(tmp_path):
    (tmp_path / "log.csv").write_text("click,site\n0,a\n1,b\n")
    (tmp_path / "m.yaml").write_text("click: click\ncontext: [site]\n")
    log = read_log(tmp_path / "log.csv", mapping=str(tmp_path / "m.yaml"))
    assert (len(log), log.has_prices) == (2, False)
    (tmp_path / "m.yaml").write_text("context: [site]\n")
    with pytest.raises(BadInput, match="click"):
        read_log(tmp_path / "log.csv", mapping=str(tmp_path / "m.yaml"))

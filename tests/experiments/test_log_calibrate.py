"""`jointbid log calibrate`: what is fitted comes back where it is known, and the scenario runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from jointbid.experiments.cli.main import main
from jointbid.experiments.config.points import load
from jointbid.experiments.logs.calibration.fit import as_types, below_floors, price_levels
from jointbid.sim.audience import scores

DATA = Path(__file__).parents[1] / "data" / "ipinyou_synthetic.csv.gz"
HEADS = ("Arrival curve", "Price landscape with floors", "Price by page", "Click rate", "Profile and context clusters", "Joint distribution",
         "Interaction", "Missing tags")  # fmt: skip


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    """A log whose laws are known: prices, floors, hours, missing tags, slopes."""
    folder, rng, rows = tmp_path_factory.mktemp("fit"), np.random.default_rng(8), 20_000
    profile, context = rng.integers(0, 8, rows), rng.integers(0, 8, rows)
    s, t = scores(8)[profile], scores(8)[context]
    click = rng.random(rows) < 1 / (1 + np.exp(-(-2.0 + 0.6 * s + 0.4 * t)))
    rival, floor = (
        rng.lognormal(0.0, 0.8, rows),
        np.where(rng.random(rows) < 0.5, rng.lognormal(-0.5, 0.5, rows), 0.0),
    )
    hour = rng.choice(24, rows, p=np.arange(1, 25) / 300)
    time_us = np.sort(rng.integers(0, 7, rows) * 24 + hour) * 3_600_000_000
    frame = pd.DataFrame({
        "t": time_us, "p": np.maximum(rival, floor).round(4), "f": floor.round(4), "c": click.astype(int),
        "who": np.where(rng.random(rows) < 0.25, "", np.char.add("w", profile.astype(str))),
        "where": np.char.add("z", context.astype(str)),
    })  # fmt: skip
    frame.to_csv(folder / "log.csv", index=False)
    (folder / "log.yaml").write_text(
        "price: p\nfloor: f\nclick: c\ntime: {column: t, unit: us}\nprofile: [who]\ncontext: [where]\n"
    )
    (folder / "scenario").mkdir()
    out = folder / "scenario" / "fitted.yaml"
    assert main(["log", "calibrate", str(folder / "log.csv"), f"supply.mapping={folder / 'log.yaml'}", "--out", str(out),
                 "study.replay.folds=3", "study.replay.penalties=[1.0]"]) == 0  # fmt: skip
    (point,) = load("value", ["scenario=fitted"], config_dir=str(folder))
    return point.settings.scenario, out.with_suffix(".md").read_text(), frame


def test_what_is_known_comes_back(known):
    scenario, _, frame = known
    response, supply = scenario.response, scenario.supply
    assert response.b == pytest.approx(0.6, abs=0.08)
    assert response.c == pytest.approx(0.4, abs=0.08)
    assert abs(response.interaction) < 0.08
    assert abs(response.redundancy) < 0.05
    assert scenario.source["profile"].match_rate == pytest.approx(0.75, abs=0.01)
    assert supply.floor_share == pytest.approx(0.5, abs=0.02)
    assert supply.floor_mu == pytest.approx(-0.5 + np.log(1e-3), abs=0.05)
    assert supply.floor_sigma == pytest.approx(0.5, abs=0.05)
    assert np.array(supply.hourly) == pytest.approx(np.arange(1, 25) / 12.5, abs=0.15)
    assert np.array(scenario.rivals.by_context) == pytest.approx(1.0, abs=0.1)
    assert response.value_per_click == pytest.approx(frame["p"].sum() / 1e3 / frame["c"].sum(), rel=1e-3)


@pytest.mark.slow
def test_the_page_lays_simulated_beside_real(known):
    _, text, _ = known
    assert all(f"## {head}" in text for head in HEADS)
    rows = [line.split("|") for line in text.splitlines() if line.startswith("| ") and "real" not in line]
    found = {row[1].strip(): (float(row[2]), float(row[3])) for row in rows}
    close = {"CTR, %": 0.02, "requests without a profile, %": 0.02, "market price, 50% quantile": 0.05, "08 h": 0.1,
             "mean market price, currency CPM": 0.05, "prices equal to the floor, %": 0.08, "requests with a floor, %": 0.03,
             "profile quarter 1, context quarter 1": 0.12, "CTR in quarter 4 of the profile scores, %": 0.1,
             "AUC of both": 0.03}  # fmt: skip
    for what, tolerance in close.items():
        real, simulated = found[what]
        assert simulated == pytest.approx(real, rel=tolerance), what


def test_prices_follow_the_page():
    rng = np.random.default_rng(3)
    context, weight = rng.integers(0, 4, 40_000), rng.uniform(0.5, 2, 40_000)
    true = np.array([0.5, 0.8, 1.2, 1.5])
    price = rng.lognormal(0, 0.7, 40_000) * true[context]
    assert price_levels(price, weight, context, 4) == pytest.approx(true, rel=0.04)
    assert price_levels(np.zeros(9), np.ones(9), np.zeros(9, dtype=np.int64), 2).tolist() == [1.0, 1.0]


def test_floors_that_hide_the_rival_s_bid_are_seen_through():
    rng = np.random.default_rng(2)
    rival, floor = rng.lognormal(0, 0.7, 40_000), rng.lognormal(0, 0.5, 40_000)
    price = np.maximum(rival, floor)
    held, share = below_floors(price, price == floor, np.ones(40_000))
    for level in (0.7, 1.0, 2.0):
        found = np.cumsum(share)[np.searchsorted(held, level) - 1]
        assert abs(found - (rival <= level).mean()) < 0.02
        assert abs((price <= level).mean() - (rival <= level).mean()) > 0.03


def test_types_are_equally_frequent():
    weight = np.random.default_rng(1).uniform(0.5, 2, 1_000)
    types = as_types(np.zeros(1_000), weight, 4, "profile")
    assert np.bincount(types, weight) / weight.sum() == pytest.approx([0.25] * 4, abs=0.01)


def test_bad_input(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for arguments, part in (
        ([str(DATA), "--out", "x.txt"], "must end in .yaml"),
        ([str(DATA), "--out", "nowhere/x.yaml"], "there is no folder nowhere"),
        (["none.csv"], "none.csv: cannot be read: no such file"),
        ([str(DATA), "--out"], "--out: needs a file"),
    ):
        assert main(["log", "calibrate", *arguments]) == 2
        assert part in capsys.readouterr().err
    assert not list(tmp_path.glob("*.yaml"))

"""The weekly table of channels: its sums, its truth, the columns that other tools load, and the power of tests."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t

from jointbid.experiments.cells.attribution_season import campaigns
from jointbid.experiments.cli.main import main
from jointbid.experiments.config.points import load
from jointbid.experiments.estimate.holdout_power import Holdout, holdout_power, power_of
from jointbid.experiments.studies.weekly import season_of, weekly_cell
from jointbid.sim import VisibleRequests, simulate
from jointbid.strategies.base import Policy

SMALL = [
    "scenario=touchpoints", "study.weekly=true", "supply.requests=40000", "audience.people=800", "supply.horizon_h=1008",
    "journey.run_out_h=0", *(f"touchpoints.channels.{name}.daily_budget=0.3" for name in ("mail", "retargeting", "social", "video")),
]  # fmt: skip


class Silent(Policy):
    """Never bids."""

    reads: tuple[str, ...] = ()

    def bid(self, requests: VisibleRequests) -> np.ndarray:
        return np.zeros(requests.n)


@pytest.fixture(scope="module")
def season():
    point = load("run", SMALL)[0]
    return point, *season_of(point)


def test_weeks_add_up_to_the_run(season):
    point, played, tables = season
    weeks, bidders = tables["weekly.csv"], pd.DataFrame(dict(played.result.bidders)).set_index("bidder")
    assert weeks.groupby("channel").size().to_dict() == dict.fromkeys(
        ("mail", "retargeting", "social", "video", "all"), 6
    )
    totals = weeks.groupby("channel")[["spend", "impressions", "sales", "incremental_sales"]].sum()
    for name in bidders.index:
        assert totals.loc[name, "spend"] == pytest.approx(bidders.loc[name, "spend"])
        assert totals.loc[name, "impressions"] == bidders.loc[name, "wins"]
    whole = totals.loc["all"]
    assert whole["spend"] == pytest.approx(bidders["spend"].sum())
    assert whole["sales"] == bidders["purchases"].sum()
    added = bidders["purchases_expected"].sum() - bidders["purchases_without_ads"].sum()
    assert whole["incremental_sales"] == pytest.approx(added)
    assert totals.drop("all")["sales"].sum() <= whole["sales"]
    assert weeks["date"].iloc[0] == "2024-01-01"
    assert weeks["date"].iloc[-1] == "2024-02-05"
    assert played.people.sum() == whole["sales"]
    assert point.settings.study.weekly


def test_what_a_channel_adds_is_the_difference_of_two_seasons(season):
    point, played, tables = season
    cell = weekly_cell(point)
    without = campaigns(cell)
    without["video"] = replace(without["video"], strategy=Silent())
    result = simulate(cell.scenario, without, cell.seed, cell.replication)
    less = sum(played.result.bidders["purchases_expected"]) - sum(result.bidders["purchases_expected"])
    weeks = tables["weekly.csv"]
    assert weeks.loc[weeks["channel"] == "video", "incremental_sales"].sum() == pytest.approx(less)


def test_the_wide_table_has_the_columns_of_other_tools_and_no_truth(season):
    _, _, tables = season
    wide = tables["weekly_media.csv"]
    channels = ("mail", "retargeting", "social", "video")
    media = [f"{name}_{what}" for name in channels for what in ("impression", "clicks", "spend")]
    assert list(wide) == ["time", "geo", "population", *media, "conversions", "revenue_per_conversion"]
    assert pd.to_datetime(wide["time"], format="%Y-%m-%d").diff().dropna().eq(pd.Timedelta(weeks=1)).all()
    assert (wide[media] >= 0).all(axis=None)
    assert wide["population"].eq(800).all()


@pytest.mark.parametrize(
    ("effect", "error", "degrees"), [(0.0, 1.0, 98), (2.0, 1.0, 98), (2.0, 1.0, 6), (-3.5, 1.0, 18)]
)
def test_power_is_how_often_a_test_finds_the_effect(effect, error, degrees):
    rng = np.random.default_rng(1)
    n, draws = degrees // 2 + 1, 20_000
    a = rng.normal(effect, error * np.sqrt(n / 2), (draws, n))
    b = rng.normal(0, error * np.sqrt(n / 2), (draws, n))
    spread = np.sqrt((a.var(axis=1, ddof=1) + b.var(axis=1, ddof=1)) / n)
    found = np.abs((a.mean(axis=1) - b.mean(axis=1)) / spread) > t.ppf(0.975, degrees)
    assert power_of(effect, error, degrees) == pytest.approx(found.mean(), abs=0.012)


def test_power_grows_with_weeks_and_the_people_needed_have_it():
    rng = np.random.default_rng(2)
    sold = rng.poisson(0.02, (5_000, 10))
    added = {"a": np.full(10, 12.0), "nothing": np.zeros(10)}
    table = holdout_power(sold, added, (Holdout(0.3), Holdout(0.3, 20)))
    own = table[(table["channel"] == "a") & (table["unit"] == "person")]
    assert (np.diff(own["power"]) > 0).all()
    by_area = table[(table["channel"] == "a") & (table["unit"] == "20 areas")]
    assert (by_area["power"].to_numpy() < own["power"].to_numpy()).all()
    last = own.iloc[-1]
    scale = (
        last["people_needed"] / 5_000
    )  # that many people: the effect grows with them, the error with their root
    assert power_of(last["effect"] * scale, last["standard_error"] * np.sqrt(scale), 1e6) == pytest.approx(
        0.8, abs=0.01
    )
    assert np.isinf(table[table["channel"] == "nothing"]["people_needed"]).all()
    assert table[table["channel"] == "nothing"]["power"].to_numpy() == pytest.approx(0.05, abs=1e-3)


def test_the_command_shows_the_season_and_refuses_markets_without_channels(tmp_path, capsys):
    assert main(["run", *SMALL, f"results_dir={tmp_path}", "plot.enabled=false"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    (folder,) = (tmp_path / "run").iterdir()
    assert {"weekly.csv", "weekly_media.csv", "holdout_power.csv"} <= {file.name for file in folder.iterdir()}
    assert "truly added" in shown
    assert "video: leaving out 30% of 800 people" in shown
    for words, message in (
        (["scenario=theory"], "study.weekly: requires channels (touchpoints)"),
        (["scenario=touchpoints", "supply.horizon_h=100"], "study.weekly needs at least one week"),
        (["scenario=touchpoints", "engine.series_h=100"], "must divide a week"),
        (["scenario=touchpoints", "study.weekly_start=2024-02-30"], "study.weekly_start"),
    ):
        assert main(["run", "study.weekly=true", *words, f"results_dir={tmp_path}"]) == 2
        assert message in capsys.readouterr().err

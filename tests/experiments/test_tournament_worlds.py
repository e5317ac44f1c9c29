"""Worlds drawn for a tournament, and rank correlations that are corrected for how many keys were looked at."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from jointbid.experiments.cli.main import main
from jointbid.experiments.config.points import load
from jointbid.experiments.config.study_settings import Range
from jointbid.experiments.estimate.intervals import Estimate
from jointbid.experiments.estimate.ladder import P_HOLM, SUMMARY_COLUMNS, lookup
from jointbid.experiments.estimate.sensitivity import correlation_p_value, rank_correlation
from jointbid.experiments.report.wording.sampled_markets import goes_with
from jointbid.experiments.report.wording.tournament_worlds import notes, sentences
from jointbid.experiments.studies import sampled_markets as drawn
from jointbid.experiments.studies.registry import study_class
from jointbid.sim.scenario import StrategySpec

SMALL = ("supply.requests=300", "study.replications=3", "study.pairings=false", "plot.enabled=false")
COMMAND = ("tournament", "scenario=theory", "executor=serial", *SMALL)
DRAWN = ("study.worlds=12", "study.point.replications=3")
CAUTIOUS = "study.strategies=[truthful,{name: linear, gain: 0.5}]"


def played(*overrides):
    assert main([*COMMAND, *overrides]) == 0
    (folder,) = Path("results/tournament").iterdir()
    worlds = folder / "worlds.csv"
    return pd.read_csv(folder / "summary.csv"), pd.read_csv(worlds) if worlds.exists() else None


def shares(summary):
    rows = summary[summary["estimand"] == "share_of_worlds"]
    return dict(zip(rows["arm"], rows["estimate"], strict=True))


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_who_is_better_in_every_world_is_shown_to_be(capsys):
    """In second price, with no budget, half the value wins less and never more."""
    summary, worlds = played(CAUTIOUS, *DRAWN)
    assert shares(summary) == {"truthful": 1.0, "linear(gain=0.5)": 0.0, "no difference shown": 0.0}
    assert len(worlds) == 12
    assert worlds["response.b"].nunique() == 12
    assert (worlds["ci_low"] > 0).all()
    assert worlds["difference"].to_numpy() == pytest.approx(worlds["lead"].to_numpy())
    lead = lookup(summary, "lead_over_worlds", "profit", "truthful")
    assert lead.estimate == pytest.approx(worlds["lead"].mean())
    keys = summary[summary["estimand"] == "decided_by"]
    assert set(keys["arm"]) == {key for key in worlds if key.startswith(("response.", "source."))}
    assert keys[P_HOLM].notna().all()
    said = " ".join(capsys.readouterr().out.split())
    assert "one strategy is ahead of all others: truthful in 100 % (73.5 to 100)" in said
    assert "linear(gain=0.5) in none (0 to 26.5 %)" in said


@pytest.mark.slow
def test_where_two_do_the_same_none_is_ahead(capsys):
    summary, worlds = played("study.strategies=[truthful,shading,{name: linear, gain: 0.5}]", *DRAWN)
    assert shares(summary)["no difference shown"] == 1.0
    assert set(worlds["finding"]) == {"no difference shown"}
    assert "no strategy in any" in " ".join(capsys.readouterr().out.split())


def test_worlds_leave_the_tournament_as_it_is_and_are_those_of_value():
    alone, none = played(CAUTIOUS)
    assert none is None
    assert tuple(alone.columns) == SUMMARY_COLUMNS
    (point,) = load("tournament", ["scenario=theory", CAUTIOUS, "study.worlds=4"])
    strategies = (StrategySpec(name="truthful"), StrategySpec(name="linear", gain=0.5))
    own, worlds = study_class("tournament")(point.settings).parts
    (other,) = load("value", ["scenario=theory", "study.worlds=4"])
    assert [world.values for world in worlds.worlds] == drawn.sampled(other.settings)
    assert [cell.lineup for cell in worlds.cells()[:2]] == [strategies, strategies[::-1]]
    assert not any(cell.study_point for cell in own.cells())


def test_worlds_need_ranges(capsys):
    assert main([*COMMAND, CAUTIOUS, "study.worlds=3", "study.ranges=[]"]) == 2
    assert "study.ranges: study.worlds needs ranges" in capsys.readouterr().err


def test_fewer_requests_with_the_same_budget_are_said():
    (point,) = load("tournament", ["scenario=agencies"])
    (note,) = notes(point.settings.scenario, 20_000, 5)
    assert "20,000 bid requests (study.point.requests) and not 60,000, with the same budget" in note
    assert not list(notes(point.settings.scenario, 60_000, 5))
    assert not list(notes(point.settings.scenario, 20_000, 0))


@pytest.mark.parametrize(
    ("lead", "said"),
    [
        (
            Estimate(5.0, 3.0, 7.0, 9),
            "a, with the highest mean in the scenario itself, earns 5.00 EUR (3.00 to 7.00) more than",
        ),
        (
            Estimate(-5.0, -7.0, -3.0, 9),
            "a, with the highest mean in the scenario itself, earns 5.00 EUR (3.00 to 7.00) less than",
        ),
        (Estimate(1.0, -3.0, 5.0, 9), "is not shown to earn more or less (-3.00 to 5.00 EUR) than"),
    ],
)
def test_the_lead_is_stated_with_its_sign(lead, said):
    rows = [
        ("share_of_worlds", "a", "worlds", "", 0.5, 0.2, 0.8, 9),
        ("share_of_worlds", "no difference shown", "worlds", "", 0.5, 0.2, 0.8, 9),
        ("lead_over_worlds", "a", "profit", "EUR", lead.estimate, lead.ci_low, lead.ci_high, 9),
    ]
    summary = pd.DataFrame(rows, columns=list(SUMMARY_COLUMNS))
    assert said in " ".join(sentences(summary, ["a"], 9))


# correlations


def family(keys=8, worlds=30, seed=0, effect=0.0):
    """Worlds in which the first key moves the result by ``effect``, and the others do nothing."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({f"key_{number}": rng.uniform(size=worlds) for number in range(keys)})
    table["value"] = effect * table["key_0"] + rng.uniform(size=worlds)
    ranges = [Range(key=f"key_{number}", low=0, high=1, source="a choice") for number in range(keys)]
    return pd.DataFrame(list(drawn.key_rows(table, "value", "decided_by", ranges)))


def test_of_keys_that_do_nothing_hardly_any_is_named():
    """Of 8 keys and 40 studies some hundred claims of 320 tests would be 16 at 5 % alone; after Holm one study in twenty."""
    found = [family(seed=seed) for seed in range(40)]
    alone = sum(int(((one["ci_low"] > 0) | (one["ci_high"] < 0)).any()) for one in found)
    corrected = sum(int((one[P_HOLM] < 0.05).any()) for one in found)
    assert alone >= 8
    assert corrected <= 4
    assert sum(bool(list(goes_with(one, "decided_by", "it"))) for one in found) == corrected


def test_a_key_that_does_much_is_named_with_how_many_were_looked_at():
    found = family(effect=5.0)
    (said,) = goes_with(found, "decided_by", "its value")
    assert said.startswith(
        "What its value goes with (rank correlation, p below .05 after Holm for 8 keys): key_0 ("
    )
    assert "key_1" not in said
    assert not list(goes_with(found.drop(columns=P_HOLM), "decided_by", "it"))


def test_the_p_value_is_that_of_the_interval():
    """It is .05 where the interval ends at 0; without an interval it is absent."""
    n = 50
    edge = np.tanh(1.959963984540054 * np.sqrt(1.06 / (n - 3)))
    assert correlation_p_value(Estimate(edge, 0.0, 0.6, n)) == pytest.approx(0.05)
    few = rank_correlation(np.arange(5.0), np.array([1.0, 3.0, 2.0, 5.0, 4.0]))
    assert np.isnan(correlation_p_value(few))

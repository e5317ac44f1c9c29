from __future__ import annotations

import pandas as pd
import pytest
from tests.experiments.stored import stored

from jointbid.experiments.cells.cell import Cell, CellResult
from jointbid.experiments.config.points import load
from jointbid.experiments.estimate.intervals import Estimate, mean_interval
from jointbid.experiments.estimate.ladder import SUMMARY_COLUMNS
from jointbid.experiments.estimate.sides import Sides
from jointbid.experiments.studies.value.notes import budget, near_tie, power, width
from jointbid.sim import Scenario

MARKET = Scenario.model_validate({"source": {"profile": {}, "context": {}}})

PROFILE = Sides("best_single", {"best_single": "profile"}, {"profile": "cio", "context": "cmo"})


def pilot(profits):
    """Cells of pilots with these profits, by source."""
    return stored(
        [
            (Cell(MARKET, arm, replication=r), CellResult([{"focal": True, "profit": value}]))
            for arm, values in profits.items()
            for r, value in enumerate(values)
        ]
    )


def test_power_says_what_would_have_been_shown():
    value = mean_interval([0.1, 0.3, 0.2, 0.25, 0.15, 0.3])
    (said,) = power(value, "CNY per request")
    assert said.startswith("With 6 replications a value of joint data of at least 0.1")
    assert "80 % power" in said
    assert list(power(Estimate(0.2, float("nan"), float("nan"), 1), "CNY")) == []


def test_a_half_width_that_was_not_reached_is_said():
    value = Estimate(1.0, 0.5, 1.5, 20)
    assert list(width(value, 0.6, 1000)) == []
    assert list(width(value, None, 1000)) == []
    (by_chance,) = width(value, 0.4, 1000)
    assert "0.500 to either side, and study.half_width = 0.4" in by_chance
    assert "pilot" in by_chance
    (limited,) = width(value, 0.4, 20)
    assert "study.max_replications = 20" in limited


@pytest.mark.parametrize("second", [[1.0, 2.1, 2.9, 4.2], [1.0, 2.0, 3.0, 4.0]])
def test_a_near_tie_of_single_sources_is_said(second):
    with pilot({"profile": [1.0, 2.0, 3.0, 4.0], "context": second}) as found:
        (said,) = near_tie(found, PROFILE)
    assert "a near thing" in said
    assert "4 pilot replications" in said


def test_a_clear_choice_needs_no_words():
    with pilot({"profile": [1.0, 2.0, 3.0], "context": [0.0, 1.1, 2.0]}) as found:
        assert list(near_tie(found, PROFILE)) == []
    with pilot({}) as none:
        assert list(near_tie(none, PROFILE)) == []


def spending(**arms):
    """A summary of what each arm spends per request."""
    rows = [("utility", arm, "spend", "EUR", spent, spent, spent, 3) for arm, spent in arms.items()]
    return pd.DataFrame(rows, columns=list(SUMMARY_COLUMNS))


@pytest.mark.parametrize(
    ("spent", "said"),
    [
        (
            {"none": 0.04, "joint": 0.049},
            "bidders.budget = 100: no arm spent more than 49.0 % of it on average",
        ),
        ({"none": 0.04, "joint": 0.099}, "which does not pace: joint spent at least 98 % of it"),
        ({"joint": float("nan")}, ""),
        ({}, ""),
    ],
)
def test_what_is_said_of_a_budget_is_what_was_spent(spent, said):
    overrides = ["scenario=theory", "supply.requests=1000", "bidders.budget=100", "strategy=truthful"]
    (point,) = load("value", overrides)
    scale = point.settings.unit.scale
    found = list(budget(spending(**{arm: scale * s for arm, s in spent.items()}), point.settings))
    assert len(found) == bool(said)
    assert said in "".join(found)

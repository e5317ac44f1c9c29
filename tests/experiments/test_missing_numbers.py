"""A number that is not known stays so: never counted as 0, and never ranked first."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from jointbid.experiments.cells.attribution_season import (
    HELD_OUT,
    OBSERVED,
    TEST,
    WITHOUT,
    credit_column,
    credit_names,
    run_cell,
)
from jointbid.experiments.cells.cell import Cell
from jointbid.experiments.config.points import load
from jointbid.experiments.estimate.adoption import per_bidder
from jointbid.experiments.estimate.metrics import metric_table
from jointbid.experiments.estimate.ranking import best_responses, comparisons, ranking
from jointbid.experiments.estimate.sums import group_means, group_sums
from jointbid.experiments.studies.attribution.firm import Firm
from jointbid.experiments.studies.attribution.rows import rows

NAN = float("nan")


def test_sums_and_means_by_group():
    table = pd.DataFrame({"group": [1, 1, 2, 2], "value": [1.0, NAN, 2.0, 4.0]})
    groups = table.groupby("group")["value"]
    np.testing.assert_array_equal(group_sums(groups), [NAN, 6.0])
    np.testing.assert_array_equal(group_means(groups), [NAN, 3.0])


def departments(**columns):
    """One cell of an advertiser with two departments and one rival."""
    base = {
        "arm": "joint",
        "replication": 0,
        "bidder": ["a", "b", "c"],
        "advertiser": ["focal", "focal", "c"],
    }
    numbers = {
        "focal": [True, True, False],
        "requests": 10,
        "wins": 1,
        "value": 2.0,
        "spend": 1.0,
        "profit": 1.0,
    }
    return pd.DataFrame({**base, **numbers, "win_rate": 0.1, "welfare": 6.0, "revenue": 3.0, **columns})


def test_a_department_whose_profit_is_not_known_leaves_its_advertisers_unknown():
    known = metric_table(departments(), unit_scale=10.0, per_bidder=True)
    assert known["focal_profit"].tolist() == [2.0]
    assert known["bidder_surplus"].tolist() == [3.0]
    part = metric_table(departments(profit=[1.0, NAN, 1.0]), unit_scale=10.0, per_bidder=True)
    assert "focal_profit" not in part
    assert "bidder_surplus" not in part
    assert part["profit_c"].tolist() == [1.0]


def test_an_adopter_of_whom_a_part_is_not_known():
    cells = departments(k=1, adopts=[True, True, False], profit=[1.0, NAN, 3.0])
    adopters, others = per_bidder(cells, 10.0)
    assert adopters[1].empty
    assert others[1].tolist() == [3.0]


def test_a_strategy_without_a_result_has_no_rank_and_is_no_best_response():
    scores = pd.DataFrame({"never": [NAN, NAN], "low": [1.0, 1.1], "high": [2.0, 2.2]})
    ranked = ranking(scores, comparisons(scores, "together", "EUR"), "together", "EUR")
    assert ranked["strategy"].tolist() == ["high", "low", "never"]
    np.testing.assert_array_equal(ranked["rank"], [1, 2, NAN])
    matrix = {
        ("never", "x"): pd.Series([NAN]),
        ("low", "x"): pd.Series([1.0]),
        ("high", "x"): pd.Series([2.0]),
    }
    assert best_responses(matrix) == {"x": "high"}


def table_of(channels, **columns):
    """Cells of one replication: a row an arm and channel."""
    records = [
        {
            "study_point": "", "arm": arm, "replication": 0, "bidder": channel, "requests": 1_000, "profit": 1.0,
            "purchases": 4.0, "purchases_expected": 3.0 if arm == OBSERVED else 2.0, "holdout_effect": 1.0, "holdout_error": 1.0,
            **{credit_column(name): 1.0 for name in credit_names()}, **columns,
        }
        for arm in (OBSERVED, HELD_OUT, *(WITHOUT + name for name in channels))
        for channel in channels
    ]  # fmt: skip
    return pd.DataFrame(records)


@pytest.fixture(scope="module")
def firm():
    (point,) = load("attribution", ["scenario=touchpoints"])
    return Firm(point.settings)


def estimates(cells, firm, estimand):
    return {row["arm"]: row["estimate"] for row in rows(cells, firm, ()) if row["estimand"] == estimand}


@pytest.mark.slow
def test_credits_that_are_not_known_are_not_called_right(firm):
    whole = table_of(firm.channels)
    rule = credit_names()[0]
    assert estimates(whole, firm, "attribution_error")[rule] == pytest.approx(75.0)
    one = (whole["arm"] == OBSERVED) & (whole["bidder"] == firm.channels[0])
    for where in (one, whole["arm"] == OBSERVED):
        cells = whole.assign(**{credit_column(rule): whole[credit_column(rule)].mask(where)})
        for estimand in ("attribution_error", "misplaced", "credited"):
            found = estimates(cells, firm, estimand)
            assert rule not in found
            assert credit_names()[1] in found
        assert np.isnan(estimates(cells, firm, "credit")[f"{rule}: {firm.channels[0]}"])


def test_profits_that_are_not_known_leave_the_cost_of_the_test_unknown(firm):
    whole = table_of(firm.channels)
    first = (whole["arm"] == HELD_OUT) & (whole["bidder"] == firm.channels[0])
    assert list(estimates(whole, firm, "cost_of_test").values()) == [0.0]
    assert np.isnan(
        list(estimates(whole.assign(profit=whole["profit"].mask(first)), firm, "cost_of_test").values())
    ).all()


def test_no_budget_follows_what_is_not_known(firm):
    known = [{"holdout_effect": float(number)} for number in range(1, 5)]
    assert firm.split(TEST, {HELD_OUT: known}) is not None
    assert firm.split(TEST, {HELD_OUT: [{"holdout_effect": NAN}, *known[1:]]}) is None


def test_a_randomised_test_of_one_person_says_nothing():
    settings = ["supply.requests=200", "audience.people=3", "touchpoints.holdout=0.01"]
    (point,) = load("attribution", ["scenario=touchpoints", *settings])
    found = run_cell(Cell(scenario=point.settings.scenario, arm=HELD_OUT, seed=1, replication=0)).rows
    assert np.isnan([row["holdout_effect"] for row in found]).all()

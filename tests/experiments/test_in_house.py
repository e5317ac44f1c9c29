"""The scenario `in_house`: months by hand, its limits, and what it refuses."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jointbid.experiments.cells.bidders import run_cell
from jointbid.experiments.config.first_party import built_up
from jointbid.experiments.config.points import load
from jointbid.experiments.errors import BadInput
from jointbid.experiments.estimate.ladder import lookup
from jointbid.experiments.estimate.money import CostTerms
from jointbid.experiments.estimate.own_data import Switching
from jointbid.experiments.storage.cell_results import StudyState
from jointbid.experiments.studies.business.own_data import OwnData
from jointbid.experiments.studies.cell_plans import CellPlan

FAST = (
    "scenario=in_house", "supply.requests=2000", "study.replications=2", "study.point.requests=2000",
    "study.point.replications=3", "bidders.count=3", "plot.enabled=false",
)  # fmt: skip
OUTCOMES = ("bidder", "wins", "spend", "profit", "data_cost", "clicks", "revenue", "welfare")


def outcomes(plan, arm):
    (cell,) = plan.cells([arm], [0])
    return [{name: row[name] for name in OUTCOMES} for row in run_cell(cell).rows]


@given(st.integers(1, 240), st.floats(0.1, 200))
def test_what_is_built_up_rises_to_all(months, half):
    part = built_up(months, half)
    assert part.shape == (months,)
    assert ((part > 0) & (part < 1 + 1e-12)).all()
    assert (np.diff(part) >= -1e-12).all()


def test_a_half_is_there_after_the_time_to_half():
    part = built_up(400, 10.0)
    assert part[9] < 0.5 < part[10]  # the means of the months before and after
    assert part.mean() == pytest.approx(1 - 10 / math.log(2) / 400, rel=1e-6)


def test_nothing_built_is_the_context_alone_and_all_of_it_the_arm():
    (point,) = load("value", FAST)
    found = OwnData(CellPlan(point.settings, StudyState()))
    assert (found.own, found.bought) == ("profile+context", "segments+context")
    assert outcomes(found.steps[0], found.own) == outcomes(found.steps[0], "context")
    assert found.steps[-1].settings.scenario == point.settings.scenario
    assert outcomes(found.steps[-1], found.own) != outcomes(found.steps[0], found.own)


def test_bought_data_are_sold_to_the_rivals_and_own_ones_are_not():
    (point,) = load("value", FAST)
    found = OwnData(CellPlan(point.settings, StudyState()))
    (cell,) = found.steps[-1].cells(["profile+context"], [0])
    rows = run_cell(cell).rows
    assert [row["data_cost"] > 0 for row in rows] == [False, True, True]


def by_month(gains, once=300.0, monthly=10.0):
    return Switching(np.array(gains, dtype=float), CostTerms(1e3, once, monthly, len(gains[0]), 0.0))


RISING = [[-100.0, 100.0, 300.0, 500.0], [-140.0, 60.0, 260.0, 460.0]]  # means -120, 80, 280, 480


def test_months_by_hand():
    found = by_month(RISING)
    assert found.best_month() == 2
    assert found.net_value(2).estimate == pytest.approx(80 + 280 + 480 - 300 - 40)
    assert found.switch_month().estimate == pytest.approx(1 + 120 / 200, abs=2e-3)
    assert found.payback(2).estimate == pytest.approx(2 + 240 / 270, abs=2e-3)  # -310, -240, 30
    assert found.break_even_volume(2).estimate == pytest.approx(1e3 * 340 / 840)


def test_never_where_own_data_never_bring_more_or_never_bring_back_what_they_cost():
    worse = by_month([[-9.0, -5.0], [-8.0, -4.0], [-8.5, -4.5]])
    assert worse.switch_month().estimate == math.inf
    assert worse.net_value(worse.best_month()).finding == "negative"
    assert worse.break_even_volume(worse.best_month()).estimate == math.inf
    dear = by_month(RISING, once=1e6)
    assert dear.switch_month().estimate == math.inf
    assert dear.payback(2).estimate == math.inf


@given(st.lists(st.floats(-100, 100), min_size=2, max_size=12))
def test_no_other_month_is_better_where_gains_rise(gains):
    found = by_month([sorted(gains)] * 2, once=0.0, monthly=0.0)
    best = found.worth(found.best_month()).mean()
    assert all(found.worth(month).mean() <= best + 1e-9 for month in range(1, len(gains) + 2))


@pytest.mark.slow
def test_few_requests_never_pay_and_many_do(answers):
    few, said = answers("money.requests_per_month=1e6")
    assert lookup(few, "switch_month", "switch_month").estimate == math.inf
    assert lookup(few, "value_of_building", "npv").finding == "negative"
    assert any(
        sentence.startswith("Building profile to switch from segments does not pay")
        for sentence in said.verdict
    )
    many, said = answers("money.requests_per_month=1e12", "source.segments.cost_per_match_cpm=1")
    assert lookup(many, "switch_month", "switch_month").estimate == 1.0
    assert any(sentence.startswith("Build profile and switch from segments") for sentence in said.verdict)


@pytest.mark.slow
def test_own_data_that_say_nothing_are_never_worth_building(answers):
    summary, _ = answers("response.b=0", "source.segments.cost_per_match_cpm=0")
    assert lookup(summary, "value_of_building", "npv").estimate == pytest.approx(
        -200_000 - 60 * 8_000, rel=1e-6
    )
    assert lookup(summary, "switch_month", "switch_month").estimate == math.inf


def test_all_contradictions_are_listed():
    wrong = (
        "first_party.bought=segmnts", "source.profile.exclusive=false", "money.requests_per_month=null",
        "collaboration={match_rate: {sources: [profile]}}",
    )  # fmt: skip
    with pytest.raises(BadInput) as refused:
        load("value", [*FAST, *wrong])
    problems = "\n".join(refused.value.problems)
    for place in (
        "first_party.bought = segmnts: no such source",
        "source.profile.exclusive: must be true",
        "money.requests_per_month: required where",
        "leave out collaboration",
    ):
        assert place in problems

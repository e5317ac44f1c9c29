"""The scenario `two_budgets`: its limits, what it refuses, and that no mapping from level to data decides what it is worth."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jointbid.experiments.cells.bidders import run_cell
from jointbid.experiments.cli.main import main
from jointbid.experiments.config.collaboration import Collaboration, Shape
from jointbid.experiments.config.points import load
from jointbid.experiments.errors import BadInput
from jointbid.experiments.estimate.collaboration_levels import (
    Level,
    break_even_volume,
    choice,
    credit_needed,
    left_on_the_table,
    payback,
)
from jointbid.experiments.estimate.ladder import SUMMARY_COLUMNS, lookup
from jointbid.experiments.estimate.money import CostTerms, net_rows
from jointbid.experiments.report.wording import collaboration_levels as level_words
from jointbid.experiments.storage.cell_results import StudyState
from jointbid.experiments.studies.cell_plans import CellPlan

FAST = (
    "scenario=two_budgets", "supply.requests=2000", "study.replications=2", "study.point.requests=2000",
    "study.point.replications=3", "collaboration.levels=[0,0.5,1]", "bidders.count=3", "plot.enabled=false",
)  # fmt: skip
OUTCOMES = ("bidder", "wins", "spend", "value", "profit", "clicks", "clicks_expected", "revenue", "welfare")
shapes = st.builds(
    Shape,
    law=st.sampled_from(["power", "saturating", "s_curve"]),
    bend=st.floats(0.05, 20),
) | st.builds(Shape, law=st.just("threshold"), bend=st.floats(0.05, 1))


def market(verb, *more):
    (point,) = load(verb, [*FAST, *more])
    return point.settings


def outcomes(settings, arm):
    (cell,) = CellPlan(settings, StudyState()).cells([arm], [0])
    return [{name: row[name] for name in OUTCOMES if name in row} for row in run_cell(cell).rows]


@given(shapes, st.lists(st.floats(0, 1), min_size=2, max_size=5))
def test_every_shape_rises_from_nothing_to_all(shape, levels):
    assert shape.at(0.0) == 0.0
    assert shape.at(1.0) == 1.0
    moved = [shape.at(level) for level in sorted(levels)]
    assert all(low <= high + 1e-12 for low, high in pairwise(moved))
    assert all(0.0 <= one <= 1.0 + 1e-12 for one in moved)


@pytest.mark.few(4)
@pytest.mark.parametrize("values", ["private", "common"])
@pytest.mark.parametrize("shape", ["even", "early", "late", "s_curve", "all_or_nothing"])
def test_level_0_is_the_silo_and_level_1_the_joint_arm(shape, values):
    more = (f"collaboration.shape={shape}", f"bidders.values={values}")
    apart, whole = (market("value", f"collaboration.level={level}", *more) for level in (0, 1))
    assert outcomes(apart, "joint") == outcomes(apart, "context") == outcomes(whole, "context")
    assert whole.played_scenario == whole.scenario
    assert outcomes(whole, "joint") != outcomes(apart, "joint")


def test_a_level_between_moves_every_dial():
    half = market("value", "collaboration.level=0.5").played_scenario.source
    assert half["profile"].match_rate == pytest.approx(0.4)
    assert half["profile"].sync_interval_h == pytest.approx((24 + 2160) / 2)
    assert half["touchpoints"].coverage == pytest.approx(0.45)


@pytest.mark.slow
def test_data_that_say_nothing_are_worth_no_collaboration_under_any_mapping(answers):
    summary, said = answers("response.b=0", "response.history=0")
    best = summary[summary["estimand"] == "best_level"]
    assert len(best) == 15
    assert (best["estimate"] == 0).all()
    assert any("Collaboration does not pay" in sentence for sentence in said.verdict)
    assert lookup(summary, "break_even_volume", "requests_per_month").estimate == math.inf


@pytest.mark.slow
def test_much_volume_pays_and_little_does_not_under_any_mapping(answers):
    much, _ = answers("money.requests_per_month=1e11")
    little, said = answers("money.requests_per_month=1e6")
    assert (much[much["estimand"] == "best_level_net_value"]["ci_low"] > 0).all()
    assert (little[little["estimand"] == "best_level"]["estimate"] == 0).all()
    assert lookup(little, "net_value", "net_value").finding == "negative"
    assert any("Collaboration does not pay" in sentence for sentence in said.verdict)


@pytest.mark.parametrize(
    ("level", "said"),
    [
        ((0.0, 0.0, 0.0), "Collaboration does not pay over a horizon of 60 months: of the levels tried 0 nets most."),
        ((0.0, 0.0, 0.3), "Collaboration is not shown to pay over a horizon of 60 months"),
        ((0.0, math.nan, math.nan), "Collaboration is not shown to pay over a horizon of 60 months"),
        ((0.3, 0.1, 0.6), ("nets most at level 0.3 (not shown to be worse: within 0.1 to 0.6): no difference shown, 5.00 (-1.00 to "
         "11.0) EUR over a horizon of 60 months, and is not paid back (40.0 to never).")),
    ],
)  # fmt: skip
def test_the_best_level_is_stated_as_its_interval_allows(level, said):
    rows = [
        ("best_level", "shape x, cost y", "level", "", *level, 9),
        ("best_level_net_value", "shape x, cost y", "npv", "EUR", 5.0, -1.0, 11.0, 9),
        ("best_level_payback", "shape x, cost y", "payback_month", "months", math.inf, 40.0, math.inf, 9),
    ]
    (point,) = load("value", ["scenario=two_budgets"])
    first = next(
        iter(level_words.sentences(pd.DataFrame(rows, columns=list(SUMMARY_COLUMNS)), point.settings))
    )
    assert said in first


@pytest.mark.slow
def test_worlds_are_also_judged_after_costs(answers):
    summary, said = answers("study.worlds=3")
    shares = summary[(summary["estimand"] == "share_of_worlds") & summary["arm"].str.contains("after costs")]
    assert len(shares) == 3
    assert shares["estimate"].sum() == pytest.approx(1)
    assert any(sentence.startswith("After costs it is shown to pay in ") for sentence in said.verdict)


@pytest.mark.few(1)
@pytest.mark.parametrize(
    "verb",
    [
        ("run", "collaboration.level=0.5"),
        ("adoption", "study.replications=2", "bidders.values=common"),
        ("tournament", "study.strategies=[truthful,shading]", "study.replications=2"),
    ],
)
def test_other_verbs_play_at_the_level(verb, tmp_path):
    fast = ["scenario=two_budgets", "supply.requests=2000", "bidders.count=3", "plot.enabled=false"]
    assert main([*verb, *fast, f"results_dir={tmp_path}", "executor=serial"]) == 0


def test_all_contradictions_are_listed():
    wrong = (
        "collaboration.match_rate.none=0.9", "collaboration.unified.sources=[history]",
        "collaboration.deliver_months={none:80,full:70}", "source.profile.flip_rate_per_h=0",
        "study.silo=nobody", "money.requests_per_month=null",
    )  # fmt: skip
    with pytest.raises(BadInput) as refused:
        market("value", *wrong)
    problems = "\n".join(refused.value.problems)
    for place in (
        "collaboration.match_rate.none = 0.9: must be at most source.profile.match_rate",
        "collaboration.unified.sources: no source history",
        "collaboration.deliver_months.full = 70: must be below money.horizon_months",
        "changes nothing where source.profile.flip_rate_per_h = 0",
        "study.silo = nobody",
        "money.requests_per_month: required",
    ):
        assert place in problems
    assert len(refused.value.problems) == 6


def test_an_impossible_plan_is_refused():
    shape, levels, dials = Collaboration(shape="odd", levels=(0.5, 0.1)).problems()
    assert shape == "shape = odd: must be one of even"
    assert levels == "levels: must rise from 0 to 1"
    assert dials.startswith("match_rate: it, sync_interval_h or unified must be there")


def level(at, value, once, months=0.0, monthly=0.0):
    terms = CostTerms(1e6, once, monthly, 10, 0.0, months)
    return Level(at, terms, pd.Series(value), pd.Series(np.zeros(len(value))))


LEVELS = [
    level(0.0, [0.0, 0.0], 0.0),
    level(0.5, [2e-4, 3e-4], 400.0),  # brings 2,500 over ten months
    level(1.0, [3e-4, 4e-4], 2_000.0, months=2.0),  # 350 in each of eight months
]


def test_choices_by_hand():
    assert choice(LEVELS, LEVELS).level == 0.5
    assert choice(LEVELS, LEVELS, credit=0.1).level == 0.0  # 250 - 400 < 0
    assert left_on_the_table(LEVELS[1], LEVELS[0]).estimate == pytest.approx(2_100)
    assert payback(LEVELS[2]).estimate == pytest.approx(2 + 2_000 / 350)
    assert credit_needed(LEVELS, 0.5).estimate == pytest.approx(400 / 2_500)
    assert break_even_volume(LEVELS).estimate == pytest.approx(1e6 * 400 / 2_500)


@given(
    st.lists(st.tuples(st.floats(0, 1e-3), st.floats(0, 5e3)), min_size=2, max_size=6),
    st.lists(st.floats(0.01, 1), min_size=2, max_size=4),
)
def test_more_credit_never_means_less_collaboration(each, shares):
    values, costs = np.cumsum([value for value, _ in each]), np.cumsum([cost for _, cost in each])
    levels = [
        level(number / len(each), [value, value], cost)
        for number, (value, cost) in enumerate(zip(values, costs, strict=True))
    ]
    chosen = [choice(levels, levels, credit).level for credit in sorted(shares)]
    assert chosen == sorted(chosen)
    best = choice(levels, levels)
    assert choice(levels, levels, 1.0) == best


def test_the_level_interval_holds_what_is_not_shown_to_be_worse():
    near = [
        level(0.0, [0.0, 0.0, 0.0], 0.0),
        level(0.5, [1e-4, 2e-4, 3e-4], 100.0),
        level(1.0, [3e-4, 2e-4, 1e-4], 110.0),
    ]
    found = choice(near, near)
    assert (found.level, found.low, found.high) == (0.5, 0.0, 1.0)


def test_time_to_deliver_takes_its_months_from_the_tenure():
    late = CostTerms(1e6, 1200.0, 50.0, 60, 0.0, delay_months=12.5)
    rows = {m: e for _, m, e in net_rows(late, *(pd.Series([x, x]) for x in (2.5e-4, 1e-4, 1.0)))}
    assert rows["npv"].estimate == pytest.approx(47.5 * 100 - 1200)
    assert rows["net_value"].estimate == pytest.approx((47.5 * 100 - 1200) / 60)
    assert rows["payback_month"].estimate == pytest.approx(12.5 + 12)
    discounted = CostTerms(1e6, 0.0, 0.0, 3, 0.21, delay_months=1.5)
    assert discounted.annuity == pytest.approx(0.5 * 1.21 ** (-2 / 12) + 1.21 ** (-3 / 12))
    assert CostTerms(1e6, 1.0, 0.0, 3, 0.21, delay_months=9.0).annuity == pytest.approx(0.0)

"""Two plans for the same money: the month from which one stays ahead, by hand and as a command, and what is refused."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from jointbid.experiments.cli.main import main
from jointbid.experiments.config.changes import varied
from jointbid.experiments.config.points import load
from jointbid.experiments.errors import BadInput
from jointbid.experiments.estimate.ladder import SUMMARY_COLUMNS, lookup
from jointbid.experiments.estimate.overtaking import Lead
from jointbid.experiments.storage.cell_results import StudyState
from jointbid.experiments.studies.business.overtaking import Overtaking
from jointbid.experiments.studies.cell_plans import CellPlan

SMALL = (
    "scenario=content_and_native", "supply.requests=4000", "supply.horizon_h=2190", "audience.people=200",
    "journey.run_out_h=730", "study.replications=3", "study.lattice=false", "plot.enabled=false",
)  # fmt: skip


def lead(*rows):
    gap = np.array(rows, dtype=np.float64)
    return Lead(gap, np.arange(1.0, gap.shape[1] + 1.0))


def test_the_month_from_which_it_stays_ahead():
    assert lead([1, -1, 2, 3], [1, -1, 2, 3]).month().estimate == 3.0
    assert lead([1, 2, 3], [1, 2, 3]).month().estimate == 1.0
    assert lead([5, 5, -1], [5, 5, -1]).month().estimate == math.inf
    assert lead([0, 0, 0], [0, 0, 0]).month().estimate == math.inf, "level is not ahead"


def test_its_interval_may_reach_to_never():
    found = lead([-9, -1, 1, 5], [-9.1, 3, 5, 5.1]).month()
    assert (found.estimate, found.ci_low, found.ci_high) == (2.0, 2.0, 4.0)
    assert lead([1, -1, 8], [1, -2, -1]).month().ci_high == math.inf
    alone = lead([-1, 2]).month()
    assert alone.estimate == 2.0
    assert math.isnan(alone.ci_low), "one replication has no interval"


@pytest.mark.slow
def test_the_same_plan_twice_is_never_ahead_of_itself(tmp_path):
    again = "{sources: [context], strategy: {name: constant, level: 0.2, contexts: [0]}, terms: {daily_budget: 4}}"
    assert answer(tmp_path, f"bidders.kinds.spot={again}") == (math.inf, 0.0)


@pytest.mark.slow
def test_content_that_costs_more_than_it_can_bring_never_overtakes_and_cheap_content_does(tmp_path):
    month, end = answer(tmp_path, "rivals.by_context=[100,0.5,1,2.5]")
    assert (month, end < 0) == (math.inf, True)
    month, end = answer(tmp_path, "rivals.by_context=[0.5,0.5,1,100]")
    assert (month <= 3, end > 0) == (True, True)


def answer(folder, *overrides):
    assert main(["value", *SMALL, *overrides, f"results_dir={folder}", "executor=serial"]) == 0
    newest = max(folder.glob("value/*/summary.csv"), key=lambda path: path.stat().st_mtime)
    summary = pd.read_csv(newest)
    months = pd.read_csv(newest.with_name("overtaking.csv"))
    assert months["month"].tolist() == [1.0, 2.0, 3.0]
    end = lookup(summary, "lead_at_the_end", "npv").estimate
    assert end == pytest.approx(months["estimate"].iloc[-1])
    return lookup(summary, "overtaking_month", "overtaking_month").estimate, end


@pytest.mark.parametrize(
    ("month", "lead", "said"),
    [
        ((14.0, 12.0, math.inf), (5.0, -1.0, 11.0), "from month 14.0 (12.0 to never); after 3 months no difference is shown, 5.00"),
        ((math.inf, 12.0, math.inf), (-5.0, -6.0, -4.0), "content does not stay ahead of spot at the end (12.0 to never); after"),
        ((math.inf, math.nan, math.nan), (-5.0, math.nan, math.nan), "its lead is -5.00 EUR (no interval)."),
    ],
)  # fmt: skip
def test_a_lead_is_claimed_as_its_interval_allows(month, lead, said):
    rows = [
        ("overtaking_month", "content - spot", "overtaking_month", "months", *month, 3),
        ("lead_at_the_end", "content - spot", "npv", "EUR", *lead, 3),
    ]
    (point,) = load("value", SMALL)
    part = Overtaking(CellPlan(point.settings, StudyState()))
    (sentence,) = part.sentences(pd.DataFrame(rows, columns=list(SUMMARY_COLUMNS)))
    assert said in sentence


@pytest.mark.slow
def test_worlds_say_in_what_share_the_slow_plan_ends_ahead(tmp_path, capsys):
    worlds = ("study.worlds=3", "study.point.requests=2000", "study.point.replications=2")
    assert main(["value", *SMALL, *worlds, f"results_dir={tmp_path}", "executor=serial"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "The slow plan is shown to end ahead of the fast one in" in said
    (path,) = tmp_path.glob("value/*/worlds.csv")
    drawn = pd.read_csv(path)
    assert {"lead", "lead_finding", "overtaking_month", "rivals.by_context.0"} <= set(drawn)


def test_a_place_in_a_list_is_a_key():
    (point,) = load("value", SMALL)
    changed = varied(point.settings, {"rivals.by_context.0": 3.0, "journey.lasting.3": 5.0}, place="x")
    assert changed.scenario.rivals.by_context == (3.0, 0.5, 1.0, 2.5)
    assert changed.scenario.journey.lasting == (6.0, 1.0, 1.6, 5.0)
    for wrong in ("rivals.by_context.4", "journey.lasting.x", "journey.power.0"):
        with pytest.raises(BadInput, match=f"x: no such key {wrong}"):
            varied(point.settings, {wrong: 1.0}, place="x")


def test_plans_that_are_none_are_all_named():
    with pytest.raises(BadInput) as refused:
        load("value", [*SMALL, "study.overtaking={slow: contnt, fast: tv}"])
    text = " ".join(refused.value.problems)
    assert "study.overtaking.slow = contnt: must be one of bidders.kinds" in text
    assert "did you mean 'content'" in text
    assert "study.overtaking.fast = tv" in text
    with pytest.raises(BadInput, match="slow and fast must name two different kinds"):
        load("value", [*SMALL, "study.overtaking={slow: spot, fast: spot}"])
    with pytest.raises(BadInput, match=r"contexts = \[-1\]: must be whole numbers"):
        load("value", [*SMALL, "bidders.kinds.spot.strategy={name: constant, level: 1, contexts: [-1]}"])
    anonymous = ("scenario=agencies", "bidders.kinds.digital.terms={caps: [{impressions: 1}]}")
    with pytest.raises(BadInput, match=r"bidders.kinds.digital.terms.caps: requires audience.people"):
        load("tournament", anonymous)

"""Departments that bid apart keep, all together, to the terms of their advertiser."""

from __future__ import annotations

import numpy as np
import pytest

from jointbid.experiments.cells.bidders import divided, entrants
from jointbid.experiments.cells.cell import Cell
from jointbid.sim import Scenario, simulate
from jointbid.sim.scenario import Terms


def theory(people=None, hours=24, **bidders):
    return Scenario.model_validate(
        {
            "supply": {"requests": 3_000, "horizon_h": hours},
            "audience": {"people": people},
            "response": {"a": 1, "b": 0.3, "c": 0.2, "d": 0.1},
            "source": {"profile": {"owner": "cio"}, "context": {"owner": "cmo"}},
            "rivals": {"landscape": "uniform", "high": 2},
            "bidders": {"strategy": "truthful", **bidders},
        }
    )


def play(scenario, arm):
    blocks = []
    done = simulate(scenario, entrants(Cell(scenario, arm)), 1, sink=blocks.append)
    return done, {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}


@pytest.mark.parametrize("arm", ["profile", "stacked", "summed", "joint", "split_budget"])
def test_an_advertiser_spends_its_daily_budget_once(arm):
    by_run, _ = play(theory(budget=150), arm)
    by_day, _ = play(theory(terms={"daily_budget": 150}), arm)
    assert by_run.bidders["spend"].sum() == pytest.approx(150, abs=0.1)
    assert by_day.bidders["spend"].tolist() == by_run.bidders["spend"].tolist()
    three, _ = play(theory(hours=72, terms={"daily_budget": 40}), arm)
    assert three.bidders["spend"].sum() == pytest.approx(120, abs=0.2)


@pytest.mark.parametrize("group", ["", "a test of all firms"])
def test_all_departments_leave_the_same_people_out(group):
    scenario = theory(people=60, terms={"holdout": {"share": 0.3, "group": group}})
    reached = {
        arm: set(auctions["person"][auctions["winner"] >= 0].tolist())
        for arm in ("joint", "split_budget")
        for auctions in [play(scenario, arm)[1]]
    }
    assert reached["split_budget"] == reached["joint"]
    assert 30 <= len(reached["joint"]) <= 54


def test_caps_count_what_all_departments_show():
    scenario = theory(people=20, terms={"caps": [{"impressions": 3, "window_h": 24, "window": "calendar"}]})
    for arm in ("joint", "split_budget"):
        _, auctions = play(scenario, arm)
        shown = np.bincount(auctions["person"][auctions["winner"] >= 0], minlength=20)
        assert shown.tolist() == [3] * 20


def test_departments_answer_at_the_same_time():
    """Two departments are no second chance to be in time: without lookups of random length both are late on the same requests."""
    base = theory(answer_ms={"law": "exponential", "mean": 80})
    scenario = base.model_copy(update={"auction": base.auction.model_copy(update={"tmax_ms": 100.0})})
    joint, split = (play(scenario, arm) for arm in ("joint", "split_budget"))
    late = [int(column) for column in split[0].bidders["late"]]
    assert late == [int(joint[0].bidders["late"][0])] * 2


def test_terms_without_limits_stay_as_they_are():
    terms = Terms(flight_h=(2.0, 9.0), day_parts=(3, 4))
    assert divided(terms, "focal", 2) == terms

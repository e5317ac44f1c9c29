"""The scenario `agencies`: kinds of bidders that differ in data, creatives and control, their limits, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from jointbid import Policy, simulate
from jointbid.experiments.cells.bidders import entrants
from jointbid.experiments.cells.cell import Cell
from jointbid.experiments.cli.main import main
from jointbid.experiments.config.points import load
from jointbid.experiments.errors import BadInput
from jointbid.sim import Entrant
from jointbid.sim.scenario import StrategySpec

FAST = ("scenario=agencies", "supply.requests=1500", "plot.enabled=false")
KINDS = ("traditional", "digital", "in_house")


def cell(*kinds, overrides=(), arm="context"):
    (point,) = load("tournament", [*FAST, *overrides])
    lineup = tuple(StrategySpec(name=kind) for kind in kinds)
    return Cell(scenario=point.settings.played_scenario, arm=arm, lineup=lineup)


def bidders(one):
    table = simulate(one.scenario, entrants(one), one.seed, one.replication).bidders
    return {name: column.tolist() for name, column in table.items()}


def test_each_kind_has_its_own_data_creatives_and_control():
    seats = list(entrants(cell(*KINDS)).values())
    assert [seat.information for seat in seats] == [("demographics",), ("context",), ("context", "profile")]
    assert [seat.control_every for seat in seats] == [168, 1, 1]
    assert [seat.report_delay_h for seat in seats] == [None, None, None]
    late = ("bidders.kinds.digital.report_delay_h=24",)
    assert [s.report_delay_h for s in entrants(cell(*KINDS, overrides=late)).values()] == [None, 24.0, None]
    assert [hasattr(seat.strategy.valuation, "creative") for seat in seats] == [False, True, True]


def test_a_kind_that_differs_in_nothing_is_the_plain_strategy_bit_for_bit():
    alike = (
        "bidders.kinds={same: {}, other: {sources: [context], creative: chosen, control_interval_h: 1}}",
        "study.strategies=[same,other]",
    )
    plain = bidders(cell("pid_spend", "pid_spend", overrides=alike))
    assert bidders(cell("same", "other", overrides=alike)) == plain


@pytest.mark.parametrize("kinds", [KINDS, ("digital_weekly", "in_house_one_ad")])
def test_blocks_do_not_change_what_kinds_do(kinds):
    assert bidders(cell(*kinds)) == bidders(cell(*kinds, overrides=("engine.max_block=1",)))


class Noting(Policy):
    """Keeps the hours of its control steps, and bids them, so that a copy's state shows in what it wins."""

    reads = ()
    hours: list[float]

    def __init__(self):
        self.hours = []

    def bid(self, requests):
        return np.full(requests.n, 1.0 + len(self.hours))

    def control(self, state):
        self.hours.append(state.hour)
        SEEN.append(state.hour)


SEEN: list[float] = []


def test_one_of_several_control_steps_is_its_own():
    scenario = cell("digital").scenario
    SEEN.clear()
    simulate(scenario, {"me": Entrant(Noting(), (), control_every=168)}, 1)
    assert SEEN == [0.0, 168.0, 336.0, 504.0]


def test_with_data_that_say_nothing_and_one_ad_all_kinds_are_one():
    same = ("response.b=0", "response.c=0", "creative={}", "bidders.creative=rotated", "bidders.budget=null")
    kinds = "bidders.kinds={a: {sources: [demographics], control_interval_h: 168}, b: {sources: [context, profile]}}"
    two = (*same, kinds, "study.strategies=[a,b]")
    result = bidders(cell("a", "b", overrides=two))
    other = bidders(cell("b", "a", overrides=two))
    assert result["profit"] == other["profit"]
    assert result["wins"] == other["wins"]


def test_a_single_match_can_be_looked_at(tmp_path):
    match = "study.strategies=[traditional,digital,in_house]"
    assert main(["run", *FAST, match, f"results_dir={tmp_path}", "executor=serial"]) == 0


def test_all_contradictions_are_listed():
    wrong = "bidders.kinds={odd: {sources: [contxt], control_interval_h: 1.5}, two: {sources: [crm], creative: chosen}}"
    with pytest.raises(BadInput) as refused:
        load(
            "tournament",
            [*FAST, wrong, "creative={}", "bidders.creative=rotated", "study.strategies=[odd,two]"],
        )
    problems = refused.value.problems
    for part in (
        "bidders.kinds.odd.sources: no source contxt",
        "bidders.kinds.odd.control_interval_h = 1.5: must be a multiple of bidders.control_interval_h = 1",
        "bidders.kinds.two.sources: no source crm",
        "there is nothing to choose among 0 creatives",
    ):
        assert any(part in problem for problem in problems), problems
    assert len(problems) == 4


def test_a_kind_takes_no_name_of_a_strategy_and_no_parameters(tmp_path, capsys):
    with pytest.raises(BadInput, match=r"bidders.kinds.truthful: a strategy has that name"):
        load("tournament", [*FAST, "bidders.kinds.truthful={}"])
    wrong = "study.strategies=[{name: digital, gain: 2}, in_house]"
    assert main(["tournament", *FAST, wrong, f"results_dir={tmp_path}"]) == 2
    assert "digital is one of bidders.kinds" in capsys.readouterr().err

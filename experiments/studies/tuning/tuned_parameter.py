"""Policies retuned on pilots: what each bidder's one parameter should be, given what everybody holds.

A comparison of arms is fair where each is played as well as it can be: pacing that starts too fast, or a gain that is too high,
costs some arms more than others. ``study.tune`` names one parameter of ``bidders.strategy`` and the values to try, on pilot
replications that no estimate uses. ``study.rivals=frozen`` retunes the holders of the arm's data and leaves the others as
configured; ``adapted`` lets both sides answer each other, a few rounds long. A value is judged by one bidder of its side
deviating to it alone, as in a Nash equilibrium; what it could still gain in the end is the remaining regret.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from jointbid.sim.scenario import Scenario, StrategySpec

from ...cells.arms import bidder_names
from ...cells.cell import Cell, Policies, Value, holders_of
from ...cells.replications import TUNING
from ...errors import BadInput
from ...storage.cell_results import CellResults, StudyState

ROUNDS = 4
"""How often each side may answer the other."""


@dataclass
class Side:
    """Bidders who hold the same data: their common value, and what one of them could still gain by another (per replication)."""

    bidders: tuple[str, ...]
    value: Value
    regret: float = 0.0


@dataclass
class Tuned:
    """One arm, by a cell of it, with its sides; ``settled`` when a whole round moved no bidder.

    ``fixed`` is what bidders of no side play, where that is not the configured value.
    """

    cell: Cell
    sides: list[Side]
    fixed: Policies = ()
    settled: bool = False

    @property
    def policies(self) -> Policies:
        """What every bidder plays who does not play the configured value."""
        return (*((name, side.value) for side in self.sides for name in side.bidders), *self.fixed)


def sides_of(cell: Cell, start: Value, *, adapted: bool) -> list[Side]:
    """Who is tuned: the holders of the arm's data, and where rivals adapt the others too."""
    count = cell.scenario.bidders.count
    holders = holders_of(cell.who, count)
    names = tuple(bidder_names(count))
    groups = (names[:holders], names[holders:] if adapted else ())
    return [Side(group, start) for group in groups if group]


def check_parameter(scenario: Scenario, parameter: str, values: Sequence[Any], point: str = "") -> None:
    """Refuse a parameter that the strategy does not have, or values that it does not take; ``point`` says where that is.

    Raises:
        BadInput: with a line for each.
    """
    from jointbid.strategies.market import MarketFacts
    from jointbid.strategies.registry import UnknownStrategyError, make

    spec, problems = scenario.bidders.strategy, []
    place = f"study.tune, at {point}" if point else "study.tune"
    for value in values:
        try:
            make(StrategySpec(name=spec.name, **{**spec.params, parameter: value}), MarketFacts.of(scenario))
        except UnknownStrategyError as error:
            problems.append(f"{place}: {error}")
    if problems:
        raise BadInput(list(dict.fromkeys(problems)))


def tune(
    arms: Sequence[Tuned], parameter: str, values: Sequence[float], state: StudyState
) -> Iterator[list[Cell]]:
    """Tune all arms in step: yields the cells of each answer, and moves a side to the best of them once they are there."""
    for last in [False] * ROUNDS + [True]:
        before = {id(arm): arm.policies for arm in arms}
        for number in range(max((len(arm.sides) for arm in arms), default=0)):
            moving = [arm for arm in arms if not arm.settled and number < len(arm.sides)]
            if moving:
                yield [cell for arm in moving for cell in deviations(arm, number, parameter, values)]
            for arm in moving:
                answer(arm, number, parameter, values, state, stay=last)
        for arm in arms:
            arm.settled = arm.settled or (not last and arm.policies == before[id(arm)])


def deviations(arm: Tuned, number: int, parameter: str, values: Sequence[Value]) -> list[Cell]:
    """The pilots in which one bidder of a side deviates to each of the values, and those in which it does not."""
    return [_cell(arm, number, parameter, value, r) for value in _tried(arm, number, values) for r in TUNING]


def _tried(arm: Tuned, number: int, values: Sequence[Value]) -> list[Value]:
    return list(dict.fromkeys((arm.sides[number].value, *values)))


def _cell(arm: Tuned, number: int, parameter: str, value: Value, replication: int) -> Cell:
    deviating = arm.sides[number].bidders[0]
    policies = {**dict(arm.policies), deviating: value}
    return replace(
        arm.cell, replication=replication, parameter=parameter, policies=tuple(sorted(policies.items()))
    )


def answer(
    arm: Tuned, number: int, parameter: str, values: Sequence[Value], state: StudyState, *, stay: bool
) -> None:
    """Move a side to the value with the highest mean profit of the one who deviates, or only note what that would gain."""
    side = arm.sides[number]
    profits = {
        value: profit
        for value in _tried(arm, number, values)
        if (
            profit := _profit(
                state.of([_cell(arm, number, parameter, value, r) for r in TUNING]), side.bidders[0]
            )
        )
        is not None
    }
    if side.value not in profits:  # its cells failed: it stays as it is
        return
    best = max(profits, key=lambda value: profits[value])
    if stay:
        side.regret = profits[best] - profits[side.value]
    else:
        side.value = best


def _profit(found: CellResults, advertiser: str) -> float | None:
    """Mean profit over the pilots; None where one failed."""
    if len(found) < len(TUNING):
        return None
    rows = (row for _, result in found for row in result.rows)
    return float(sum(row["profit"] for row in rows if row["advertiser"] == advertiser)) / len(TUNING)

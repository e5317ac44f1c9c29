"""Policies retuned wherever a study plays: on its ladder, at every point of its curves and map, in every drawn world."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain

from ...cells.arms import FOCAL, bidder_names
from ...cells.cell import Cell
from ...config.study_settings import Tune
from ...storage.cell_results import StudyState
from ..cell_plans import CellPlan
from .bid_curves import check_curve, refit
from .tuned_parameter import Side, Tuned, check_parameter, sides_of, tune


class Retuned:
    """What is tuned, by the point of a plan and there by arm; nothing where ``study.tune`` is null.

    Args:
        wanted: what to tune.
        plans: where, each with the arms that are played there.

    Raises:
        BadInput: a strategy of one of them does not have the parameter, or does not take the values.
    """

    def __init__(self, wanted: Tune | None, plans: Iterable[tuple[CellPlan, Iterable[str]]]) -> None:
        self.at: dict[str, dict[str, Tuned]] = {}
        self.baseline: dict[str, Tuned] = {}
        """By point, where rivals keep their curves of before: every bidder with the data of ``study.others``."""
        self._wanted = wanted
        if wanted is None:
            return
        for plan, arms in plans:
            there = self.at.setdefault(plan.study_point, {})
            for cell in plan.cells(arms, [0]):
                if cell.arm not in there:
                    there[cell.arm] = self._untuned(wanted, plan, cell)

    def _untuned(self, wanted: Tune, plan: CellPlan, cell: Cell) -> Tuned:
        """An arm that is to be tuned, and its sides."""
        scenario = plan.settings.scenario
        spec, adapted = scenario.bidders.strategy, plan.study.rivals == "adapted"
        if wanted.values is not None:
            check_parameter(scenario, wanted.parameter, wanted.values, plan.study_point)
            start = float(spec.params.get(wanted.parameter, wanted.values[0]))
            return Tuned(cell, sides_of(cell, start, adapted=adapted))
        curve = check_curve(scenario, wanted.parameter, plan.study_point)
        if adapted:
            return Tuned(cell, sides_of(cell, curve, adapted=True))
        if plan.study_point not in self.baseline:
            alike = replace(cell, arm=cell.others, who="universal")
            self.baseline[plan.study_point] = Tuned(alike, sides_of(alike, curve, adapted=False))
        return Tuned(cell, [Side((FOCAL,), curve)])

    def stages(self, state: StudyState) -> Iterator[list[Cell]]:
        """Yield the cells of each step, all points together; then the state has the policies."""
        if self._wanted is None:
            return
        arms = list(chain.from_iterable(there.values() for there in self.at.values()))
        if self._wanted.values is not None:
            yield from tune(arms, self._wanted.parameter, self._wanted.values, state)
        else:
            yield from self._refit(arms, state)
        for point, there in self.at.items():
            state.policies[point] = {arm: tuned.policies for arm, tuned in there.items()}

    def _refit(self, arms: list[Tuned], state: StudyState) -> Iterator[list[Cell]]:
        yield from refit(list(self.baseline.values()), state)
        for point, baseline in self.baseline.items():
            kept = baseline.sides[0].value
            for arm in self.at[point].values():
                arm.sides[0].value = kept
                arm.fixed = tuple((name, kept) for name in bidder_names(arm.cell.scenario.bidders.count)[1:])
        yield from refit(arms, state)

"""Policies retuned wherever a study plays: on its ladder, at every point of its curves and map, in every drawn world."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any

from ...cells.arms import FOCAL, bidder_names
from ...cells.cell import Cell
from ...config.settings import Settings
from ...config.study_settings import Tune
from ...storage.cell_results import StudyState
from ..cell_plans import Plan
from .bid_curves import check_curve, refit
from .tuned_parameter import Side, Tuned, check_parameter, sides_of, tune


@dataclass
class Retuned:
    """What is tuned: by the point of a plan, and there by arm. Nothing where no parameter is named."""

    wanted: Tune | None
    at: dict[str, dict[str, Tuned]] = field(default_factory=dict)
    before: dict[str, Tuned] = field(default_factory=dict)
    """Of points at which rivals keep the curve that they had before information changed: everybody, with that of ``study.others``."""

    @classmethod
    def of(cls, settings: Settings[Any], plans: Iterable[tuple[Plan, Iterable[str]]]) -> Retuned:
        """The plans, each with the arms that are played there.

        Raises:
            BadInput: a strategy of one of them does not have the parameter, or does not take the values.
        """
        found = cls(settings.study.tune)
        for plan, arms in plans if found.wanted else ():
            there = found.at.setdefault(plan.point, {})
            for cell in plan.cells(arms, [0]):
                if cell.arm not in there:
                    there[cell.arm] = found._asked(plan, cell)
        return found

    def _asked(self, plan: Plan, cell: Cell) -> Tuned:
        """An arm that is to be tuned, with who answers whom there."""
        wanted, scenario = self.wanted, plan.settings.scenario
        assert wanted is not None  # noqa: S101 - only then it is called
        spec, adapted = scenario.bidders.strategy, plan.study.rivals == "adapted"
        if wanted.values is not None:
            check_parameter(scenario, wanted.parameter, wanted.values, plan.point)
            start = float(spec.params.get(wanted.parameter, wanted.values[0]))
            return Tuned(cell, sides_of(cell, start, adapted=adapted))
        curve = check_curve(scenario, wanted.parameter, plan.point)
        if adapted:
            return Tuned(cell, sides_of(cell, curve, adapted=True))
        if plan.point not in self.before:
            alike = replace(cell, arm=cell.others, who="universal")
            self.before[plan.point] = Tuned(alike, sides_of(alike, curve, adapted=False))
        return Tuned(cell, [Side((FOCAL,), curve)])

    def stages(self, ledger: StudyState) -> Iterator[list[Cell]]:
        """The cells of each answer, all points in step."""
        if self.wanted is None:
            return
        arms = list(chain.from_iterable(there.values() for there in self.at.values()))
        if self.wanted.values is not None:
            yield from tune(arms, self.wanted.parameter, self.wanted.values, ledger)
            return
        yield from refit(list(self.before.values()), ledger)
        for point, before in self.before.items():
            kept = before.sides[0].value
            for arm in self.at[point].values():
                arm.sides[0].value = kept
                arm.fixed = tuple((name, kept) for name in bidder_names(arm.cell.scenario.bidders.count)[1:])
        yield from refit(arms, ledger)

    def played(self, plan: Plan) -> Plan:
        """The plan, every arm as it was tuned there."""
        there = self.at.get(plan.point)
        if self.wanted is None or not there:
            return plan
        policies = {arm: tuned.policies for arm, tuned in there.items()}
        return replace(plan, parameter=self.wanted.parameter, policies=policies)

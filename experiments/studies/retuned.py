"""Policies retuned wherever a study plays: on its ladder, at every point of its curves and map, in every drawn world."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any

from experiments.cells import Cell
from experiments.runner import Ledger
from experiments.settings import Settings
from experiments.studies.options import Tune
from experiments.studies.tuning import Tuned, check_parameter, sides_of, tune
from experiments.studies.value_cells import Plan


@dataclass
class Retuned:
    """What is tuned: by the point of a plan, and there by arm. Nothing where no parameter is named."""

    wanted: Tune | None
    at: dict[str, dict[str, Tuned]] = field(default_factory=dict)

    @classmethod
    def of(cls, settings: Settings[Any], plans: Iterable[tuple[Plan, Iterable[str]]]) -> Retuned:
        """The plans, each with the arms that are played there.

        Raises:
            BadInput: a strategy of one of them does not have the parameter, or does not take the values.
        """
        study, wanted = settings.study, settings.study.tune
        found = cls(wanted)
        if wanted is None:
            return found
        for plan, arms in plans:
            spec = plan.settings.scenario.bidders.strategy
            check_parameter(plan.settings.scenario, wanted.parameter, wanted.values, plan.point)
            start = float(spec.params.get(wanted.parameter, wanted.values[0]))
            there = found.at.setdefault(plan.point, {})
            for cell in plan.cells(arms, [0]):
                sides = sides_of(cell, start, adapted=study.rivals == "adapted")
                there.setdefault(cell.arm, Tuned(cell, sides))
        return found

    def stages(self, ledger: Ledger) -> Iterator[list[Cell]]:
        """The cells of each answer, all points in step."""
        if self.wanted is not None:
            arms = list(chain.from_iterable(there.values() for there in self.at.values()))
            yield from tune(arms, self.wanted.parameter, self.wanted.values, ledger)

    def played(self, plan: Plan) -> Plan:
        """The plan, every arm as it was tuned there."""
        there = self.at.get(plan.point)
        if self.wanted is None or not there:
            return plan
        policies = {arm: tuned.policies for arm, tuned in there.items()}
        return replace(plan, parameter=self.wanted.parameter, policies=policies)

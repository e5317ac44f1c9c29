"""The study ``attribution``: what each channel is credited with, what it did, and what budgets set by the one for the other cost."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar

import pandas as pd

from ...cells.attribution_season import AS_IS, BY_CLAIMS, BY_LAST_TOUCH, TEST, TRUTH, credit_names, run_cell
from ...cells.cell import Cell
from ...config.study_settings import AttributionSettings
from ...errors import BadInput
from ...estimate.ladder import P_HOLM, SUMMARY_COLUMNS
from ...report.plots.credit import credit_points, draw_credit
from ...report.plots.figure import Figure
from ...report.wording.attribution import budget_table, credit_table, sentences
from ...storage.cell_results import table
from ..base import Row, Study, StudyPart
from .firm import Firm
from .rows import rows
from .worlds import Worlds


class Attribution(Study[AttributionSettings]):
    """Rules and a randomised test against the removal of each channel, replication by replication."""

    headline: ClassVar[Mapping[str, tuple[str, str]]] = {
        "end-to-end view": ("end_to_end_value", "focal_profit"),
        "test over last touch": ("test_over_last_touch", "focal_profit"),
    }
    work = staticmethod(run_cell)

    @property
    def columns(self) -> Sequence[str]:
        """With p-values of the keys where worlds are drawn."""
        return (*SUMMARY_COLUMNS, *([P_HOLM] if self._worlds else []))

    @property
    def parts(self) -> Sequence[StudyPart]:
        """The scenario's own market, and drawn worlds where they are asked for."""
        return (self, *self._worlds)

    def check(self) -> None:
        """Refuse a market without channels, and budgets by unknown rules."""
        study = self.settings.study
        known = [*credit_names(), TEST, TRUTH, AS_IS]
        problems = [
            f"study.budgets: no rule {name!r}; there is: {', '.join(known)}"
            for name in study.budgets
            if name not in known
        ]
        if self.settings.scenario.touchpoints is None:
            problems.append(
                "touchpoints: the study attribution needs a scenario with channels; start from scenario=touchpoints"
            )
        if problems:
            raise BadInput(problems)
        super().check()

    def stages(self) -> Iterator[Collection[Cell]]:
        """Yield the logs, tests and removals; then the next season under every rule's budgets."""
        yield from super().stages()
        yield [*self._next(), *(cell for worlds in self._worlds for cell in worlds.seasons())]

    def cells(self) -> list[Cell]:
        """Return the logs, tests and removals of the scenario's own market."""
        return self._firm.log(self._replications)

    def rows(self, cells: pd.DataFrame) -> Iterator[Row]:  # noqa: ARG002
        """Yield effects, credits and their errors by channel, and profits under each rule's budgets.

        Two rules that set the same budgets share a season, and both have its rows.
        """
        own = table(self.state.of([*self.cells(), *self._next()]))
        yield from rows(own, self._firm, self._budgets)

    def sentences(self, summary: pd.DataFrame) -> Iterator[str]:
        """Yield how wrong the rules are, what that costs, and in how many worlds."""
        count = self.settings.study.worlds
        yield from sentences(summary, self._firm.channels, count)

    def shown(self, summary: pd.DataFrame) -> Iterator[Any]:
        """Yield the tables of credits and of budgets."""
        yield credit_table(summary, self._firm.channels)
        yield budget_table(summary, self._budgets)

    def figures(self, summary: pd.DataFrame) -> Iterator[Figure]:
        """Yield what each channel is credited with against what it did."""
        yield Figure("credit", credit_points(summary), draw_credit)

    def about(self) -> Mapping[str, Any]:
        """Return whose log each channel is in."""
        return {"owners": {name: channel.owner for name, channel in self._firm.plan.channels.items()}}

    def _next(self) -> list[Cell]:
        return self._firm.next(self._replications, self._budgets, self.state)

    @property
    def _replications(self) -> range:
        return range(self.settings.study.replications)

    @property
    def _firm(self) -> Firm:
        return Firm(self.settings)

    @property
    def _budgets(self) -> list[str]:
        """What budgets are set by: as configured, and what the sentences compare."""
        return list(dict.fromkeys((*self.settings.study.budgets, BY_LAST_TOUCH, BY_CLAIMS, TEST, TRUTH)))

    @cached_property
    def _worlds(self) -> list[Worlds]:
        return [Worlds(self.settings, self.state)] if self.settings.study.worlds else []

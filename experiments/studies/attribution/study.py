"""The study ``attribution``: what each channel is credited with, what it did, and what budgets set by the one for the other cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, ClassVar

from ...cells.attribution_season import (
    AS_IS,
    SILO,
    TEST,
    TRUTH,
    UNIFIED,
    credit_names,
    run_cell,
)
from ...cells.cell import Cell, CellResult
from ...errors import BadInput
from ...storage.cell_results import StudyState, table
from ..base import Said, Study
from . import worlds
from .firm import Firm

if TYPE_CHECKING:
    import pandas as pd

    from ...report.plots.figure import Figure


class Attribution(Study):
    """Rules and a randomised test against the removal of each channel, replication by replication."""

    headline: ClassVar[Mapping[str, tuple[str, str]]] = {
        "end-to-end view": ("end_to_end_value", "focal_profit"),
        "test over last touch": ("test_over_last_touch", "focal_profit"),
    }

    def check(self) -> None:
        """Refuse a market without channels, and budgets by what there is not."""
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
        _ = self._worlds

    @staticmethod
    def work(cell: Cell) -> CellResult:
        """Campaigns by channel, their log and their test."""
        return run_cell(cell)

    def stages(self, ledger: StudyState) -> Iterator[list[Cell]]:
        """The logs, tests and removals; then the next season under every rule's budgets."""
        replications = range(self.settings.study.replications)
        yield [*self._firm.log(replications), *worlds.logs(self._worlds)]
        yield [
            *self._firm.next(replications, self._budgets, ledger),
            *worlds.seasons(self._worlds, ledger),
        ]

    def summary(self, cells: pd.DataFrame, ledger: StudyState) -> pd.DataFrame:  # noqa: ARG002
        """Effects, credits and their errors by channel; profits under each rule's budgets; shares of worlds."""
        import pandas as pd

        from ...estimate import P_HOLM, SUMMARY_COLUMNS
        from .rows import rows

        further = worlds.rows(worlds.table(self._worlds, ledger), self.settings) if self._worlds else ()
        found = [*rows(self._own(ledger), self._firm, self._budgets), *further]
        return pd.DataFrame(found, columns=[*SUMMARY_COLUMNS, *([P_HOLM] if self._worlds else [])])

    def say(self, summary: pd.DataFrame, ledger: StudyState) -> Said:  # noqa: ARG002
        """The two tables, and what the sentence is worth here."""
        from ...report.wording.attribution import budget_table, credit_table, sentences

        return Said(
            verdict=tuple(sentences(summary, self._firm.channels, len(self._worlds))),
            shown=(credit_table(summary, self._firm.channels), budget_table(summary, self._budgets)),
        )

    def figures(self, summary: pd.DataFrame, ledger: StudyState) -> Iterator[Figure]:  # noqa: ARG002
        """What each channel is credited with against what it did."""
        from ...report.plots import credit_points, draw_credit
        from ...report.plots.figure import Figure

        points = credit_points(summary)
        yield Figure("credit", points, partial(draw_credit, points))

    def tables(self, summary: pd.DataFrame, ledger: StudyState) -> Mapping[str, pd.DataFrame]:  # noqa: ARG002
        """Every drawn world."""
        return {"worlds": worlds.table(self._worlds, ledger)} if self._worlds else {}

    def about(self, ledger: StudyState) -> Mapping[str, Any]:  # noqa: ARG002
        """Whose log each channel is in."""
        return {"owners": {name: channel.owner for name, channel in self._firm.plan.channels.items()}}

    def _own(self, ledger: StudyState) -> pd.DataFrame:
        """The cells of the scenario's own market; two rules that set the same budgets share a season, and both have its rows."""
        replications = range(self.settings.study.replications)
        seasons = self._firm.next(replications, self._budgets, ledger)
        return table(ledger.of([*self._firm.log(replications), *seasons]))

    @property
    def _firm(self) -> Firm:
        return Firm(self.settings)

    @property
    def _budgets(self) -> list[str]:
        """What budgets are set by: as asked for, and what the sentences compare."""
        needed = (f"{UNIFIED}/last_touch", f"{SILO}/last_touch", TEST, TRUTH)
        return list(dict.fromkeys((*self.settings.study.budgets, *needed)))

    @cached_property
    def _worlds(self) -> list[worlds.World]:
        return worlds.worlds(self.settings)

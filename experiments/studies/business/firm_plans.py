"""What the study `value` adds where the firm has plans: levels of collaboration, data of its own to be built, two ways to spend money, better data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from ...cells.cell import Cell
from ...config.settings import Settings
from ...config.value_settings import ValueStudy
from ...report.wording import collaboration_levels as level_words
from ...storage.cell_results import StudyState
from . import collaboration_levels as levels
from . import overtaking, upgrade
from . import own_data as switching

if TYPE_CHECKING:
    import pandas as pd

    from ...report.plots.figure import Figure


class FirmPlans:
    """Cells, rows, sentences, tables and figures of all plans; nothing of any where there is no plan."""

    def __init__(self, settings: Settings[ValueStudy]) -> None:
        self._settings = settings

    def check(self) -> None:
        """Make every market that is needed.

        Raises:
            BadInput: one of them is none.
        """
        _ = self._steps, self._building, self._upgrade

    def cells(self) -> list[Cell]:
        """All that is needed beside the ladder."""
        plans = self._plans.cells(self._replications) if self._plans else []
        better = self._upgrade.cells(self._replications) if self._upgrade else []
        return [*levels.cells(self._steps), *switching.cells(self._building), *plans, *better]

    def rows(self, ladder: pd.DataFrame, ledger: StudyState) -> Iterator[dict[str, Any]]:
        """For ``summary.csv``; ``ladder`` are its cells."""
        yield from levels.rows(self._settings, self._levels(ledger))
        yield from levels.staying_out(self._settings, ladder)
        yield from switching.rows(self._settings, self._building, ledger)
        yield from overtaking.rows(self._plans, self._replications, ledger)
        yield from upgrade.rows(self._upgrade, self._replications, ledger)

    def sentences(self, summary: pd.DataFrame) -> Iterator[str]:
        """For the verdict."""
        yield from level_words.sentences(summary, self._settings)
        yield from switching.sentences(summary, self._settings)
        yield from overtaking.sentences(summary, self._settings)
        yield from upgrade.sentences(summary, self._settings)

    def tables(self, ledger: StudyState) -> Mapping[str, pd.DataFrame]:
        """``levels``, ``own_data`` and ``overtaking``."""
        found = self._levels(ledger)
        tables = {
            "levels": levels.level_table(self._settings, found) if found else None,
            "own_data": switching.month_table(self._settings, self._building, ledger),
            "overtaking": overtaking.month_table(self._plans, self._replications, ledger),
        }
        return {name: table for name, table in tables.items() if table is not None}

    def figures(self, ledger: StudyState) -> Iterator[Figure]:
        """A plot of each table."""
        from ...report import plots
        from ...report.plots.figure import Figure

        draw = {
            "levels": plots.draw_levels,
            "own_data": plots.draw_months,
            "overtaking": plots.draw_lead,
        }
        for name, table in self.tables(ledger).items():
            yield Figure(name, table, partial(draw[name], table))

    @cached_property
    def _steps(self) -> list[levels.Step]:
        return levels.steps(self._settings)

    @cached_property
    def _building(self) -> switching.Steps | None:
        return switching.steps(self._settings)

    @cached_property
    def _plans(self) -> overtaking.Plans | None:
        return overtaking.plans(self._settings)

    @cached_property
    def _upgrade(self) -> upgrade.Upgrade | None:
        return upgrade.upgrade(self._settings)

    @property
    def _replications(self) -> range:
        return range(self._settings.study.replications)

    def _levels(self, ledger: StudyState) -> dict[tuple[str, str], levels.Readings]:
        return levels.readings(self._settings, self._steps, ledger)

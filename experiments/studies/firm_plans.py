"""What the study `value` adds where the firm has plans for its data: levels of collaboration, data of its own to be built."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from experiments.cells import Cell
from experiments.runner import Ledger
from experiments.settings import Settings, ValueStudy
from experiments.studies import level_words, levels, switching
from experiments.studies.base import Figure

if TYPE_CHECKING:
    import pandas as pd


class FirmPlans:
    """Cells, rows, sentences, tables and figures of both plans; nothing of either where there is no plan."""

    def __init__(self, settings: Settings[ValueStudy]) -> None:
        self._settings = settings

    def check(self) -> None:
        """Make every market that is needed.

        Raises:
            BadInput: one of them is none.
        """
        _ = self._steps, self._building

    def cells(self) -> list[Cell]:
        """All that is needed beside the ladder."""
        return [*levels.cells(self._steps), *switching.cells(self._building)]

    def rows(self, ladder: pd.DataFrame, ledger: Ledger) -> Iterator[dict[str, Any]]:
        """For ``summary.csv``; ``ladder`` are its cells."""
        yield from levels.rows(self._settings, self._levels(ledger))
        yield from levels.staying_out(self._settings, ladder)
        yield from switching.rows(self._settings, self._building, ledger)

    def sentences(self, summary: pd.DataFrame) -> Iterator[str]:
        """For the verdict."""
        yield from level_words.sentences(summary, self._settings)
        yield from switching.sentences(summary, self._settings)

    def tables(self, ledger: Ledger) -> Mapping[str, pd.DataFrame]:
        """``levels`` and ``own_data``."""
        found = self._levels(ledger)
        tables = {"levels": levels.level_table(self._settings, found)} if found else {}
        months = switching.month_table(self._settings, self._building, ledger)
        return tables if months is None else {**tables, "own_data": months}

    def figures(self, ledger: Ledger) -> Iterator[Figure]:
        """A plot of each table."""
        from experiments import plots

        draw = {"levels": plots.draw_levels, "own_data": plots.draw_months}
        for name, table in self.tables(ledger).items():
            yield Figure(name, table, partial(draw[name], table))

    @cached_property
    def _steps(self) -> list[levels.Step]:
        return levels.steps(self._settings)

    @cached_property
    def _building(self) -> switching.Steps | None:
        return switching.steps(self._settings)

    def _levels(self, ledger: Ledger) -> dict[tuple[str, str], levels.Readings]:
        return levels.readings(self._settings, self._steps, ledger)

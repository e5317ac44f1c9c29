"""The study ``tournament``: strategies against each other, with the same data, budgets and draws for all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar

import pandas as pd

from jointbid.strategies.plugins import origin, plugins

from ...cells.cell import TOGETHER, Cell
from ...cells.match import run_match
from ...cells.replications import TUNING
from ...config.lineup import Lineup, lineup_of
from ...config.study_settings import TournamentSettings
from ...estimate.metrics import at_point
from ...estimate.tournament import Results
from ...report.plots.figure import Figure
from ...report.plots.tournament import draw_payoffs, draw_ranks
from ...report.strategy_names import notes as notes_on_names
from ...report.wording.tournament import notes, payoff_table, ranking_table, verdict
from ...storage.cell_results import table
from ..base import Row, Study, StudyPart
from .matches import Matches
from .worlds import Worlds


class Tournament(Study[TournamentSettings]):
    """All strategies in one market, and each two of them, themselves included, in both seats."""

    headline: ClassVar[Mapping[str, tuple[str, str]]] = {
        "first strategy's score": ("score_together", "profit")
    }
    work = staticmethod(run_match)

    @property
    def columns(self) -> None:
        """All that the rows have."""

    @cached_property
    def parts(self) -> Sequence[StudyPart]:
        """The tournament itself, and drawn worlds where they are asked for."""
        if not self.settings.study.worlds:
            return (self,)
        return self, Worlds(self.settings, self.state, self._matches, self._leader)

    def cells(self) -> list[Cell]:
        """Return all matches: the market of all first, as that tries every strategy."""
        return [*self._played, *self._matches.pairings(TUNING)]

    def rows(self, cells: pd.DataFrame) -> list[Row]:
        """Return scores, ranks, comparisons and regrets."""
        own = self._matches.results(at_point(cells, ""), self.state)
        return own.summary().to_dict("records")

    def tables(self, summary: pd.DataFrame) -> Mapping[str, pd.DataFrame]:  # noqa: ARG002
        """Return the ranking, all paired comparisons, and the payoff matrix with its regrets."""
        results = self._results
        found = {"ranking": results.ranked, "comparisons": results.compared}
        return found | ({"payoffs": results.payoffs} if results.matrix else {})

    def sentences(self, summary: pd.DataFrame) -> list[str]:  # noqa: ARG002
        """Return a sentence for the ranking of each format."""
        results = self._results
        return [verdict(results.ranked, format_) for format_ in results.scores]

    def notes(self, summary: pd.DataFrame) -> Iterator[str]:
        """Yield what the lineup leaves out, and what is close."""
        yield from self._field.notes()
        yield from notes(summary)
        yield from notes_on_names(self._results.strategies)

    def shown(self, summary: pd.DataFrame) -> Iterator[Any]:
        """Yield the ranking of each format, and the payoffs."""
        results = self._results
        yield from (ranking_table(summary, results.ranked, format_) for format_ in results.scores)
        if results.matrix:
            yield payoff_table(results.payoffs)

    def figures(self, summary: pd.DataFrame) -> Iterator[Figure]:  # noqa: ARG002
        """Yield the ranks that the comparisons allow, and the payoff matrix."""
        results = self._results
        yield Figure("ranks", results.ranked, draw_ranks)
        if results.matrix:
            yield Figure("payoffs", results.payoffs, draw_payoffs)

    def about(self) -> Mapping[str, Any]:
        """Return how many replications, the strategies, the best response to each, and the packages that bring them."""
        results, installed = self._results, plugins()
        own = [spec.name for spec in self._field.strategies if spec.name in installed]
        return {
            "plugins": {name: origin(installed[name]) for name in own},
            "replications": self.settings.study.replications,
            "strategies": list(results.strategies),
            "best_response": results.best if results.matrix else {},
        }

    @cached_property
    def _field(self) -> Lineup:
        return lineup_of(self.settings)

    @cached_property
    def _matches(self) -> Matches:
        return Matches(self.settings, self._field.strategies)

    @property
    def _played(self) -> list[Cell]:
        own, replications = self._matches, range(self.settings.study.replications)
        return [*own.together(replications), *own.pairings(replications)]

    @cached_property
    def _results(self) -> Results:
        once = {cell.key: cell for cell in self._played}  # of two strategies, the market of all is a pairing
        return self._matches.results(table(self.state.of(list(once.values()))), self.state)

    def _leader(self) -> str:
        """The strategy that earns most in the market of all."""
        ranked = self._results.ranked
        return str(ranked.loc[ranked["format"] == TOGETHER, "strategy"].iloc[0])

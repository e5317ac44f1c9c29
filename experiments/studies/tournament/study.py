"""The study ``tournament``: strategies against each other, with the same data, budgets and draws for all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, ClassVar

from ...cells.cell import TOGETHER, Cell, CellResult
from ...config.lineup import Field, field_of
from ...storage.cell_results import StudyState, table
from ..base import Said, Study
from . import worlds
from .matches import PILOT, Matches

if TYPE_CHECKING:
    import pandas as pd

    from ...estimate.tournament import Results
    from ...report.plots.figure import Figure


class Tournament(Study):
    """All strategies in one market, and each two of them, themselves included, in both seats."""

    headline: ClassVar[Mapping[str, tuple[str, str]]] = {
        "first strategy's score": ("score_together", "profit")
    }

    def check(self) -> None:
        """Refuse worlds that cannot be drawn."""
        _ = self._worlds

    @staticmethod
    def work(cell: Cell) -> CellResult:
        """One match."""
        from ...cells.match import run_match

        return run_match(cell)

    def stages(self, ledger: StudyState) -> Iterator[list[Cell]]:  # noqa: ARG002 - nothing is decided on the way
        """All at once: the market of all first, as that tries every strategy."""
        own, replications = self._matches, range(self.settings.study.replications)
        drawn = [cell for world in self._worlds for cell in world.cells]
        yield [*own.together(replications), *own.pairings(replications), *own.pairings(PILOT), *drawn]

    def summary(self, cells: pd.DataFrame, ledger: StudyState) -> pd.DataFrame:
        """Scores, ranks, comparisons and regrets; and shares of worlds."""
        import pandas as pd

        own = self._matches.results(cells[cells["study_point"] == ""], ledger)
        if not self._worlds:
            return own.summary()
        further = worlds.rows(self._drawn(ledger), leader_of(own), self._matches.names, self.settings)
        return pd.concat([own.summary(), pd.DataFrame(list(further))], ignore_index=True)

    def tables(self, summary: pd.DataFrame, ledger: StudyState) -> Mapping[str, pd.DataFrame]:  # noqa: ARG002
        """The ranking, all paired comparisons, the payoff matrix with its regrets, and every drawn world."""
        results = self._results_of(ledger)
        found = {"ranking": results.ranked, "comparisons": results.compared}
        if results.matrix:
            found["payoffs"] = results.payoffs
        if self._worlds:
            found["worlds"] = self._drawn(ledger)
        return found

    def say(self, summary: pd.DataFrame, ledger: StudyState) -> Said:
        """The ranking of each format, the payoffs, and a sentence for each ranking; then what drawn worlds show."""
        from ...report.wording import tournament_worlds as words
        from ...report.wording.tournament import notes, payoff_table, ranking_table, verdict

        results = self._results_of(ledger)
        shown = [ranking_table(summary, results.ranked, format_) for format_ in results.scores]
        if results.matrix:
            shown.append(payoff_table(results.payoffs))
        names, count = self._matches.names, len(self._worlds)
        if count:
            shown.append(words.world_table(summary, names, count))
        ranks = [verdict(results.ranked, format_) for format_ in results.scores]
        return Said(
            verdict=(*ranks, *words.sentences(summary, names, count)),
            notes=(
                *self._field.notes(),
                *notes(summary),
                *words.notes(self.settings.scenario, self.settings.study.curve.requests, count),
            ),
            shown=tuple(shown),
        )

    def figures(self, summary: pd.DataFrame, ledger: StudyState) -> Iterator[Figure]:  # noqa: ARG002
        """The ranks that the comparisons allow, the payoff matrix, and who is ahead in each drawn world."""
        from ...report.plots import draw_payoffs, draw_ranks, draw_worlds
        from ...report.plots.figure import Figure

        results = self._results_of(ledger)
        yield Figure("ranks", results.ranked, partial(draw_ranks, results.ranked))
        if results.matrix:
            yield Figure("payoffs", results.payoffs, partial(draw_payoffs, results.payoffs))
        if len(found := self._drawn(ledger)):
            yield Figure("worlds", found, partial(draw_worlds, found, results.unit))

    def about(self, ledger: StudyState) -> Mapping[str, Any]:
        """How many replications, the strategies, the best response to each, and the packages that bring them."""
        from jointbid.strategies.plugins import origin, plugins

        results, installed = self._results_of(ledger), plugins()
        own = [spec.name for spec in self._field.strategies if spec.name in installed]
        return {
            "plugins": {name: origin(installed[name]) for name in own},
            "replications": self.settings.study.replications,
            "strategies": list(results.strategies),
            "best_response": results.best if results.matrix else {},
        }

    # -- cells ----------------------------------------------------------------------------------------------------

    @cached_property
    def _field(self) -> Field:
        return field_of(self.settings)

    @cached_property
    def _matches(self) -> Matches:
        return Matches(self.settings, self._field.strategies)

    @cached_property
    def _worlds(self) -> list[worlds.World]:
        return worlds.worlds(self.settings, self._field.strategies)

    # -- results --------------------------------------------------------------------------------------------------

    def _results_of(self, ledger: StudyState) -> Results:
        own, replications = self._matches, range(self.settings.study.replications)
        cells = [*own.together(replications), *own.pairings(replications)]
        once = {
            cell.key: cell for cell in cells
        }  # of two strategies, the market of all is one of the pairings
        return own.results(table(ledger.of(list(once.values()))), ledger)

    def _drawn(self, ledger: StudyState) -> pd.DataFrame:
        """A row a world; empty where none is asked for."""
        import pandas as pd

        if not self._worlds:
            return pd.DataFrame()
        return worlds.world_table(self._worlds, leader_of(self._results_of(ledger)), ledger)


def leader_of(results: Results) -> str:
    """Who earns most in the market of all."""
    ranked = results.ranked
    return str(ranked.loc[ranked["format"] == TOGETHER, "strategy"].iloc[0])

"""The study ``tournament``: strategies against each other, with the same data, budgets and draws for all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property, partial
from itertools import product
from typing import TYPE_CHECKING, Any, ClassVar

from experiments.arms import SPLIT_BUDGET
from experiments.cells import PILOTS, Cell, CellResult, label
from experiments.errors import BadInput
from experiments.found import Ledger, table
from experiments.studies.base import Figure, Said, Study
from experiments.studies.field import Field, field_of
from experiments.studies.value_cells import unit
from sim.scenario import StrategySpec

if TYPE_CHECKING:
    import pandas as pd

    from experiments.estimate.tournament import Results

PILOT = tuple(range(3 * PILOTS, 3 * PILOTS + 4))
"""Replications on which best responses are chosen; no estimate uses them."""


class Tournament(Study):
    """All strategies in one market, and each two of them, themselves included, in both seats."""

    headline: ClassVar[Mapping[str, tuple[str, str]]] = {
        "first strategy's score": ("score_together", "profit")
    }

    def check(self) -> None:
        """Refuse strategies that cannot be made or told apart, and a market in which seats differ."""
        problems = [*self._strategy_problems()]
        if self.settings.scenario.auction.bidder_floor_cpm:
            problems.append(
                "auction.bidder_floor_cpm: the seats of a tournament have no floors of their own; leave it empty"
            )
        if self.settings.study.arm == SPLIT_BUDGET:
            problems.append(
                f"study.arm = {SPLIT_BUDGET}: must be an arm with one campaign, as a seat is one bidder"
            )
        if problems:
            raise BadInput(problems)

    @staticmethod
    def work(cell: Cell) -> CellResult:
        """One match."""
        from experiments.studies.match import run_match

        return run_match(cell)

    def stages(self, ledger: Ledger) -> Iterator[list[Cell]]:  # noqa: ARG002 - nothing is decided on the way
        """All at once: the market of all first, as that tries every strategy."""
        replications = range(self.settings.study.replications)
        yield [*self._together(replications), *self._pairings(replications), *self._pairings(PILOT)]

    def summary(self, cells: pd.DataFrame, ledger: Ledger) -> pd.DataFrame:
        """Scores, ranks, comparisons and regrets."""
        return self._results(cells, ledger).summary()

    def tables(self, summary: pd.DataFrame, ledger: Ledger) -> Mapping[str, pd.DataFrame]:  # noqa: ARG002
        """The ranking, all paired comparisons, and the payoff matrix with its regrets."""
        results = self._results_of(ledger)
        found = {"ranking": results.ranked, "comparisons": results.compared}
        return found | ({"payoffs": results.payoffs} if results.matrix else {})

    def say(self, summary: pd.DataFrame, ledger: Ledger) -> Said:
        """The ranking of each format, the payoffs, and a sentence for each ranking."""
        from experiments.tournament_tables import notes, payoff_table, ranking_table, verdict

        results = self._results_of(ledger)
        shown = [ranking_table(summary, results.ranked, format_) for format_ in results.scores]
        if results.matrix:
            shown.append(payoff_table(results.payoffs))
        return Said(
            verdict=tuple(verdict(results.ranked, format_) for format_ in results.scores),
            notes=(*self._field.notes(), *notes(summary)),
            shown=tuple(shown),
        )

    def figures(self, summary: pd.DataFrame, ledger: Ledger) -> Iterator[Figure]:  # noqa: ARG002
        """The ranks that the comparisons allow, and the payoff matrix."""
        from experiments.plots import draw_payoffs, draw_ranks

        results = self._results_of(ledger)
        yield Figure("ranks", results.ranked, partial(draw_ranks, results.ranked))
        if results.matrix:
            yield Figure("payoffs", results.payoffs, partial(draw_payoffs, results.payoffs))

    def about(self, ledger: Ledger) -> Mapping[str, Any]:
        """How many replications, the strategies, the best response to each, and the packages that bring them."""
        from strategies.plugins import origin, plugins

        results, installed = self._results_of(ledger), plugins()
        own = [spec.name for spec in self._strategies if spec.name in installed]
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

    @property
    def _strategies(self) -> tuple[StrategySpec, ...]:
        return self._field.strategies

    def _together(self, replications: range) -> list[Cell]:
        """The market of all, as often as there are seats: everybody moves on by one, so that all have sat everywhere."""
        given = self._strategies
        seatings = [given[first:] + given[:first] for first in range(len(given))]
        return [self._cell(seating, replication) for replication in replications for seating in seatings]

    def _pairings(self, replications: range | tuple[int, ...]) -> list[Cell]:
        if not self.settings.study.pairings:
            return []
        pairs = list(product(self._strategies, repeat=2))
        return [self._cell(pair, replication) for replication in replications for pair in pairs]

    def _cell(self, lineup: tuple[StrategySpec, ...], replication: int) -> Cell:
        study, settings = self.settings.study, self.settings
        return Cell(
            scenario=settings.market,
            arm=study.arm,
            valuation=study.valuation,
            train_requests=study.train_requests,
            learner=study.learner,
            seed=settings.seed,
            replication=replication,
            lineup=lineup,
        )

    # -- results --------------------------------------------------------------------------------------------------

    def _results_of(self, ledger: Ledger) -> Results:
        replications = range(self.settings.study.replications)
        cells = [*self._together(replications), *self._pairings(replications)]
        once = {
            cell.key: cell for cell in cells
        }  # of two strategies, the market of all is one of the pairings
        return self._results(table(ledger.of(list(once.values()))), ledger)

    def _results(self, cells: pd.DataFrame, ledger: Ledger) -> Results:
        from experiments.estimate.tournament import Results

        scale, money = unit(self.settings.scenario)
        return Results(
            cells=cells,
            strategies=tuple(map(label, self._strategies)),
            pilot=table(ledger.of(self._pairings(PILOT))),
            scale=scale,
            unit=money,
            budget=self.settings.scenario.bidders.budget,
        )

    # -- checks ---------------------------------------------------------------------------------------------------

    def _strategy_problems(self) -> Iterator[str]:
        from strategies.market import Market
        from strategies.registry import UnknownStrategyError, make

        if len(self._strategies) < 2:
            yield f"study.strategies: name two or more; {' '.join(self._field.notes())}"
        market, seen = Market.of(self.settings.scenario), dict[str, int]()
        for number, spec in enumerate(self._strategies):
            name = label(spec)
            if name in seen:
                yield f"study.strategies.{number} = {name}: is there already; strategies must differ in name or parameters"
            seen[name] = number
            if spec.name in self.settings.scenario.bidders.kinds:
                if spec.params:
                    yield f"study.strategies.{number}: {spec.name} is one of bidders.kinds, where its parameters stand; leave them out"
                continue
            try:
                make(spec, market)
            except UnknownStrategyError as error:
                yield f"study.strategies.{number}: {error}"

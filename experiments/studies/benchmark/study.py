"""The study ``benchmark``: strategies on a versioned suite of markets, with joint data and without, on seeds set apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, ClassVar

import pandas as pd

from jointbid.sim.scenario import StrategySpec
from jointbid.strategies.fingerprint import fingerprint
from jointbid.strategies.market import MarketFacts
from jointbid.strategies.plugins import origin, plugins
from jointbid.strategies.registry import BUILT_IN, UnknownStrategyError, find, make

from ...cells.benchmark_game import run_game
from ...cells.cell import Cell, code_version, label
from ...cells.lattice import NONE
from ...cells.versions import version
from ...config.points import digest, load
from ...config.study_settings import BenchmarkSettings
from ...errors import BadInput, closest
from ...estimate.benchmark import INFORMATION, SCORE, UNIT, Scores, scores_of
from ...estimate.intervals import Estimate, mean_interval
from ...estimate.ladder import row_of
from ...report.numbers import estimate_of
from ...report.plots.benchmark import draw_scores
from ...report.plots.figure import Figure
from ...report.strategy_names import notes as notes_on_names
from ...report.wording import benchmark as words
from ...storage.cell_results import table
from ..base import Row, Study
from .suites import SUITES, Suite, SuiteMarket, addresses, arms, lineup_of, scenario_of

DIGITS = 9
"""Significant digits of a utility in the result file."""


class Benchmark(Study[BenchmarkSettings]):
    """Each strategy in every market of the suite, with joint data and with the CMO's alone."""

    headline: ClassVar[Mapping[str, tuple[str, str]]] = {"first strategy's score": (SCORE, SCORE)}
    work = staticmethod(run_game)

    @property
    def suite(self) -> Suite:
        """The suite."""
        return SUITES[self.settings.study.suite]

    @property
    def markets(self) -> tuple[SuiteMarket, ...]:
        """The markets that are played."""
        wanted = self.settings.study.markets
        return tuple(one for one in self.suite.markets if wanted is None or one.name in wanted)

    @cached_property
    def strategies(self) -> tuple[StrategySpec, ...]:
        """The strategies that are scored."""
        return self.settings.study.strategies or tuple(StrategySpec(name=name) for name in BUILT_IN)

    @property
    def is_complete(self) -> bool:
        """Whether this makes a result of the suite."""
        study = self.settings.study
        return (
            study.replications == self.suite.replications
            and len(self.markets) == len(self.suite.markets)
            and study.requests is None
            and study.split == "test"
        )

    def check(self) -> None:
        """Refuse another market or seed than the suite's, and strategies that cannot play anywhere."""
        problems = [*self._fixed(), *self._named()]
        if problems:
            raise BadInput(problems)

    def _fixed(self) -> Iterator[str]:
        (default,) = load("benchmark")
        if self.settings.scenario != default.settings.scenario:
            yield (
                "benchmark: its markets are fixed, so that results can be compared; to try a strategy in one that is changed, "
                "jointbid run scenario=v1/tight_budget bidders.budget=100 strategy=NAME"
            )
        if self.settings.seed != default.settings.seed:
            yield f"seed = {self.settings.seed}: the benchmark has seeds of its own; study.split=train has others, for tuning"
        known = [market.name for market in self.suite.markets]
        for name in self.settings.study.markets or ():
            if name not in known:
                yield f"study.markets: {name!r} is none of {', '.join(known)}{closest(name, known)}"

    def _named(self) -> Iterator[str]:
        seen = set()
        for number, spec in enumerate(self.strategies):
            place = f"study.strategies.{number}"
            try:
                find(spec.name)
            except UnknownStrategyError as error:
                yield f"{place}: {error}"
                continue
            if label(spec) in seen:
                yield f"{place} = {label(spec)}: is there already; strategies must differ in name or parameters"
            seen.add(label(spec))
            reasons = [self._obstacle(spec, market) for market in self.markets]
            if reasons and all(reasons):
                yield f"{place}: {label(spec)} can play in none of the markets: {reasons[0]}"

    def _scenario(self, market: SuiteMarket) -> Any:
        return scenario_of(self.settings.study.suite, market.name, self.settings.study.requests)

    def _obstacle(self, spec: StrategySpec, market: SuiteMarket) -> str:
        """Return why a strategy cannot be made for a market; empty where it can."""
        scenario = self._scenario(market)
        try:
            make(spec, MarketFacts.of(scenario), scenario.engine.strategy_timeout_s)
        except UnknownStrategyError as error:
            return str(error).removeprefix(f"strategy {spec.name!r}: ")
        return ""

    @cached_property
    def obstacles(self) -> dict[tuple[str, str], str]:
        """(market, strategy) -> why it cannot play there."""
        found = {(m.name, label(s)): self._obstacle(s, m) for m in self.markets for s in self.strategies}
        return {key: why for key, why in found.items() if why}

    def cells(self) -> list[Cell]:
        """Return all games, those of the bidder without data first."""
        return self._cells

    @cached_property
    def _cells(self) -> list[Cell]:
        return [
            cell
            for replication in range(self.settings.study.replications)
            for market in self.markets
            for cell in self._games(market, replication)
        ]

    def _games(self, market: SuiteMarket, replication: int) -> Iterator[Cell]:
        scenario = self._scenario(market)

        def cell(arm: str, information: str, spec: StrategySpec) -> Cell:
            return Cell(
                scenario,
                arm,
                market.valuation,
                train_requests=market.train_requests,
                seed=self.suite.seeds[self.settings.study.split],
                replication=replication,
                study_point=f"{market.name}/{information}",
                lineup=lineup_of(scenario, spec),
                replayed=market.replayed,
                target_cpa=market.target_cpa,
            )

        yield cell(NONE, NONE, scenario.bidders.strategy)
        for information, arm in arms(scenario).items():
            for spec in self.strategies:
                if (market.name, label(spec)) not in self.obstacles:
                    yield cell(arm, information, spec)

    @property
    def games(self) -> list[str]:
        """The games by name: ``tight_budget/joint``."""
        return [f"{market.name}/{information}" for market in self.markets for information in INFORMATION]

    @cached_property
    def scores(self) -> Scores:
        """The scores of all that was played."""
        cells = table(self.state.of(self.cells()))
        return scores_of(cells, tuple(map(label, self.strategies)), self.games)

    def rows(self, cells: pd.DataFrame) -> Iterator[Row]:  # noqa: ARG002
        """Yield scores over all games, with each set of data, in each game; what joint data add; ranks and differences."""
        scores = self.scores
        for name in scores.strategies:
            yield row_of(SCORE, name, SCORE, UNIT, mean_interval(scores.total[name]))
            for information in INFORMATION:
                yield row_of(f"{SCORE}_{information}", name, SCORE, UNIT, scores.of(information, name))
            yield row_of("gain_of_joint_data", name, SCORE, UNIT, scores.gain(name))
        for row in scores.by_game.to_dict("records"):
            game = f"{SCORE}_{row['market']}_{row['information']}"
            yield row_of(game, row["strategy"], SCORE, UNIT, estimate_of(row))
        for row in scores.ranked.to_dict("records"):
            ranks = Estimate(row["rank"], row["rank_best"], row["rank_worst"], row["n_replications"])
            yield row_of("rank", row["strategy"], SCORE, "rank", ranks)
        for row in scores.compared.to_dict("records"):
            sides = f"{row['strategy']} - {row['other']}"
            yield row_of("difference", sides, SCORE, UNIT, estimate_of(row))

    def tables(self, summary: pd.DataFrame) -> Mapping[str, pd.DataFrame]:  # noqa: ARG002
        """Return the ranking, the scores by game, and all paired comparisons."""
        scores = self.scores
        return {"ranking": scores.ranked, "games": scores.by_game, "comparisons": scores.compared}

    def documents(self, summary: pd.DataFrame) -> Mapping[str, Any]:  # noqa: ARG002
        """Return the result to keep and to send on: versions, addresses, and the utility of each game and replication."""
        return {"benchmark": self._result()}

    def sentences(self, summary: pd.DataFrame) -> list[str]:  # noqa: ARG002
        """Return who leads, and what joint data add."""
        return [words.verdict(self.scores, self.settings.study.suite)]

    def notes(self, summary: pd.DataFrame) -> Iterator[str]:  # noqa: ARG002
        """Yield what could not be played, and whether this is a result of the suite."""
        yield from words.notes(self.obstacles, self.settings.study.suite, is_complete=self.is_complete)
        yield from notes_on_names(map(label, self.strategies))

    def shown(self, summary: pd.DataFrame) -> Iterator[Any]:  # noqa: ARG002
        """Yield the ranking with the score of each market."""
        yield words.score_table(self.scores)
        yield words.market_table(self.scores)

    def figures(self, summary: pd.DataFrame) -> Iterator[Figure]:  # noqa: ARG002
        """Yield the scores of each strategy and market."""
        yield Figure("scores", self.scores.by_game, draw_scores)

    def about(self) -> Mapping[str, Any]:
        """Return the suite, its addresses, and the packages that bring strategies."""
        study = self.settings.study
        return {
            "suite": study.suite,
            "split": study.split,
            "addresses": addresses(study.suite),
            "plugins": self._packages(),
        }

    def _packages(self) -> dict[str, str]:
        installed = plugins()
        return {spec.name: origin(installed[spec.name]) for spec in self.strategies if spec.name in installed}

    def _result(self) -> dict[str, Any]:
        study, scores = self.settings.study, self.scores
        markets = addresses(study.suite)
        return {
            "suite": study.suite,
            "address": digest(markets),
            "markets": {name: markets[name] for name in scores.markets},
            "split": study.split,
            "replications": study.replications,
            "requests": study.requests,
            "is_complete": self.is_complete,
            "jointbid": version("jointbid"),
            "code": code_version(),
            "versions": {name: version(name) for name in ("numpy", "numba", "scipy", "scikit-learn")},
            "yardsticks": {
                market: {column: _rounded(rows[column]) for column in rows}
                for market, rows in scores.yardsticks.items()
            },
            "strategies": {
                label(spec): {
                    "address": fingerprint(spec.name, spec.params),
                    "package": self._packages().get(spec.name, ""),
                    "parameters": dict(spec.params),
                    "score": _numbers(scores, label(spec)),
                    "utilities": {
                        game: _rounded(table[label(spec)])
                        for game, table in scores.utilities.items()
                        if label(spec) in table
                    },
                }
                for spec in self.strategies
            },
        }


def _numbers(scores: Scores, name: str) -> list[float]:
    found = mean_interval(scores.total[name])
    return [float(f"{number:.6g}") for number in (found.estimate, found.ci_low, found.ci_high)]


def _rounded(column: pd.Series) -> dict[str, float]:
    """Return replication -> value, in the digits of the file."""
    return {str(row): float(f"{value:.{DIGITS}g}") for row, value in column.dropna().items()}

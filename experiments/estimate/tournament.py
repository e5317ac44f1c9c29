"""The study `tournament`: from the rows of its matches to scores, and from these to the summary table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from ..cells.cell import TOGETHER
from .intervals import Estimate, contrast, mean_interval, percent_difference
from .ladder import SUMMARY_COLUMNS
from .ranking import SEAT_PROFIT, best_responses, comparisons, payoffs, ranking

PAIRINGS = "pairings"

METRICS = {
    "profit": "money",
    "value": "money",
    "spend": "money",
    "win_rate": "share of bid requests",
    "budget_spent": "share of the budget",
}
"""Metrics of each strategy in the market of all -> unit; money is in the study's."""

ESTIMANDS = {
    "score_together": "mean of a metric of the strategy in the market of all, over all seats",
    "score_pairings": "mean profit over all pairings, each strategy met in both seats, itself included",
    "rank_together": "rank by that score; the interval are the ranks that the paired comparisons allow",
    "rank_pairings": "rank by that score; the interval are the ranks that the paired comparisons allow",
    "difference_together": "one strategy's score less another's, paired by replication",
    "difference_pairings": "one strategy's score less another's, paired by replication",
    "regret_best_response": "what the best response among those present gains more, mean over opponents",
    "regret_hindsight_together": "hindsight bound less profit, in the market of all",
    "regret_hindsight_pairings": "hindsight bound less profit, mean over all pairings",
}
"""Every estimand of the study `tournament`."""

Matrix = dict[tuple[str, str], pd.Series]


@dataclass(frozen=True)
class Results:
    """The matches of a tournament, as far as they were completed.

    Attributes:
        cells: one row a match, replication and seat, with `arm`, `replication`, `bidder`, `strategy`, `requests`, the metrics
            and `budget_left`.
        strategies: their labels, in the order in which they were given.
        pilot: the rows of the pairings on which best responses are chosen; none where there are no pairings.
        scale: bid requests that money is stated for.
        unit: what that makes the unit of money.
    """

    cells: pd.DataFrame
    strategies: tuple[str, ...]
    pilot: pd.DataFrame = field(default_factory=pd.DataFrame)
    scale: float = 1e6
    unit: str = "currency per million bid requests"

    def together(self, metric: str = SEAT_PROFIT) -> pd.DataFrame:
        """A metric in the market of all, mean over the seats that a strategy had: one row a replication, one column a strategy."""
        names = list(self.strategies)
        rows = self.cells[self.cells["arm"].isin(self._seatings)]
        stated = rows.assign(stated=self._stated(rows, metric)).groupby(["replication", "strategy"])["stated"]
        whole = stated.mean().where(stated.count() == len(names))  # a failed match leaves its replication out
        return whole.unstack("strategy").reindex(columns=names).dropna(how="all")

    @cached_property
    def matrix(self) -> Matrix:
        """(strategy, opponent) -> profit by replication, the mean of both seats; empty where there are no pairings."""
        return self._matrix(self.cells, SEAT_PROFIT)

    def pairings(self, metric: str = SEAT_PROFIT) -> pd.DataFrame:
        """A metric's mean over all opponents: one row a replication in which all were met, one column a strategy."""
        return self._means(self.matrix if metric == SEAT_PROFIT else self._matrix(self.cells, metric))

    @cached_property
    def best(self) -> dict[str, str]:
        """The best response to each opponent, as the pilot has it."""
        return best_responses(self._matrix(self.pilot, SEAT_PROFIT))

    @cached_property
    def scores(self) -> dict[str, pd.DataFrame]:
        """Format -> what it is ranked by."""
        found = {TOGETHER: self.together()}
        return found | ({PAIRINGS: self.pairings()} if self.matrix else {})

    @cached_property
    def compared(self) -> pd.DataFrame:
        """All paired comparisons of all formats."""
        return pd.concat(
            [comparisons(scores, name, self.unit) for name, scores in self.scores.items()], ignore_index=True
        )

    @cached_property
    def ranked(self) -> pd.DataFrame:
        """The rankings of all formats."""
        tables = [
            ranking(scores, self.compared[self.compared["format"] == name], name, self.unit)
            for name, scores in self.scores.items()
        ]
        return pd.concat(tables, ignore_index=True)

    @cached_property
    def payoffs(self) -> pd.DataFrame:
        """The payoff matrix with its regrets, a row an entry."""
        return payoffs(self.matrix, self.best, self.unit)

    def summary(self) -> pd.DataFrame:
        """Columns `SUMMARY_COLUMNS`, estimands `ESTIMANDS`.

        Raises:
            ValueError: no match of all was completed.
        """
        if self.together().empty:
            raise ValueError("no replication of the market of all was completed")
        rows = [(*key, unit, *_numbers(e)) for key, unit, e in self._estimates()]
        return pd.DataFrame(rows, columns=list(SUMMARY_COLUMNS))

    def _estimates(self) -> Iterator[tuple[tuple[str, str, str], str, Estimate]]:
        for metric, unit in METRICS.items():
            scores = self.together(metric)
            for name in self.strategies:
                if metric == "budget_spent" and scores[name].isna().all():  # it has no budget
                    continue
                stated = self.unit if unit == "money" else unit
                yield ("score_together", name, metric), stated, mean_interval(scores[name])
        for name in self.strategies if self.matrix else ():
            yield ("score_pairings", name, SEAT_PROFIT), self.unit, mean_interval(self.scores[PAIRINGS][name])
        place = {name: number for number, name in enumerate(self.strategies)}
        for row in self.ranked.sort_values("strategy", key=lambda names: names.map(place)).to_dict("records"):
            rank = Estimate(row["rank"], row["rank_best"], row["rank_worst"], row["n_replications"])
            yield (f"rank_{row['format']}", row["strategy"], SEAT_PROFIT), "rank", rank
        for row in self.compared.to_dict("records"):
            sides, values = (
                f"{row['strategy']} - {row['other']}",
                (row["estimate"], row["ci_low"], row["ci_high"]),
            )
            yield (
                (f"difference_{row['format']}", sides, SEAT_PROFIT),
                self.unit,
                Estimate(*values, row["n_replications"]),
            )
        yield from self._regrets()

    def _regrets(self) -> Iterator[tuple[tuple[str, str, str], str, Estimate]]:
        """Against the best response among those present, and against hindsight."""
        if self.matrix:
            best = pd.DataFrame({other: self.matrix[self.best[other], other] for other in self.strategies})
            scores = self.scores[PAIRINGS].assign(**{"": best.mean(axis=1, skipna=False)})
            for name in self.strategies:
                yield (
                    ("regret_best_response", name, SEAT_PROFIT),
                    self.unit,
                    contrast(scores, {"": 1.0, name: -1.0}),
                )
        for format_, scores in self.scores.items():
            bound = (
                self.together("hindsight_profit")
                if format_ == TOGETHER
                else self.pairings("hindsight_profit")
            )
            if bound.isna().all(axis=None):
                continue
            for name in self.strategies:
                pair = pd.DataFrame({"bound": bound[name], "own": scores[name]})
                where = (f"regret_hindsight_{format_}", name)
                yield (*where, SEAT_PROFIT), self.unit, contrast(pair, {"bound": 1.0, "own": -1.0})
                share = percent_difference(pair["own"], pair["bound"])
                below = Estimate(-share.estimate, -share.ci_high, -share.ci_low, share.n)
                yield (*where, "profit_pct"), "% of the hindsight bound", below

    @property
    def _seatings(self) -> list[str]:
        """The matches of all."""
        names = self.strategies
        if len(names) == 2:
            return [f"{names[0]} vs {names[1]}", f"{names[1]} vs {names[0]}"]
        return [f"{TOGETHER}, {name} first" for name in names]

    def _stated(self, rows: pd.DataFrame, metric: str) -> pd.Series:
        """In the study's units."""
        if metric == "budget_spent":
            budget = rows["spend"] + rows["budget_left"]
            return rows["spend"] / budget.where(np.isfinite(budget))
        return rows[metric] * (
            self.scale / rows["requests"] if METRICS.get(metric, "money") == "money" else 1.0
        )

    def _matrix(self, cells: pd.DataFrame, metric: str) -> Matrix:
        """Each pairing in both seats; nan in a replication where one of the two failed."""
        if cells.empty:
            return {}
        stated = cells.assign(stated=self._stated(cells, metric))
        seats = {
            (arm, seat): rows.set_index("replication")["stated"]
            for (arm, seat), rows in stated.groupby(["arm", "bidder"], sort=False)
        }
        found: Matrix = {}
        for own in self.strategies:
            for other in self.strategies:
                first, second = (
                    seats.get((f"{own} vs {other}", "seat_1")),
                    seats.get((f"{other} vs {own}", "seat_2")),
                )
                if first is None or second is None:
                    return {}
                found[own, other] = (first + second) / 2
        return found

    def _means(self, matrix: Matrix) -> pd.DataFrame:
        return pd.DataFrame(
            {
                own: pd.DataFrame({other: matrix[own, other] for other in self.strategies}).mean(
                    axis=1, skipna=False
                )
                for own in self.strategies
            }
        )


def _numbers(estimate: Estimate) -> tuple[float, float, float, int]:
    return estimate.estimate, estimate.ci_low, estimate.ci_high, estimate.n

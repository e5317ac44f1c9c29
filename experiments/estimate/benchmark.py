"""Scores of the benchmark: 0 is the bidder without data, 100 the bound that hindsight sets; intervals over replications.

A game is a market with one set of data. The score of a strategy in a game is 100 (U - U0) / (UH - U0), each of the
three a mean over replications, and at least -100; over several games it is the mean of their scores. Intervals are the
jackknife's over replications, which are the same seeds for all: pseudo-values (Tukey 1958) put round the estimate make
scores, differences and ranks from one table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from ..cells.lattice import NONE
from .intervals import Estimate, contrast, mean_interval
from .ranking import comparisons, ranking

LOWEST = -100.0
"""The least score of a game: as far below the bidder without data as hindsight is above it. One bad game outweighs no two good ones."""
SCORE, UNIT = "score", "score (0: no data, 100: hindsight)"
INFORMATION = ("joint", "silo")
BOUND = "bound"

Games = Mapping[str, pd.DataFrame]
"""Game (``market/joint``) -> utility, one row a replication and one column a strategy."""


@dataclass(frozen=True)
class Scores:
    """The results of some strategies in some games.

    Attributes:
        utilities: of each game; a strategy that cannot play it has no column there.
        yardsticks: market -> columns ``none`` and ``bound``, one row a replication.
        strategies: their labels, in the order in which they were given.
    """

    utilities: Games
    yardsticks: Mapping[str, pd.DataFrame]
    strategies: tuple[str, ...]

    def values(self, games: Sequence[str] | None = None) -> pd.DataFrame:
        """Return one value a replication and strategy whose mean is the score over these games (None: over all).

        A game that a strategy cannot play counts as 0; a replication in which one of its games failed is nan.
        """
        chosen = tuple(self.utilities if games is None else games)
        if chosen not in self._known:
            self._known[chosen] = pd.DataFrame({name: self._values(name, chosen) for name in self.strategies})
        return self._known[chosen]

    @cached_property
    def _known(self) -> dict[tuple[str, ...], pd.DataFrame]:
        """The values that were asked for before: tables and sentences ask for the same ones."""
        return {}

    @cached_property
    def _all_parts(self) -> dict[tuple[str, str], pd.DataFrame]:
        """(strategy, game) -> utility, that without data, and the bound, of the replications that have all."""
        return {
            (str(name), game): pd.concat(
                [table[name], self.yardsticks[game.partition("/")[0]][[NONE, BOUND]]], axis=1
            ).dropna()
            for game, table in self.utilities.items()
            for name in table
        }

    def _values(self, name: str, games: Sequence[str]) -> pd.Series:
        parts = {game: self._all_parts.get((name, game)) for game in games}
        index = self.yardsticks[games[0].partition("/")[0]].index if games else pd.RangeIndex(0)
        complete = [row for row in index if all(part is None or row in part.index for part in parts.values())]
        n = len(complete)
        if n == 0:
            return pd.Series(np.nan, index=index)
        tables = [
            None if part is None else part.loc[complete].to_numpy(np.float64) for part in parts.values()
        ]
        whole = float(np.mean([0.0 if table is None else _score(table.mean(axis=0)) for table in tables]))
        if n == 1:
            return pd.Series(whole, index=complete).reindex(index)
        others = np.mean(
            [
                np.zeros(n)
                if table is None
                else np.array([_score(row) for row in (table.sum(axis=0) - table) / (n - 1)])
                for table in tables
            ],
            axis=0,
        )
        pseudo = n * whole - (n - 1) * others
        return pd.Series(pseudo - pseudo.mean() + whole, index=complete).reindex(index)

    @property
    def markets(self) -> tuple[str, ...]:
        """The markets, in their order."""
        return tuple(dict.fromkeys(game.partition("/")[0] for game in self.utilities))

    def games_with(self, information: str) -> list[str]:
        """Return the games with one set of data."""
        return [game for game in self.utilities if game.endswith(f"/{information}")]

    @cached_property
    def total(self) -> pd.DataFrame:
        """The values of the score over all games."""
        return self.values()

    @cached_property
    def compared(self) -> pd.DataFrame:
        """All paired comparisons of the score over all games, after Holm."""
        return comparisons(self.total, "all games", UNIT).assign(metric=SCORE)

    @cached_property
    def ranked(self) -> pd.DataFrame:
        """The strategies, the best first, with the ranks that the comparisons allow."""
        return ranking(self.total, self.compared, "all games", UNIT).assign(metric=SCORE)

    @cached_property
    def by_game(self) -> pd.DataFrame:
        """Columns ``market``, ``information``, ``strategy``, ``estimate``, ``ci_low``, ``ci_high``, ``n_replications``; nan: cannot play."""
        rows = []
        for game, table in self.utilities.items():
            market, _, information = game.partition("/")
            values = self.values([game])
            for name in self.strategies:
                found = mean_interval(values[name]) if name in table else Estimate(np.nan, np.nan, np.nan, 0)
                rows.append((market, information, name, found.estimate, found.ci_low, found.ci_high, found.n))
        columns = ["market", "information", "strategy", "estimate", "ci_low", "ci_high", "n_replications"]
        return pd.DataFrame(rows, columns=columns)

    def of(self, information: str, name: str) -> Estimate:
        """Return a strategy's score over the games with one set of data."""
        return mean_interval(self.values(self.games_with(information))[name])

    def gain(self, name: str) -> Estimate:
        """Return what joint data add to a strategy's score over the silo's."""
        wide = pd.DataFrame({kind: self.values(self.games_with(kind))[name] for kind in INFORMATION})
        return contrast(wide, {"joint": 1.0, "silo": -1.0})


def scores_of(cells: pd.DataFrame, strategies: Sequence[str], games: Sequence[str]) -> Scores:
    """Return the scores of the rows of ``cells.parquet``.

    Raises:
        ValueError: a market without a completed replication of the bidder without data.
    """
    wide = {
        point: rows.pivot_table(index="replication", columns="strategy", values="utility", sort=False)
        for point, rows in cells.groupby("study_point", sort=False)
    }
    yardsticks = {}
    for market in dict.fromkeys(game.partition("/")[0] for game in games):
        rows = cells[cells["study_point"] == f"{market}/{NONE}"]
        if rows.empty:
            raise ValueError(f"{market}: no replication of the bidder without data was completed")
        own = rows.set_index("replication")
        yardsticks[market] = pd.DataFrame({NONE: own["utility"], BOUND: own["bound"]}).sort_index()
    return Scores({game: wide.get(game, pd.DataFrame()) for game in games}, yardsticks, tuple(strategies))


def _score(means: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> float:
    """Return 100 (U - U0) / (UH - U0) of three means, at least -100; nan where hindsight finds no more than the bidder without data."""
    utility, without, bound = means
    return (
        max(float(100.0 * (utility - without) / (bound - without)), LOWEST)
        if bound > without
        else float("nan")
    )

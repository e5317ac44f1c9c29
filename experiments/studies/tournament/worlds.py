"""Worlds drawn from the stated ranges: in what share of them a strategy is shown to be ahead of all others, and what decides it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pandas as pd

from ...cells.cell import Cell
from ...config.settings import Settings
from ...config.study_settings import TournamentSettings
from ...estimate.intervals import contrast, mean_interval
from ...estimate.ladder import row_of
from ...estimate.ranking import SEAT_PROFIT, TIED
from ...report.plots.figure import Figure
from ...report.plots.tournament import draw_worlds
from ...report.wording import tournament_worlds as words
from ...storage.cell_results import StudyState
from ..base import Row
from ..sampled_markets import SampledMarkets, key_rows, share_rows
from .matches import Matches

LEAD = "lead"
"""The column, and the estimand over all worlds, of how far the scenario's own first strategy is ahead of the best of the others."""


class Worlds(SampledMarkets[TournamentSettings, Matches]):
    """All strategies together in each drawn market.

    Args:
        own: the matches in the scenario's own market.
        leader: returns the strategy that earns most there; its ``lead``, mean less the best other mean, is followed over all worlds.
    """

    def __init__(
        self,
        settings: Settings[TournamentSettings],
        state: StudyState,
        own: Matches,
        leader: Callable[[], str],
    ) -> None:
        super().__init__(settings, state)
        self._own, self._leader = own, leader

    def market(self, settings: Settings[TournamentSettings], point: str) -> Matches:
        """Return the matches in one market."""
        return Matches(settings, self._own.strategies, point)

    def cells(self) -> list[Cell]:
        """Return the matches of all worlds."""
        return [cell for world in self.worlds for cell in _together(world.market)]

    def row(self, market: Matches) -> Row | None:
        """Return who comes first and second and by how much, and what is shown.

        The finding is the strategy that is shown to be ahead of each other one (Holm over all pairs, as in ``comparisons.csv``), or
        that no difference is shown; the difference of the first two has an interval of its own.
        """
        cells = self.state.complete(_together(market))
        if cells is None:
            return None
        results = market.results(cells, self.state)
        scores, ranked, leader = results.together(), results.ranked, self._leader()
        first, second = ranked["strategy"].iloc[:2]
        apart, means = contrast(scores, {first: 1.0, second: -1.0}), scores.mean()
        return {
            "first": first, "second": second,
            "difference": apart.estimate, "ci_low": apart.ci_low, "ci_high": apart.ci_high,
            "finding": first if ranked["rank_worst"].iloc[0] == 1 else TIED,
            LEAD: means[leader] - means.drop(leader).max(),
        }  # fmt: skip

    def rows(self, cells: pd.DataFrame) -> Iterator[Row]:  # noqa: ARG002
        """Yield shares of worlds by who is ahead, the leader's mean lead, and each key's rank correlation with it."""
        if self.table.empty:
            return
        yield from share_rows(self.table, "finding", {name: name for name in (*self._own.names, TIED)})
        lead = mean_interval(self.table[LEAD])
        yield row_of("lead_over_worlds", self._leader(), SEAT_PROFIT, self.unit.name, lead)
        yield from key_rows(self.table, LEAD, "decided_by", self.settings.study.ranges)

    def sentences(self, summary: pd.DataFrame) -> Iterator[str]:
        """Yield in what share of worlds who is ahead."""
        yield from words.sentences(summary, self._own.names, len(self.worlds))

    def notes(self, summary: pd.DataFrame) -> Iterator[str]:  # noqa: ARG002
        """Yield what is different in worlds with fewer requests."""
        requests = self.settings.study.point.requests
        yield from words.notes(self.settings.scenario, requests, len(self.worlds))

    def shown(self, summary: pd.DataFrame) -> Iterator[Any]:
        """Yield the shares of worlds."""
        yield words.world_table(summary, self._own.names, len(self.worlds))

    def figures(self, summary: pd.DataFrame) -> Iterator[Figure]:  # noqa: ARG002
        """Yield who is ahead in each world."""
        if len(self.table):
            yield Figure("worlds", self.table, partial(draw_worlds, unit=self.unit.name))


def _together(matches: Matches) -> list[Cell]:
    return matches.together(range(matches.settings.study.point.replications))

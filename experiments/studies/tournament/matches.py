"""Which matches a tournament needs in one market, and what comes of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product

import pandas as pd

from jointbid.sim.scenario import StrategySpec

from ...cells.cell import Cell, label
from ...cells.replications import TUNING
from ...config.settings import Settings
from ...config.study_settings import TournamentSettings
from ...estimate.tournament import Results
from ...storage.cell_results import StudyState, table
from ..cell_plans import cell_of


@dataclass(frozen=True)
class Matches:
    """The matches of some strategies in one market. ``study_point`` says which of many; empty in the scenario's own."""

    settings: Settings[TournamentSettings]
    strategies: tuple[StrategySpec, ...]
    study_point: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """The strategies as tables name them."""
        return tuple(map(label, self.strategies))

    def together(self, replications: Iterable[int]) -> list[Cell]:
        """Return the market of all, as often as there are seats: each strategy moves on by one, so that it has had every seat."""
        given = self.strategies
        seatings = [given[first:] + given[:first] for first in range(len(given))]
        return [self._cell(seating, replication) for replication in replications for seating in seatings]

    def pairings(self, replications: Iterable[int]) -> list[Cell]:
        """Return every two, themselves included, in both seats; empty where pairings are not asked for."""
        if not self.settings.study.pairings:
            return []
        pairs = list(product(self.strategies, repeat=2))
        return [self._cell(pair, replication) for replication in replications for pair in pairs]

    def results(self, cells: pd.DataFrame, state: StudyState) -> Results:
        """Return the results of these rows; the pilot's are in the state."""
        scale, money = self.settings.unit
        return Results(
            cells=cells,
            strategies=self.names,
            pilot=table(state.of(self.pairings(TUNING))),
            scale=scale,
            unit=money,
        )

    def _cell(self, lineup: tuple[StrategySpec, ...], replication: int) -> Cell:
        return cell_of(
            self.settings, self.settings.study.arm, replication, study_point=self.study_point, lineup=lineup
        )

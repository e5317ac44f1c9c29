"""Worlds drawn from the stated ranges: in what share of them a strategy is shown to be ahead of all others, and what decides it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jointbid.sim.scenario import StrategySpec

from ...cells.cell import Cell
from ...config.changes import as_overrides
from ...config.settings import Settings
from ...config.study_settings import TournamentStudy
from ...storage.cell_results import Ledger, table
from .. import sampled_markets as drawn
from ..cell_plans import unit
from .matches import Matches

if TYPE_CHECKING:
    import pandas as pd

LEAD = "lead"
"""The column, and the estimand over all worlds, of how far the scenario's own first strategy is ahead of the best of the others."""


@dataclass(frozen=True)
class World:
    """A market with the values that were drawn for it; all play in it together."""

    number: int
    values: dict[str, Any]
    matches: Matches

    @property
    def cells(self) -> list[Cell]:
        """Its matches."""
        return self.matches.together(range(self.matches.settings.study.curve.replications))


def worlds(settings: Settings[TournamentStudy], strategies: tuple[StrategySpec, ...]) -> list[World]:
    """The worlds asked for.

    Raises:
        BadInput: no range to draw from, or values that make no market.
    """
    found = []
    for number, values in enumerate(drawn.worlds(settings)):
        there = drawn.settings_at(settings, values, requests=settings.study.curve.requests)
        matches = Matches(there, strategies, f"world {number}: {as_overrides(values)}")
        found.append(World(number, values, matches))
    return found


def world_table(found: Sequence[World], leader: str, ledger: Ledger) -> pd.DataFrame:
    """A row a world: the drawn values, who comes first and second and by how much, and what is shown; failed ones are left out.

    The finding is the strategy that is shown to be ahead of each other one (Holm over all pairs, as in ``comparisons.csv``), or
    that no difference is shown; the difference of the first two has an interval of its own. ``leader`` is the strategy whose
    ``lead``, mean less the best other mean, is followed over all worlds.
    """
    import pandas as pd

    from ...estimate.intervals import contrast
    from ...estimate.ranking import TIED

    rows = []
    for world in found:
        read = ledger.of(world.cells)
        if len(read) < len(world.cells):
            continue
        results = world.matches.results(table(read), ledger)
        scores, ranked = results.together(), results.ranked
        first, second = ranked["strategy"].iloc[:2]
        apart = contrast(scores, {first: 1.0, second: -1.0})
        means = scores.mean()
        rows.append({
            "world": world.number, **world.values, "first": first, "second": second,
            "difference": apart.estimate, "ci_low": apart.ci_low, "ci_high": apart.ci_high,
            "finding": first if ranked["rank_worst"].iloc[0] == 1 else TIED,
            LEAD: means[leader] - means.drop(leader).max(),
        })  # fmt: skip
    return pd.DataFrame(rows)


def rows(
    found: pd.DataFrame, leader: str, strategies: Sequence[str], settings: Settings[TournamentStudy]
) -> Iterator[dict[str, Any]]:
    """For ``summary.csv``: shares of worlds by who is ahead, the leader's mean lead, and each key's rank correlation with it."""
    from ...estimate import mean_interval
    from ...estimate.ladder import row_of
    from ...estimate.ranking import PROFIT, TIED

    if found.empty:
        return
    yield from drawn.share_rows(found, "finding", {name: name for name in (*strategies, TIED)})
    _, money = unit(settings)
    yield row_of("lead_over_worlds", leader, PROFIT, money, mean_interval(found[LEAD]))
    yield from drawn.key_rows(found, LEAD, "decided_by", settings.study.ranges)

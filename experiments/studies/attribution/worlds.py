"""Firms drawn from the stated ranges: in what share of them the end-to-end view pays, and the randomised test beats it."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from ...cells.attribution_season import BY_CLAIMS, BY_LAST_TOUCH, COMPARED, TEST
from ...cells.cell import Cell
from ...cells.replications import NEXT_SEASON
from ...config.settings import Settings
from ...config.study_settings import AttributionSettings
from ...estimate.intervals import paired_difference
from ...report.wording.attribution import SHARES
from ..base import Row
from ..sampled_markets import SampledMarkets, key_rows, share_rows
from .firm import Firm

RULES = (BY_LAST_TOUCH, BY_CLAIMS, TEST)
"""What the firms' budgets are set by."""


class Worlds(SampledMarkets[AttributionSettings, Firm]):
    """A firm in each drawn market."""

    def market(self, settings: Settings[AttributionSettings], point: str) -> Firm:
        """Return the firm of one market."""
        return Firm(settings, point)

    def cells(self) -> list[Cell]:
        """Return what the firms can see."""
        return [cell for world in self.worlds for cell in world.market.log(self._replications, truth=False)]

    def seasons(self) -> list[Cell]:
        """Return the next season of all firms."""
        return [cell for world in self.worlds for cell in self._season(world.market)]

    def row(self, market: Firm) -> Row | None:
        """Return both comparisons with their intervals and what they show."""
        profit = self._profits(market)
        if profit is None:
            return None
        row: Row = {}
        for name, (better, worse) in COMPARED.items():
            value = paired_difference(profit[better], profit[worse])
            row |= {name: value.estimate, f"{name}_ci_low": value.ci_low, f"{name}_ci_high": value.ci_high}
            row[f"{name}_finding"] = value.finding
        return row

    def rows(self, cells: pd.DataFrame) -> Iterator[Row]:  # noqa: ARG002
        """Yield shares of worlds by what was shown, and each key's rank correlation with both comparisons."""
        if self.table.empty:
            return
        for name, (pays, costs) in SHARES.items():
            yield from share_rows(self.table, f"{name}_finding", {"positive": pays, "negative": costs})
        for name in COMPARED:
            yield from key_rows(self.table, name, f"{name}_decided_by", self.settings.study.ranges)

    @property
    def _replications(self) -> range:
        return range(self.settings.study.point.replications)

    def _season(self, firm: Firm) -> list[Cell]:
        return firm.next(self._replications, RULES, self.state)

    def _profits(self, firm: Firm) -> pd.DataFrame | None:
        """Profit in the next season, a row a replication and a column a rule; None where cells failed."""
        wanted = self._season(firm)
        found = self.state.of(wanted)
        if len(wanted) < len(RULES) * len(self._replications) or len(found) < len(wanted):
            return None
        scale = firm.settings.unit.scale
        records = [
            {
                "replication": cell.replication - NEXT_SEASON,
                "by": cell.study_point.rpartition("budget by ")[2],
                "profit": sum(row["profit"] for row in result.rows) * scale / result.rows[0]["requests"],
            }
            for cell, result in found
        ]
        return pd.DataFrame(records).pivot(index="replication", columns="by", values="profit")

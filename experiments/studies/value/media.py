"""What media money buys with joint data and without: rows of the study `value`; the line for a marketer is the ladder's second sentence."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from ...config.value_settings import ValueSettings
from ...estimate.ladder import row_of
from ...estimate.media import media
from ...estimate.metrics import at_point
from ...report.wording.media import UNITS
from ..base import MarketPart, Row


class Media(MarketPart[ValueSettings]):
    """Clicks and sales for 100 of media, their price, return on spend, the month at the stated volume; more at the same budget."""

    def rows(self, cells: pd.DataFrame) -> Iterator[Row]:
        """Yield a row for each; none where both sides hold the same data."""
        sides = self.plan.sides()
        if sides.is_same_data:
            return
        own = at_point(cells, self.plan.study_point)
        volume, currency = self.settings.money.requests_per_month, self.settings.scenario.currency
        found = media(
            own,
            (sides.arm, *sides.others),
            silo=sides.label(sides.silo),
            named=sides.named,
            requests_per_month=volume,
        )
        for estimand, arm, metric, estimate in found:
            yield row_of(estimand, arm, metric, UNITS[metric].format(currency=currency), estimate)

"""The value of joint data in the units that a marketer reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

import pandas as pd

from ...config.value_settings import ValueSettings
from ...estimate.in_units import IN_UNITS, in_units
from ...estimate.ladder import row_of
from ...estimate.metrics import at_point
from ...estimate.sides import Sides
from ...report.wording.in_units import unit_of_row, worth_table
from ..base import MarketPart, Row


class ValueInUnits(MarketPart[ValueSettings]):
    """Profit of joint less that of the silo: per bid requests, per impressions bought, in percent, and per month at a stated volume."""

    def rows(self, cells: pd.DataFrame) -> Iterator[Row]:
        """Yield a row for each unit; none where both sides hold the same data."""
        own = at_point(cells, self.plan.study_point)
        scale, money = self.unit
        volume, sides = self.settings.money.requests_per_month, self._sides
        if sides.is_same_data:
            return
        for name, found in in_units(own, (sides.arm, *sides.others), per=scale, requests_per_month=volume):
            unit = unit_of_row(name, money, self.settings.scenario.currency, sides.label(sides.silo), volume)
            yield row_of(IN_UNITS, sides.named, name, unit, found)

    def shown(self, summary: pd.DataFrame) -> Iterator[Any]:
        """Yield the table."""
        if table := worth_table(summary, self._sides.label(self._sides.silo)):
            yield table

    def tables(self, summary: pd.DataFrame) -> Mapping[str, pd.DataFrame]:
        """Return the same rows as ``what_it_is_worth.csv``."""
        rows = summary[summary["estimand"] == IN_UNITS]
        return {"what_it_is_worth": rows[["unit", "estimate", "ci_low", "ci_high"]]} if len(rows) else {}

    @cached_property
    def _sides(self) -> Sides:
        return self.plan.sides()

"""The value of joint data in the units that a marketer reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from ...estimate.in_units import IN_UNITS, in_units
from ...estimate.ladder import row_of, silo_label
from ...report.wording.in_units import unit_of_row, worth_table
from ..base import MarketPart, Row


class ValueInUnits(MarketPart):
    """Profit of joint less that of the silo: per bid requests, per impressions bought, in percent, and per month at a stated volume."""

    def rows(self, cells: pd.DataFrame) -> Iterator[Row]:
        """Yield a row for each unit."""
        own = cells[cells["study_point"] == self.plan.point]
        scale, money = self.unit
        silo, volume = self._silo, self.settings.money.requests_per_month
        for name, found in in_units(own, silo, per=scale, requests_per_month=volume):
            unit = unit_of_row(name, money, self.settings.scenario.currency, silo, volume)
            yield row_of(IN_UNITS, f"joint - {self._label}", name, unit, found)

    def shown(self, summary: pd.DataFrame) -> Iterator[Any]:
        """Yield the table."""
        if table := worth_table(summary, self._label):
            yield table

    def tables(self, summary: pd.DataFrame) -> Mapping[str, pd.DataFrame]:
        """Return the same rows as ``what_it_is_worth.csv``."""
        rows = summary[summary["estimand"] == IN_UNITS]
        return {"what_it_is_worth": rows[["unit", "estimate", "ci_low", "ci_high"]]} if len(rows) else {}

    @property
    def _silo(self) -> str:
        """The arm that joint data is compared with, a source where that is the better single one."""
        silo = str(self.settings.study.silo)
        return self.plan.best_single(self.ledger) if silo == "best_single" else silo

    @property
    def _label(self) -> str:
        silo = str(self.settings.study.silo)
        return silo_label(silo, self._silo if silo == "best_single" else "")

"""The study `value` where two plans are compared: from which month the slow one stays ahead of the fast one, if ever.

Each plan is a kind of bidder that bids alone, in the same market and on the same draws, and what it has brought by the end of a month is
what has been booked until then, less what it spent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from jointbid.sim.scenario import StrategySpec

from ...cells.cell import Cell
from ...config.settings import Settings
from ...config.value_settings import ValueSettings
from ...estimate.ladder import lookup, row_of
from ...estimate.overtaking import Lead
from ...report.plots.figure import Figure
from ...report.plots.money import draw_lead
from ...report.wording.business import lead_sentence
from ..base import MarketPart, Row

MONTH_H = 730.0
POINT = "two plans"
MONTH, LEAD = "overtaking_month", "lead_at_the_end"
"""Estimands, and the metric of the first."""


class Overtaking(MarketPart[ValueSettings]):
    """Two plans in one market, each alone."""

    @staticmethod
    def is_wanted(settings: Settings[ValueSettings]) -> bool:
        """Return whether two plans are compared."""
        return settings.study.overtaking is not None

    @property
    def names(self) -> tuple[str, str]:
        """The slow plan and the fast one."""
        plans = self.settings.study.overtaking
        assert plans is not None  # noqa: S101 - the part is wanted
        return plans.slow, plans.fast

    def cells(self) -> list[Cell]:
        """Return both plans in every replication."""
        point = f"{self.plan.study_point}, {POINT}".removeprefix(", ")
        return [
            Cell(
                scenario=self.settings.played_scenario,
                arm="none",
                seed=self.settings.seed,
                replication=replication,
                study_point=point,
                lineup=(StrategySpec(name=name),),
            )
            for replication in self.plan.replications
            for name in self.names
        ]

    def lead(self) -> Lead | None:
        """Return what the slow plan has brought more so far; None where a cell failed."""
        wanted = self.cells()
        found = self.state.of(wanted)
        if len(found) < len(wanted):
            return None
        balance = {
            (cell.lineup[0].name, cell.replication): np.cumsum(
                [row["value"] - row["spend"] for row in result.timeseries]
            )
            for cell, result in found
        }
        slow, fast = self.names
        gap = np.array([balance[slow, number] - balance[fast, number] for number in self.plan.replications])
        scenario = self.settings.scenario
        ends = np.arange(1, gap.shape[1] + 1, dtype=np.float64) * scenario.engine.series_h
        ends[-1] = min(ends[-1], scenario.supply.horizon_h)
        return Lead(gap, ends / MONTH_H)

    def rows(self, cells: pd.DataFrame) -> Iterator[Row]:  # noqa: ARG002
        """Yield the month, and the lead at the end."""
        if lead := self.lead():
            sides = " - ".join(self.names)
            yield row_of(MONTH, sides, MONTH, "months", lead.month())
            yield row_of(LEAD, sides, "npv", self.settings.scenario.currency, lead.at_the_end())

    def tables(self, summary: pd.DataFrame) -> Mapping[str, pd.DataFrame]:  # noqa: ARG002
        """Return by month what the slow plan has brought more so far, with its interval."""
        lead = self.lead()
        if lead is None:
            return {}
        about = {"panel": " less ".join(self.names), "unit": self.settings.scenario.currency}
        lines = [
            {**about, "month": month, "estimate": one.estimate, "ci_low": one.ci_low, "ci_high": one.ci_high}
            for month, one in zip(lead.months.tolist(), lead.by_month(), strict=True)
        ]
        return {"overtaking": pd.DataFrame(lines)}

    def figures(self, summary: pd.DataFrame) -> Iterator[Figure]:
        """Yield the lead by month."""
        for name, table in self.tables(summary).items():
            yield Figure(name, table, draw_lead)

    def sentences(self, summary: pd.DataFrame) -> Iterator[str]:
        """Yield from when on the slow plan is ahead, or that it never is within the horizon."""
        when, lead = lookup(summary, MONTH, MONTH), lookup(summary, LEAD, "npv")
        scenario = self.settings.scenario
        if when is not None and lead is not None:
            months = scenario.supply.horizon_h / MONTH_H
            yield lead_sentence(self.names, when, lead, months=months, currency=scenario.currency)

"""The study `value` where two plans are compared: from which month the slow one stays ahead of the fast one, if ever.

Each plan is a kind of bidder that bids alone, in the same market and on the same draws, and what it has brought by the end of a month is
what has been booked until then, less what it spent.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from jointbid.sim.scenario import StrategySpec

from ...cells.cell import Cell
from ...config.settings import Settings
from ...storage.cell_results import StudyState

if TYPE_CHECKING:
    import pandas as pd

    from ...estimate.intervals import Estimate
    from ...estimate.overtaking import Lead

MONTH_H = 730.0
POINT = "two plans"
MONTH, LEAD = "overtaking_month", "lead_at_the_end"
"""Estimands, and the metric of the first."""


@dataclass(frozen=True)
class Plans:
    """Two plans in one market. ``point`` says which of many markets; empty in the scenario's own."""

    settings: Settings[Any]
    point: str = ""

    @property
    def names(self) -> tuple[str, str]:
        """The slow one and the fast one."""
        plans = self.settings.study.overtaking
        return plans.slow, plans.fast

    def cells(self, replications: Sequence[int]) -> list[Cell]:
        """Both plans, each alone."""
        point = f"{self.point}, {POINT}".removeprefix(", ")
        return [
            Cell(
                scenario=self.settings.market,
                arm="none",
                seed=self.settings.seed,
                replication=replication,
                point=point,
                lineup=(StrategySpec(name=name),),
            )
            for replication in replications
            for name in self.names
        ]

    def lead(self, replications: Sequence[int], ledger: StudyState) -> Lead | None:
        """What the slow one has brought more so far; None where a cell failed."""
        from ...estimate.overtaking import Lead

        wanted = self.cells(replications)
        found = ledger.of(wanted)
        if len(found) < len(wanted):
            return None
        balance = {
            (cell.lineup[0].name, cell.replication): np.cumsum(
                [row["value"] - row["spend"] for row in result.timeseries]
            )
            for cell, result in found
        }
        slow, fast = self.names
        gap = np.array([balance[slow, number] - balance[fast, number] for number in replications])
        ends = np.arange(1, gap.shape[1] + 1, dtype=np.float64) * self.settings.scenario.engine.series_h
        ends[-1] = min(ends[-1], self.settings.scenario.supply.horizon_h)
        return Lead(gap, ends / MONTH_H)


def plans(settings: Settings[Any], point: str = "") -> Plans | None:
    """The two plans; None where none are compared."""
    return None if settings.study.overtaking is None else Plans(settings, point)


def rows(found: Plans | None, replications: Sequence[int], ledger: StudyState) -> Iterator[dict[str, Any]]:
    """For ``summary.csv``: the month, and the lead at the end."""
    from ...estimate.ladder import row_of

    lead = None if found is None else found.lead(replications, ledger)
    if found is None or lead is None:
        return
    sides = " - ".join(found.names)
    yield row_of(MONTH, sides, MONTH, "months", lead.month())
    yield row_of(LEAD, sides, "npv", found.settings.scenario.currency, lead.at_the_end())


def month_table(found: Plans | None, replications: Sequence[int], ledger: StudyState) -> pd.DataFrame | None:
    """By month what the slow plan has brought more so far, with its interval."""
    import pandas as pd

    lead = None if found is None else found.lead(replications, ledger)
    if found is None or lead is None:
        return None
    about = {"panel": " less ".join(found.names), "unit": found.settings.scenario.currency}
    lines = [
        {**about, "month": month, "estimate": one.estimate, "ci_low": one.ci_low, "ci_high": one.ci_high}
        for month, one in zip(lead.months.tolist(), lead.by_month(), strict=True)
    ]
    return pd.DataFrame(lines)


def sentences(summary: pd.DataFrame, settings: Settings[Any]) -> Iterator[str]:
    """From when on the slow plan is ahead, or that it never is within the horizon."""
    from ...estimate import lookup
    from ...report.verdict import interval, number

    when, lead = lookup(summary, MONTH, MONTH), lookup(summary, LEAD, "npv")
    plan = settings.study.overtaking
    if plan is None or when is None or lead is None:
        return
    horizon = settings.scenario.supply.horizon_h / MONTH_H
    if math.isfinite(when.estimate):
        first = f"For the same money {plan.slow} is ahead of {plan.fast} for good from month {number(when.estimate)}{_span(when)}"
    else:
        first = f"For the same money {plan.slow} does not stay ahead of {plan.fast} at the end{_span(when)}"
    if lead.finding == "no difference shown":
        last = f"no difference is shown, {number(lead.estimate)}"
    else:
        last = f"its lead is {number(lead.estimate)}"
    yield f"{first}; after {horizon:.0f} months {last} {settings.scenario.currency} ({interval(lead)})."


def _span(when: Estimate) -> str:
    """Its interval in words, as far as it has one: an end may be "never"."""
    from ...report.verdict import number

    if math.isnan(when.ci_low):
        return ""
    ends = [number(end) if math.isfinite(end) else "never" for end in (when.ci_low, when.ci_high)]
    return "" if ends == ["never", "never"] else f" ({ends[0]} to {ends[1]})"

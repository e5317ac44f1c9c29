"""What joining brings month by month, net of what it cost at the start, and when it has paid for itself."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..verdict import number
from .style import COLOURS, amounts, caption, new_figure, require, styled, zero_line

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = ("month", "estimate", "ci_low", "ci_high", "unit")


def cumulative_points(summary: pd.DataFrame, *, once: float, horizon_months: int) -> pd.DataFrame:
    """Cumulative net value by the end of each month, undiscounted, starting with the cost of integration at month 0.

    Args:
        summary: the rows of ``summary.csv``; its estimand ``net_value`` (metric ``net_value``) is what a month brings after a
            share of ``once`` for each month of the horizon.
        once: cost of joining once, in currency.
        horizon_months: months that it is spread over.

    Returns:
        Columns `COLUMNS`, ``unit`` being the currency; no rows where the summary has no net value.
    """
    rows = summary[(summary["estimand"] == "net_value") & (summary["metric"] == "net_value")]
    if rows.empty:
        return pd.DataFrame(columns=list(COLUMNS))
    row, share = rows.iloc[0], once / horizon_months
    month = np.arange(horizon_months + 1)
    found = {name: (float(row[name]) + share) * month - once for name in ("estimate", "ci_low", "ci_high")}
    return pd.DataFrame({"month": month, **found, "unit": str(row["unit"]).removesuffix(" per month")})


def draw_cumulative(points: pd.DataFrame, *, subject: str = "Cumulative net value of joint data") -> Figure:
    """A line with the band of its interval, and where it crosses zero; where it never does, that is said.

    Args:
        points: what `cumulative_points` returns.
        subject: what the figure shows.
    """
    require(points, *COLUMNS)
    month, estimate = (points[name].to_numpy(dtype=float) for name in ("month", "estimate"))
    payback = _crossing(month, estimate)
    with styled():
        figure = new_figure(7.5, 4.4)
        axes = figure.subplots()
        zero_line(axes)
        low, high = (points[name].to_numpy(dtype=float) for name in ("ci_low", "ci_high"))
        axes.fill_between(month, low, high, color=COLOURS[0], alpha=0.2, linewidth=0)
        axes.plot(month, estimate, color=COLOURS[0])
        if math.isfinite(payback):
            axes.plot(payback, 0, "D", color=COLOURS[1], markersize=8, zorder=3)
        amounts(axes.yaxis)
        axes.set_xlabel("time since joining (months)")
        axes.set_ylabel(f"cumulative net value\n({points['unit'].iloc[0]})")
        axes.margins(x=0.02)
        caption(
            figure,
            subject,
            f"{_said(payback, month[-1])} Undiscounted. Band: 95 % interval of a month's net value, simulation error only.",
        )
    return figure


def _crossing(month: np.ndarray, value: np.ndarray) -> float:
    """The first month, to the fraction, at whose end nothing is lost any more; inf where there is none."""
    there = np.flatnonzero(value >= 0)
    if not len(there):
        return math.inf
    i = int(there[0])
    if i == 0:
        return float(month[0])
    step = value[i] - value[i - 1]
    return float(month[i] - value[i] / step * (month[i] - month[i - 1]))


def _said(payback: float, horizon: float) -> str:
    if math.isinf(payback):
        return f"The mean does not pay back within {horizon:.0f} months."
    return f"Diamond: it has paid back after {number(payback)} months."

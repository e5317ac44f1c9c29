"""Money over months, and over levels of collaboration: what joining brings, and one way to spend against another."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from ..numbers import number
from .matplotlib_types import Figure
from .parts import band_line, floats, names_of
from .style import COLOURS, MARKERS, amounts, caption, new_figure, one_panel, plot, zero_line

COLUMNS = ("month", "estimate", "ci_low", "ci_high", "unit")
LEVEL_COLUMNS = ("shape", "cost", "x", "estimate", "band_low", "band_high", "unit")


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


@plot(*COLUMNS)
def draw_cumulative(points: pd.DataFrame, *, subject: str = "Cumulative net value of joint data") -> Figure:
    """A line with the band of its interval, and where it crosses zero; where it never does, the note says so."""
    month, estimate = floats(points, "month", "estimate")
    payback = _crossing(month, estimate)
    figure, axes = one_panel(7.5, 4.4)
    zero_line(axes)
    band_line(axes, points, "month")
    if math.isfinite(payback):
        axes.plot(payback, 0, "D", color=COLOURS[1], markersize=8, zorder=3)
        paid = f"Diamond: it has paid back after {number(payback)} months."
    else:
        paid = f"The mean does not pay back within {month[-1]:.0f} months."
    amounts(axes.yaxis)
    axes.set_xlabel("time since joining (months)")
    axes.set_ylabel(f"cumulative net value\n({points['unit'].iloc[0]})")
    axes.margins(x=0.02)
    note = f"{paid} Undiscounted. Band: 95 % interval of a month's net value, simulation error only."
    caption(figure, subject, note)
    return figure


@plot("panel", *COLUMNS)
def draw_months(
    table: pd.DataFrame,
    *,
    subject: str = "Own data against bought data",
    time: str = "time since building began (months)",
    about: str = "Undiscounted.",
) -> Figure:
    """A panel for each value of ``panel``, with a line over the months and its band.

    Args:
        table: the columns of `cumulative_points`, and ``panel``.
        subject: what the figure shows.
        time: the horizontal axis.
        about: what the money is.
    """
    names = names_of(table["panel"])
    figure = new_figure(4.4 * len(names), 4.2)
    for axes, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
        own = table[table["panel"] == name]
        zero_line(axes)
        band_line(axes, own, "month")
        axes.set(title=str(name), xlabel=time, ylabel=f"difference ({own['unit'].iloc[0]})")
        amounts(axes.yaxis)
    caption(figure, subject, f"{about} Bands: 95 % interval of each month, simulation error only.")
    return figure


def draw_lead(table: pd.DataFrame) -> Figure:
    """The lead of one plan over another by month; columns as of `draw_months`."""
    subject, about = "Two plans for the same money", "What has been booked so far less what was spent."
    return draw_months(table, subject=subject, time="time (months)", about=about)


@plot(*LEVEL_COLUMNS)
def draw_levels(table: pd.DataFrame) -> Figure:
    """Net value over levels of collaboration: a panel for each shape of the cost, a line for each shape of what it brings.

    Args:
        table: columns `LEVEL_COLUMNS`, a row a mapping (shape, cost) and level.
    """
    costs = names_of(table["cost"])
    figure = new_figure(max(7.0, 2.6 + 2.9 * len(costs)), 4.2)
    panels = figure.subplots(1, len(costs), sharey=True, squeeze=False)[0]
    for axes, cost in zip(panels, costs, strict=True):
        zero_line(axes)
        for line, shape in enumerate(names_of(table["shape"])):
            own = table[(table["cost"] == cost) & (table["shape"] == shape)]
            style, band = f"{MARKERS[line % len(MARKERS)]}-", ("band_low", "band_high")
            band_line(axes, own, "x", line=line, style=style, band=band, markersize=4, label=str(shape))
        axes.set(title=f"cost: {cost}", xlabel="level of collaboration")
    amounts(panels[0].yaxis)
    panels[0].set_ylabel(f"net value over the horizon\n({table['unit'].iloc[0]})")
    panels[-1].legend(title="what it brings", loc="upper left", bbox_to_anchor=(1.0, 1.0))
    note = "Shapes of both are assumptions. Bands: 95 % for a whole line at once, simulation error only."
    caption(figure, "Net value by level of collaboration", note)
    return figure


def _crossing(month: np.ndarray, value: np.ndarray) -> float:
    """The first month, to the fraction, at whose end nothing is lost any more; inf without one."""
    there = np.flatnonzero(value >= 0)
    if not len(there):
        return math.inf
    i = int(there[0])
    if i == 0:
        return float(month[0])
    step = value[i] - value[i - 1]
    return float(month[i] - value[i] / step * (month[i] - month[i - 1]))

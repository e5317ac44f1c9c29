"""Two ways to spend money, month by month: own data against bought ones, or one plan's lead over another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from .style import COLOURS, amounts, caption, new_figure, require, styled, zero_line

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = ("panel", "month", "estimate", "ci_low", "ci_high", "unit")


def draw_months(table: pd.DataFrame) -> Figure:
    """Own data against bought ones. ``table`` has the columns `COLUMNS`, a row a panel and month."""
    return _by_month(
        table, "Own data against bought data", "time since building began (months)", "Undiscounted."
    )


def draw_lead(table: pd.DataFrame) -> Figure:
    """What one plan has brought so far more than another. ``table`` has the columns `COLUMNS`, a row a month."""
    return _by_month(
        table,
        "Two plans for the same money",
        "time (months)",
        "What has been booked so far less what was spent.",
    )


def _by_month(table: pd.DataFrame, title: str, time: str, about: str) -> Figure:
    """A panel for each thing that is followed, a line with its band in each."""
    require(table, *COLUMNS)
    names = list(dict.fromkeys(table["panel"]))
    with styled():
        figure = new_figure(4.4 * len(names), 4.2)
        panels = figure.subplots(1, len(names), squeeze=False)[0]
        for axes, name in zip(panels, names, strict=True):
            own = table[table["panel"] == name]
            month, y, low, high = (
                own[column].to_numpy(dtype=float) for column in ("month", "estimate", "ci_low", "ci_high")
            )
            zero_line(axes)
            axes.fill_between(month, low, high, color=COLOURS[0], alpha=0.2, linewidth=0)
            axes.plot(month, y, color=COLOURS[0])
            axes.set_title(str(name))
            axes.set_xlabel(time)
            axes.set_ylabel(f"difference ({own['unit'].iloc[0]})")
            amounts(axes.yaxis)
        caption(
            figure,
            title,
            f"{about} Bands: 95 % interval of each month, simulation error only.",
        )
    return figure

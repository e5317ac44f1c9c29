"""Own data against bought ones, month by month: what a month of them brings more, and the balance of building them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from experiments.plots.style import COLOURS, amounts, caption, new_figure, require, styled, zero_line

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = ("panel", "month", "estimate", "ci_low", "ci_high", "unit")


def draw_months(table: pd.DataFrame) -> Figure:
    """A panel for each thing that is followed, a line with its band in each.

    Args:
        table: columns `COLUMNS`, a row a panel and month.
    """
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
            axes.set_xlabel("month since building began")
            axes.set_ylabel(str(own["unit"].iloc[0]))
            amounts(axes.yaxis)
        caption(
            figure,
            "Own data against bought data",
            "Undiscounted. Bands: 95 % interval of each month, simulation error only.",
        )
    return figure

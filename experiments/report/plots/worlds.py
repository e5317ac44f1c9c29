"""Worlds drawn from the stated ranges: who comes first in each, and by how much."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from ...estimate.ranking import TIED
from .style import COLOURS, MARKERS, amounts, caption, new_figure, require, styled, zero_line

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = ("world", "first", "difference", "ci_low", "ci_high", "finding")


def draw_worlds(table: pd.DataFrame, unit: str) -> Figure:
    """How far the first is ahead of the second in each world, with its interval; hollow where nobody is shown to lead.

    Args:
        table: a row a world, `COLUMNS` among its columns; ``worlds.csv`` of a tournament.
        unit: of the differences.
    """
    require(table, *COLUMNS)
    rows = table.sort_values("difference", ascending=False, ignore_index=True)
    names = list(rows["first"].value_counts().index)
    with styled():
        figure = new_figure(8.5, 2.2 + 0.13 * len(rows))
        axes = figure.subplots()
        zero_line(axes, vertical=True)
        for number, name in enumerate(names):
            colour, marker = COLOURS[number % len(COLOURS)], MARKERS[number % len(MARKERS)]
            own = rows[rows["first"] == name]
            axes.hlines(own.index, own["ci_low"], own["ci_high"], color=colour, linewidth=1.5)
            shown = own["finding"] != TIED
            axes.plot(own["difference"][shown], own.index[shown], marker, color=colour)
            axes.plot(
                own["difference"][~shown], own.index[~shown], marker, color=colour, markerfacecolor="white"
            )
            axes.plot([], [], marker, color=colour, label=f"{name} first, {len(own)} of {len(rows)}")
        axes.set_yticks([])
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.set_ylabel("drawn worlds (by that difference)")
        axes.grid(visible=False, axis="y")
        axes.set_xlabel(unit)
        amounts(axes.xaxis)
        axes.legend(loc="best")
        note = (
            "A line a world, with the difference's own 95 % interval over its replications. Hollow: nobody is shown to be ahead of "
            "all others (Holm over all pairs)."
        )
        caption(figure, "How far the first is ahead of the second in each drawn world, by profit", note)
    return figure

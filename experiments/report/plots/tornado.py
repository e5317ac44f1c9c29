"""The tornado: what moves a result, the strongest on top."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from .style import COLOURS, amounts, caption, new_figure, require, styled, zero_line

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = ("panel", "arm", "unit", "estimate", "ci_low", "ci_high")


def draw_tornado(
    table: pd.DataFrame,
    *,
    subject: str = "What moves the value of joint data",
    note: str = "Lines: 95 % intervals, over which points of the ranges were tried.",
) -> Figure:
    """A panel for each value of `panel`, a bar a key (`arm`), ordered by the first panel's largest.

    Args:
        table: columns `COLUMNS`.
        subject: what the figure shows.
        note: how the intervals came about.
    """
    require(table, *COLUMNS)
    panels = list(dict.fromkeys(table["panel"]))
    first = table[table["panel"] == panels[0]]
    keys = list(
        first.reindex(first["estimate"].abs().sort_values(ascending=False, kind="stable").index)["arm"]
    )
    with styled():
        figure = new_figure(4.5 + 3.2 * len(panels), 1.9 + 0.36 * len(keys))
        all_axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
        for axes, panel in zip(all_axes, panels, strict=True):
            rows = table[table["panel"] == panel]
            numbers = rows[["estimate", "ci_low", "ci_high"]].to_numpy(dtype=float)
            zero_line(axes, vertical=True)
            for key, (estimate, low, high) in zip(rows["arm"], numbers, strict=True):
                y = keys.index(key)
                axes.barh(
                    y, estimate, color=COLOURS[0] if estimate >= 0 else COLOURS[1], height=0.6, alpha=0.7
                )
                axes.plot([low, high], [y, y], color="black", linewidth=1.5, solid_capstyle="butt")
            axes.set_title(panel)
            axes.set_xlabel(str(rows["unit"].iloc[0]))
            axes.set_yticks(range(len(keys)), keys)
            axes.set_ylim(len(keys) - 0.5, -0.5)
            axes.grid(visible=False, axis="y")
            amounts(axes.xaxis)
        caption(figure, subject, note)
    return figure

"""The tornado: what moves a result, the strongest on top."""

from __future__ import annotations

import pandas as pd

from .matplotlib_types import Figure
from .parts import INTERVAL, floats, label_rows, names_of
from .style import COLOURS, caption, new_figure, plot, zero_line

COLUMNS = ("panel", "arm", "unit", "estimate", "ci_low", "ci_high")


@plot(*COLUMNS)
def draw_tornado(table: pd.DataFrame) -> Figure:
    """A panel for each value of `panel`, a bar a key (`arm`), ordered by the first panel's largest."""
    panels = names_of(table["panel"])
    first = table[table["panel"] == panels[0]]
    strongest = first["estimate"].abs().sort_values(ascending=False, kind="stable").index
    keys = list(first.loc[strongest, "arm"])
    figure = new_figure(4.5 + 3.2 * len(panels), 1.9 + 0.36 * len(keys))
    all_axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axes, panel in zip(all_axes, panels, strict=True):
        rows = table[table["panel"] == panel]
        zero_line(axes, vertical=True)
        y, (estimate, low, high) = (
            [keys.index(key) for key in rows["arm"]],
            floats(rows, "estimate", *INTERVAL),
        )
        colours = [COLOURS[int(value < 0)] for value in estimate]
        axes.barh(y, estimate, color=colours, height=0.6, alpha=0.7)
        axes.hlines(y, low, high, color="black", linewidth=1.5)
        axes.set_title(panel)
        label_rows(axes, keys, str(rows["unit"].iloc[0]))
    note = "Lines: 95 % intervals, over which points of the ranges were tried."
    caption(figure, "What moves the value of joint data", note)
    return figure

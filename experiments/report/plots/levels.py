"""Net value over levels of collaboration: a panel for each shape of the cost, a line for each shape of what it brings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from .style import COLOURS, MARKERS, amounts, caption, new_figure, require, styled, zero_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = ("shape", "cost", "x", "estimate", "band_low", "band_high", "unit")


def draw_levels(table: pd.DataFrame) -> Figure:
    """Net value over the tenure at each level, with a band about each line, on one scale.

    Args:
        table: columns `COLUMNS`, a row a mapping (shape, cost) and level.
    """
    require(table, *COLUMNS)
    costs, shapes = (list(dict.fromkeys(table[name])) for name in ("cost", "shape"))
    with styled():
        figure = new_figure(2.6 + 2.9 * len(costs), 4.2)
        panels = figure.subplots(1, len(costs), sharey=True, squeeze=False)[0]
        for axes, cost in zip(panels, costs, strict=True):
            zero_line(axes)
            for number, shape in enumerate(shapes):
                _draw(axes, table[(table["cost"] == cost) & (table["shape"] == shape)], number, str(shape))
            axes.set_title(f"cost: {cost}")
            axes.set_xlabel("level of collaboration")
        amounts(panels[0].yaxis)
        panels[0].set_ylabel(f"net value over the tenure\n({table['unit'].iloc[0]})")
        panels[-1].legend(title="what it brings", loc="upper left", bbox_to_anchor=(1.0, 1.0))
        caption(
            figure,
            "Net value by level of collaboration",
            "Shapes of both are assumptions. Bands: 95 % for a whole line at once, simulation error only.",
        )
    return figure


def _draw(axes: Axes, own: pd.DataFrame, number: int, label: str) -> None:
    colour = COLOURS[number % len(COLOURS)]
    x, y, low, high = (own[name].to_numpy(dtype=float) for name in ("x", "estimate", "band_low", "band_high"))
    axes.fill_between(x, low, high, color=colour, alpha=0.2, linewidth=0)
    axes.plot(x, y, f"{MARKERS[number % len(MARKERS)]}-", color=colour, markersize=4, label=label)

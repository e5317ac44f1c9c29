"""A tournament: the ranks that the comparisons allow, and who gains how much from whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ...estimate.ranking import PAYOFF_COLUMNS, RANKING_COLUMNS
from .style import COLOURS, QUIET, caption, new_figure, require, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE = COLOURS[0]
TITLES = {"together": "All in one market", "pairings": "Each against each"}


def draw_ranks(ranked: pd.DataFrame) -> Figure:
    """A panel a format; a line from the best to the worst rank that the paired comparisons allow, a point at the mean's."""
    require(ranked, *RANKING_COLUMNS)
    formats = list(dict.fromkeys(ranked["format"]))
    n = ranked["strategy"].nunique()
    with styled():
        figure = new_figure(2.2 + 3.4 * len(formats), 1.7 + 0.34 * n)
        for axes, format_ in zip(figure.subplots(1, len(formats), squeeze=False)[0], formats, strict=True):
            _ranks(axes, ranked[ranked["format"] == format_])
            axes.set_title(TITLES.get(format_, format_))
        note = (
            f"Lines: ranks that all paired comparisons allow together (Holm, 95 %), {int(ranked['n_replications'].min())} "
            "replications, simulation error only. Strategies whose lines are one point stand apart; points are ranks by mean profit."
        )
        caption(figure, "Ranks by profit", note)
    return figure


def draw_payoffs(payoffs: pd.DataFrame) -> Figure:
    """The payoff matrix as a map with its numbers; a frame marks the best response to each opponent."""
    require(payoffs, *PAYOFF_COLUMNS)
    names = list(dict.fromkeys(payoffs["strategy"]))
    table = payoffs.pivot_table(index="strategy", columns="opponent", values="estimate", dropna=False).loc[
        names, names
    ]
    best = payoffs.drop_duplicates("opponent").set_index("opponent")["best_response"]
    values = table.to_numpy(dtype=float)
    with styled():
        figure = new_figure(2.6 + 0.75 * len(names), 2.0 + 0.48 * len(names))
        axes = figure.subplots()
        image = axes.imshow(values, cmap="Blues", aspect="auto")
        middle = (np.nanmin(values) + np.nanmax(values)) / 2
        for (row, column), value in np.ndenumerate(values):
            colour = "white" if value > middle else "black"
            text = "-" if np.isnan(value) else f"{value:,.3g}" if abs(value) < 1000 else f"{value:,.0f}"
            axes.text(column, row, text, ha="center", va="center", fontsize=8, color=colour)
        for column, other in enumerate(names):
            axes.add_patch(_frame(names.index(best[other]), column))
        axes.set_xticks(range(len(names)), names, rotation=35, ha="right")
        axes.set_yticks(range(len(names)), names)
        axes.set_xlabel("opponent")
        axes.grid(visible=False)
        figure.colorbar(image, ax=axes, label=str(payoffs["unit"].iloc[0]), shrink=0.9)
        caption(
            figure,
            "Profit of the row against the column",
            "Mean of both seats. Frames: the best response to that opponent among those present, chosen on pilot replications.",
        )
    return figure


def _ranks(axes: Axes, rows: pd.DataFrame) -> None:
    names = list(rows["strategy"])
    for y, row in enumerate(rows.to_dict("records")):
        ends = [row["rank_best"], row["rank_worst"]]
        axes.plot(ends, [y, y], color=BLUE, linewidth=3, solid_capstyle="round")
        axes.plot(row["rank"], y, "o", color=BLUE, markerfacecolor="white", markersize=6)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xticks(range(1, len(names) + 1))
    axes.set_xlim(0.6, len(names) + 0.4)
    axes.set_xlabel("rank", color=QUIET)
    axes.grid(visible=False, axis="y")


def _frame(row: int, column: int):  # type: ignore[no-untyped-def]  # noqa: ANN202 - matplotlib is imported when drawing
    from matplotlib.patches import Rectangle

    return Rectangle((column - 0.48, row - 0.46), 0.96, 0.92, fill=False, edgecolor=COLOURS[1], linewidth=1.8)

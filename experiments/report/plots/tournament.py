"""A tournament: the ranks that the comparisons allow, who gains how much from whom, and who leads in sampled markets."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ...estimate.ranking import PAYOFF_COLUMNS, RANKING_COLUMNS, TIED
from ..strategy_names import with_short_names
from .matplotlib_types import Axes, Figure
from .parts import annotated_map, colour_bar, interval_points, label_rows, names_of, room_for
from .style import COLOURS, MARKERS, QUIET, caption, new_figure, one_panel, plot, zero_line

WORLD_COLUMNS = ("world", "first", "difference", "ci_low", "ci_high", "finding")
TITLES = {"together": "All in one market", "pairings": "Each against each"}


@plot(*RANKING_COLUMNS)
def draw_ranks(ranked: pd.DataFrame) -> Figure:
    """A panel a format; a line from the best to the worst rank that the paired comparisons allow, a point at the mean's."""
    ranked = with_short_names(ranked)
    formats = names_of(ranked["format"])
    width = 2.2 + (3.4 + room_for(ranked["strategy"])) * len(formats)
    figure = new_figure(width, 1.7 + 0.34 * ranked["strategy"].nunique())
    for axes, format_ in zip(figure.subplots(1, len(formats), squeeze=False)[0], formats, strict=True):
        _ranks(axes, ranked[ranked["format"] == format_])
        axes.set_title(TITLES.get(format_, format_))
    note = (
        f"Lines: ranks that all paired comparisons allow together (Holm, 95 %), {int(ranked['n_replications'].min())} "
        "replications, simulation error only. Strategies whose lines are one point stand apart; points are ranks by mean profit."
    )
    caption(figure, "Ranks by profit", note)
    return figure


@plot(*PAYOFF_COLUMNS)
def draw_payoffs(payoffs: pd.DataFrame) -> Figure:
    """The payoff matrix as a map with its numbers; a frame marks the best response to each opponent."""
    from matplotlib.patches import Rectangle

    payoffs = with_short_names(payoffs)
    names = names_of(payoffs["strategy"])
    wide = payoffs.pivot_table(index="strategy", columns="opponent", values="estimate", dropna=False)
    wide = wide.loc[names[::-1], names]
    values = wide.to_numpy(dtype=float)
    texts = [
        "-" if np.isnan(value) else f"{value:,.3g}" if abs(value) < 1000 else f"{value:,.0f}"
        for value in values.flat
    ]
    further = room_for(names)
    figure, axes = one_panel(2.6 + 0.75 * len(names) + further, 2.0 + 0.48 * len(names) + further)
    limits = (float(np.nanmin(values)), float(np.nanmax(values)))
    image = annotated_map(axes, wide, np.array(texts).reshape(values.shape), limits=limits, colours="Blues")
    best = payoffs.drop_duplicates("opponent").set_index("opponent")["best_response"]
    for column, other in enumerate(names):
        corner = (column - 0.48, list(wide.index).index(best[other]) - 0.46)
        axes.add_patch(Rectangle(corner, 0.96, 0.92, fill=False, edgecolor=COLOURS[1], linewidth=1.8))
    axes.set_xticks(range(len(names)), names, rotation=35, ha="right")
    axes.set_xlabel("opponent")
    colour_bar(figure, image, axes, str(payoffs["unit"].iloc[0]))
    note = "Mean of both seats. Frames: the best response to that opponent among those present, chosen on pilot replications."
    caption(figure, "Profit of the row against the column", note)
    return figure


@plot(*WORLD_COLUMNS)
def draw_worlds(table: pd.DataFrame, unit: str) -> Figure:
    """How far the first is ahead of the second in each sampled market, with its interval; hollow where no lead is shown.

    Args:
        table: a row a market, `WORLD_COLUMNS` among its columns; ``worlds.csv`` of a tournament.
        unit: of the differences.
    """
    rows = with_short_names(table).sort_values("difference", ascending=False, ignore_index=True)
    figure, axes = one_panel(8.5, 2.2 + 0.13 * len(rows))
    zero_line(axes, vertical=True)
    for number, name in enumerate(rows["first"].value_counts().index):
        marker, own = MARKERS[number % len(MARKERS)], rows[rows["first"] == name]
        colours, points = (
            [COLOURS[number % len(COLOURS)]] * len(own),
            own.rename(columns={"difference": "estimate"}),
        )
        interval_points(
            axes, points, own.index, colours=colours, marker=marker, hollow=own["finding"] == TIED
        )
        axes.plot([], [], marker, color=colours[0], label=f"{name} first, {len(own)} of {len(rows)}")
    label_rows(axes, [""] * len(rows), unit)
    axes.set_yticks([])
    axes.set_ylabel("drawn worlds (by that difference)")
    axes.legend(loc="best")
    note = (
        "A line a world, with the difference's own 95 % interval over its replications. Hollow: no strategy is shown to be ahead "
        "of all others (Holm over all pairs)."
    )
    caption(figure, "How far the first is ahead of the second in each drawn world, by profit", note)
    return figure


def _ranks(axes: Axes, rows: pd.DataFrame) -> None:
    names = list(rows["strategy"])
    for y, row in enumerate(rows.to_dict("records")):
        ends = [row["rank_best"], row["rank_worst"]]
        axes.plot(ends, [y, y], color=COLOURS[0], linewidth=3, solid_capstyle="round")
        axes.plot(row["rank"], y, "o", color=COLOURS[0], markerfacecolor="white", markersize=6)
    label_rows(axes, names, "rank")
    axes.xaxis.label.set_color(QUIET)
    axes.set_xticks(range(1, len(names) + 1))
    axes.set_xlim(0.6, len(names) + 0.4)

"""Estimates one below the other, each with its interval and its numbers: the forest plot, and bars of what each source gives."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ...estimate.ladder import PROFIT
from ...estimate.sides import Sides
from ..numbers import number
from .matplotlib_types import Axes, Figure
from .parts import INTERVAL, floats, interval_note, interval_points, is_shown, label_rows, room_for
from .style import COLOURS, QUIET, caption, one_panel, plot, zero_line

NO_SIDES = Sides()
COLUMNS = ("label", "unit", "estimate", "ci_low", "ci_high", "n_replications")


def forest_points(
    summary: pd.DataFrame,
    *,
    estimand: str = "difference_to_none",
    sides: Sides = NO_SIDES,
) -> pd.DataFrame:
    """The rows of a summary that one forest plot shows, those of the focal bidder's profit.

    Args:
        summary: the rows of ``summary.csv``.
        estimand: which of its estimands.
        sides: what joint data were compared with; its silos are named.

    Returns:
        Columns `COLUMNS`, in the summary's order.
    """
    rows = summary[(summary["estimand"] == estimand) & (summary["metric"] == PROFIT)]
    labels = [sides.label(str(arm)) for arm in rows["arm"]]
    return rows.assign(label=labels)[list(COLUMNS)].reset_index(drop=True)


@plot(*COLUMNS)
def draw_forest(points: pd.DataFrame, *, subject: str = "What each arm gains over no data") -> Figure:
    """Point, interval and numbers of each row; hollow where no difference is shown.

    Args:
        points: what `forest_points` returns.
        subject: what the figure shows.
    """
    figure, axes = _rows(points, height=0.34)
    at = range(len(points))
    colours = [COLOURS[0]] * len(points)
    interval_points(axes, points, at, colours=colours, marker="s", hollow=~is_shown(points))
    caption(figure, subject, f"{interval_note(points, 'Lines')} Hollow: no difference shown.")
    return figure


@plot(*COLUMNS)
def draw_shapley(points: pd.DataFrame, *, subject: str = "Shapley value of each source") -> Figure:
    """A bar a source, with its interval; together they are what all sources are worth."""
    figure, axes = _rows(points, height=0.4)
    y, (estimate, low, high) = np.arange(len(points)), floats(points, "estimate", *INTERVAL)
    axes.barh(y, estimate, height=0.55, color=COLOURS[0], alpha=0.85)
    axes.hlines(y, low, high, color=QUIET, linewidth=2)
    note = "What a source adds on average over all orders in which the sources could have been joined (Shapley 1953)."
    caption(figure, subject, f"{note} {interval_note(points, 'Lines')}")
    return figure


def _rows(points: pd.DataFrame, height: float) -> tuple[Figure, Axes]:
    """Return a panel with its named rows and the zero line; to its right the numbers that are drawn in it."""
    figure, axes = one_panel(8.5 + room_for(map(str, points["label"]), usual=20), 1.9 + height * len(points))
    zero_line(axes, vertical=True)
    label_rows(axes, list(points["label"]), str(points["unit"].iloc[0]))
    axes.tick_params(axis="y", length=0)
    for y, row in enumerate(points.to_dict("records")):
        known = pd.notna(row["ci_low"]) and pd.notna(row["ci_high"])
        between = f"({number(row['ci_low'])} to {number(row['ci_high'])})" if known else "(no interval)"
        text, where = f"{number(row['estimate'])}  {between}", axes.get_yaxis_transform()
        axes.text(1.02, y, text, transform=where, va="center", size=9)
    return figure, axes

"""Estimates one below the other, each with its interval and its numbers: the forest plot, and bars of what each source gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ...estimate.ladder import silo_label
from ..verdict import number
from .style import COLOURS, QUIET, amounts, caption, new_figure, require, styled, zero_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = ("label", "unit", "estimate", "ci_low", "ci_high", "n_replications")


def forest_points(
    summary: pd.DataFrame,
    *,
    estimand: str = "difference_to_none",
    metric: str = "focal_profit",
    best_single: str = "",
) -> pd.DataFrame:
    """The rows of a summary that one forest plot shows.

    Args:
        summary: the rows of ``summary.csv``.
        estimand: which of its estimands.
        metric: which of its metrics.
        best_single: the better single source, named where it stands for one.

    Returns:
        Columns `COLUMNS`, in the summary's order.
    """
    rows = summary[(summary["estimand"] == estimand) & (summary["metric"] == metric)]
    labels = [silo_label(str(arm), best_single) for arm in rows["arm"]]
    return rows.assign(label=labels)[list(COLUMNS)].reset_index(drop=True)


def draw_forest(
    points: pd.DataFrame,
    *,
    subject: str = "What each arm gains over no data",
    note: str = "",
    best: int | None = None,
) -> Figure:
    """Point, interval and numbers of each row; hollow where no difference is shown.

    Args:
        points: what `forest_points` returns.
        subject: what the figure shows.
        note: what the reader must know beyond the intervals.
        best: row that is coloured as the one to look at.
    """
    require(points, *COLUMNS)
    with styled():
        figure = new_figure(_width(points), 1.9 + 0.34 * len(points))
        axes = figure.subplots()
        zero_line(axes, vertical=True)
        for y, row in enumerate(points.to_dict("records")):
            colour = COLOURS[1] if y == best else COLOURS[0]
            shown = row["ci_low"] > 0 or row["ci_high"] < 0
            axes.plot(
                [row["ci_low"], row["ci_high"]], [y, y], color=colour, linewidth=2, solid_capstyle="butt"
            )
            axes.plot(row["estimate"], y, "s", color=colour, markerfacecolor=colour if shown else "white")
        _rows(axes, points)
        _numbers(axes, points)
        caption(figure, subject, f"{note} {_intervals(points)}".strip())
    return figure


def draw_shapley(points: pd.DataFrame, *, subject: str = "Shapley value of each source") -> Figure:
    """A bar a source, with its interval; together they are what all sources are worth.

    Args:
        points: what `forest_points(summary, estimand="shapley")` returns.
        subject: what the figure shows.
    """
    require(points, *COLUMNS)
    with styled():
        figure = new_figure(_width(points), 1.9 + 0.4 * len(points))
        axes = figure.subplots()
        zero_line(axes, vertical=True)
        y, estimate = np.arange(len(points)), points["estimate"].to_numpy(dtype=float)
        axes.barh(y, estimate, height=0.55, color=COLOURS[0], alpha=0.85)
        axes.hlines(
            y, points["ci_low"].to_numpy(float), points["ci_high"].to_numpy(float), color=QUIET, linewidth=2
        )
        _rows(axes, points)
        _numbers(axes, points)
        note = "What a source adds on average over all orders in which the sources could have been joined (Shapley 1953)."
        caption(figure, subject, f"{note} {_intervals(points)}")
    return figure


def _width(points: pd.DataFrame) -> float:
    """Inches that leave the axes room beside the labels."""
    return 8.5 + 0.085 * max(0, max(len(str(label)) for label in points["label"]) - 20)


def _rows(axes: Axes, points: pd.DataFrame) -> None:
    axes.set_yticks(range(len(points)), list(points["label"]))
    axes.set_ylim(len(points) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    axes.margins(x=0.08)
    amounts(axes.xaxis)
    axes.set_xlabel(str(points["unit"].iloc[0]))


def _numbers(axes: Axes, points: pd.DataFrame) -> None:
    """To the right of the axes: what is drawn, as numbers."""
    for y, row in enumerate(points.to_dict("records")):
        known = pd.notna(row["ci_low"]) and pd.notna(row["ci_high"])
        between = f"({number(row['ci_low'])} to {number(row['ci_high'])})" if known else "(no interval)"
        axes.text(
            1.02,
            y,
            f"{number(row['estimate'])}  {between}",
            transform=axes.get_yaxis_transform(),
            va="center",
            size=9,
        )


def _intervals(points: pd.DataFrame) -> str:
    n = int(points["n_replications"].min())
    if points["ci_low"].isna().all():
        return f"{n} replication: there are no intervals, so no difference is shown."
    return f"Lines: 95 % intervals, simulation error only, {n} replications; hollow: no difference shown."

"""The ladder: the profit of each arm, and what it gains over the siloed one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ...estimate.ladder import silo_label
from .style import COLOURS, QUIET, amounts, caption, new_figure, require, styled, zero_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, ORANGE = COLOURS[:2]
ASIDE = ("split_budget", "summed", "clicks")
"""Arms that are no rung of the ladder: other ways of not joining."""

COLUMNS = ("quantity", "arm", "unit", "estimate", "ci_low", "ci_high", "n_replications")


def ladder_points(summary: pd.DataFrame) -> pd.DataFrame:
    """The rows of a summary that the ladder shows: focal profit and its paired difference to the silo.

    Args:
        summary: what `jointbid.experiments.estimate.ladder_summary` returns.

    Returns:
        Columns `COLUMNS`; `quantity` is `utility` or `difference_to_silo`.
    """
    wanted = summary["estimand"].isin(["utility", "difference_to_silo"])
    rows = summary[wanted & (summary["metric"] == "focal_profit")]
    return rows.rename(columns={"estimand": "quantity"})[list(COLUMNS)].reset_index(drop=True)


def draw_ladder(points: pd.DataFrame, *, best_single: str, silo: str = "best_single") -> Figure:
    """Arms from top to bottom: left the profit of each, right its paired difference to the siloed arm.

    Args:
        points: what `ladder_points` returns; a table without differences gives the left panel alone.
        best_single: the better single source.
        silo: the arm that joint data was compared with.
    """
    require(points, *COLUMNS)
    profit = points[points["quantity"] == "utility"]
    gains = points[points["quantity"] == "difference_to_silo"]
    arms = list(profit["arm"])
    against = silo_label(silo, best_single)
    with styled():
        figure = new_figure(10 if len(gains) else 6.5, 1.9 + 0.36 * len(arms))
        axes = figure.subplots(1, 2 if len(gains) else 1, sharey=True, squeeze=False)[0]
        _dots(axes[0], profit, arms, silo)
        unit = str(profit["unit"].iloc[0])
        axes[0].set_title("Profit")
        axes[0].set_xlabel(unit)
        axes[0].set_yticks(range(len(arms)), [silo_label(arm, best_single) for arm in arms])
        axes[0].set_ylim(len(arms) - 0.5, -0.5)
        if len(gains):
            zero_line(axes[1], vertical=True)
            _dots(axes[1], gains, arms, silo, hollow=True)
            axes[1].set_title(f"Gain over {against}, pair by pair")
            axes[1].set_xlabel(unit)
            axes[1].tick_params(axis="y", length=0)
        caption(figure, "Profit of the focal advertiser by what data it can use", _note(points, against))
    return figure


def _dots(axes: Axes, rows: pd.DataFrame, arms: list[str], silo: str, *, hollow: bool = False) -> None:
    """Point and interval of each arm; where asked, a hollow point for a difference that is not shown."""
    numbers = rows[["estimate", "ci_low", "ci_high"]].to_numpy(dtype=float)
    for arm, (estimate, low, high) in zip(rows["arm"], numbers, strict=True):
        colour = ORANGE if arm == silo else QUIET if arm in ASIDE else BLUE
        y = arms.index(arm)
        face = "white" if hollow and not (low > 0 or high < 0) else colour
        axes.plot([low, high], [y, y], color=colour, linewidth=2, solid_capstyle="butt")
        axes.plot(estimate, y, "o", color=colour, markerfacecolor=face, markersize=7)
    axes.grid(visible=False, axis="y")
    axes.margins(x=0.08)
    amounts(axes.xaxis)


def _note(points: pd.DataFrame, against: str) -> str:
    replications = int(points["n_replications"].min())
    if np.isnan(points["ci_low"].to_numpy(dtype=float)).all():
        return f"Siloed: {against}. {replications} replication: there are no intervals, so no difference is shown."
    return (
        f"Siloed: {against}. Lines: 95 % intervals, simulation error only, {replications} replications. "
        "Arms meet the same requests: read differences off the right panel, where a hollow point means "
        "no difference shown."
    )

"""The ladder on a real log: per budget, with and without the suspect tags side by side."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ...estimate.ladder import LADDER
from .style import COLOURS, MARKERS, amounts, caption, new_figure, require, styled, zero_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = ("tags", "budget_share", "arm", "estimate", "ci_low", "ci_high")


def draw_log_ladder(
    table: pd.DataFrame,
    *,
    unit: str,
    quantity: str = "profit",
    note: str = "Lines: 95 % intervals from resampled rows of the log.",
) -> Figure:
    """One panel for each value of `tags`, on one scale; budgets from small to large, arms beside each other.

    Args:
        table: columns `COLUMNS`; `budget_share` is the budget as a share of what the log cost.
        unit: of the estimates.
        quantity: what is estimated.
        note: how the intervals came about.
    """
    require(table, *COLUMNS)
    panels = list(dict.fromkeys(table["tags"]))
    shares = sorted(table["budget_share"].unique())
    there = list(dict.fromkeys(table["arm"]))
    arms = [arm for arm in LADDER if arm in there] + [arm for arm in there if arm not in LADDER]
    with styled():
        figure = new_figure(max(6.5, 5.2 * len(panels)), 4.8)
        for axes, tags in zip(
            figure.subplots(1, len(panels), sharey=True, squeeze=False)[0], panels, strict=True
        ):
            zero_line(axes)
            _arms(axes, table[table["tags"] == tags], arms, shares)
            axes.set_title(str(tags))
            axes.set_xticks(range(len(shares)), [_fraction(share) for share in shares])
            axes.set_xlim(-0.5, len(shares) - 0.5)
            axes.set_xlabel("budget (share of the log's cost)")
            axes.grid(visible=False, axis="x")
        amounts(figure.axes[0].yaxis)
        figure.axes[0].set_ylabel(f"{quantity}\n({unit})")
        handles, labels = figure.axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside right center")
        caption(figure, "The ladder on the log, by budget, with and without suspect tags", note)
    return figure


def _arms(axes: Axes, rows: pd.DataFrame, arms: list[str], shares: list[float]) -> None:
    """Points with intervals, the arms of one budget beside each other."""
    step = min(0.8 / len(arms), 0.16)
    for i, arm in enumerate(arms):
        own = rows[rows["arm"] == arm]
        x = (
            np.array([shares.index(share) for share in own["budget_share"]])
            + (i - (len(arms) - 1) / 2) * step
        )
        colour = COLOURS[i % len(COLOURS)]
        axes.vlines(x, own["ci_low"].to_numpy(), own["ci_high"].to_numpy(), color=colour, linewidth=1.5)
        axes.plot(
            x, own["estimate"].to_numpy(), MARKERS[i % len(MARKERS)], color=colour, markersize=6, label=arm
        )


def _fraction(share: float) -> str:
    """1/32 rather than 0.03125, where the denominator is a small one."""
    exact = Fraction(share).limit_denominator(128)
    return str(exact) if abs(float(exact) - share) < 1e-9 else f"{share:g}"

"""The ladder on a real log: per budget, with and without the suspect tags side by side."""

from __future__ import annotations

from fractions import Fraction

import pandas as pd

from .matplotlib_types import Figure
from .parts import interval_points, names_of
from .style import COLOURS, MARKERS, amounts, caption, new_figure, plot, zero_line

COLUMNS = ("tags", "budget_share", "arm", "estimate", "ci_low", "ci_high")


@plot(*COLUMNS)
def draw_log_ladder(table: pd.DataFrame, *, unit: str) -> Figure:
    """One panel for each value of `tags`, on one scale; budgets from small to large, arms beside each other.

    Args:
        table: columns `COLUMNS`; `budget_share` is the budget as a share of what the log cost.
        unit: of the estimates.
    """
    panels, arms = names_of(table["tags"]), names_of(table["arm"])
    shares = sorted(table["budget_share"].unique())
    step = min(0.8 / len(arms), 0.16)
    figure = new_figure(max(6.5, 5.2 * len(panels)), 4.8)
    grid = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axes, tags in zip(grid, panels, strict=True):
        zero_line(axes)
        for i, arm in enumerate(arms):
            own = table[(table["tags"] == tags) & (table["arm"] == arm)]
            x = [shares.index(share) + (i - (len(arms) - 1) / 2) * step for share in own["budget_share"]]
            colours, marker = [COLOURS[i % len(COLOURS)]] * len(own), MARKERS[i % len(MARKERS)]
            interval_points(axes, own, x, colours=colours, marker=marker, is_upright=True, label=arm)
        axes.set_xticks(range(len(shares)), [_fraction(share) for share in shares])
        axes.set(title=str(tags), xlabel="budget (share of the log's cost)", xlim=(-0.5, len(shares) - 0.5))
        axes.grid(visible=False, axis="x")
    amounts(grid[0].yaxis)
    grid[0].set_ylabel(f"profit\n({unit})")
    handles, labels = grid[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center")
    caption(
        figure,
        "The ladder on the log, by budget, with and without suspect tags",
        "Lines: 95 % intervals from resampled rows of the log.",
    )
    return figure


def _fraction(share: float) -> str:
    """1/32 rather than 0.03125, where the denominator is a small one."""
    exact = Fraction(share).limit_denominator(128)
    return str(exact) if abs(float(exact) - share) < 1e-9 else f"{share:g}"

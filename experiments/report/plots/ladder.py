"""The ladder: the profit of each arm, and what it gains over the siloed one."""

from __future__ import annotations

import pandas as pd

from ...estimate.sides import Sides
from .matplotlib_types import Figure
from .parts import interval_note, interval_points, is_shown, label_rows, room_for
from .style import COLOURS, QUIET, caption, new_figure, plot, zero_line

ASIDE = ("split_budget", "summed", "clicks")
"""Arms that are no rung of the ladder: other ways of not joining."""

COLUMNS = ("quantity", "arm", "unit", "estimate", "ci_low", "ci_high", "n_replications")


def ladder_points(summary: pd.DataFrame) -> pd.DataFrame:
    """The rows of a summary that the ladder shows: focal profit and its paired difference to the silo.

    Returns:
        Columns `COLUMNS`; `quantity` is `utility` or `difference_to_silo`.
    """
    wanted = summary["estimand"].isin(["utility", "difference_to_silo"])
    rows = summary[wanted & (summary["metric"] == "focal_profit")]
    return rows.rename(columns={"estimand": "quantity"})[list(COLUMNS)].reset_index(drop=True)


@plot(*COLUMNS)
def draw_ladder(points: pd.DataFrame, *, sides: Sides) -> Figure:
    """Arms from top to bottom: left the profit of each, right its paired difference to the siloed arm."""
    profit = points[points["quantity"] == "utility"]
    gains = points[points["quantity"] == "difference_to_silo"]
    arms, against = list(profit["arm"]), sides.label(sides.silo)
    labels = [sides.label(arm) for arm in arms]
    width = (10 if len(gains) else 6.5) + room_for(labels, usual=24)
    figure = new_figure(width, 1.9 + 0.36 * len(arms))
    panels = figure.subplots(1, 2 if len(gains) else 1, sharey=True, squeeze=False)[0]
    titles = ("Profit", f"Gain over {against}, pair by pair")
    for axes, rows, title in zip(panels, (profit, gains), titles, strict=False):
        colours = [
            COLOURS[1] if arm == sides.silo else QUIET if arm in ASIDE else COLOURS[0] for arm in rows["arm"]
        ]
        hollow = ~is_shown(rows) & (rows is gains)
        interval_points(axes, rows, map(arms.index, rows["arm"]), colours=colours, size=7, hollow=hollow)
        label_rows(axes, labels, str(profit["unit"].iloc[0]))
        axes.set_title(title)
    for axes in panels[1:]:
        zero_line(axes, vertical=True)
        axes.tick_params(axis="y", length=0)
    note = (
        f"Siloed: {against}. {interval_note(points, 'Lines')} Arms meet the same requests: read differences off the right "
        "panel, where a hollow point means no difference shown."
    )
    caption(figure, "Profit of the focal advertiser by what data it can use", note)
    return figure

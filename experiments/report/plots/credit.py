"""What each channel is credited with, by rule and by whose log, against what it did."""

from __future__ import annotations

import pandas as pd

from .matplotlib_types import Axes, Figure
from .parts import interval_note, interval_points, label_rows, names_of, panel_grid
from .style import COLOURS, caption, new_figure, plot

COLUMNS = ("channel", "by", "scope", "estimate", "ci_low", "ci_high", "truth", "unit", "n_replications")
SCOPES = {
    "holdout": ("randomised test", "D", 2),
    "unified": ("rule, one log of all channels", "o", 0),
    "silo": ("rule, each owner's log", "s", 1),
}
"""What a point is called, its marker and its colour."""


def credit_points(summary: pd.DataFrame) -> pd.DataFrame:
    """A row a rule, log and channel.

    Returns:
        Columns `COLUMNS`; ``by`` is the rule, ``scope`` whose log, ``truth`` what the channel did.
    """
    shared = summary[summary["estimand"] == "credit"]
    effects = summary[summary["estimand"] == "true_effect"].set_index("arm")["estimate"]
    names = shared["arm"].str.partition(": ")
    logs = names[0].str.partition("/")
    points = shared.assign(channel=names[2], scope=logs[0], by=logs[2].where(logs[2] != "", logs[0]))
    return points.assign(truth=points["channel"].map(effects))[list(COLUMNS)].reset_index(drop=True)


@plot(*COLUMNS)
def draw_credit(points: pd.DataFrame) -> Figure:
    """A panel a channel, a row a rule; the line is what the channel did."""
    channels, rules = names_of(points["channel"]), names_of(points["by"])
    width, height = min(len(channels), 4), -(-len(channels) // 4)
    figure = new_figure(4.6 + 1.9 * width, 2.0 + (0.6 + 0.32 * len(rules)) * height)
    grid = panel_grid(figure, len(channels), 4, sharey=True)
    for axes, channel in zip(grid.flat, channels, strict=False):
        _panel(axes, points[points["channel"] == channel], rules)
        axes.set_title(channel)
    unit = str(points["unit"].iloc[0]).replace(" per ", "\n(per ", 1) + ")"
    for axes in grid[-1]:
        axes.set_xlabel(unit, fontsize=9)
    handles, labels = grid[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center", fontsize=9)
    note = f"Dashed: what the channel did, by its removal. {interval_note(points, 'Lines')} Scales differ."
    caption(figure, "What channels are credited with, and what they did", note)
    return figure


def _panel(axes: Axes, points: pd.DataFrame, rules: list[str]) -> None:
    """Draw one channel."""
    truth = float(points["truth"].iloc[0])
    axes.axvline(truth, color="#404040", linestyle="--", linewidth=1.2, label="what it did")
    for scope, (label, marker, colour) in SCOPES.items():
        own = points[points["scope"] == scope]
        at, colours = map(rules.index, own["by"]), [COLOURS[colour]] * len(own)
        interval_points(axes, own, at, colours=colours, marker=marker, label=label)
    label_rows(axes, [rule.replace("_", " ") for rule in rules], "")
    axes.set_xlim(left=min(0.0, points["ci_low"].fillna(0.0).min()))
    axes.xaxis.set_tick_params(labelsize=8)
    axes.locator_params(axis="x", nbins=3)

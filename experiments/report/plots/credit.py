"""What each channel is credited with, by rule and by whose log, against what it did."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from .style import COLOURS, amounts, caption, new_figure, require, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = ("channel", "by", "scope", "estimate", "ci_low", "ci_high", "truth", "unit", "n_replications")
SCOPES = {
    "holdout": ("randomised test", "D", 2),
    "unified": ("rule, one log of all channels", "o", 0),
    "silo": ("rule, each owner's log", "s", 1),
}
"""What a point is called, its marker and its colour."""


def credit_points(summary: pd.DataFrame) -> pd.DataFrame:
    """A row a rule, log and channel.

    Args:
        summary: of a study ``attribution``.

    Returns:
        Columns `COLUMNS`; ``by`` is the rule, ``scope`` whose log, ``truth`` what the channel did.
    """
    shared = summary[summary["estimand"] == "credit"]
    effects = summary[summary["estimand"] == "true_effect"].set_index("arm")["estimate"]
    names = shared["arm"].str.partition(": ")
    logs = names[0].str.partition("/")
    points = shared.assign(channel=names[2], scope=logs[0], by=logs[2].where(logs[2] != "", logs[0]))
    return points.assign(truth=points["channel"].map(effects))[list(COLUMNS)].reset_index(drop=True)


def draw_credit(
    points: pd.DataFrame, *, subject: str = "What channels are credited with, and what they did"
) -> Figure:
    """A panel a channel, a row a rule; the line is what the channel did.

    Args:
        points: what `credit_points` returns.
        subject: what the figure shows.
    """
    require(points, *COLUMNS)
    channels, rules = (list(dict.fromkeys(points[name])) for name in ("channel", "by"))
    columns = min(len(channels), 4)
    rows = -(-len(channels) // columns)
    with styled():
        figure = new_figure(4.6 + 1.9 * columns, 2.0 + (0.6 + 0.32 * len(rules)) * rows)
        grid = figure.subplots(rows, columns, sharey=True, squeeze=False)
        for axes, channel in zip(grid.ravel(), channels, strict=False):
            _panel(axes, points[points["channel"] == channel], rules)
            axes.set_title(channel)
        for axes in grid.ravel()[len(channels) :]:
            axes.set_visible(False)
        unit = str(points["unit"].iloc[0]).replace(" per ", "\n(per ", 1) + ")"
        for axes in grid[-1]:
            axes.set_xlabel(unit, fontsize=9)
        handles, labels = grid[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside right center", fontsize=9)
        caption(figure, subject, _note(points))
    return figure


def _panel(axes: Axes, points: pd.DataFrame, rules: list[str]) -> None:
    """One channel."""
    axes.axvline(
        float(points["truth"].iloc[0]), color="#404040", linestyle="--", linewidth=1.2, label="what it did"
    )
    for scope, (label, marker, colour) in SCOPES.items():
        own = points[points["scope"] == scope]
        y = [rules.index(rule) for rule in own["by"]]
        axes.hlines(y, own["ci_low"], own["ci_high"], color=COLOURS[colour], linewidth=1.5)
        axes.plot(own["estimate"], y, marker, color=COLOURS[colour], label=label, linestyle="none")
    axes.set_yticks(range(len(rules)), [rule.replace("_", " ") for rule in rules])
    axes.set_ylim(len(rules) - 0.5, -0.5)
    axes.set_xlim(
        left=min(0.0, float(points["ci_low"].min(skipna=True)) if points["ci_low"].notna().any() else 0.0)
    )
    axes.margins(x=0.08)
    axes.xaxis.set_tick_params(labelsize=8)
    amounts(axes.xaxis)
    axes.locator_params(axis="x", nbins=3)


def _note(points: pd.DataFrame) -> str:
    n = int(points["n_replications"].min())
    if points["ci_low"].isna().all():
        return "One replication: there are no intervals."
    return f"Dashed: what the channel did, by its removal. Lines: 95 % intervals, simulation error only, {n} replications. Scales differ."

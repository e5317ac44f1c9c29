"""Pacing: how evenly bidders spend over the horizon."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from ...cells.lattice import JOINT
from .matplotlib_types import Figure
from .parts import names_of
from .style import COLOURS, MARKERS, QUIET, caption, one_panel, plot, require

COLUMNS = ("bidder", "hour", "spend", "spend_share", "share_of")
SHARES = {
    frozenset({"budget"}): "share of budget",
    frozenset({"total"}): "share of total spend",
    frozenset({"budget", "total"}): "share of budget,\nor of total spend where unlimited",
}
"""What the bidders' shares are of -> how the axis says it."""
NAMED = 6
"""With more bidders than this only the focal advertiser's have a name; the others are one grey crowd."""


def pacing_points(timeseries: pd.DataFrame, budgets: Mapping[str, float] | None = None) -> pd.DataFrame:
    """Cumulative share of the money spent by the end of each hour, starting with zero at hour 0.

    Args:
        timeseries: columns bidder, hour (0 for the first), spend (within that hour, in currency); of one run.
        budgets: each bidder's budget in currency; without one, or without an end to it, the share is of what
            the bidder spent in all.

    Returns:
        Columns `COLUMNS`; `share_of` is `budget` or `total`; the share is nan for a bidder that spent nothing of
        an endless budget.

    Raises:
        ValueError: missing columns, no rows, or an hour of a bidder that occurs twice (several runs).
    """
    require(timeseries, "bidder", "hour", "spend")
    if timeseries.duplicated(["bidder", "hour"]).any():
        raise ValueError("an hour of a bidder occurs twice: pacing shows one run")
    parts = []
    for bidder, rows in timeseries.sort_values("hour").groupby("bidder", sort=False):
        spent = np.concatenate([[0.0], rows["spend"].to_numpy(dtype=float).cumsum()])
        hours = np.concatenate([[float(rows["hour"].iloc[0])], rows["hour"].to_numpy(dtype=float) + 1])
        budget = (budgets or {}).get(str(bidder), math.inf)
        limited = math.isfinite(budget)
        whole = budget if limited else spent[-1]
        share = spent / whole if whole > 0 else np.full(len(spent), np.nan)
        columns = {"bidder": bidder, "hour": hours, "spend": spent, "spend_share": share}
        parts.append(pd.DataFrame({**columns, "share_of": "budget" if limited else "total"}))
    return pd.concat(parts, ignore_index=True)


def arm_pacing(timeseries: pd.DataFrame, budget: float | None = None) -> pd.DataFrame:
    """Return what `pacing_points` does for the arm `joint` of a study, mean over its replications.

    Returns:
        What `pacing_points` returns; no rows where the study has not played that arm.
    """
    own = timeseries[timeseries["arm"] == JOINT]
    if own.empty:
        return pd.DataFrame(columns=list(COLUMNS))
    mean = own.groupby(["bidder", "hour"], sort=False)["spend"].mean().reset_index()
    limits = {} if budget is None else dict.fromkeys(mean["bidder"].unique(), float(budget))
    return pacing_points(mean, limits)


@plot(*COLUMNS)
def draw_pacing(points: pd.DataFrame, *, subject: str = "Pacing: spend over the day, by bidder") -> Figure:
    """Cumulative spend share against time, one line a bidder, with a line for spending evenly."""
    bidders = names_of(points["bidder"])
    named = [b for b in bidders if str(b).startswith("focal")] if len(bidders) > NAMED else bidders
    crowd = [b for b in bidders if b not in named]
    figure, axes = one_panel(7.5, 4.4)
    for i, bidder in enumerate(crowd):
        rows, label = points[points["bidder"] == bidder], f"{len(crowd)} others" if i == 0 else None
        axes.plot(rows["hour"], rows["spend_share"], color=QUIET, alpha=0.45, linewidth=0.9, label=label)
    ends = [float(points["hour"].min()), float(points["hour"].max())]
    axes.plot(ends, [0, 1], "--", color="#404040", linewidth=1.2, label="even spend")
    for i, bidder in enumerate(named):
        rows = points[points["bidder"] == bidder]
        look: dict[str, Any] = {"color": COLOURS[i % len(COLOURS)], "marker": MARKERS[i % len(MARKERS)]}
        axes.plot(rows["hour"], rows["spend_share"], markersize=4, markevery=4, label=str(bidder), **look)
    axes.set_xlabel("time (hours)")
    axes.set_ylabel(f"cumulative spend ({SHARES[frozenset(points['share_of'])]})")
    axes.set_xlim(ends[0], ends[1] + 0.015 * (ends[1] - ends[0]))
    axes.set_ylim(0, 1.02 * float(points["spend_share"].clip(lower=1).fillna(1).max()))
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    note = "Requests follow the daily curve, so even spend over time is a yardstick, not a goal."
    caption(figure, subject, note)
    return figure

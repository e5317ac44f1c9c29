"""Plots that the tables of any study allow, which the report draws beside the study's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import pandas as pd

from .figure import Figure
from .forest import draw_shapley, forest_points
from .lattice import draw_lattice, is_whole, lattice_points
from .money import cumulative_points, draw_cumulative
from .pacing import arm_pacing, draw_pacing


def figures_of(
    summary: pd.DataFrame,
    timeseries: pd.DataFrame,
    *,
    budget: float | None = None,
    money: Mapping[str, Any] | None = None,
) -> Iterator[Figure]:
    """Yield the plots that these tables allow.

    Args:
        summary: the rows of ``summary.csv``; of a log, which has several budgets, nothing is drawn.
        timeseries: the rows of ``timeseries.parquet``; may be empty.
        budget: each advertiser's, in currency per replication; None without one.
        money: the configuration's ``money``, with ``integration_once`` and ``horizon_months``.
    """
    if "budget_share" in summary or summary.empty:
        return
    drawn: list[tuple[str, pd.DataFrame, Callable[..., Any]]] = [
        ("shapley", forest_points(summary, estimand="shapley"), draw_shapley)
    ]
    if is_whole(sets := lattice_points(summary)):
        drawn.append(("lattice", sets, draw_lattice))
    if money and "integration_once" in money:
        once, horizon = float(money["integration_once"]), int(money["horizon_months"])
        cumulative = cumulative_points(summary, once=once, horizon_months=horizon)
        drawn.append(("cumulative_net_value", cumulative, draw_cumulative))
    if {"arm", "bidder", "hour", "spend"} <= set(timeseries):  # a single run draws its own
        subject = "Pacing: spend over the day, by bidder, where the focal advertiser is joint"
        drawn.append(("pacing", arm_pacing(timeseries, budget), partial(draw_pacing, subject=subject)))
    for name, points, draw in drawn:
        if len(points):
            yield Figure(name, points, draw)

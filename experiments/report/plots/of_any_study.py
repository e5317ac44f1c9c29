"""Plots that the tables of any study allow, which the report draws beside the study's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import pandas as pd

from .figure import Figure
from .forest import draw_forest, draw_shapley, forest_points
from .lattice import MOST, draw_lattice, lattice_points
from .money import cumulative_points, draw_cumulative
from .pacing import arm_pacing, draw_pacing

PROFIT = "focal_profit"


def figures_of(
    summary: pd.DataFrame,
    timeseries: pd.DataFrame,
    *,
    budget: float | None = None,
    best_single: str = "",
    money: Mapping[str, Any] | None = None,
) -> Iterator[Figure]:
    """What can be drawn of these tables.

    Args:
        summary: the rows of ``summary.csv``; of a log, which has several budgets, nothing is drawn.
        timeseries: the rows of ``timeseries.parquet``; may be empty.
        budget: each advertiser's, in currency per replication; None where there is none.
        best_single: the better single source.
        money: the configuration's ``money``, with ``integration_once`` and ``horizon_months``.
    """
    if "budget_share" in summary or summary.empty:
        return
    forest = forest_points(summary, best_single=best_single)
    if len(forest):
        yield Figure("forest", forest, partial(draw_forest, forest))
    shapley = forest_points(summary, estimand="shapley")
    if len(shapley):
        yield Figure("shapley", shapley, partial(draw_shapley, shapley))
    marginal = summary["estimand"] == "marginal_value"
    sources = {str(arm).partition(" | ")[0] for arm in summary.loc[marginal, "arm"]}
    if 2 <= len(sources) <= MOST:
        lattice = lattice_points(summary)
        yield Figure("lattice", lattice, partial(draw_lattice, lattice))
    if money and "integration_once" in money:
        once, horizon = float(money["integration_once"]), int(money["horizon_months"])
        cumulative = cumulative_points(summary, once=once, horizon_months=horizon)
        if len(cumulative):
            yield Figure("cumulative_net_value", cumulative, partial(draw_cumulative, cumulative))
    if not {"arm", "bidder", "hour", "spend"} <= set(timeseries):  # of a single run, which draws its own
        return
    pacing = arm_pacing(timeseries, budget)
    if len(pacing):
        subject = "Pacing: spend over the day, by bidder, where the focal advertiser is joint"
        yield Figure("pacing", pacing, partial(draw_pacing, pacing, subject=subject))

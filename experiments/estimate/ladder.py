"""The study `value`: from cells to the summary table of the ladder and of what separates its rungs."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..cells.lattice import AND, JOINT, Lattice
from .intervals import Estimate, contrast, mean_interval, percent_difference
from .metrics import METRICS, outcomes, unit_of
from .multiple import holm
from .source_contributions import attribution

LADDER = ("none", "profile", "context", "best_single", "stacked", "joint", "split_budget", "summed")
"""Arms in the order in which they are shown, of a market with these two sources."""

SUMMARY_COLUMNS = ("estimand", "arm", "metric", "unit", "estimate", "ci_low", "ci_high", "n_replications")
P_HOLM = "p_holm"
"""A further column: the p-value of a secondary comparison of profits, adjusted for how many there are; nan elsewhere."""

ESTIMANDS: dict[str, str] = {
    "utility": "mean of a metric in one arm",
    "value_of_joint_data": "joint - silo: what joining is worth; for the market's metrics, what joining changes",
    "same_request_step": "stacked - best_single: both departments' scores on one request",
    "joint_model_step": "joint - stacked: one model of both departments' data",
    "bidding_better": "with creatives chosen: what joint data is worth for the bids alone, on average with siloed and with joint choice of the creative",
    "showing_better": "with creatives chosen: what joint data is worth for the choice of the creative alone, on average with siloed and with joint bids",
    "double_counting_penalty": "stacked - summed: what is lost where two scores are simply added",
    "cost_of_seeing_clicks": "joint - clicks: what is lost by one who holds all data and takes clicks for all that follows",
    "synergy": "what a set of sources is worth beyond all sets within it (its Harsanyi dividend); of two sources joint - one - other + none",
    "shapley": "what a source adds on average over all orders in which the sources could be joined",
    "marginal_value": "what the source adds to a holder of the others named, as in history | profile+context",
    "difference_to_none": "one arm - none",
    "difference_to_silo": "one arm - silo",
    "cost_of_learning": "with both valuations: an arm's profit with the exact one less that with the learned one",
    "value_lost_to_learning": "with both valuations: the value of joint data with the exact ones less that with the learned ones",
    "effect_of_reoptimising": "with fitted bid curves: what joining changes where all re-optimise less what it changes where rivals keep their curves",
}
"""Every estimand of the study `value` with its meaning; all of them paired by replication. With both valuations the learned
ladder's begin with `learned_`, with fitted bid curves those of frozen rivals with `frozen_`."""

STEPS: dict[str, dict[str, float]] = {
    "same_request_step": {"stacked": 1, "best_single": -1},
    "joint_model_step": {"joint": 1, "stacked": -1},
    "double_counting_penalty": {"stacked": 1, "summed": -1},
    "cost_of_seeing_clicks": {"joint": 1, "clicks": -1},
}
"""Weights of the arms in each estimand that compares fixed arms."""

PRIMARY = ("utility", "learned_utility", "value_of_joint_data")
"""Estimands that are no comparison, or what the study is for: the others are a family of comparisons."""

MARKET_METRICS = ("bidder_surplus", "revenue", "exchange_fee", "welfare", "relevance")
PROFIT = "focal_profit"
LOST = "revenue_lost_pct"

Row = dict[str, Any]


def ladder_summary(
    cells: pd.DataFrame,
    *,
    best_single: str,
    silo: str = "best_single",
    sources: Sequence[str] = ("profile", "context"),
    unit_scale: float = 1e6,
    unit: str = "currency per million bid requests",
    per_bidder: bool = False,
) -> pd.DataFrame:
    """Summary of the ladder at one study point.

    Arms that the cells do not have are left out, with the estimands that need them; a comparison uses only the
    replications that all of its arms completed. Value of joint data and its two steps share their replications,
    so that with the silo `best_single` the steps add up to it.

    Args:
        cells: one row a cell and bidder; see `jointbid.experiments.estimate.metrics.REQUIRED`.
        best_single: the single source that is the better one, chosen beforehand on pilot seeds.
        silo: the arm that joint data is compared with; `best_single` or an arm of the cells.
        sources: the sources by name, in the scenario's order.
        unit_scale: bid requests that money and clicks are stated for.
        unit: what that makes the unit of money, for example "CNY per million bid requests".
        per_bidder: utility rows `profit_<bidder>` of the rivals too.

    Returns:
        Columns `SUMMARY_COLUMNS` and `P_HOLM`; `arm` of a comparison names its two sides, and the silo with its source.

    Raises:
        ValueError: cells that cannot be read, or a `best_single` or `silo` that is not among their arms.
    """
    wide = arms_by_replication(cells, best_single, unit_scale=unit_scale, per_bidder=per_bidder)
    lattice = Lattice(tuple(sources))
    arms = [arm for arm in dict.fromkeys((*shown_order(lattice), *wide[PROFIT])) if arm in wide[PROFIT]]
    _check_silo(silo, arms)
    rows = [
        summary_row("utility", arm, metric, unit, mean_interval(table[arm]))
        for metric, table in wide.items()
        for arm in arms
        if table[arm].notna().any()
    ]
    rows += _joint_rows(wide, silo, best_single, unit)
    rows += _step_rows(wide[PROFIT], silo, best_single, unit)
    rows += _channel_rows(wide[PROFIT], silo, best_single, unit)
    rows += [
        summary_row(name, arm, PROFIT, unit, estimate)
        for name, arm, estimate in attribution(wide[PROFIT], lattice)
    ]
    rows += _difference_rows(wide[PROFIT], arms, silo, best_single, unit)
    return adjusted(pd.DataFrame(rows, columns=[*SUMMARY_COLUMNS, P_HOLM]))


def shown_order(lattice: Lattice) -> tuple[str, ...]:
    """Arms in the order in which they are shown: by how much they know, those that do not join in the end."""
    alone = tuple(arm for arm in lattice.arms if AND not in arm and arm != JOINT)
    joins = tuple(arm for arm in lattice.arms if AND in arm)
    return (*alone, "best_single", *joins, "stacked", JOINT, "split_budget", "summed", "clicks")


def arms_by_replication(
    cells: pd.DataFrame,
    best_single: str,
    *,
    unit_scale: float,
    per_bidder: bool = False,
    wanted: Collection[str] = METRICS,
) -> dict[str, pd.DataFrame]:
    """For each metric a table with one row a replication and one column an arm, `best_single` among them.

    Raises:
        ValueError: cells that cannot be read, or a `best_single` that is not among their arms.
    """
    table = outcomes(cells, unit_scale=unit_scale, per_bidder=per_bidder, wanted=wanted)
    wide = {str(metric): table[metric].unstack("arm") for metric in table}
    for values in wide.values():
        if best_single not in values:
            arms = ", ".join(map(str, values))
            raise ValueError(f"best_single {best_single!r} is not among the arms {arms}")
        values["best_single"] = values[best_single]
    return wide


def lookup(
    summary: pd.DataFrame, estimand: str, metric: str = PROFIT, arm: str | None = None
) -> Estimate | None:
    """The one row of a summary with this estimand, metric and (where given) arm; None where there is none."""
    mask = (summary["estimand"] == estimand) & (summary["metric"] == metric)
    if arm is not None:
        mask &= summary["arm"] == arm
    places = np.flatnonzero(mask.to_numpy(dtype=bool, na_value=False))
    if not len(places):
        return None
    first = places[0]
    estimate, low, high = (float(summary[name].iat[first]) for name in ("estimate", "ci_low", "ci_high"))
    return Estimate(estimate, low, high, int(summary["n_replications"].iat[first]))


def silo_label(silo: str, best_single: str) -> str:
    """Name of the siloed arm as tables and plots print it: with the source where it is the better single one."""
    return f"best_single ({best_single})" if silo == "best_single" and best_single else silo


def joint_decomposition(
    profit: pd.DataFrame, silo: str
) -> Iterator[tuple[str, Mapping[str, float], Estimate]]:
    """Value of joint data and its two steps, over the replications that all arms they need completed.

    Args:
        profit: one row a replication and one column an arm.
        silo: the arm that joint data is compared with.

    Yields:
        Estimand, weights of the arms, estimate; only estimands whose arms are there.
    """
    there = decomposition_weights(profit, silo)
    needed = list(dict.fromkeys(arm for arms in there.values() for arm in arms))
    complete = profit[needed].dropna()
    for name, arms in there.items():
        yield name, arms, contrast(complete, arms)


def decomposition_weights(profit: pd.DataFrame, silo: str) -> dict[str, Mapping[str, float]]:
    """Weights of the arms in the value of joint data and its two steps; only estimands whose arms are there."""
    weights: dict[str, Mapping[str, float]] = {
        "value_of_joint_data": {"joint": 1, silo: -1},
        "same_request_step": STEPS["same_request_step"],
        "joint_model_step": STEPS["joint_model_step"],
    }
    return {name: arms for name, arms in weights.items() if set(arms) <= set(profit)}


def _check_silo(silo: str, arms: list[str]) -> None:
    allowed = [arm for arm in arms if arm != "joint"]
    if silo not in allowed:
        raise ValueError(f"silo {silo!r} is not one of the arms {', '.join(allowed)}")


def _joint_rows(wide: Mapping[str, pd.DataFrame], silo: str, best_single: str, unit: str) -> list[Row]:
    """Value of joint data in money and percent, and what joining changes for the market."""
    name, profit = "value_of_joint_data", wide[PROFIT]
    found = {estimand: estimate for estimand, _, estimate in joint_decomposition(profit, silo)}
    if name not in found:
        return []
    weights = {"joint": 1.0, silo: -1.0}
    values = {PROFIT: found[name], "focal_profit_pct": percent_difference(profit["joint"], profit[silo])}
    if "welfare" in wide:  # against a landscape it is the focal advertiser's payments alone
        values[LOST] = percent_difference(wide["revenue"][silo], wide["revenue"]["joint"])
    values |= {metric: contrast(wide[metric], weights) for metric in MARKET_METRICS if metric in wide}
    return [
        summary_row(name, _sides(weights, best_single), metric, unit, value)
        for metric, value in values.items()
    ]


def _step_rows(profit: pd.DataFrame, silo: str, best_single: str, unit: str) -> list[Row]:
    """The two steps, then the estimands that have replications of their own."""
    found = {name: estimate for name, _, estimate in joint_decomposition(profit, silo) if name in STEPS}
    found |= {
        name: contrast(profit, weights)
        for name, weights in STEPS.items()
        if name not in found and set(weights) <= set(profit)
    }
    return [
        summary_row(name, _sides(STEPS[name], best_single), PROFIT, unit, found[name])
        for name in STEPS
        if name in found
    ]


def _channel_rows(profit: pd.DataFrame, silo: str, best_single: str, unit: str) -> list[Row]:
    """The value of joint data by what it does better: bidding, showing (Shapley's shares of the two, which add up to it)."""
    source = best_single if silo == "best_single" else silo
    bids, shows = f"joint/{source}", f"{source}/joint"
    if not {bids, shows, "joint", silo} <= set(profit):
        return []
    complete = profit.dropna(subset=[bids, shows, "joint", silo])
    return [
        summary_row(
            name, arm, PROFIT, unit, contrast(complete, {"joint": 0.5, silo: -0.5, arm: 0.5, other: -0.5})
        )
        for name, arm, other in (("bidding_better", bids, shows), ("showing_better", shows, bids))
    ]


def _difference_rows(
    profit: pd.DataFrame, arms: list[str], silo: str, best_single: str, unit: str
) -> list[Row]:
    """Each arm against none and against the silo; `arm` is the arm alone, as in the utility rows."""
    rows = []
    for base, estimand in (("none", "difference_to_none"), (silo, "difference_to_silo")):
        same = {base, best_single} if base == "best_single" else {base}
        rows += [
            summary_row(estimand, arm, PROFIT, unit, contrast(profit, {arm: 1, base: -1}))
            for arm in arms
            if base in arms and arm not in same
        ]
    return rows


def _sides(weights: Mapping[str, float], best_single: str) -> str:
    """`{"joint": 1, "none": -1}` -> "joint - none"."""
    first, *rest = (
        ("- " if weight < 0 else "+ ") + silo_label(arm, best_single) for arm, weight in weights.items()
    )
    return " ".join([first.removeprefix("+ "), *rest])


def adjusted(summary: pd.DataFrame) -> pd.DataFrame:
    """The summary with Holm's p-values: the value of joint data is what the study is for, all other comparisons are a family.

    The same comparison under two names, such as a step and a difference to the silo, counts once.
    """
    family = (summary["metric"] == PROFIT) & ~summary["estimand"].isin(PRIMARY)
    each = [
        Estimate(*row)
        for row in summary.loc[family, ["estimate", "ci_low", "ci_high", "n_replications"]].itertuples(
            index=False
        )
    ]
    distinct = list(dict.fromkeys(estimate for estimate in each if estimate.has_interval))
    known = dict(zip(distinct, holm([estimate.p_value for estimate in distinct]), strict=True))
    column = pd.Series([known.get(one, math.nan) for one in each], index=summary.index[family], dtype=float)
    return summary.assign(**{P_HOLM: column.reindex(summary.index)})


def summary_row(estimand: str, arm: str, metric: str, unit: str, estimate: Estimate) -> Row:
    """One row of a summary whose money is in ``unit``; without an adjusted p-value as yet."""
    return row_of(estimand, arm, metric, unit_of(metric, unit), estimate) | {P_HOLM: math.nan}


def row_of(estimand: str, arm: str, metric: str, unit: str, estimate: Estimate) -> Row:
    """One row with the columns `SUMMARY_COLUMNS`, of a figure that is in ``unit``."""
    values = (estimate.estimate, estimate.ci_low, estimate.ci_high, estimate.n)
    return dict(zip(SUMMARY_COLUMNS, (estimand, arm, metric, unit, *values), strict=True))

"""The study `value`: from cells to the summary table of the ladder and of what separates its rungs."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from ..cells.lattice import AND, JOINT, Lattice
from .intervals import Estimate, contrast, least, mean_interval, percent_difference
from .metrics import MARKET_METRICS, METRICS, metric_table, unit_of
from .multiple import holm
from .sides import BEST_SILO, BEST_SINGLE, ON_ONE_REQUEST, Sides, Weights
from .source_contributions import contribution_estimates

SUMMARY_COLUMNS = ("estimand", "arm", "metric", "unit", "estimate", "ci_low", "ci_high", "n_replications")
"""Columns of a summary. ``arm`` is what the estimand is of: an arm, a comparison of two, or a channel, a key or a number of adopters."""
P_HOLM = "p_holm"
"""A further column: the p-value of a secondary comparison of profits, adjusted for how many there are; nan elsewhere."""

VALUE, SAME_REQUEST, SEEING_CLICKS = "value_of_joint_data", "same_request_step", "cost_of_seeing_clicks"
STEPS: dict[str, dict[str, float]] = {
    "joint_model_step": {"joint": 1, "stacked": -1},
    "double_counting_penalty": {"stacked": 1, "summed": -1},
    SEEING_CLICKS: {"joint": 1, "clicks": -1},
}
"""Weights of the arms in each estimand that compares fixed arms."""

PRIMARY = ("utility", "learned_utility", VALUE)
"""Estimands that are no comparison, or what the study is for: the others are a family of comparisons."""

PROFIT = "focal_profit"
LOST = "revenue_lost_pct"

Row = dict[str, Any]


def ladder_summary(
    cells: pd.DataFrame,
    sides: Sides,
    *,
    unit_scale: float = 1e6,
    unit: str = "currency per million bid requests",
    per_bidder: bool = False,
) -> pd.DataFrame:
    """Summary of the ladder at one study point.

    Arms that the cells do not have are left out, with the estimands that need them; a comparison uses only the
    replications that all of its arms completed. Value of joint data and its two steps share their replications, so that
    the steps add up to it. Where the silo was chosen, their intervals, and that of the percentage, hold the choice (`least`).

    Args:
        cells: one row a cell and bidder; see `jointbid.experiments.estimate.metrics.REQUIRED`.
        sides: what joint data are compared with.
        unit_scale: bid requests that money and clicks are stated for.
        unit: what that makes the unit of money, for example "CNY per million bid requests".
        per_bidder: utility rows `profit_<bidder>` of the rivals too.

    Returns:
        Columns `SUMMARY_COLUMNS` and `P_HOLM`; `arm` of a comparison names its two sides, and the silo with its owner.

    Raises:
        ValueError: cells that cannot be read, or a silo that is not among their arms.
    """
    wide = arms_by_replication(cells, sides, unit_scale=unit_scale, per_bidder=per_bidder)
    lattice = Lattice(sides.sources)
    arms = [arm for arm in dict.fromkeys((*shown_order(lattice), *wide[PROFIT])) if arm in wide[PROFIT]]
    _check_silo(sides.silo, arms)
    rows = [
        summary_row("utility", arm, metric, unit, mean_interval(table[arm]))
        for metric, table in wide.items()
        for arm in arms
        if table[arm].notna().any()
    ]
    rows += _joint_rows(wide, sides, unit)
    rows += _step_rows(wide[PROFIT], sides, unit)
    rows += _use_rows(wide[PROFIT], sides, unit)
    rows += [
        summary_row(name, arm, PROFIT, unit, estimate)
        for name, arm, estimate in contribution_estimates(wide[PROFIT], lattice)
    ]
    rows += _difference_rows(wide[PROFIT], arms, sides, unit)
    return adjusted(pd.DataFrame(rows, columns=[*SUMMARY_COLUMNS, P_HOLM]))


def shown_order(lattice: Lattice) -> tuple[str, ...]:
    """Arms in the order in which they are shown: by how much they know, those that do not join in the end."""
    alone = tuple(arm for arm in lattice.arms if AND not in arm and arm != JOINT)
    joins = tuple(arm for arm in lattice.arms if AND in arm)
    return (*alone, BEST_SINGLE, *joins, BEST_SILO, "stacked", JOINT, "split_budget", "summed", "clicks")


def arms_by_replication(
    cells: pd.DataFrame,
    sides: Sides,
    *,
    unit_scale: float,
    per_bidder: bool = False,
    wanted: Collection[str] = METRICS,
) -> dict[str, pd.DataFrame]:
    """For each metric a table with one row a replication and one column an arm, each chosen one again under its name.

    Raises:
        ValueError: cells that cannot be read, or a chosen silo that is not among their arms.
    """
    table = metric_table(cells, unit_scale=unit_scale, per_bidder=per_bidder, wanted=wanted)
    wide = {str(metric): table[metric].unstack("arm") for metric in table}
    for values in wide.values():
        for name, arm in sides.chosen.items():
            if arm in values:
                values[name] = values[arm]
            elif name == sides.silo:
                raise ValueError(f"{name} {arm!r} is not among the arms {', '.join(map(str, values))}")
    return wide


_ESTIMATE = ("estimate", "ci_low", "ci_high", "n_replications")


def lookup(
    summary: pd.DataFrame, estimand: str, metric: str = PROFIT, arm: str | None = None
) -> Estimate | None:
    """The one row of a summary with this estimand, metric and (where given) arm; None without one."""
    places = np.arange(len(summary))
    for name, wanted in (("estimand", estimand), ("metric", metric), ("arm", arm)):
        if wanted is not None:
            places = places[summary[name].to_numpy(dtype=object)[places] == wanted]
    if not len(places):
        return None
    row: list[Any] = [summary[name].iat[places[0]] for name in _ESTIMATE]
    estimate, low, high, n = row
    return Estimate(float(estimate), float(low), float(high), int(n))


def joint_decomposition(profit: pd.DataFrame, sides: Sides) -> Iterator[tuple[str, Estimate]]:
    """Yield the value of joint data and its two steps, over the replications that all arms they need completed.

    Args:
        profit: one row a replication and one column an arm.
        sides: what joint data are compared with.

    Yields:
        Estimand and estimate; only estimands whose arms are there.
    """
    there = decomposition_weights(profit, sides)
    needed = [arm for weights in there.values() for one in sides.alternatives(weights) for arm in one]
    complete = profit[list(dict.fromkeys(arm for arm in needed if arm in profit))].dropna()
    for name, weights in there.items():
        yield name, over_silo(complete, weights, sides)


def decomposition_weights(profit: pd.DataFrame, sides: Sides) -> dict[str, Weights]:
    """Weights of the arms in the value of joint data and its two steps; only estimands whose arms are there."""
    weights: dict[str, Weights] = {VALUE: sides.weights}
    if sides.silo not in ON_ONE_REQUEST and not sides.is_same_data:
        weights[SAME_REQUEST] = {"stacked": 1, sides.silo: -1}
    weights["joint_model_step"] = STEPS["joint_model_step"]
    return {name: arms for name, arms in weights.items() if set(arms) <= set(profit)}


def over_silo(wide: pd.DataFrame, weights: Weights, sides: Sides) -> Estimate:
    """The weighted sum of arms; where the silo is among them and was chosen, its choice is part of the interval."""
    there = [one for one in sides.alternatives(weights) if set(one) <= set(wide)]
    return least([contrast(wide, one) for one in there])


def _check_silo(silo: str, arms: list[str]) -> None:
    allowed = [arm for arm in arms if arm != "joint"]
    if silo not in allowed:
        raise ValueError(f"silo {silo!r} is not one of the arms {', '.join(allowed)}")


def _joint_rows(wide: Mapping[str, pd.DataFrame], sides: Sides, unit: str) -> list[Row]:
    """Value of joint data in money and percent, and what joining changes for the market."""
    profit = wide[PROFIT]
    found = dict(joint_decomposition(profit, sides))
    if VALUE not in found:
        return []
    values = {PROFIT: found[VALUE], f"{PROFIT}_pct": _percent_over_silo(profit, sides)}
    if "welfare" in wide and not sides.is_same_data:
        values[LOST] = percent_difference(wide["revenue"][sides.silo], wide["revenue"]["joint"])
    values |= {metric: contrast(wide[metric], sides.weights) for metric in MARKET_METRICS if metric in wide}
    return [summary_row(VALUE, sides.named, metric, unit, value) for metric, value in values.items()]


def _percent_over_silo(profit: pd.DataFrame, sides: Sides) -> Estimate:
    """The value of joint data in percent of the silo's profit, its choice part of the interval."""
    joint = profit["joint"]
    silos = ["joint"] if sides.is_same_data else [sides.silo, *(arm for arm in sides.others if arm in profit)]
    return least([percent_difference(joint, profit[silo]) for silo in silos])


def _step_rows(profit: pd.DataFrame, sides: Sides, unit: str) -> list[Row]:
    """The two steps, then the estimands that have replications of their own."""
    found, weights = dict(joint_decomposition(profit, sides)), decomposition_weights(profit, sides)
    own = {name: arms for name, arms in STEPS.items() if name not in weights and set(arms) <= set(profit)}
    rows = [
        summary_row(name, sides.comparison(arms), PROFIT, unit, found.get(name) or contrast(profit, arms))
        for name, arms in (weights | own).items()
        if name != VALUE
    ]
    if SEEING_CLICKS in own:
        percent = percent_difference(profit["joint"], profit["clicks"])
        rows.append(summary_row(SEEING_CLICKS, "joint - clicks", f"{PROFIT}_pct", unit, percent))
    return rows


def _use_rows(profit: pd.DataFrame, sides: Sides, unit: str) -> list[Row]:
    """The value of joint data by what it does better: bidding, showing (Shapley's shares of the two, which add up to it)."""
    silo, bids, shows = sides.silo, f"joint/{sides.arm}", f"{sides.arm}/joint"
    if not {bids, shows, "joint", silo} <= set(profit):
        return []
    complete = profit.dropna(subset=[bids, shows, "joint", silo])
    return [
        summary_row(
            name, arm, PROFIT, unit, contrast(complete, {"joint": 0.5, silo: -0.5, arm: 0.5, other: -0.5})
        )
        for name, arm, other in (("bidding_better", bids, shows), ("showing_better", shows, bids))
    ]


def _difference_rows(profit: pd.DataFrame, arms: list[str], sides: Sides, unit: str) -> list[Row]:
    """Each arm against none and against the silo; `arm` is the arm alone, as in the utility rows."""
    same = {
        sides.silo,
        *(name for name in (sides.arm, *sides.chosen) if sides.chosen.get(name, name) == sides.arm),
    }
    bases = (("none", "difference_to_none", {"none"}), (sides.silo, "difference_to_silo", same))
    return [
        summary_row(estimand, arm, PROFIT, unit, contrast(profit, {arm: 1, base: -1}))
        for base, estimand, itself in bases
        for arm in arms
        if base in arms and arm not in itself
    ]


def adjusted(summary: pd.DataFrame) -> pd.DataFrame:
    """The summary with Holm's p-values: the value of joint data is what the study is for, all other comparisons are a family.

    A claim counts once, under all its names and with either sign: a step may also be a difference to the silo, and a marginal value the
    value of joint data itself, which then has no adjusted p-value. Of a claim's p-values the largest counts, that of the interval
    which holds the choice of the silo. Comparisons that are exactly 0 claim nothing, and together count as one.
    """
    profit = summary[summary["metric"] == PROFIT]
    figures = ["estimate", "ci_low", "ci_high", "n_replications"]
    each = [Estimate(*row) for row in profit[figures].itertuples(index=False)]
    table = profit.assign(claim=[_claim(one) for one in each], p=[one.p_value for one in each])
    main = table.loc[table["estimand"] == VALUE, "claim"]
    family = table[~table["estimand"].isin(PRIMARY) & (~table["claim"].isin(main) | (table["claim"] == 0.0))]
    claims = family.groupby("claim")["p"].max().dropna()
    known = dict(zip(claims.index, holm(claims.to_list()), strict=True))
    return summary.assign(**{P_HOLM: family["claim"].map(known).reindex(summary.index).astype(float)})


def _claim(found: Estimate) -> float:
    """What the names of one claim have in common: the estimate but for its sign, and for the order in which arms were summed."""
    return float(f"{abs(found.estimate):.9e}")


def summary_row(estimand: str, arm: str, metric: str, unit: str, estimate: Estimate) -> Row:
    """One row of a summary whose money is in ``unit``; without an adjusted p-value as yet."""
    return row_of(estimand, arm, metric, unit_of(metric, unit), estimate) | {P_HOLM: math.nan}


def row_of(estimand: str, arm: str, metric: str, unit: str, estimate: Estimate) -> Row:
    """One row with the columns `SUMMARY_COLUMNS`, of a figure that is in ``unit``."""
    values = (estimate.estimate, estimate.ci_low, estimate.ci_high, estimate.n)
    return dict(zip(SUMMARY_COLUMNS, (estimand, arm, metric, unit, *values), strict=True))

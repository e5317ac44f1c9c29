"""What media money buys with joint data: clicks and their price, return on spend, and what more comes of the same budget."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import pandas as pd

from .intervals import Estimate, least, mean_interval, percent_difference, ratio
from .ladder import PROFIT
from .metrics import USED_UP, metric_table

MEDIA, SAME_BUDGET = "media", "same_budget"
"""Estimands: of the joint arm and of the silo each; and of one over the other, where both spent the same budget."""
HUNDRED = 100.0
COUNTED = {"clicks": "clicks_expected", "sales": "conversions_expected"}
"""What media buy, and the metric that counts it."""

Found = Iterator[tuple[str, str, str, Estimate]]
"""Estimand, arm, metric and estimate."""


def media(
    cells: pd.DataFrame, silos: Sequence[str], *, silo: str, named: str, requests_per_month: float | None
) -> Found:
    """Yield what each of joint and its silo gets for its spend; then, where a budget binds in both, what joint gets more.

    Args:
        cells: rows of ``cells.parquet`` of one market.
        silos: the arm that joint data are compared with; then those over which it was preferred, whose choice is part of the interval.
        silo: how the first of them is written.
        named: how the comparison is written.
        requests_per_month: the volume; None: nothing for the month.
    """
    wanted = (PROFIT, "spend", *COUNTED.values())
    table = metric_table(cells, unit_scale=1.0, wanted=wanted)
    there = {name: metric for name, metric in COUNTED.items() if metric in table}
    silos = [arm for arm in silos if arm in table.index.get_level_values("arm")]
    if not there or not silos or not (table["spend"] > 0).any():
        return
    for arm, label in (("joint", "joint"), (silos[0], silo)):
        own = table[table.index.get_level_values("arm") == arm]
        for metric, found in _bought(own, there, requests_per_month):
            yield MEDIA, label, metric, found
    if not _binds(cells, ("joint", silos[0])):
        return
    for name, metric in there.items():
        counts = table[metric].unstack("arm")
        more = least([percent_difference(counts["joint"], counts[arm]) for arm in silos])
        if not math.isnan(more.estimate):
            yield SAME_BUDGET, named, f"{name}_pct", more


def _bought(
    own: pd.DataFrame, there: dict[str, str], requests_per_month: float | None
) -> Iterator[tuple[str, Estimate]]:
    for name, metric in there.items():
        yield f"{name}_per_100", ratio(HUNDRED * own[metric], own["spend"])
        yield f"price_of_{name}", ratio(own["spend"], own[metric])
    yield "return_on_spend", ratio(own[PROFIT] + own["spend"], own["spend"])
    if requests_per_month is not None:
        for name, metric in {**there, "spend": "spend"}.items():
            yield f"{name}_per_month", mean_interval(requests_per_month * own[metric])


def _binds(cells: pd.DataFrame, arms: Sequence[str]) -> bool:
    """Whether each of these arms spent its budget, on average over its replications."""
    if "budget_left" not in cells:
        return False
    here = cells["focal"].astype(bool) & cells["arm"].isin(arms)
    focal = cells.loc[here, ["arm", "replication", "spend", "budget_left"]]
    sums = focal.groupby(["arm", "replication"])[["spend", "budget_left"]].sum()
    shares = (sums["spend"] / sums.sum(axis=1)).groupby("arm").mean()
    return len(shares) == len(set(arms)) and bool((shares >= USED_UP).all())

"""From the cells of ``attribution`` to rows of its summary: effects and credits by channel, and profits by whose budgets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ...cells.attribution_season import (
    COMPARED,
    HELD_OUT,
    OBSERVED,
    TEST,
    TRUTH,
    WITHOUT,
    credit_column,
    credit_names,
)
from ...cells.replications import NEXT_SEASON
from ...estimate.intervals import mean_interval, paired_difference
from ...estimate.ladder import summary_row
from ...estimate.metrics import at_point
from ...estimate.sums import group_sums
from .firm import Firm

NORMAL = 1.959963984540054
"""The number of standard errors to either side of the 95 % interval of one test; its groups are thousands of people."""


def rows(cells: pd.DataFrame, firm: Firm, budgets: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Every row of the summary that the scenario's own market gives."""
    scale, money = firm.settings.unit
    log = at_point(cells, "")
    per = scale / float(log["requests"].max()) if len(log) else 1.0
    yield from _effects(log, firm, per, money)
    profit = group_sums(log.groupby(["replication", "arm"])["profit"]).unstack("arm")
    if {OBSERVED, HELD_OUT} <= set(profit):
        lost = paired_difference(profit[OBSERVED] * per, profit[HELD_OUT] * per)
        yield summary_row("cost_of_test", TEST, "focal_profit", money, lost)
    yield from _profits(cells, budgets, scale, money)


def _effects(log: pd.DataFrame, firm: Firm, per: float, money: str) -> Iterator[dict[str, Any]]:
    channels = firm.channels
    truth = _truth(log, channels)
    for channel in channels:
        yield summary_row(
            "true_effect", channel, "purchases_expected", money, mean_interval(truth[channel] * per)
        )
    effect, error = (_wide(log, HELD_OUT, name) for name in ("holdout_effect", "holdout_error"))
    shared = {name: _wide(log, OBSERVED, credit_column(name)) for name in credit_names()}
    for name, table in {TEST: effect, **shared}.items():
        for channel in channels:
            label = f"{name}: {channel}"
            yield summary_row("credit", label, "purchases", money, mean_interval(table[channel] * per))
            off = paired_difference(table[channel] * per, truth[channel] * per)
            yield summary_row("credit_error", label, "purchases", money, off)
        off_by = (table[channels] - truth[channels]).abs().sum(axis=1, skipna=False)
        wrong = 100.0 * off_by / truth[channels].abs().sum(axis=1, skipna=False)
        if np.isfinite(wrong).any():
            yield summary_row("attribution_error", name, "attribution_error_pct", money, mean_interval(wrong))
        moved = 50.0 * (_shares(table[channels]) - _shares(truth[channels])).abs().sum(axis=1, skipna=False)
        if np.isfinite(moved).any():
            yield summary_row("misplaced", name, "misplaced_pct", money, mean_interval(moved))
    for channel in channels:
        inside = (effect[channel] - truth[channel]).abs() <= NORMAL * error[channel]
        covered = inside.where(truth[channel].notna() & effect[channel].notna()).astype(float)
        yield summary_row("test_coverage", channel, "coverage", money, mean_interval(covered))
    bought = _wide(log, OBSERVED, "purchases").sum(axis=1, skipna=False)
    for name, table in shared.items():
        claimed = (table.sum(axis=1, skipna=False) / bought.where(bought > 0)).dropna()
        if len(claimed):
            yield summary_row("credited", name, "credited", money, mean_interval(claimed))


def _profits(
    cells: pd.DataFrame, budgets: Sequence[str], scale: float, money: str
) -> Iterator[dict[str, Any]]:
    profit = {}
    for name in budgets:
        season = at_point(cells, f"budget by {name}")
        grouped = season.groupby(season["replication"] - NEXT_SEASON)
        if len(season):
            profit[name] = group_sums(grouped["profit"]) * scale / grouped["requests"].max()
            yield summary_row("utility", f"by {name}", "focal_profit", money, mean_interval(profit[name]))
    for name, own in profit.items():
        if name != TRUTH and TRUTH in profit:
            yield summary_row(
                "cost_of_rule", name, "focal_profit", money, paired_difference(profit[TRUTH], own)
            )
    for estimand, (better, worse) in COMPARED.items():
        if {better, worse} <= set(profit):
            found = paired_difference(profit[better], profit[worse])
            yield summary_row(estimand, f"{better} - {worse}", "focal_profit", money, found)


def _shares(table: pd.DataFrame) -> pd.DataFrame:
    """What part of a budget each channel gets that follows these numbers; nan where all are 0."""
    positive = table.clip(lower=0.0)
    total = positive.sum(axis=1, skipna=False)
    return positive.div(total.where(total > 0), axis=0)


def _truth(log: pd.DataFrame, channels: Sequence[str]) -> pd.DataFrame:
    """Expected purchases that are lost with each channel: a row a replication, a column a channel; nan where a cell failed."""
    total = group_sums(log.groupby(["replication", "arm"])["purchases_expected"]).unstack("arm")
    columns = {
        channel: total.get(OBSERVED, np.nan) - total.get(f"{WITHOUT}{channel}", np.nan)
        for channel in channels
    }
    return pd.DataFrame(columns, index=total.index)


def _wide(log: pd.DataFrame, arm: str, column: str) -> pd.DataFrame:
    """One column of one arm: a row a replication, a column a channel."""
    own = log[log["arm"] == arm]
    return own.pivot(index="replication", columns="bidder", values=column)

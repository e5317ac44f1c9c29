"""Intervals of a replay: blocks of the log's rows are resampled, all arms on the same resamples.

Percentile bootstrap over stretches of time or people, or over rows, its percentiles moved outwards by what a small
number of them asks for (``tail``). The splits into folds take turns: each resample is of the outcomes of one of them.
What was learned, the gains and the rows won stay as they are; so the intervals say how much the figures owe to the
hours or people that happened to be logged and to how rows were dealt out to folds, and nothing about models learned
from another log.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jointbid.sim.scenario import MICROS

from ...estimate.intervals import t_quantile
from .plan import PER, ReplayPlan

Floats = NDArray[np.float64]
_AT_ONCE = 50


def with_interval(total: Floats, units: float = math.inf) -> tuple[float, float, float]:
    """Return a total of `resample` over the rows as they are, and its 95 % percentile interval; nan where that is not finite.

    ``units`` is the number of blocks or rows that were resampled.
    """
    out = tail(units)
    low, high = np.quantile(total[1:], [out, 1.0 - out]) if np.isfinite(total[1:]).all() else (np.nan, np.nan)
    return float(total[0]), float(low), float(high)


@functools.cache
def tail(units: float) -> float:
    """Return the share of resamples on either side of a 95 % interval from this number of independent units.

    A resample of n units varies too little by (n - 1) / n, and the normal quantile stands for Student's: together these make the interval
    of a mean too short, by 16 % at n = 10 and 4 % at n = 48 (the expanded percentile interval, Hesterberg 2015).
    """
    if not math.isfinite(units):
        return 0.025
    if units < 2:
        return 0.0
    return NormalDist().cdf(-t_quantile(int(units) - 1) * math.sqrt(units / (units - 1)))


def ratio(total: Floats, base: Floats) -> Floats:
    """Return one total over another; nan where that is not positive."""
    return np.divide(total, base, out=np.full(len(total), np.nan), where=base > 0)


def interval_table(
    plan: ReplayPlan,
    name: str,
    columns: Mapping[str, Floats],
    weights: Floats,
    unit: str,
    blocks: NDArray[np.int64] | None = None,
) -> pd.DataFrame:
    """Return each column's total in currency per million requests, with its interval.

    Args:
        plan: resamples and seed.
        name: of the table's first column, which has the names of the columns.
        columns: what each row adds, micros, shape (rows,).
        weights: requests that each row stands for, shape (rows,).
        unit: in words.
        blocks: the block of each row, see `resample`.

    Returns:
        Columns `name`, `estimate`, `ci_low`, `ci_high`, `unit`, `n_replications`.
    """
    resamples, requests = plan.settings.bootstrap, ""
    totals = resample([{requests: weights, **columns}], resamples, plan.seed, blocks)
    found = [(one, *with_interval(totals[one] / MICROS / totals[requests] * PER)) for one in columns]
    table = pd.DataFrame(found, columns=[name, "estimate", "ci_low", "ci_high"])
    return table.assign(unit=unit, n_replications=resamples)


def resample(
    splits: Sequence[Mapping[Any, Floats]], resamples: int, seed: int, blocks: NDArray[np.int64] | None = None
) -> dict[Any, Floats]:
    """Total every column over the rows, and over resamples drawn with replacement, shared by all.

    Args:
        splits: for each split the columns by name, each of shape (rows,); the same names in all.
        resamples: how many, over all splits together.
        seed: of the draws.
        blocks: the block of each row, drawn whole; None: the rows themselves are drawn.

    Returns:
        For each column the mean total over splits, and then its total in each resample; shape (1 + resamples,). Arithmetic
        on these keeps the pairs together.
    """
    tables = [_by_block(np.column_stack(list(columns.values())), blocks) for columns in splits]
    rng = np.random.default_rng([seed, 0xB007])
    shares = [len(part) for part in np.array_split(np.arange(resamples), len(splits))]
    draws = np.concatenate(
        [_draw(table, share, rng) for table, share in zip(tables, shares, strict=True)], axis=0
    )
    points = np.mean([table.sum(axis=0) for table in tables], axis=0)
    return dict(zip(splits[0], np.vstack([points, draws]).T, strict=True))


def _by_block(table: Floats, blocks: NDArray[np.int64] | None) -> Floats:
    """Return the totals of each column over each block; shape (blocks, columns)."""
    if blocks is None:
        return table
    return np.column_stack([np.bincount(blocks, column) for column in table.T])


def _draw(table: Floats, resamples: int, rng: np.random.Generator) -> Floats:
    """Return the totals of each column over resamples of the rows; shape (resamples, columns)."""
    rows, totals = len(table), []
    for start in range(0, resamples, _AT_ONCE):
        picks = [rng.integers(0, rows, rows) for _ in range(min(_AT_ONCE, resamples - start))]
        counts = np.array([np.bincount(pick, minlength=rows) for pick in picks], dtype=np.float64)
        totals.append(counts @ table)
    return np.concatenate(totals)

"""Intervals of a replay: blocks of the log's rows are resampled, all arms on the same resamples.

Percentile bootstrap over stretches of time or people (scores of them at least, so its poor cover at ten replications does
not bite), or over rows. The splits into
folds take turns: each resample is of the outcomes of one of them. What was learned, the gains and the rows won stay as
they are; so the intervals say how much the figures owe to the hours or people that happened to be logged and to how rows
were dealt out to folds, and nothing about models learned from another log.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_AT_ONCE = 50


@dataclass(frozen=True)
class Resampled:
    """A total over the log's rows, as logged and in every resample; arithmetic on it keeps the pairs together.

    Attributes:
        point: over the rows as they are.
        draws: over each resample, shape (resamples,).
    """

    point: float
    draws: Floats

    def __sub__(self, other: Resampled) -> Resampled:
        return Resampled(self.point - other.point, self.draws - other.draws)

    def __add__(self, other: Resampled) -> Resampled:
        return Resampled(self.point + other.point, self.draws + other.draws)

    def __truediv__(self, other: Resampled) -> Resampled:
        with np.errstate(divide="ignore", invalid="ignore"):
            return Resampled(_ratio(self.point, other.point), self.draws / other.draws)

    def __mul__(self, factor: float) -> Resampled:
        return Resampled(factor * self.point, factor * self.draws)

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % percentile interval; nan where a resample has no finite value."""
        if not np.isfinite(self.draws).all():
            return float("nan"), float("nan")
        low, high = np.quantile(self.draws, [0.025, 0.975])
        return float(low), float(high)


def percent_over(difference: Resampled, base: Resampled) -> Resampled:
    """Return the difference in percent of the base; nan where the base is not positive."""
    ratio = difference / base * 100.0
    return Resampled(
        ratio.point if base.point > 0 else float("nan"), np.where(base.draws > 0, ratio.draws, float("nan"))
    )


def resample(
    splits: Sequence[Mapping[str, Floats]],
    resamples: int,
    seed: int,
    blocks: NDArray[np.int64] | None = None,
) -> dict[str, Resampled]:
    """Total every column over the rows, and over resamples drawn with replacement, shared by all.

    Args:
        splits: for each split the columns by name, each of shape (rows,); the same names in all.
        resamples: how many, over all splits together.
        seed: of the draws.
        blocks: the block of each row, drawn whole; None: the rows themselves are drawn.

    Returns:
        For each column the mean total over splits, and its total in each resample.
    """
    tables = [_by_block(np.column_stack(list(columns.values())), blocks) for columns in splits]
    rng = np.random.default_rng([seed, 0xB007])
    shares = [len(part) for part in np.array_split(np.arange(resamples), len(splits))]
    draws = np.concatenate(
        [_draw(table, share, rng) for table, share in zip(tables, shares, strict=True)], axis=0
    )
    points = np.mean([table.sum(axis=0) for table in tables], axis=0)
    return {
        name: Resampled(float(point), column)
        for name, point, column in zip(splits[0], points, draws.T, strict=True)
    }


def _by_block(table: Floats, blocks: NDArray[np.int64] | None) -> Floats:
    """Totals of each column over each block; shape (blocks, columns)."""
    if blocks is None:
        return table
    return np.column_stack([np.bincount(blocks, column) for column in table.T])


def _draw(table: Floats, resamples: int, rng: np.random.Generator) -> Floats:
    """Totals of each column over resamples of the rows; shape (resamples, columns)."""
    rows, totals = len(table), []
    for start in range(0, resamples, _AT_ONCE):
        picks = [rng.integers(0, rows, rows) for _ in range(min(_AT_ONCE, resamples - start))]
        counts = np.array([np.bincount(pick, minlength=rows) for pick in picks], dtype=np.float64)
        totals.append(counts @ table)
    return np.concatenate(totals)


def _ratio(a: float, b: float) -> float:
    return a / b if b else float("nan")

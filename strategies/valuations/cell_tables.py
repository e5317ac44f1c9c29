"""Means of the outcomes in each visible cell of a log, plain or smoothed, with their standard errors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Cells = NDArray[np.float64]


def smoothed_table(count: Cells, total: Cells, square: Cells, is_click: bool) -> Cells:
    """Cell means, each drawn to the overall mean by within-variance / (within-variance + n x between-variance)."""
    mean = total.sum() / count.sum()
    means = np.divide(total, count, out=np.full(count.shape, mean), where=count > 0)
    within, between = _variances(count, total, square, is_click)
    return np.asarray(mean + _trust(count, within, between) * (means - mean))


def smoothed_error(count: Cells, total: Cells, square: Cells, is_click: bool) -> Cells:
    """The standard deviation of the normal posterior behind ``smoothed_table``.

    The overall mean is uncertain, too; the spread between cells counts as known, which says too little where cells are few.
    """
    within, between = _variances(count, total, square, is_click)
    trust, n = _trust(count, within, between), count.sum()
    overall = (within + between * (count**2).sum() / n) / n
    return np.asarray(np.sqrt((1.0 - trust) * between + (1.0 - trust) ** 2 * overall))


def within_variance(count: Cells, total: Cells, square: Cells, is_click: bool) -> float:
    """Return the variance of an outcome within a cell."""
    return _variances(count, total, square, is_click)[0]


def _variances(count: Cells, total: Cells, square: Cells, is_click: bool) -> tuple[float, float]:
    """Return the variance of an outcome within a cell, and that of the cells' means.

    The second by the method of moments for unequal cells (DerSimonian & Laird 1986, with n in place of inverse variances).
    """
    mean, filled = total.sum() / count.sum(), count > 0
    cells = int(filled.sum())
    means = np.divide(total, count, out=np.full(count.shape, mean), where=filled)
    spare = max(count.sum() - cells, 1.0)
    within = mean * (1 - mean) if is_click else max((square - count * means**2).sum() / spare, 0.0)
    effective = count.sum() - (count**2).sum() / count.sum()
    excess = (count * (means - mean) ** 2).sum() - (cells - 1) * within
    return within, max(excess / effective, 0.0) if effective > 0 else 0.0


def _trust(count: Cells, within: float, between: float) -> Cells:
    """Return the weight of each cell's own mean."""
    there = (count > 0) & (between > 0)
    return np.divide(count * between, count * between + within, out=np.zeros(count.shape), where=there)


def cell_means(count: Cells, total: Cells, square: Cells, is_click: bool) -> Cells:  # noqa: ARG001
    """Plain cell means; the overall mean where a cell was never seen."""
    overall = np.full(count.shape, total.sum() / count.sum())
    return np.asarray(np.divide(total, count, out=overall, where=count > 0))


def cell_error(count: Cells, total: Cells, square: Cells, is_click: bool) -> Cells:
    """The standard deviation of a mean's posterior, whose prior is worth one outcome at the overall mean.

    Of clicks that posterior is a beta law; of amounts the normal law with the variance within cells.
    """
    if not is_click:
        return np.asarray(np.sqrt(_variances(count, total, square, is_click)[0] / (count + 1.0)))
    yes = total + total.sum() / count.sum()
    share = yes / (count + 1.0)
    return np.asarray(np.sqrt(share * (1.0 - share) / (count + 2.0)))

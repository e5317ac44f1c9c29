"""Standard errors of the ridge-penalised regression, for policies that ask how sure their values are."""

from __future__ import annotations

import numpy as np

from .cell_tables import Cells, within_variance
from .ridge import CLICKS, Fit, Sums, by_pair, fit_folds, folds_of, parts_of


def ridge_error(count: Cells, total: Cells, square: Cells, is_click: bool) -> Cells:
    """The standard errors of ``ridge``: the inverse curvature at the fit and its penalties, to first order (Laplace).

    Effects of crosses are fitted each by itself, and count as independent of the others.
    """
    overall = float(total.sum() / count.sum())
    if count.ndim == 1 or (is_click and overall in {0.0, 1.0}):
        pooled_count, pooled_total, pooled_square = (t.sum(axis=0) for t in (count, total, square))
        variance = within_variance(pooled_count, pooled_total, pooled_square, is_click)
        return np.full(count.shape[1:], np.sqrt(variance / count.sum()))
    folds, unit = folds_of(count, total, square, is_click)
    found = fit_folds(folds)
    slope = CLICKS.variance(np.broadcast_to(found.scores, (1, *folds.sizes))[0]) if is_click else unit
    return np.asarray(slope * np.sqrt(_variance(found, folds.pooled())))


def _variance(found: Fit, whole: Sums) -> Cells:
    """Return the variance of the score of each cell, shape (codes of each source)."""
    eta, sizes = np.broadcast_to(found.scores, whole.count.shape), whole.sizes
    held = whole.count * whole.family.variance(eta)
    curve = by_pair(held)[0]
    curve[np.diag_indices_from(curve)] += np.concatenate(
        [[1e-9], *(np.full(size, penalty) for size, penalty in zip(sizes, found.penalties, strict=True))]
    )
    spread = np.linalg.inv(curve)
    blocks = [(None, slice(0, 1)), *parts_of(sizes)]
    variance = np.zeros(sizes)
    for one, rows in blocks:
        for other, columns in blocks:
            block = np.diagonal(spread[rows, columns]) if one == other else spread[rows, columns]
            axes = [axis for axis in dict.fromkeys((one, other)) if axis is not None]
            if len(axes) == 2 and one is not None and other is not None and one > other:
                block = block.T
            shape = [size if axis in axes else 1 for axis, size in enumerate(sizes)]
            variance = variance + np.reshape(block, shape)
    for pair, penalty in found.crosses:
        others = tuple(axis + 1 for axis in range(len(sizes)) if axis not in pair)
        variance = variance + (1.0 / (held.sum(axis=others, keepdims=True) + penalty))[0]
    return np.asarray(np.maximum(variance, 0.0))

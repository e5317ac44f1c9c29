"""Ridge-penalised regression with one fixed penalty on codes and on the crossed codes of every two sources."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from .cell_tables import Cells, within_variance
from .features import Features


def logistic(count: Cells, total: Cells, square: Cells, is_click: bool) -> Cells:  # noqa: ARG001
    """Ridge-penalised regression on one-hot codes and the crosses of every two sources."""
    from sklearn.linear_model import LogisticRegression, Ridge

    if count.ndim == 0:
        return np.asarray(total / count)
    features = _one_hot(count.shape)
    n, y = count.ravel(), total.ravel()
    if is_click:
        if y.sum() == 0 or y.sum() == n.sum():
            return np.full(count.shape, y.sum() / n.sum())
        clicked, not_clicked = np.flatnonzero(y), np.flatnonzero(n - y)
        rows = np.concatenate([clicked, not_clicked])
        label = np.repeat([1, 0], [len(clicked), len(not_clicked)])
        weight = np.concatenate([y[clicked], (n - y)[not_clicked]])
        model = LogisticRegression(C=1.0, max_iter=1000, tol=1e-8).fit(features[rows], label, weight)
        return np.asarray(model.predict_proba(features)[:, 1].reshape(count.shape))
    used = n > 0
    ridge = Ridge(alpha=1.0, solver="sparse_cg", tol=1e-12).fit(
        features[used], y[used] / n[used], sample_weight=n[used]
    )
    return np.asarray(ridge.predict(features).reshape(count.shape))


def _one_hot(shape: tuple[int, ...]) -> Any:
    """Indicators of each code, and of each pair of codes of two sources; sparse, shape (cells, features)."""
    from scipy.sparse import csr_array

    features = Features(("",) * len(shape), shape, most_crossed=prod(shape))
    columns = features.cells()[1:] - 1  # without the constant
    ones, row = np.ones(columns.size), np.repeat(np.arange(columns.shape[1]), len(columns))
    return csr_array((ones, (row, columns.T.ravel())), shape=(columns.shape[1], features.count - 1))


def logistic_error(count: Cells, total: Cells, square: Cells, is_click: bool) -> Cells:
    """The standard errors of ``logistic``: the inverse curvature at the fit, to first order (Laplace)."""
    if count.ndim == 0:
        return np.asarray(np.sqrt(within_variance(count, total, square, is_click) / count))
    features, mean = _one_hot(count.shape), logistic(count, total, square, is_click).ravel()
    slope = mean * (1.0 - mean) if is_click else np.ones(len(mean))
    noise = 1.0 if is_click else within_variance(count, total, square, is_click)
    design = np.column_stack([np.ones(len(mean)), features.toarray()])
    curve = (design * (count.ravel() * slope)[:, None]).T @ design
    curve[np.arange(1, len(curve)), np.arange(1, len(curve))] += 1.0
    spread = np.einsum("ij,jk,ik->i", design, np.linalg.pinv(curve, hermitian=True), design, optimize=True)
    return np.asarray(slope * np.sqrt(noise * np.maximum(spread, 0.0))).reshape(count.shape)

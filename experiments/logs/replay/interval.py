"""The interval of a weighted mean over rows, or blocks of rows, that are independent."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

Floats = NDArray[np.float64]


def mean_interval(
    parts: Floats, weights: Floats, blocks: NDArray[np.int64] | None = None, shared: float = 0.0
) -> tuple[float, float, float]:
    """Return sum(parts) / sum(weights) and its 95 % interval, estimate +- t x standard error; no interval (nan) for fewer than two blocks.

    The standard error is that of the ratio, linearised, from the sums over blocks (a jackknife's to first order). It is
    itself an estimate: with values x of kurtosis k its square varies as a chi-square with 2n / (k - (n - 3) / (n - 1))
    degrees of freedom does (O'Neill 2014), which Student's t takes; n - 1 for normal x.

    Args:
        parts: what each row adds to the numerator, shape (rows,).
        weights: what it adds to the denominator, shape (rows,).
        blocks: the block of each row, shape (rows,); None: each row is its own.
        shared: what dependence between blocks adds to the variance of sum(parts).
    """
    total = float(weights.sum())
    estimate = float(parts.sum()) / total
    x = parts - estimate * weights
    if blocks is not None:
        x = np.asarray(np.bincount(np.unique(blocks, return_inverse=True)[1], x), dtype=np.float64)
    n = len(x)
    if n < 2:
        return estimate, float("nan"), float("nan")
    x = x - x.mean()
    second = float((x**2).mean())
    if second == 0.0:
        return estimate, estimate, estimate
    kurtosis = float((x**4).mean()) / second**2
    # Of few values the kurtosis is no more than n; then as of normal ones at most.
    freedom = min(2 * n / max(kurtosis - (n - 3) / (n - 1), 1e-9), n - 1.0)
    error = float(np.sqrt(n**2 * second / (n - 1) + shared)) / total
    half = float(stdtrit(max(freedom, 1.0), 0.975)) * error
    return estimate, estimate - half, estimate + half

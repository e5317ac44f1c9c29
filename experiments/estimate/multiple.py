"""Many claims at once: p-values adjusted for their number, and bands that hold along a whole curve."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .intervals import LEVEL, ROUNDING

DRAWS = 4_000
"""Simulated studies behind a critical value, which they fix to about 2 %."""
MOST_FREEDOM = 60
"""More replications are simulated as if they were this many, which makes a band some .5 % wider than it need be."""
SEED = 20_070_101
"""The same curve always has the same band."""


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values (Holm 1979): below .05 for a family in which some false claim is made once in twenty studies.

    Args:
        p_values: of one family; nan for what has none, which does not count and stays nan.
    """
    known = [number for number, p in enumerate(p_values) if not math.isnan(p)]
    adjusted = [math.nan] * len(p_values)
    least = 0.0
    for rank, number in enumerate(sorted(known, key=lambda n: p_values[n])):
        least = max(least, min(1.0, (len(known) - rank) * p_values[number]))
        adjusted[number] = least
    return adjusted


def critical_value(columns: NDArray[np.float64]) -> float:
    """How many standard errors a band must reach to cover all points of a curve together, 95 times in 100.

    The points of a curve meet the same requests, so their errors go together, and less is needed than Bonferroni's. The
    largest of the points' t statistics is simulated for as many normal replications with the correlation that these have
    (max-t: Westfall & Young 1993; Hothorn, Bretz & Westfall 2008). At least Student's own quantile, at most Bonferroni's.

    Args:
        columns: one row a replication, at least two, and one column a point; no nan.
    """
    from scipy.special import stdtrit

    n, points = columns.shape
    one, all_apart = (float(stdtrit(n - 1, 1 - (1 - LEVEL) / 2 / count)) for count in (1, max(points, 1)))
    spread = columns.std(axis=0, ddof=1)
    moving = spread > ROUNDING * np.abs(columns).max(axis=0, initial=0.0)
    if moving.sum() < 2:
        return one
    standard = (columns[:, moving] - columns[:, moving].mean(axis=0)) / spread[moving]
    return float(np.clip(_largest_t(standard, n), one, all_apart))


def _largest_t(standard: NDArray[np.float64], n: int) -> float:
    """The 95 % point of max |t| over columns, simulated by mixing the standardised replications with normal weights.

    A mean and the variances about it are independent, so that the variances' n - 1 degrees of freedom are drawn alone.
    """
    rng = np.random.default_rng(SEED)
    points, freedom = standard.shape[1], min(n - 1, MOST_FREEDOM)
    left, scale, _ = np.linalg.svd(standard.T / math.sqrt(n - 1), full_matrices=False)
    root = left * scale  # root @ root.T is the correlation
    rank = root.shape[1]
    mean = rng.standard_normal((DRAWS, rank)) @ root.T
    around = rng.standard_normal((DRAWS * freedom, rank)) @ root.T
    variance = (around.reshape(DRAWS, freedom, points) ** 2).mean(axis=1)
    return float(np.quantile(np.abs(mean / np.sqrt(variance)).max(axis=1), LEVEL))

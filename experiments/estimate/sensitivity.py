"""Which of several uncertain keys move a result: elementary effects, variance shares, rank correlations, shares of worlds."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .intervals import LEVEL, Estimate, mean_interval

SEED = 1
"""Of SALib's samples and of its bootstrap: the same study asks the same points."""

Floats = NDArray[np.float64]


def morris_points(keys: Sequence[str], trajectories: int, levels: int) -> Floats:
    """Floats of the unit cube along random trajectories, one key at a time (Morris 1991); shape (trajectories (k + 1), k)."""
    from SALib.sample import morris

    return np.asarray(morris.sample(_problem(keys), trajectories, num_levels=levels, seed=SEED), dtype=float)


def morris_effects(keys: Sequence[str], points: Floats, results: Floats, levels: int) -> pd.DataFrame:
    """The effects of going through the whole range of each key, a row a key.

    ``mean``, ``mean_low``, ``mean_high`` with their sign (Student's t over trajectories); ``size``, ``size_low``,
    ``size_high`` of their absolute values (Campolongo, Cariboni & Saltelli 2007, bootstrap); and ``spread``, their standard
    deviation, which interactions and curvature make.
    """
    from SALib.analyze import morris

    found = morris.analyze(_problem(keys), points, results, num_levels=levels, seed=SEED)
    by_trajectory = points.reshape(-1, len(keys) + 1, len(keys))
    steps = np.diff(by_trajectory, axis=1).reshape(-1, len(keys))
    changes = np.diff(results.reshape(-1, len(keys) + 1), axis=1).ravel()
    rows = []
    for number, key in enumerate(keys):
        moved = steps[:, number] != 0  # in each trajectory once
        effect = mean_interval(changes[moved] / steps[moved, number])
        size, reach = float(found["mu_star"][number]), float(found["mu_star_conf"][number])
        around = (effect.estimate, effect.ci_low, effect.ci_high, size, max(size - reach, 0.0), size + reach)
        rows.append((key, *around, float(found["sigma"][number])))
    return pd.DataFrame(
        rows, columns=["key", "mean", "mean_low", "mean_high", "size", "size_low", "size_high", "spread"]
    )


def sobol_points(keys: Sequence[str], base: int) -> Floats:
    """Saltelli's points of the unit cube; shape (base (k + 2), k)."""
    from SALib.sample import sobol

    return np.asarray(
        sobol.sample(_problem(keys), base, calc_second_order=False, seed=SEED), dtype=np.float64
    )


def sobol_indices(keys: Sequence[str], results: Floats) -> pd.DataFrame:
    """What share of the variance comes from each key, a row a key.

    ``first`` is its own, ``total`` with all its interactions, each with a bootstrap interval ``_low``, ``_high`` (Sobol 2001;
    Saltelli et al. 2010). All nan where nothing varies.
    """
    from SALib.analyze import sobol

    columns = ["key", "first", "first_low", "first_high", "total", "total_low", "total_high"]
    if np.ptp(results) == 0:
        return pd.DataFrame([(key, *[math.nan] * 6) for key in keys], columns=columns)
    found = sobol.analyze(_problem(keys), results, calc_second_order=False, seed=SEED)
    each = zip(keys, found["S1"], found["S1_conf"], found["ST"], found["ST_conf"], strict=True)
    rows = [
        (key, s, s - s_reach, s + s_reach, t, t - t_reach, t + t_reach)
        for key, s, s_reach, t, t_reach in each
    ]
    return pd.DataFrame(rows, columns=columns)


def share(hits: int, n: int) -> Estimate:
    """A share of n independent worlds, with the exact binomial interval (Clopper & Pearson 1934)."""
    from scipy.special import betaincinv

    if n == 0:
        return Estimate(math.nan, math.nan, math.nan, 0)
    tail = (1.0 - LEVEL) / 2
    low = float(betaincinv(hits, n - hits + 1, tail)) if hits else 0.0
    high = float(betaincinv(hits + 1, n - hits, 1.0 - tail)) if hits < n else 1.0
    return Estimate(hits / n, low, high, n)


def rank_correlation(x: Floats, y: Floats) -> Estimate:
    """Spearman's rank correlation. Nan where either does not vary; without an interval up to ten pairs.

    Fisher's interval on the scale of atanh, of standard error sqrt(1.06 / (n - 3)) (Fieller, Hartley & Pearson 1957).
    """
    import pandas as pd  # its ranks are scipy.stats', which takes a second to import
    from scipy.special import ndtri

    n = len(x)
    if n < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return Estimate(math.nan, math.nan, math.nan, n)
    rho = float(np.corrcoef(pd.Series(x).rank(), pd.Series(y).rank())[0, 1])
    if n <= 10 or abs(rho) >= 1:
        return Estimate(rho, math.nan, math.nan, n)
    reach = float(ndtri(0.5 + LEVEL / 2)) * math.sqrt(1.06 / (n - 3))
    return Estimate(rho, math.tanh(math.atanh(rho) - reach), math.tanh(math.atanh(rho) + reach), n)


def correlation_p_value(found: Estimate) -> float:
    """Of a rank correlation of 0, on the scale of its interval; nan where it has none."""
    from scipy.special import ndtr

    if not found.has_interval:
        return math.nan
    return float(2.0 * ndtr(-abs(math.atanh(found.estimate)) / math.sqrt(1.06 / (found.n - 3))))


def _problem(keys: Sequence[str]) -> dict[str, object]:
    return {"num_vars": len(keys), "names": list(keys), "bounds": [[0.0, 1.0]] * len(keys)}

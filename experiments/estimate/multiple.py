"""Many comparisons at once: what may still be said when one in twenty would come out by chance."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from experiments.estimate.intervals import Values


def paired_p_value(differences: Values) -> float:
    """Two-sided p-value of Student's t for paired differences with mean 0; nan for fewer than two of them.

    Where they are all alike there is no chance in them: 1 for differences of 0, else 0.
    """
    from scipy.special import stdtr

    known = np.asarray(differences, dtype=np.float64)
    known = known[~np.isnan(known)]
    if known.size < 2:
        return math.nan
    if np.all(known == known[0]):
        return 1.0 if known[0] == 0 else 0.0
    t = known.mean() / (known.std(ddof=1) / math.sqrt(known.size))
    return float(2.0 * stdtr(known.size - 1, -abs(t)))


def holm(p_values: Values) -> NDArray[np.float64]:
    """P-values adjusted for their number (Holm 1979): below .05, the chance of one false claim among all is at most .05.

    The smallest is multiplied by how many there are, the next by one less, and so on; none falls below the one before.
    nan stays nan and is not counted.
    """
    given = np.asarray(p_values, dtype=np.float64)
    adjusted = np.full(given.shape, math.nan)
    order = [int(i) for i in np.argsort(given, kind="stable") if not math.isnan(given[i])]
    least = 0.0
    for place, i in enumerate(order):
        least = max(least, min((len(order) - place) * float(given[i]), 1.0))
        adjusted[i] = least
    return adjusted

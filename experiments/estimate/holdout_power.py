"""Power of a holdout test: how likely it is to see what a channel adds, and how large and how long it must be.

People, or whole areas, are left out at random; the test compares means a head (Welch 1947), two-sided at 5 %. Power is that of the
noncentral t distribution (Cohen 1988, "Statistical power analysis for the behavioral sciences").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import stdtrit

SIGNIFICANCE, WANTED = 0.05, 0.8
"""The level of the test, and the power that a test should have (Cohen 1988)."""
COLUMNS = (
    "channel",
    "unit",
    "share",
    "weeks",
    "effect",
    "standard_error",
    "power",
    "people",
    "people_needed",
)


@dataclass(frozen=True)
class Holdout:
    """A test that leaves out a share of the people, by person or in areas of equal size; `areas` is 0 for people."""

    share: float
    areas: int = 0

    @property
    def unit(self) -> str:
        """What is assigned, in words."""
        return f"{self.areas} areas" if self.areas else "person"

    def degrees(self, people: int) -> int:
        """Return the degrees of freedom: the number of units less two."""
        return max((self.areas or people) - 2, 1)


def power_of(effect: float, error: float, degrees: float) -> float:
    """Return the probability that a two-sided t-test finds an effect with this standard error; nan without one."""
    if not error > 0:
        return float("nan")
    from scipy.stats import nct

    critical, shift = stdtrit(degrees, 1 - SIGNIFICANCE / 2), effect / error
    return float(nct.sf(critical, degrees, shift) + nct.cdf(-critical, degrees, shift))


def holdout_power(
    sold: NDArray[np.int64], added: Mapping[str, NDArray[np.float64]], tests: Sequence[Holdout]
) -> pd.DataFrame:
    """Return the power of tests that run for 1, 2, ... weeks from the first one on.

    Args:
        sold: purchases of each person in each week; shape (people, weeks).
        added: for each channel the sales that it adds in each week, if all people may see it; shape (weeks,).
        tests: how people are left out.

    Returns:
        Columns `COLUMNS`: `effect` and `standard_error` are in sales of all people over the weeks, `people_needed` is the number
        of people with whom the same effect a head would be seen with a power of `WANTED` (inf where there is none).
    """
    people, weeks = sold.shape
    spread = np.cumsum(sold, axis=1).var(axis=0, ddof=1)
    rows = []
    for channel, gain in added.items():
        effects = np.cumsum(gain)
        for test in tests:
            for week in range(weeks):
                error = people * float(
                    np.sqrt(spread[week] / people * (1 / test.share + 1 / (1 - test.share)))
                )
                effect, degrees = float(effects[week]), test.degrees(people)
                wanted = stdtrit(degrees, 1 - SIGNIFICANCE / 2) + stdtrit(degrees, WANTED)
                needed = people * (wanted * error / effect) ** 2 if effect else float("inf")
                found = (effect, error, power_of(effect, error, degrees), people, needed)
                rows.append((channel, test.unit, test.share, week + 1, *found))
    return pd.DataFrame(rows, columns=list(COLUMNS))

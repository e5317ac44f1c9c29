"""Amounts of money in logarithmic bins: a bounded memory of any number of them, in which their order does not matter.

Counts are whole numbers, and sums run in the order of the requests, so that what a strategy has learned is the same however
many requests travelled together.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

PER_OCTAVE = 128
"""A bin is .54 % wide."""
SMALLEST = 1e-6
EDGES: NDArray[np.float64] = SMALLEST * 2.0 ** (np.arange(50 * PER_OCTAVE + 1) / PER_OCTAVE)
"""The bins' upper ends, currency per impression: from a micro, the smallest bid, to 10^9."""
BINS = len(EDGES)


def bin_of(money: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the bin that holds each amount: the first whose upper end is not below it, or the last; shape as ``money``.

    A logarithm finds it, to one bin; comparing with the ends puts that right, so that no rounding decides.
    """
    near = np.ceil(np.log2(np.fmax(money, SMALLEST) / SMALLEST) * PER_OCTAVE)
    place = np.minimum(near, BINS - 1).astype(np.int64)
    place -= (place > 0) & (money <= EDGES[place - 1])
    place += (place < BINS - 1) & (money > EDGES[place])
    return np.asarray(place, dtype=np.int64)


def count(money: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the number of amounts in each bin, shape (BINS,)."""
    return np.bincount(bin_of(money), minlength=BINS).astype(np.int64)


def total(money: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sum of the amounts in each bin, shape (BINS,)."""
    return np.bincount(bin_of(money), weights=money, minlength=BINS).astype(np.float64)


class SeenValues:
    """Amounts that were seen in each of some parts of the market, by bin. Copies of a strategy share it until one adds."""

    def __init__(self, parts: int) -> None:
        self._count = np.zeros((parts, BINS), dtype=np.int64)
        self._total = np.zeros((parts, BINS))

    @property
    def has_values(self) -> bool:
        """Whether an amount was seen."""
        return bool(self._count.any())

    @property
    def has_worth(self) -> bool:
        """Whether an amount other than 0 was seen."""
        return bool(self._total.any())

    def add(self, part: int, money: NDArray[np.float64]) -> None:
        """Add amounts of one part."""
        self._count, self._total = self._count.copy(), self._total.copy()
        self._count[part] += np.bincount(bin_of(money), minlength=BINS)
        self._total[part] += total(money)

    def laws(self) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
        """Return for each part the weights of its bins among all amounts, and the bins' mean amounts; of bins that hold any."""
        return [
            (count[count > 0] / self._count.sum(), sums[count > 0] / count[count > 0])
            for count, sums in zip(self._count, self._total, strict=True)
        ]

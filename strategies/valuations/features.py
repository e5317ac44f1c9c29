"""Features of a linear model: a constant, each code of each source, and each pair of codes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from math import prod

import numpy as np
from numpy.typing import NDArray

Columns = NDArray[np.int64]


@dataclass(frozen=True)
class Features:
    """A constant, one indicator a code of each source, and one a pair of codes of each two sources.

    ``sizes`` are the numbers of codes of each of ``sources``, unmatched included. Two crossed sources have ``most_crossed`` features
    at most; beyond that pairs of codes share features (hashing; Weinberger et al. 2009).
    """

    sources: tuple[str, ...]
    sizes: tuple[int, ...]
    most_crossed: int = 1 << 18

    @cached_property
    def pairs(self) -> tuple[tuple[int, int], ...]:
        """Places of the sources that are crossed."""
        return tuple(combinations(range(len(self.sources)), 2))

    @cached_property
    def starts(self) -> tuple[int, ...]:
        """The first feature of each source, and then of each pair; last, the number of features."""
        crossed = [min(self.sizes[a] * self.sizes[b], self.most_crossed) for a, b in self.pairs]
        return tuple(np.cumsum([1, *self.sizes, *crossed]).tolist())

    @property
    def count(self) -> int:
        """The number of features."""
        return self.starts[-1]

    @property
    def active(self) -> int:
        """The number of features of each request."""
        return 1 + len(self.sources) + len(self.pairs)

    def of(self, codes: Sequence[NDArray[np.integer]], n: int) -> Columns:
        """The numbers of each request's features, shape (active, n), from the codes of each source; the first is the constant."""
        found = np.zeros((self.active, n), dtype=np.int64)
        for place, code in enumerate(codes):
            np.add(code, self.starts[place], out=found[1 + place], casting="unsafe")
        for place, (a, b) in enumerate(self.pairs, len(codes)):
            crossed = codes[a].astype(np.int64) * self.sizes[b] + codes[b]
            found[1 + place] = self.starts[place] + crossed % self.most_crossed
        return found

    def cells(self) -> Columns:
        """The features of each combination of codes, in the order of a table with an axis a source."""
        n = prod(self.sizes)
        codes = np.unravel_index(np.arange(n), self.sizes) if self.sizes else ()
        return self.of(codes, n)


def scores(weights: NDArray[np.float64], features: Columns) -> NDArray[np.float64]:
    """The weights of each request's features, added up feature by feature so that a row's sum has the same bits in any batch."""
    total = weights[features[0]]
    for column in features[1:]:
        total = total + weights[column]
    return np.asarray(total)

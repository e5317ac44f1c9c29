"""The price landscape: the law of the highest competing bid where rivals are not simulated one by one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .audience import scores
from .cells import constant
from .kept import kept
from .scenario import MAX_MICROS, MICROS, Rivals, Scenario

if TYPE_CHECKING:
    from .streams import Streams

NO_PRICE = -1
HALVINGS = 64
"""Steps that find a quantile between those of the lowest and of the highest level, to a double's precision."""


@dataclass(frozen=True, slots=True)
class Landscape:
    """F, its inverse and its density, in currency per impression. What lies below 0 counts as 0: a free impression.

    A price is that of ``rivals`` times one of the ``levels``, which come with the probabilities ``shares``; as a scenario describes it,
    the only level is 1.
    """

    rivals: Rivals
    levels: tuple[float, ...] = (1.0,)
    shares: tuple[float, ...] = (1.0,)

    def mixed(self, levels: NDArray[np.float64], shares: NDArray[np.float64]) -> Landscape:
        """Return the landscape over contexts of these price levels, which come with these probabilities; shape (contexts,)."""
        if (levels == 1.0).all():
            return self
        held = shares > 0
        return Landscape(self.rivals, tuple(levels[held].tolist()), tuple(shares[held].tolist()))

    def draw(self, streams: Streams, start: int, n: int) -> NDArray[np.int64]:
        """Highest competing bids in micros at level 1, positions ``start`` on, shape (n,); -1 without a competing bid."""
        if self.rivals.landscape is None:
            return constant(n, NO_PRICE, np.int64)
        price = self._quantile(streams.uniform("landscape", start, n))
        micros: NDArray[np.int64] = np.clip(np.rint(price * MICROS), 0, MAX_MICROS).astype(np.int64)
        return micros

    def quantile(self, u: NDArray[np.float64]) -> NDArray[np.float64]:
        """The price at probability ``u`` in [0, 1)."""
        base = self._quantile(u)
        if len(self.levels) == 1:
            return base * self.levels[0]
        low, high = base * min(self.levels), base * max(self.levels)
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            below = self.cdf(middle) < u
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        return high

    def cdf(self, price: NDArray[np.float64]) -> NDArray[np.float64]:
        """P(highest competing bid <= price)."""
        if self.levels == (1.0,):
            return self._cdf(price)
        parts = (
            share * self._cdf(price / level) for level, share in zip(self.levels, self.shares, strict=True)
        )
        return np.asarray(sum(parts))

    def edges(self) -> NDArray[np.float64]:
        """Return the prices at which the density of a histogram jumps; empty for other laws."""
        edges = self.rivals.edges if self.rivals.landscape == "histogram" else ()
        return np.outer(np.asarray(self.levels), np.asarray(edges)).ravel()

    def _quantile(self, u: NDArray[np.float64]) -> NDArray[np.float64]:
        r = self.rivals
        if r.landscape == "uniform":
            return np.asarray(u * r.high)
        if r.landscape == "histogram":
            return np.asarray(np.interp(u, self._histogram(), np.asarray(r.edges)))
        from scipy.special import ndtri  # not everybody needs it, and it takes a third of a second to import

        if r.landscape == "lognormal":
            return np.asarray(np.exp(r.mu + r.sigma * ndtri(u)))
        return np.asarray(np.maximum(r.mu + r.sigma * ndtri(u), 0.0))

    def _cdf(self, price: NDArray[np.float64]) -> NDArray[np.float64]:
        r = self.rivals
        if r.landscape == "uniform":
            return np.clip(price / r.high, 0.0, 1.0)
        if r.landscape == "histogram":
            return np.interp(price, np.asarray(r.edges), self._histogram())
        from scipy.special import ndtr

        with np.errstate(divide="ignore"):
            at = np.log(np.maximum(price, 0.0)) if r.landscape == "lognormal" else price
        z = (at - r.mu) / r.sigma if r.sigma > 0 else np.where(at >= r.mu, np.inf, -np.inf)
        return np.asarray(np.where(price < 0, 0.0, ndtr(z)))

    def _histogram(self) -> NDArray[np.float64]:
        share = np.cumsum(self.rivals.weights)
        return np.concatenate([[0.0], share / share[-1]])


@kept
def context_levels(scenario: Scenario) -> NDArray[np.float64]:
    """What a price of the landscape is multiplied by in each context type; shape (context types,); read-only."""
    rivals = scenario.rivals
    by_score = np.exp(rivals.context_slope * scores(scenario.types_of("context")))
    levels = np.resize(
        rivals.by_context or (1.0,), len(by_score)
    )  # another length is for the checks to report
    levels = np.asarray(levels * by_score)
    levels.flags.writeable = False
    return levels


@kept
def is_level(scenario: Scenario) -> bool:
    """Return whether prices are the same in all contexts."""
    return bool((context_levels(scenario) == 1.0).all())


def mixture(scenario: Scenario) -> Landscape:
    """Return the landscape over all contexts, which are equally frequent."""
    levels = context_levels(scenario)
    return Landscape(scenario.rivals).mixed(levels, np.full(len(levels), 1.0 / len(levels)))

"""The price landscape: the law of the highest competing bid where rivals are not simulated one by one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .scenario import MAX_MICROS, MICROS, Rivals

if TYPE_CHECKING:
    from .streams import Streams

NOBODY = -1


@dataclass(frozen=True, slots=True)
class Landscape:
    """F, its inverse and its density, in currency per impression. What lies below 0 counts as 0: a free impression."""

    rivals: Rivals

    @classmethod
    def of(cls, rivals: Rivals) -> Landscape:
        """The landscape that a scenario describes."""
        return cls(rivals)

    def draw(self, streams: Streams, start: int, n: int) -> NDArray[np.int64]:
        """Highest competing bids in micros at positions ``start`` on, shape (n,); -1 without a competing bid."""
        if self.rivals.landscape is None:
            return np.full(n, NOBODY, dtype=np.int64)
        price = self.quantile(streams.uniform("landscape", start, n))
        micros: NDArray[np.int64] = np.clip(np.rint(price * MICROS), 0, MAX_MICROS).astype(np.int64)
        return micros

    def quantile(self, u: NDArray[np.float64]) -> NDArray[np.float64]:
        """The price at probability ``u`` in [0, 1)."""
        r = self.rivals
        if r.landscape == "uniform":
            return np.asarray(u * r.high)
        if r.landscape == "histogram":
            return np.asarray(np.interp(u, self._histogram(), np.asarray(r.edges)))
        from scipy.special import ndtri  # not everybody needs it, and it takes a third of a second to import

        if r.landscape == "lognormal":
            return np.asarray(np.exp(r.mu + r.sigma * ndtri(u)))
        return np.asarray(np.maximum(r.mu + r.sigma * ndtri(u), 0.0))

    def cdf(self, price: NDArray[np.float64]) -> NDArray[np.float64]:
        """P(highest competing bid <= price)."""
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

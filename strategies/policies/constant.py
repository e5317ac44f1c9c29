"""Bids that look at no value: the baselines that every other strategy should beat."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..base import VECTORISED, Policy, VisibleRequests
from ..market import Market
from ..parameters import at_least_0, whole_numbers
from .prices import median_price


class Constant(Policy):
    """Bid the same on every request (CONST in Zhang, Yuan, Wang & Shen 2014).

    ``level`` is in currency per impression; left out, it is the median of the known price landscape, which wins every
    second auction without floors. With ``contexts`` it buys these context types alone, as its source ``context`` shows them: a
    plan for some placements.
    """

    bids_per_second = VECTORISED
    reads: tuple[str, ...] = ()

    def __init__(
        self, level: float | None = None, contexts: Sequence[int] = (), market: Market | None = None
    ) -> None:
        self.level = at_least_0("level", median_price("level", market) if level is None else level)
        self.contexts = whole_numbers("contexts", contexts)
        if self.contexts:
            self.reads = ("context",)

    def bid(self, requests: VisibleRequests) -> NDArray[np.float64]:
        """Return ``level`` for every request."""
        if not self.contexts:
            return np.full(requests.n, self.level)
        return np.where(np.isin(requests["context"], self.contexts), self.level, 0.0)


class Random(Policy):
    """Bid uniformly on [0, ``high``] (RAND in Zhang, Yuan, Wang & Shen 2014), by the bidder's own column ``uniform``.

    ``high`` is in currency per impression; left out, it is twice the median of the known price landscape.
    """

    bids_per_second = VECTORISED
    reads = ("uniform",)
    stochastic = True

    def __init__(self, high: float | None = None, market: Market | None = None) -> None:
        self.high = at_least_0("high", 2.0 * median_price("high", market) if high is None else high)

    def bid(self, requests: VisibleRequests) -> NDArray[np.float64]:
        """``high`` x u."""
        return self.high * requests["uniform"]

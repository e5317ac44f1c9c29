"""Fixed bids: always, at random, in bursts, or at the right time.

``Constant`` and ``Random`` are the baselines that every other strategy should beat; ``Constant``, ``Burst`` and ``TimedPresence``
are plans of presence, as media are planned.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..base import VALUE, AccountState, VectorisedPolicy, VisibleRequests
from ..market import MarketFacts
from ..parameters import above_0, at_least_0, whole_numbers
from .prices import median_price


class Constant(VectorisedPolicy):
    """Bid the same on every request (CONST in Zhang, Yuan, Wang & Shen 2014).

    ``level`` is in currency per impression; left out, it is the median of the known price landscape, which wins every
    second auction without floors. With ``contexts`` it buys these context types alone, as the source that shows the context
    has them: a plan for some placements.
    """

    reads: tuple[str, ...] = ()

    def __init__(
        self, level: float | None = None, contexts: Sequence[int] = (), market: MarketFacts | None = None
    ) -> None:
        self.level = at_least_0("level", median_price("level", market) if level is None else level)
        self.contexts = whole_numbers("contexts", contexts)
        if self.contexts:
            self.reads = (market.context_source if market else "context",)

    def bid(self, requests: VisibleRequests) -> NDArray[np.float64]:
        """Return ``level`` for every request."""
        if not self.contexts:
            return np.full(requests.n, self.level)
        return np.where(np.isin(requests[self.reads[0]], self.contexts), self.level, 0.0)


class Random(VectorisedPolicy):
    """Bid uniformly on [0, ``high``] (RAND in Zhang, Yuan, Wang & Shen 2014), by the bidder's own column ``uniform``.

    ``high`` is in currency per impression; left out, it is twice the median of the known price landscape.
    """

    reads = ("uniform",)
    stochastic = True

    def __init__(self, high: float | None = None, market: MarketFacts | None = None) -> None:
        self.high = at_least_0("high", 2.0 * median_price("high", market) if high is None else high)

    def bid(self, requests: VisibleRequests) -> NDArray[np.float64]:
        """``high`` x u."""
        return self.high * requests["uniform"]


class Burst(VectorisedPolicy):
    """Bid ``level`` for the first ``on_h`` of every ``cycle_h``, and nothing for the rest: flights, or pulsing (Mahajan & Muller 1986).

    ``level`` is in currency per impression; left out, it is the median of the known price landscape. It turns on and off at
    control steps. By default four weeks in every thirteen are on.
    """

    reads = ()

    def __init__(
        self,
        level: float | None = None,
        on_h: float = 672.0,
        cycle_h: float = 2_184.0,
        market: MarketFacts | None = None,
    ) -> None:
        self.level = median_price("level", market) if level is None else at_least_0("level", level)
        self.on_h, self.cycle_h = above_0("on_h", on_h), above_0("cycle_h", cycle_h)
        if self.on_h > self.cycle_h:
            raise ValueError(f"on_h = {on_h}: must be at most cycle_h = {cycle_h}")
        self.on = True

    def bid(self, requests: VisibleRequests) -> NDArray[np.float64]:
        """The level while a burst lasts."""
        return np.full(requests.n, self.level if self.on else 0.0)

    def control(self, state: AccountState) -> None:
        """Look at the clock."""
        self.on = state.hour % self.cycle_h < self.on_h


class TimedPresence(VectorisedPolicy):
    """Bid ``level`` where the impression is worth ``least`` or more, and nothing elsewhere: presence at the right time.

    The value shows when that is, as far as the bidder's data show it: of a journey, which accounts are close to a purchase. Both
    are in currency per impression; left out, they are the median of the known price landscape.
    """

    def __init__(
        self, level: float | None = None, least: float | None = None, market: MarketFacts | None = None
    ) -> None:
        self.level = median_price("level", market) if level is None else at_least_0("level", level)
        self.least = self.level if least is None else at_least_0("least", least)

    def bid(self, requests: VisibleRequests) -> NDArray[np.float64]:
        """The level where it is time."""
        return np.where(requests[VALUE] >= self.least, self.level, 0.0)

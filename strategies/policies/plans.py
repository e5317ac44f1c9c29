"""Plans of presence, as media are planned: in bursts, or at the right time; the third, always on, is ``constant``."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..base import VALUE, VECTORISED, AccountState, Policy, VisibleRequests
from ..market import Market
from ..parameters import above_0, at_least_0
from .prices import median_price


class Burst(Policy):
    """Bid ``level`` for the first ``on_h`` of every ``cycle_h``, and nothing for the rest: flights, or pulsing (Mahajan & Muller 1986).

    ``level`` is in currency per impression; left out, it is the median of the known price landscape. It turns on and off at
    control steps. By default four weeks in every thirteen are on.
    """

    reads = ()
    bids_per_second = VECTORISED

    def __init__(
        self,
        level: float | None = None,
        on_h: float = 672.0,
        cycle_h: float = 2_184.0,
        market: Market | None = None,
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


class TimedPresence(Policy):
    """Bid ``level`` where the impression is worth ``least`` or more, and nothing elsewhere: presence at the right time.

    When that is, the value says, as far as the bidder's data show it: of a journey, which accounts are close to a purchase. Both
    are in currency per impression; left out, they are the median of the known price landscape.
    """

    bids_per_second = VECTORISED

    def __init__(
        self, level: float | None = None, least: float | None = None, market: Market | None = None
    ) -> None:
        self.level = median_price("level", market) if level is None else at_least_0("level", level)
        self.least = self.level if least is None else at_least_0("least", least)

    def bid(self, requests: VisibleRequests) -> NDArray[np.float64]:
        """The level where it is time."""
        return np.where(requests[VALUE] >= self.least, self.level, 0.0)

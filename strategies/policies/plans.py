"""Plans of presence, as media are planned: always on, in bursts, or at the right time. Each bids one amount, or stays away."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from strategies.base import AccountState, Policy, VisibleRequests
from strategies.parameters import above_0, at_least_0


class AlwaysOn(Policy):
    """Bid ``bid`` on every request, in currency per impression: continuity, as Zielske (1959) showed it against a burst."""

    reads = ()

    def __init__(self, bid: float = 0.001) -> None:
        self.amount = at_least_0("bid", bid)

    def bid(self, requests: VisibleRequests) -> NDArray[np.float64]:
        """The same for all."""
        return np.full(requests.n, self.amount)


class Burst(Policy):
    """Bid ``bid`` for the first ``on_h`` of every ``cycle_h``, and nothing for the rest: flights, or pulsing (Mahajan & Muller 1986).

    It turns on and off at control steps.
    """

    reads = ()

    def __init__(self, bid: float = 0.001, on_h: float = 672.0, cycle_h: float = 2_184.0) -> None:
        self.amount = at_least_0("bid", bid)
        self.on_h, self.cycle_h = above_0("on_h", on_h), above_0("cycle_h", cycle_h)
        if self.on_h > self.cycle_h:
            raise ValueError(f"on_h = {on_h}: must be at most cycle_h = {cycle_h}")
        self.on = True

    def bid(self, requests: VisibleRequests) -> NDArray[np.float64]:
        """The amount while a burst lasts."""
        return np.full(requests.n, self.amount if self.on else 0.0)

    def control(self, state: AccountState) -> None:
        """Look at the clock."""
        self.on = state.hour % self.cycle_h < self.on_h


class TimedPresence(Policy):
    """Bid ``bid`` where the column ``source`` shows one of the codes ``stages``, and ``gain`` times that elsewhere.

    The default codes are those of "considering" and "approved" among ``sim.journey.process.STAGES``: presence when it counts,
    as far as sales know when that is.
    """

    def __init__(
        self, bid: float = 0.001, source: str = "stage", stages: Sequence[int] = (3, 4), gain: float = 0.0
    ) -> None:
        self.amount, self.gain = at_least_0("bid", bid), at_least_0("gain", gain)
        self.source, self.stages = source, tuple(stages)
        self.reads = (source,)

    def bid(self, requests: VisibleRequests) -> NDArray[np.float64]:
        """The amount in time, less of it at any other."""
        in_time = np.isin(requests[self.source], self.stages)
        return np.where(in_time, self.amount, self.gain * self.amount)


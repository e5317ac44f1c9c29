"""Products whose state changes: prices, margins and stock are facts of what a campaign sells, and move independently of bids.

Each product's state is redrawn from its law (all types equally likely) at random times, with rate ln 2 / half-life: what is
a function of the state correlates 2^(-t / half-life) with itself a time t later. The times and the states come from named
streams, forwards and backwards from hour 0, so that how far back anybody looks changes nothing.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .audience import type_of
from .scenario import HOUR_US, Scenario
from .streams import Streams

BATCH = 64
"""The number of changes that are drawn at once."""


class Products:
    """The states of one run's products, from ``back_us`` before hour 0 to the end. A product is a context type."""

    def __init__(self, scenario: Scenario, streams: Streams, back_us: int) -> None:
        drift = scenario.audience.drift
        if drift is None:
            raise ValueError("this scenario has no products whose state drifts: set audience.drift")
        self._mean_us = drift.half_life_h * HOUR_US / math.log(2.0)
        self._types, self._streams = scenario.audience.profile_types, streams
        end_us = round(scenario.supply.horizon_h * HOUR_US)
        self._paths = [
            self._path(product, back_us, end_us) for product in range(scenario.types_of("context"))
        ]

    def state_at(self, product: NDArray[np.int32], time_us: NDArray[np.int64]) -> NDArray[np.int32]:
        """Each product's state at a time that is not further back than ``back_us``; shape (n,)."""
        state = np.empty(len(product), dtype=np.int32)
        few = len(self._paths) <= np.iinfo(np.uint16).max  # numpy sorts such numbers by their digits
        order = np.argsort(product.astype(np.uint16) if few else product, kind="stable")
        ends = np.cumsum(np.bincount(product, minlength=len(self._paths)))
        for (since_us, states), first, last in zip(self._paths, (0, *ends), ends, strict=False):
            here = order[first:last]
            state[here] = states[np.searchsorted(since_us, time_us[here], side="right")]
        return state

    def _path(self, product: int, back_us: int, end_us: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Times of the changes, rising, shape (n,), and the states between them, shape (n + 1,)."""
        before = -self._changes(f"drift/{product}/before", back_us)[::-1]
        after = self._changes(f"drift/{product}/after", end_us)
        states = [
            self._states(f"drift/{product}/state before", len(before))[::-1],
            self._states(f"drift/{product}/state", len(after) + 1),
        ]
        return np.concatenate([before, after]), np.concatenate(states)

    def _changes(self, name: str, until_us: int) -> NDArray[np.int64]:
        """Times after 0 and not after ``until_us`` at which a state is redrawn: exponential gaps, added up in order."""
        times: list[NDArray[np.float64]] = [np.zeros(1)]
        drawn = 0
        while times[-1][-1] <= until_us:
            gaps = -self._mean_us * np.log1p(-self._streams.uniform(name, drawn, BATCH))
            times.append(times[-1][-1] + np.cumsum(gaps))
            drawn += BATCH
        whole = np.concatenate(times)[1:]
        return np.rint(whole[whole <= until_us]).astype(np.int64)

    def _states(self, name: str, n: int) -> NDArray[np.int32]:
        return type_of(self._streams.uniform(name, 0, n), self._types)

"""Products whose state changes: prices, margins and stock are facts of what a campaign sells, and move independently of bids.

Each product's state is redrawn from its law (all types equally likely) at random times, with rate ln 2 / half-life: what is
a function of the state correlates 2^(-t / half-life) with itself a time t later. The times and the states come from named
streams, forwards and backwards from hour 0, so that how far back anybody looks changes nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from .audience import type_of
from .scenario import HOUR_US, Scenario
from .streams import Streams

BATCH = 64
"""The number of changes that are drawn at once."""


def rows_by_product(product: NDArray[np.int32], products: int) -> list[NDArray[np.intp]]:
    """The rows of each product, in their order."""
    few = products <= np.iinfo(np.uint16).max  # numpy sorts such numbers by their digits
    order = np.argsort(product.astype(np.uint16) if few else product, kind="stable")
    return np.split(order, np.cumsum(np.bincount(product, minlength=products))[:-1])


class Products:
    """The states of one run's products, from ``back_us`` before hour 0 to the end. A product is a context type."""

    def __init__(self, scenario: Scenario, streams: Streams, back_us: int) -> None:
        drift = scenario.audience.drift
        if drift is None:
            raise ValueError("this scenario has no products whose state drifts: set audience.drift")
        mean_us, types = drift.half_life_h * HOUR_US / math.log(2.0), scenario.audience.profile_types
        end_us = round(scenario.supply.horizon_h * HOUR_US)
        self._paths = _paths(streams, mean_us, types, scenario.types_of("context"), back_us, end_us)

    def state_at(self, rows: Sequence[NDArray[np.intp]], time_us: NDArray[np.int64]) -> NDArray[np.int32]:
        """Each row's state, at a time that is not further back than ``back_us``, shape (n,); ``rows`` are those of each product."""
        state = np.empty(len(time_us), dtype=np.int32)
        for (since_us, states), here in zip(self._paths, rows, strict=True):
            state[here] = states[since_us.searchsorted(time_us[here], side="right")]
        return state


@lru_cache(maxsize=1)
def _paths(
    streams: Streams, mean_us: float, types: int, products: int, back_us: int, end_us: int
) -> list[tuple[NDArray[np.int64], NDArray[np.int32]]]:
    """For each product, times of its changes, rising, shape (n,), and the states between them, shape (n + 1,).

    All arms of a replication have the same.
    """
    paths = []
    for name in (f"drift/{product}" for product in range(products)):
        before = -_changes(streams, f"{name}/before", mean_us, back_us)[::-1]
        after = _changes(streams, f"{name}/after", mean_us, end_us)
        states = [
            type_of(streams.uniform(f"{name}/state before", 0, len(before)), types)[::-1],
            type_of(streams.uniform(f"{name}/state", 0, len(after) + 1), types),
        ]
        paths.append((np.concatenate([before, after]), np.concatenate(states)))
    return paths


def _changes(streams: Streams, name: str, mean_us: float, until_us: int) -> NDArray[np.int64]:
    """Times after 0 and not after ``until_us`` at which a state is redrawn: exponential gaps, added up in order."""
    times: list[NDArray[np.float64]] = [np.zeros(1)]
    drawn = 0
    while times[-1][-1] <= until_us:
        gaps = -mean_us * np.log1p(-streams.uniform(name, drawn, BATCH))
        times.append(times[-1][-1] + np.cumsum(gaps))
        drawn += BATCH
    whole = np.concatenate(times)[1:]
    return np.rint(whole[whole <= until_us]).astype(np.int64)

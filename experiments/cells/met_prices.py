"""The prices that a bidder meets in auctions of one slot: on each request, what it would have had to bid more than."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jointbid.sim.scenario import MICROS

LEVELS = np.linspace(0.0, 1.0, 513)
"""Shares of the requests whose quantiles stand for all."""


class MetPrices:
    """A sink that keeps the highest bid which each of some advertisers met, and when, in auctions of one slot.

    Args:
        advertisers: of every bidder, in the order of their numbers; who bids for one of them is no rival of it.
        watched: whose prices are kept.
    """

    def __init__(self, advertisers: Sequence[str], watched: Sequence[str]) -> None:
        self._own = {name: [n for n, other in enumerate(advertisers) if other == name] for name in watched}
        self._met = {name: [np.empty(0, dtype=np.int64)] for name in watched}
        self._sold: list[NDArray[np.float64]] = []
        self._times = [np.empty(0, dtype=np.int64)]

    def __call__(self, block: Mapping[str, NDArray[Any]]) -> None:
        """Take a block of auctions: the highest rival is the winner, or whom one has beaten; without a rival it is the floor, at least 0."""
        least = np.maximum(block["floor_micros"], 0)
        for name, own in self._own.items():
            rival = np.where(np.isin(block["winner"], own), block["other_micros"], block["bid_micros"])
            self._met[name].append(np.maximum(rival, least))
        self._sold.append(block["value"][block["winner"] >= 0])
        self._times.append(block["time_us"])

    @property
    def time_us(self) -> NDArray[np.int64]:
        """Shape (requests,)."""
        return np.concatenate(self._times)

    def prices(self, advertiser: str) -> NDArray[np.float64]:
        """Return what a watched advertiser met, in currency per impression, shape (requests,)."""
        return np.concatenate(self._met[advertiser]) / MICROS

    def columns(self, advertiser: str) -> dict[str, list[float]]:
        """For the advertiser's row: quantiles of the ``prices`` that it met and of the ``values`` that bidders won, in currency.

        Empty for one who is not watched; ``values`` where nothing was won.
        """
        if advertiser not in self._met:
            return {"prices": [], "values": []}
        sold = np.concatenate(self._sold)
        return {
            "prices": np.quantile(self.prices(advertiser), LEVELS).tolist(),
            "values": np.quantile(sold, LEVELS).tolist() if len(sold) else [],
        }

"""Shelves that sales empty: the units of every advertiser's products, counted by the calendar, read between two counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .scenario import HOUR_US, Scenario, Stock
from .streams import Streams


class Shelves:
    """One run's shelves: of each advertiser one a product. Arrays by advertiser and product; before hour 0 all were full.

    A shelf found empty at a count is filled at each later one with probability ``step_h / lead_h``, drawn by (advertiser, count,
    product): the same in every arm of a study. Units below 0 are sales between two counts that wait for the delivery.
    """

    def __init__(self, scenario: Scenario, streams: Streams, advertisers: Sequence[str]) -> None:
        stock = stock_of(scenario)
        self.step_us = round(stock.step_h * HOUR_US)
        self.units = units_of(scenario)
        self._chance = stock.step_h / stock.lead_h
        self._streams = streams
        counts = int(np.ceil(scenario.supply.horizon_h / stock.step_h)) + 1
        self._place = {name: place for place, name in enumerate(dict.fromkeys(advertisers))}
        shape = (len(self._place), len(self.units))
        self._levels = np.empty((counts, *shape), dtype=np.int64)
        self._levels[0] = self.units
        self._delivery: NDArray[np.int64] | None = None
        self._comes: list[bool] = []
        """Whether anything would come at each count."""
        self.step = 0
        self._is_empty = np.zeros(shape, dtype=np.bool_)
        """Which shelves are empty by the last count."""
        self._mark = self._is_empty.tobytes()
        self._sold = np.zeros(shape, dtype=np.int64)
        self._has_sold = False
        self._changed = np.zeros(shape, dtype=np.bool_)

    def is_empty(self, advertiser: str) -> NDArray[np.bool_]:
        """Which products have none left by the last count, shape (products,); none of an advertiser without shelves."""
        place = self._place.get(advertiser)
        return np.zeros(len(self.units), np.bool_) if place is None else self._is_empty[place]

    def units_at(
        self, advertiser: str, product: NDArray[np.int32], time_us: NDArray[np.int64]
    ) -> NDArray[np.int32]:
        """Units by the last count before or at a time that is not after now; shape (n,), at least 0."""
        count = np.clip(time_us // self.step_us, 0, self.step)
        level = self._levels[count, self._place[advertiser], product]
        return np.asarray(np.maximum(level, 0), dtype=np.int32)

    def sell(self, advertiser: str, product: NDArray[np.int32]) -> None:
        """A unit of each of these, to be taken off at the next count."""
        self._sold[self._place[advertiser]] += np.bincount(product, minlength=len(self.units))
        self._has_sold = True

    def changed(self, advertiser: str) -> list[int]:
        """The products whose shelves were filled or emptied by the last count that did so."""
        found: list[int] = self._changed[self._place[advertiser]].nonzero()[0].tolist()
        return found

    def count(self) -> bool:
        """A count: sales since the last one are taken off, and deliveries come. Whether any shelf is now empty that was not, or the reverse."""
        before = self._levels[self.step]
        self.step += 1
        after, mark = self._levels[self.step], self._mark
        comes = False
        if 1 in mark:
            if self._delivery is None:
                self._delivery = self._deliveries()
                self._comes = self._delivery.any(axis=(1, 2)).tolist()
            comes = self._comes[self.step]
        if not (self._has_sold or comes):
            after[:] = before
            return False
        np.subtract(before, self._sold, out=after)
        if comes and self._delivery is not None:
            after += self._is_empty * self._delivery[self.step]
        self._sold.fill(0)
        self._has_sold, was_empty = False, self._is_empty
        self._is_empty = after <= 0
        self._mark = self._is_empty.tobytes()
        if self._mark == mark:
            return False
        self._changed = was_empty != self._is_empty
        return True

    def _deliveries(self) -> NDArray[np.int64]:
        """Units that would come to each shelf at each count, if it were empty; shape (counts, advertisers, products)."""
        counts, _, n = self._levels.shape
        draws = [self._streams.uniform(f"delivery/{name}", 0, counts * n) for name in self._place]
        comes = np.stack([draw.reshape(counts, n) for draw in draws], axis=1) < self._chance
        return comes * self.units

    def columns(self) -> dict[str, NDArray[Any]]:
        """For ``RunResult.stock``; sales since the last count are taken off too."""
        names = np.array(list(self._place), dtype=object)
        products = len(self.units)
        left, delivered = self._levels[self.step] - self._sold, self._delivered()
        return {
            "advertiser": np.repeat(names, products),
            "product": np.tile(np.arange(products), len(names)),
            "units": np.tile(self.units, len(names)),
            "delivered": delivered.ravel(),
            "sold": (self.units + delivered - left).ravel(),
            "left": left.ravel(),
            "sold_out_h": self._sold_out_h().ravel(),
        }

    def _delivered(self) -> NDArray[np.int64]:
        """Units that have come to each shelf."""
        if self._delivery is None:
            return np.zeros_like(self._sold)
        was_empty = self._levels[: self.step] <= 0
        return np.asarray((was_empty * self._delivery[1 : self.step + 1]).sum(axis=0))

    def by_bidder(self, advertisers: Sequence[str]) -> dict[str, NDArray[np.float64]]:
        """``sold_out_h`` of each bidder's products on average; an advertiser's first bidder has it all, shape (bidders,)."""
        hours = np.zeros(len(advertisers))
        first = [list(advertisers).index(name) for name in self._place]
        hours[first] = self._sold_out_h().mean(axis=1)
        return {"sold_out_h": hours}

    def _sold_out_h(self) -> NDArray[np.float64]:
        """How long each shelf has been empty by its counts, up to the last one, in hours."""
        return np.asarray((self._levels[: self.step] <= 0).sum(axis=0) * (self.step_us / HOUR_US))


def stock_of(scenario: Scenario) -> Stock:
    """The scenario's stock; ``ValueError`` where it has none."""
    if scenario.stock is None:
        raise ValueError("this scenario has no stock: set stock")
    return scenario.stock


def units_of(scenario: Scenario) -> NDArray[np.int64]:
    """The units of a delivery by product, shape (products,)."""
    return np.broadcast_to(np.asarray(stock_of(scenario).units, np.int64), (scenario.types_of("context"),))

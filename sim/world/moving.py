"""Worlds in which facts move while the run goes on, and sources show them as they were when the copy was taken."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from ..auction.arrays import Effects
from ..audience import COMMON
from ..drift import Products, rows_by_product
from ..journey.accounts import BuyerAccounts
from ..journey.process import KINDS
from ..scenario import Scenario
from ..sources import Facts
from ..stock import Shelves
from ..streams import Streams
from .typed import Record, TypedWorld


class JourneyWorld(TypedWorld):
    """People belong to accounts on a journey."""

    def __init__(self, scenario: Scenario, streams: Streams, advertisers: Sequence[str]) -> None:
        super().__init__(scenario, streams)
        assert scenario.journey is not None  # noqa: S101 - there are accounts
        lasting = np.reshape(np.asarray(scenario.journey.lasting, dtype=np.float64), (-1, 1))
        self._lasting = np.broadcast_to(lasting, self._truth.effect.seen.shape).ravel()
        self._records |= {factor: self._stages(shown) for factor, shown in KINDS.items()}
        back_us = self._back_us(*KINDS)
        self.accounts: BuyerAccounts = BuyerAccounts(scenario, streams, COMMON, back_us, len(advertisers))

    @override
    def is_settled(self, name: str) -> bool:
        return name not in self.sources or self._laws[name].factor not in KINDS

    @override
    def effects(self, owners: list[str], column: NDArray[np.int64]) -> Effects:
        return super().effects(owners, column)._replace(lasting=self._lasting)

    def _stages(self, shown: NDArray[np.int32]) -> Record:
        def record(
            _: TypedWorld, _owner: str, _facts: Facts, person: NDArray[np.int64], taken_us: NDArray[np.int64]
        ) -> NDArray[np.int32]:
            return shown[self.accounts.stages_at(taken_us, person)]

        return record


class ShopWorld(TypedWorld):
    """Requests are for products, whose state drifts independently of bids, whose shelves sales empty, or both."""

    def __init__(self, scenario: Scenario, streams: Streams, advertisers: Sequence[str]) -> None:
        super().__init__(scenario, streams)
        self._products: Products | None = None
        if scenario.audience.drift is not None:
            self._products = Products(scenario, streams, self._back_us("profile"))
            self._records["profile"] = ShopWorld._state_at
        if scenario.stock is not None:
            self.shelves = Shelves(scenario, streams, advertisers)
            self._records["stock"] = ShopWorld._units_at
        self._sold_out = np.int32(self._truth.theta.size)
        """How far a truth cell lies from the same one with an empty shelf."""

    @property
    @override
    def is_still(self) -> bool:
        return False  # products drift step by step, as they are looked at

    @override
    def is_settled(self, name: str) -> bool:
        return name not in self.sources or self._laws[name].factor != "stock"

    @override
    def known_until(self, name: str, first: int) -> int:
        if self.shelves is None or self.is_settled(name):
            return len(self.chunk)
        next_count_us = (self.shelves.step + 1) * self.shelves.step_us
        return max(first, int(self._taken_us(name).searchsorted(next_count_us)))

    @override
    def truth_cells(self, owners: list[str]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        if self.shelves is None:
            return super().truth_cells(owners)
        advertisers = list(dict.fromkeys(owners))
        own = np.empty((len(advertisers), len(self.chunk)), dtype=np.int32)
        for cells, advertiser in zip(own, advertisers, strict=True):
            cells[:] = self._truth_cells(advertiser)
            for product in self.shelves.is_empty(advertiser).nonzero()[0].tolist():
                cells[self._rows_of(advertiser)[product]] += self._sold_out
        return own, np.array([advertisers.index(owner) for owner in owners], dtype=np.int64)

    @override
    def refill_truth(self, owners: list[str], truths: NDArray[np.int32], first: int) -> None:
        assert self.shelves is not None  # noqa: S101 - nothing else refills it
        for row, advertiser in enumerate(dict.fromkeys(owners)):
            full, is_empty = self._truth_cells(advertiser), self.shelves.is_empty(advertiser)
            for product in self.shelves.changed(advertiser):
                rows = self._rows_of(advertiser)[product]
                rows = rows[rows.searchsorted(first) :]
                truths[row, rows] = full[rows] + is_empty[product] * self._sold_out

    @override
    def sell(self, owner: str, rows: NDArray[np.int64]) -> None:
        if self.shelves is not None:
            self.shelves.sell(owner, self._known_to(owner)["context"][rows])

    @override
    def _known_to(self, owner: str) -> Facts:
        facts = self._facts_of(owner)
        if facts not in self._facts:
            drawn = super()._known_to(owner)
            if self._products is not None:
                self._facts[facts] = drawn  # it has the products, which do not drift
                state = self._products.state_at(self._rows_of(owner), self.chunk.time_us)
                self._facts[facts] = drawn.with_record("profile", state)
        return self._facts[facts]

    def _rows_of(self, owner: str) -> list[NDArray[np.intp]]:
        """The rows of the chunk that are for each product."""
        facts = self._facts_of(owner)
        if facts not in self._rows:
            self._rows[facts] = rows_by_product(
                self._known_to(owner)["context"], self._scenario.types_of("context")
            )
        return self._rows[facts]

    @override
    def _teller_of(self, owner: str, name: str) -> str:
        """Each advertiser's own shelves are shown, never those of others."""
        return owner if self._laws[name].factor == "stock" else super()._teller_of(owner, name)

    def _state_at(
        self, owner: str, _facts: Facts, _person: NDArray[np.int64], taken_us: NDArray[np.int64]
    ) -> NDArray[np.int32]:
        assert self._products is not None  # noqa: S101 - there is drift
        return self._products.state_at(self._rows_of(owner), taken_us)

    def _units_at(
        self, owner: str, facts: Facts, _person: NDArray[np.int64], taken_us: NDArray[np.int64]
    ) -> NDArray[np.int32]:
        assert self.shelves is not None  # noqa: S101 - there is stock
        return self.shelves.units_at(owner, facts["context"], taken_us)

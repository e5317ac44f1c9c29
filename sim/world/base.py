"""What the simulation asks of the facts behind requests, and of what a bidder's data shows of them."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ..auction.arrays import Effects
from ..auction.mechanisms import MECHANISMS
from ..drawn import Drawn
from ..exposures import Exposures
from ..journey.accounts import BuyerAccounts
from ..response import fading
from ..scenario import Scenario
from ..sources import SyncClock
from ..stock import Shelves
from ..streams import Streams
from ..supply import NO_REQUESTS, Chunk

_WORTH_ALONE: dict[str, Any] = {
    **dict.fromkeys(Effects._fields[1:7], np.empty(0)),
    "creative_stride": 0,
    "apart": 1,
    "rotation": np.ones(1),
    "rotation_key": np.zeros(1, dtype=np.uint64),
    "drawn": False,
    "lasting": np.empty(0),
}
"""The fields of effects where nothing is clicked or unseen."""


class World:
    """What the simulation asks of the facts. ``owner`` is an advertiser; columns have the chunk's shape (n,).

    The base holds what worlds share whose columns are continuous, known ahead, and whose outcomes are looked up by row.
    """

    def __init__(self, scenario: Scenario, streams: Streams, names: tuple[str, ...] = ()) -> None:
        self._scenario, self._streams = scenario, streams
        self.columns = names
        """Names of the columns that data shows."""
        self.creatives = max(len(scenario.creative), 1)
        """How many creatives each campaign has."""
        self.sources: tuple[str, ...] = ()
        """The columns that are looked up in a source, and that may differ in age."""
        self.clocks: dict[str, SyncClock] = {}
        """When the copy in use was taken, by source; copies of one another share a clock."""
        self.accounts: BuyerAccounts | None = None
        """The accounts on a journey; None where the market has no journey."""
        self.shelves: Shelves | None = None
        """The units that there are to sell; None where everything is always there."""
        self.exposures: Exposures | None = None
        """What people have seen so far, where they are known."""
        self._kept: Drawn | None = None
        """What runs of the same market have drawn already."""
        self.chunk = NO_REQUESTS
        """The requests that columns, effects and margins are asked about."""

    @property
    def is_still(self) -> bool:
        """Whether the columns of all requests are known from the start, as nothing moves while the run goes on."""
        return self.accounts is None and self.shelves is None

    @property
    def declared(self) -> tuple[str, ...]:
        """Columns for strategies that name them, independent of the data their bidders hold."""
        return ()

    @property
    def knows_people(self) -> bool:
        """Whether people come again, and are known when they do."""
        return self._scenario.audience.people is not None and self._scenario.supply.kind != "log"

    @property
    def tells_minimum_bid(self) -> bool:
        """Whether bidders learn the least bid that would have won."""
        return self._scenario.auction.tells == "minimum_bid_to_win"

    def codes_of(self, name: str) -> int | None:  # noqa: ARG002
        """How many codes a categorical column has; None for a continuous one."""
        return None

    def made_up(self, name: str, u: NDArray[np.float64]) -> NDArray[Any]:
        """A column that is not categorical as the market might show it, from uniforms of shape (n,); same shape."""
        if name == "hour":
            return u * self._scenario.supply.horizon_h
        if name == "auction_type":
            there = np.array([MECHANISMS[kind] for kind in self._scenario.auction.shares], dtype=np.int8)
            return np.asarray(there[(u * len(there)).astype(np.int64)])
        return u

    def origin(self, owner: str, name: str) -> tuple[str, str]:
        """Equal for two owners where the column is one and the same."""
        return (owner, name)

    def is_settled(self, name: str) -> bool:  # noqa: ARG002
        """The column is known for the whole chunk when it is loaded; otherwise only up to the next event."""
        return True

    def is_match_settled(self, name: str) -> bool:
        """Whether the source matches each request of the chunk is known when it is loaded."""
        return self.is_settled(name)

    def known_until(self, name: str, first: int) -> int:
        """Up to which row of the chunk a column is known now; ``first`` is the next to be settled."""
        return len(self.chunk) if self.is_settled(name) else first

    def of_run(self, streams: Streams, exposures: Exposures | None, kept: Drawn | None) -> Self:
        """Return this world for one run, with its randomness, what its people see, and what earlier runs of the market have drawn."""
        world = self._twin()
        world._streams, world.exposures, world._kept = streams, exposures, kept  # noqa: SLF001 - a copy of its own kind
        return world

    def at(self, chunk: Chunk) -> Self:
        """Return this world at the requests of a chunk; what moves while the run goes on is shared."""
        world = self._twin()
        world.turn_to(chunk)
        return world

    def _twin(self) -> Self:
        """Return a shallow copy, at a sixth of what ``copy.copy`` takes."""
        world = object.__new__(type(self))
        world.__dict__.update(self.__dict__)
        return world

    def turn_to(self, chunk: Chunk) -> None:
        """Make these the requests, and forget what was worked out for others."""
        self.chunk = chunk

    def column(self, owner: str, name: str, part: slice) -> NDArray[Any]:
        """A visible column for some rows of the chunk."""
        raise NotImplementedError

    def matches_all(self, name: str) -> bool:  # noqa: ARG002
        """The source matches every request."""
        return True

    def matched(self, owner: str, name: str, part: slice) -> NDArray[np.bool_]:  # noqa: ARG002
        """Whether an owner's source matches each of some rows."""
        return np.ones(part.stop - part.start, dtype=np.bool_)

    def truth_cells(self, owners: list[str]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Columns of truth cells (columns, n) and which of them each owner looks its outcomes up by; -1: by row."""
        return np.empty((0, len(self.chunk)), dtype=np.int32), np.full(len(owners), -1, dtype=np.int64)

    def refill_truth(self, owners: list[str], truths: NDArray[np.int32], first: int) -> None:
        """Write the truth cells that hold from now on into ``truths`` (columns, n), from row ``first`` on."""

    def effects(self, owners: list[str], column: NDArray[np.int64]) -> Effects:
        """What impressions of this chunk do, to be looked up by each owner's ``column``."""
        raise NotImplementedError

    @property
    def flat_margin(self) -> float | None:
        """What each conversion brings every owner, in currency; None where that differs (``margin``)."""
        return 0.0

    def margin(self, owner: str, row: NDArray[np.int64]) -> NDArray[np.float64]:  # noqa: ARG002
        """What a conversion on each of these rows of the chunk brings ``owner``, in currency; shape as ``row``."""
        return np.zeros(len(row))

    def sell(self, owner: str, rows: NDArray[np.int64]) -> None:
        """Impressions of ``owner`` on these rows of the chunk end in a sale: what there is a stock of becomes less."""

    def worth(self, owner: str) -> NDArray[np.float64]:
        """The most that an impression on each request of the chunk can be expected to be worth to ``owner``, in currency.

        With the better creative, to somebody who has seen none before; shape (n,).
        """
        cells, column = self.truth_cells([owner])
        effects = self.effects([owner], column)
        row = cells[0] if len(cells) else np.arange(len(self.chunk))
        creatives = max(len(effects.rotation), 1)
        return np.asarray(effects.worth[:: effects.apart].reshape(creatives, -1).max(axis=0)[row])

    def _effects(self, offset: NDArray[np.int64], column: NDArray[np.int64], **given: Any) -> Effects:
        """Return effects with what is ``given``, ``worth`` at least; without more nothing is clicked, and all is seen."""
        keys = np.array([self._streams.key64(name) for name in ("seen", "clicked", "converted")])
        known = {**_WORTH_ALONE, "fading": fading(self._scenario.response), "keys": keys, **given}
        return Effects(offset=offset, column=column, **known)

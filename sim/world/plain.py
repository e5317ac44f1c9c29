"""Worlds whose columns are continuous: private values, which each bidder knows for itself, and a log, as it was recorded."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from ..auction.arrays import Effects
from ..public_columns import SIGMA
from ..response import private_values
from ..scenario import Scenario
from ..streams import Streams
from ..supply import Chunk
from .base import World


class PrivateValues(World):
    """Each bidder's value of a request is its own draw, and the column ``value`` shows it to that bidder alone."""

    def __init__(self, scenario: Scenario, streams: Streams) -> None:
        super().__init__(scenario, streams, ("value",))
        self._values: dict[str, NDArray[np.float64]] = {}

    @override
    def turn_to(self, chunk: Chunk) -> None:
        super().turn_to(chunk)
        self._values = {}

    @property
    @override
    def declared(self) -> tuple[str, ...]:
        return (SIGMA,)

    @override
    def column(self, owner: str, name: str, part: slice) -> NDArray[Any]:
        if name == SIGMA:  # each bidder knows its value
            return np.zeros(len(range(len(self.chunk))[part]))
        if owner not in self._values:
            u = self.chunk.visits.by_request(self._streams, f"value/{owner}")
            self._values[owner] = private_values(self._scenario.response, u)
        return self._values[owner][part]

    @override
    def effects(self, owners: list[str], column: NDArray[np.int64]) -> Effects:
        values = [self.column(owner, "value", slice(None)) for owner in owners]
        worth = np.concatenate(values) if values else np.empty(0)
        return self._effects(len(self.chunk) * np.arange(len(owners), dtype=np.int64), column, worth=worth)


class LogWorld(World):
    """A log's rows: what they turned out to be worth, and the columns recorded with them."""

    @property
    @override
    def declared(self) -> tuple[str, ...]:
        return (SIGMA,) if SIGMA in self.columns else ()

    @override
    def column(self, owner: str, name: str, part: slice) -> NDArray[Any]:
        return self.chunk.logged.columns[name][part]

    @override
    def effects(self, owners: list[str], column: NDArray[np.int64]) -> Effects:
        logged = self.chunk.logged
        nothing = np.zeros(len(self.chunk))
        plain = self._effects(np.zeros(len(owners), dtype=np.int64), column, worth=logged.value)
        return plain._replace(
            seen=np.ones(len(self.chunk)),
            seen_click=logged.click,
            seen_conversion=nothing,
            after_click=nothing,
            click=logged.click,
            conversion=nothing,
            drawn=bool(logged.click.any()),
        )

"""How often bidders look requests up in their data, how often these match, and what that costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .bidder_session import BidderSession
from .delivery import ChunkDelivery
from .scenario import MICROS, MICROS_PER_CPM, Scenario
from .world import World


class DataUsage:
    """The look-ups of one run: each request that a bidder is sent, in every source that it reads, whether in time or not."""

    def __init__(self, scenario: Scenario, world: World, sessions: Sequence[BidderSession]) -> None:
        self._scenario, self._sessions = scenario, sessions
        self._looks_up = np.array([bool(session.looks_up) for session in sessions], dtype=np.bool_)
        self._lookups = np.zeros(len(sessions), dtype=np.int64)  # in each of its sources
        self._matches = {
            (number, name): 0
            for number, session in enumerate(sessions)
            for name in session.looks_up
            if not world.matches_all(name)
        }

    def note(self, world: World, part: slice, is_open: NDArray[np.bool_], delivery: ChunkDelivery) -> None:
        """Count requests of the chunk that go to the bidders that may bid (``is_open``)."""
        looking, sends_all = is_open & self._looks_up, delivery.sends_all
        if sends_all:
            self._lookups[looking] += part.stop - part.start
        else:
            for number in np.flatnonzero(looking).tolist():
                self._lookups[number] += delivery.is_sent(number, part).sum()
        for number, name in self._matches:
            if looking[number]:
                found = world.matched(self._sessions[number].advertiser, name, part)
                sent = found if sends_all else found & delivery.is_sent(number, part)
                self._matches[number, name] += int(sent.sum())

    def columns(self) -> dict[str, NDArray[Any]]:
        """By bidder, over all its sources: ``lookups``, ``matches``, and ``data_cost`` in currency; shape (bidders,) each."""
        lookups, matches = np.zeros((2, len(self._sessions)), dtype=np.int64)
        cost = np.zeros(len(self._sessions))
        for number, session in enumerate(self._sessions):
            lookups[number] = self._lookups[number] * len(session.looks_up)
            matches[number] = sum(self._found(number, name) for name in session.looks_up)
            cost[number] = self._cost(number) / MICROS
        return {"lookups": lookups, "matches": matches, "data_cost": cost}

    @property
    def total(self) -> float:
        """What all bidders pay for data, in currency."""
        return sum(map(self._cost, range(len(self._sessions)))) / MICROS

    def _found(self, number: int, name: str) -> int:
        """Look-ups of one bidder in one source that matched."""
        return self._matches.get((number, name), int(self._lookups[number]))

    def _cost(self, number: int) -> int:
        """What data cost one bidder, in micros: rounded once a source, so that no fraction of a look-up's price is lost."""
        cost, lookups = 0, int(self._lookups[number])
        for name in self._sessions[number].looks_up:
            source = self._scenario.source[name]
            cpm = lookups * source.cost_per_lookup_cpm + self._found(number, name) * source.cost_per_match_cpm
            cost += round(cpm * MICROS_PER_CPM)
        return cost

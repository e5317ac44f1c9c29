"""What bidders look up in their data, how often it matches, and what that costs them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .desk import Desk
from .latency import Deadline
from .scenario import MICROS, MICROS_PER_CPM, Scenario
from .world import World


class Meter:
    """The look-ups of one run: each request that a bidder is sent, in every source that it reads, whether in time or not."""

    def __init__(self, scenario: Scenario, world: World, desks: Sequence[Desk]) -> None:
        self._scenario, self._world, self._desks = scenario, world, desks
        self._looks_up = np.array([bool(desk.looks_up) for desk in desks], dtype=np.bool_)
        self._lookups = np.zeros(len(desks), dtype=np.int64)  # in each of its sources
        self._matches = {
            (number, name): 0
            for number, desk in enumerate(desks)
            for name in desk.looks_up
            if not world.matches_all(name)
        }

    def note(self, part: slice, is_open: NDArray[np.bool_], deadline: Deadline) -> None:
        """Some requests of the chunk go to those who may bid (``is_open``)."""
        looking, sends_all = is_open & self._looks_up, deadline.sends_all
        if sends_all:
            self._lookups[looking] += part.stop - part.start
        else:
            for number in np.flatnonzero(looking).tolist():
                self._lookups[number] += deadline.is_sent(number, part).sum()
        for number, name in self._matches:
            if looking[number]:
                found = self._world.matched(self._desks[number].advertiser, name, part)
                sent = found if sends_all else found & deadline.is_sent(number, part)
                self._matches[number, name] += int(sent.sum())

    def columns(self) -> dict[str, NDArray[Any]]:
        """By bidder, over all its sources: ``lookups``, ``matches``, and ``data_cost`` in currency; shape (bidders,) each."""
        lookups, matches = np.zeros((2, len(self._desks)), dtype=np.int64)
        cost = np.zeros(len(self._desks))
        for number, desk in enumerate(self._desks):
            lookups[number] = self._lookups[number] * len(desk.looks_up)
            matches[number] = sum(self._found(number, name) for name in desk.looks_up)
            cost[number] = self._cost(number) / MICROS
        return {"lookups": lookups, "matches": matches, "data_cost": cost}

    @property
    def total(self) -> float:
        """What all bidders pay for data, in currency."""
        return sum(map(self._cost, range(len(self._desks)))) / MICROS

    def _found(self, number: int, name: str) -> int:
        """Look-ups of one bidder in one source that matched."""
        return self._matches.get((number, name), int(self._lookups[number]))

    def _cost(self, number: int) -> int:
        """What data cost one bidder, in micros: rounded once a source, so that no fraction of a look-up's price is lost."""
        cost, lookups = 0, int(self._lookups[number])
        for name in self._desks[number].looks_up:
            source = self._scenario.source[name]
            cpm = lookups * source.cost_per_lookup_cpm + self._found(number, name) * source.cost_per_match_cpm
            cost += round(cpm * MICROS_PER_CPM)
        return cost

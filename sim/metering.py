"""What bidders look up in their data, how often it matches, and what that costs them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.desk import Desk
from sim.latency import Deadline
from sim.scenario import MICROS, MICROS_PER_CPM, Scenario
from sim.world import World


class Meter:
    """The look-ups of one run: each request that a bidder is sent, in every source that it reads, whether in time or not."""

    def __init__(self, scenario: Scenario, world: World, desks: Sequence[Desk]) -> None:
        self._scenario, self._world = scenario, world
        self._desks = {number: desk for number, desk in enumerate(desks) if desk.looks_up}
        self._lookups = dict.fromkeys(self._desks, 0)
        self._matches = {number: dict.fromkeys(desk.looks_up, 0) for number, desk in self._desks.items()}
        self._bidders = len(desks)

    def note(self, part: slice, is_open: NDArray[np.bool_], deadline: Deadline) -> None:
        """Some requests of the chunk go to those who may bid (``is_open``)."""
        for number, desk in self._desks.items():
            if not is_open[number]:
                continue
            sent = None if deadline.sends_all else deadline.is_sent(number, part)
            n = part.stop - part.start if sent is None else int(sent.sum())
            self._lookups[number] += n
            for name in desk.looks_up:
                found = self._world.matched(desk.advertiser, name, part)
                if found is not None:
                    self._matches[number][name] += int((found if sent is None else found & sent).sum())
                else:
                    self._matches[number][name] += n

    def columns(self) -> dict[str, NDArray[Any]]:
        """By bidder, over all its sources: ``lookups``, ``matches``, and ``data_cost`` in currency; shape (bidders,) each."""
        lookups, matches, cost = np.zeros((3, self._bidders), dtype=np.int64)
        for number, found in self._matches.items():
            lookups[number] = self._lookups[number] * len(found)
            matches[number] = sum(found.values())
            cost[number] = self._cost(number)
        return {"lookups": lookups, "matches": matches, "data_cost": cost / MICROS}

    @property
    def total(self) -> float:
        """What all bidders pay for data, in currency."""
        return sum(map(self._cost, self._desks)) / MICROS

    def _cost(self, number: int) -> int:
        """What data cost one bidder, in micros: rounded once a source, so that no fraction of a look-up's price is lost."""
        cost = 0
        for name, found in self._matches[number].items():
            source = self._scenario.source[name]
            cpm = self._lookups[number] * source.cost_per_lookup_cpm + found * source.cost_per_match_cpm
            cost += round(cpm * MICROS_PER_CPM)
        return cost

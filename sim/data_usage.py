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
        self._lookups = [0] * len(sessions)
        """Each bidder's look-ups in each of its sources."""
        self._matches = {
            (number, name): 0
            for number, session in enumerate(sessions)
            for name in session.looks_up
            if not world.matches_all(name)
        }

    def note(self, world: World, part: slice, is_open: NDArray[np.bool_], delivery: ChunkDelivery) -> None:
        """Count requests of the chunk that go to the bidders that may bid (``is_open``)."""
        may_bid, sends_all = is_open.tolist(), delivery.sends_all
        for number, is_asked in enumerate(may_bid):
            if is_asked and sends_all:
                self._lookups[number] += part.stop - part.start
            elif is_asked:
                self._lookups[number] += int(np.count_nonzero(delivery.is_sent(number, part)))
        for number, name in self._matches:
            if may_bid[number]:
                found = world.matched(self._sessions[number].advertiser, name, part)
                sent = found if sends_all else found & delivery.is_sent(number, part)
                self._matches[number, name] += int(np.count_nonzero(sent))

    def bill(self) -> tuple[dict[str, NDArray[Any]], float]:
        """Return columns by bidder, over all its sources, and what all bidders pay, in currency.

        The columns, shape (bidders,): ``lookups``, ``matches``, and ``data_cost`` in currency. Costs are rounded to micros once a source,
        so that no fraction of a look-up's price is lost.
        """
        count, found, cost = [], [], []
        for number, (session, lookups) in enumerate(zip(self._sessions, self._lookups, strict=True)):
            matches = [self._matches.get((number, name), lookups) for name in session.looks_up]
            sources = [self._scenario.source[name] for name in session.looks_up]
            count.append(lookups * len(sources))
            found.append(sum(matches))
            cpm = [
                lookups * one.cost_per_lookup_cpm + matched * one.cost_per_match_cpm
                for one, matched in zip(sources, matches, strict=True)
            ]
            cost.append(sum(round(each * MICROS_PER_CPM) for each in cpm))
        columns = {
            "lookups": np.array(count, dtype=np.int64),
            "matches": np.array(found, dtype=np.int64),
            "data_cost": np.array(cost, dtype=np.float64) / MICROS,
        }
        return columns, sum(cost) / MICROS

"""Before the first auction: the rules that hold for every request, and who sits where."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .auction.arrays import Rules, Seats
from .desk import Desk
from .scenario import MICROS_PER_CPM, Scenario
from .streams import Streams


def rules_of(scenario: Scenario) -> Rules:
    """The exchange's rules."""
    auction = scenario.auction
    top, names = np.zeros((2, len(auction.slots) + 1), dtype=np.int64)
    return Rules(
        np.array(auction.slots), round(auction.soft_floor_cpm * MICROS_PER_CPM), auction.fee, top, names
    )


def seats_of(scenario: Scenario, desks: Sequence[Desk], streams: Streams) -> Seats:
    """The bidders' floors, advertisers and tie priorities."""
    advertisers = list(dict.fromkeys(desk.advertiser for desk in desks))
    names = [desk.name for desk in desks]
    own = scenario.auction.bidder_floor_cpm
    floors = [own.get(desk.name, own.get(desk.advertiser, 0.0)) * MICROS_PER_CPM for desk in desks]
    return Seats(
        floor=np.rint(np.array(floors)).astype(np.int64),
        house=np.array([-1, *(advertisers.index(desk.advertiser) for desk in desks)], dtype=np.int64),
        key=np.array([streams.key64(f"tie/{name}") for name in ("outside", *names)], dtype=np.uint64),
        campaigns=len(advertisers) < len(desks),
    )

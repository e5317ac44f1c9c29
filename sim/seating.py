"""The auction's rules and seats, as they stand before the first request."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .auction.arrays import Rules, Scores, Seats
from .auction.rankings import ranking
from .bidder_session import BidderSession
from .kept import kept
from .scenario import MICROS, MICROS_PER_CPM, Scenario
from .streams import Streams


def rules_of(scenario: Scenario, bidders: int) -> Rules:
    """Return the exchange's rules."""
    rates, soft_floor, fee = _fixed_rules(scenario)
    top, names = np.zeros((2, len(rates) + 1), dtype=np.int64)
    return Rules(rates, soft_floor, fee, top, names, stands=np.zeros(-(-bidders // 8), dtype=np.uint8))


@kept
def _fixed_rules(scenario: Scenario) -> tuple[NDArray[np.float64], int, float]:
    """Return the slots' click rates, the soft floor in micros, and the exchange's share."""
    auction = scenario.auction
    return np.array(auction.slots), round(auction.soft_floor_cpm * MICROS_PER_CPM), auction.fee


def scores_of(scenario: Scenario, sessions: Sequence[BidderSession]) -> Scores | None:
    """Return what the ranking rule makes of bids; None where each score is the bid itself."""
    rank, room = scenario.auction.rank, len(scenario.auction.slots) + 1
    if rank.rule == "bid":
        return None
    rule = ranking(rank.rule)
    numbers = rank.by_bidder
    number = [numbers.get(one.name, numbers.get(one.advertiser, rule.NEUTRAL)) for one in sessions]
    slope, offset = rule.weights(np.array(number, dtype=np.float64), rank.exponent)
    if (slope == 1.0).all() and (offset == 0.0).all():
        return None
    bid, money = np.zeros((2, room), dtype=np.int64)
    return Scores(
        slope=np.array([1.0, *slope]),
        offset=np.array([0.0, *offset]) * MICROS,
        is_floor_in_score=rank.floor_in == "score",
        bid=bid,
        money=money,
    )


def seats_of(scenario: Scenario, sessions: Sequence[BidderSession], streams: Streams) -> Seats:
    """Return the bidders' floors, advertisers and tie priorities."""
    advertisers = list(dict.fromkeys(session.advertiser for session in sessions))
    names = [session.name for session in sessions]
    own = scenario.auction.bidder_floor_cpm
    floors = [
        own.get(session.name, own.get(session.advertiser, 0.0)) * MICROS_PER_CPM for session in sessions
    ]
    return Seats(
        floor=np.array([round(floor) for floor in floors], dtype=np.int64),
        advertiser=np.array(
            [-1, *(advertisers.index(session.advertiser) for session in sessions)], dtype=np.int64
        ),
        key=np.array([streams.key64(f"tie/{name}") for name in ("outside", *names)], dtype=np.uint64),
        campaigns=len(advertisers) < len(sessions),
    )

"""Ranking by a score that is not the bid itself, and scores turned back into a bidder's own money.

Bidder k's score of a bid is ``slope[k + 1] x bid + offset[k + 1]``, rounded half to even to whole micros; a score below 0 is out.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..compiled import kernel, kernel_part
from .arrays import OUTSIDE, Bids, Memory, Requests, Rules, Scores, Seats
from .memory import counts
from .ranking import Whole, affordable, enter

HIGHEST_BID = 10**15
"""No bid is larger (``jointbid.sim.scenario.base.MAX_MICROS``)."""


@kernel_part
def score_of(bid: int, slope: float, offset: float) -> int:
    """The score of a bid."""
    return int(np.rint(slope * bid + offset))


@kernel_part
def bid_for(score: int, slope: float, offset: float) -> int:
    """The least bid whose score is ``score`` or more, from 0 to ``HIGHEST_BID``."""
    near = np.ceil((score - 0.5 - offset) / slope)
    if near >= HIGHEST_BID:
        return HIGHEST_BID
    bid = max(int(near), 0)
    while score_of(bid, slope, offset) < score:
        bid += 1
    while bid > 0 and score_of(bid - 1, slope, offset) >= score:
        bid -= 1
    return bid


@kernel
def bids_for(score: NDArray[np.int64], number: int, scores: Scores, out: NDArray[np.int64]) -> None:
    """``bid_for`` of the bidder ``number``, row by row; all of shape (n,)."""
    for i in range(len(score)):
        out[i] = bid_for(score[i], scores.slope[number + 1], scores.offset[number + 1])


@kernel_part
def bid_of(k: int, i: int, scale: float, requests: Requests, bids: Bids, left: Whole) -> int:
    """Bidder ``k``'s bid on row ``i``, capped at what is left of its budget."""
    column = bids.column[k]
    at = bids.offset[k] + (requests.cells[column, i] if column >= 0 else i)
    return affordable(bids.numbers[at], left[k], scale)


@kernel_part
def rank_scored(
    i: int, scale: float, requests: Requests, rules: Rules, scores: Scores, bids: Bids, seats: Seats, memory: Memory | None,
    left: Whole,
) -> int:  # fmt: skip
    """``ranking.rank_all`` by scores; these are then in ``rules.top``."""
    top, floor = rules.top, requests.floor[i]
    least_bid, least_score = (0, floor) if scores.is_floor_in_score else (floor, 0)
    n = 0
    for k in range(len(bids.offset)):
        bid = bid_of(k, i, scale, requests, bids, left)
        score = score_of(bid, scores.slope[k + 1], scores.offset[k + 1])
        passes = bid > 0 and bid >= least_bid and bid >= seats.floor[k] and score >= least_score
        if passes and (n < len(top) or score >= top[n - 1]) and counts(k, i, requests, rules, memory):
            n = enter(score, k, n, requests.start + i, rules, seats)
    return n


@kernel_part
def keep_bids(
    i: int, n: int, scale: float, requests: Requests, rules: Rules, scores: Scores, bids: Bids, left: Whole
) -> None:
    """Put the bids behind the ``n`` highest scores into ``scores.bid``."""
    for j in range(n):
        k = rules.names[j]
        scores.bid[j] = rules.top[j] if k == OUTSIDE else bid_of(k, i, scale, requests, bids, left)


@kernel_part
def put_in_money(
    i: int, slot: int, n: int, winner: int, requests: Requests, rules: Rules, scores: Scores, seats: Seats
) -> int:
    """Put into ``scores.money`` what the winner of a slot would have had to bid for each score; returns its floor."""
    floor = requests.floor[i]
    slope, offset = scores.slope[winner + 1], scores.offset[winner + 1]
    for j in range(n):
        scores.money[j] = scores.bid[j] if j == slot else bid_for(rules.top[j], slope, offset)
    least_score = floor if scores.is_floor_in_score else 0
    least_bid = 0 if scores.is_floor_in_score else floor
    return int(max(bid_for(least_score, slope, offset), least_bid, seats.floor[winner]))

"""The loop over requests: bids meet floor, outside price and budgets; one wins, is charged, and the ledger moves.

A table is a vector of numbers per bidder inside one flat array; a bidder finds its number for request i at
``offset[k] + cells[column[k], i]``, or at ``offset[k] + i`` where its column is -1 (one number a row). So a bidder whose
answers depend on categorical columns alone is asked once per cell and not once per request.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.auction.compiled import kernel
from sim.auction.ties import priority

FIRST_PRICE = 1
OUTSIDE = -1
"""The winner's number where the price landscape wins."""
NOBODY = -2
"""The winner's number where no bid reached the floor."""


class Requests(NamedTuple):
    """Columns of a chunk, shape (n,); ``cells`` (columns, n). ``weight`` is empty where every row is one impression."""

    start: int
    hour: NDArray[np.int32]
    floor: NDArray[np.int64]
    price: NDArray[np.int64]
    click_u: NDArray[np.float64]
    weight: NDArray[np.float64]
    cells: NDArray[np.int32]


class Bids(NamedTuple):
    """Bids in micros: one flat vector, where a bidder's part begins, and which column of cells it is looked up by."""

    numbers: NDArray[np.int64]
    offset: NDArray[np.int64]
    column: NDArray[np.int64]


class Outcomes(NamedTuple):
    """Expected value (currency) and click probability of an impression, looked up like bids."""

    theta: NDArray[np.float64]
    click: NDArray[np.float64]
    offset: NDArray[np.int64]
    column: NDArray[np.int64]


class Seats(NamedTuple):
    """Who sits where, shape (bidders,): the advertiser's number (own campaigns never bid against each other), tie keys."""

    advertiser: NDArray[np.int64]
    key: NDArray[np.uint64]
    outside_key: np.uint64


class Ledger(NamedTuple):
    """What changes with each auction. Money in micros, shape (bidders,) or (hours, bidders); totals in request order."""

    left: NDArray[np.int64]
    spend: NDArray[np.int64]
    wins: NDArray[np.int64]
    clicks: NDArray[np.float64]
    value: NDArray[np.float64]
    clicks_expected: NDArray[np.float64]
    hourly_spend: NDArray[np.int64]
    hourly_wins: NDArray[np.int64]


class Record(NamedTuple):
    """What happened to each request of the block, shape (n,) or empty where nobody asked."""

    winner: NDArray[np.int64]
    paid: NDArray[np.int64]
    top: NDArray[np.int64]
    other: NDArray[np.int64]
    clicked: NDArray[np.bool_]


@kernel
def clear(
    mechanism: int,
    first: int,
    last: int,
    requests: Requests,
    bids: Bids,
    outcomes: Outcomes,
    seats: Seats,
    ledger: Ledger,
    record: Record,
) -> None:
    """Settle the requests ``first`` to ``last - 1`` of the chunk, one after the other.

    A bid is capped at what is left of its budget. Bids below the floor are out. The winner is the highest bid, ties by
    priority; it pays the best bid of anybody else, or the floor (second price), or its own bid (first price).
    """
    bidders = seats.advertiser.shape[0]
    weighted = requests.weight.shape[0] > 0
    recorded = record.winner.shape[0] > 0
    for i in range(first, last):
        position = requests.start + i
        floor = requests.floor[i]
        weight = requests.weight[i] if weighted else 1.0
        winner = NOBODY
        top = np.int64(-1)
        other = np.int64(-1)
        for k in range(bidders):
            column = bids.column[k]
            bid = bids.numbers[bids.offset[k] + (requests.cells[column, i] if column >= 0 else i)]
            affordable = ledger.left[k] if not weighted else np.int64(ledger.left[k] / weight)
            bid = min(bid, affordable)
            if bid <= 0 or bid < floor:
                continue
            wins = winner < 0 or bid > top
            if not wins and bid == top:
                wins = priority(seats.key[k], position) > priority(seats.key[winner], position)
            if winner < 0:
                winner, top = k, bid
            elif wins:
                if seats.advertiser[k] != seats.advertiser[winner]:
                    other = top
                winner, top = k, bid
            elif seats.advertiser[k] != seats.advertiser[winner]:
                other = max(other, bid)
        outside = requests.price[i]
        if outside >= 0 and outside >= floor:
            beats = winner < 0 or outside > top
            if not beats and outside == top:
                beats = priority(seats.outside_key, position) > priority(seats.key[winner], position)
            if beats:
                winner, other, top = OUTSIDE, top, outside
            else:
                other = max(other, outside)
        paid = np.int64(0)
        clicked = False
        if winner >= 0:
            price = top if mechanism == FIRST_PRICE else max(other, floor)
            paid = np.int64(np.rint(price * weight)) if weighted else price
            column = outcomes.column[winner]
            at = outcomes.offset[winner] + (requests.cells[column, i] if column >= 0 else i)
            chance = outcomes.click[at]
            clicked = requests.click_u[i] < chance
            ledger.left[winner] -= paid
            ledger.spend[winner] += paid
            ledger.wins[winner] += 1
            ledger.value[winner] += weight * outcomes.theta[at]
            ledger.clicks_expected[winner] += weight * chance
            ledger.clicks[winner] += weight * clicked
            ledger.hourly_spend[requests.hour[i], winner] += paid
            ledger.hourly_wins[requests.hour[i], winner] += 1
        if recorded:
            record.winner[i - first] = winner
            record.paid[i - first] = paid
            record.top[i - first] = top
            record.other[i - first] = other
            record.clicked[i - first] = clicked

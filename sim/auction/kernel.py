"""The loop over requests: bids meet floor, outside price and budgets; the highest win, are charged, and the ledger moves."""

from __future__ import annotations

import numpy as np

from sim.auction.arrays import (
    NOBODY,
    OUTSIDE,
    Bids,
    Ledger,
    Outcomes,
    Record,
    Requests,
    Rules,
    Seats,
    Shortlist,
)
from sim.auction.compiled import kernel
from sim.auction.mechanisms import charge
from sim.auction.ranking import enter, fill, rank_all, rank_listed


@kernel
def clear(
    first: int,
    last: int,
    block: int,
    requests: Requests,
    rules: Rules,
    bids: Bids,
    outcomes: Outcomes,
    seats: Seats,
    shortlist: Shortlist,
    ledger: Ledger,
    record: Record,
) -> None:
    """Settle the requests ``first`` to ``last - 1`` of the chunk, one after the other; ``block`` numbers the call.

    A bid is capped at what is left of its budget and is out below the floor. The slots go to the highest bids, ties by
    priority. A shortlist changes the time that this takes and nothing else.
    """
    slots = len(rules.rates)
    most = rules.rates[0]
    top, names = rules.top, rules.names
    weighted = requests.weight.shape[0] > 0
    listed = (
        shortlist.block.shape[0] > 0 and not weighted
    )  # a list knows no weights, and these change what is afforded
    recorded = record.winner.shape[0] > 0
    clicks = requests.click_u.shape[0] > 0
    house, key, left = seats.house, seats.key, ledger.left
    numbers, offset, cells = bids.numbers, bids.offset, requests.cells
    for i in range(first, last):
        position = requests.start + i
        floor = requests.floor[i]
        weight = requests.weight[i] if weighted else 1.0
        n = -1
        if listed:
            cell = cells[bids.column[0], i]
            who, listing = shortlist.who[cell], shortlist.bid[cell]
            if shortlist.block[cell] != block:
                here = numbers[bids.stride * cell : bids.stride * cell + len(offset)]
                shortlist.filled[cell] = fill(
                    here, left, seats.floor, most, who, listing, shortlist.filled[cell]
                )
                shortlist.block[cell] = block
            filled = shortlist.filled[cell]
            n = rank_listed(
                who, listing, filled, left, most, floor, seats.floor, top, names, house, key, position
            )
        if n < 0:
            n = rank_all(
                i, numbers, offset, bids.column, bids.stride, cells, left, weight * most, floor, seats.floor,
                top, names, house, key, position,
            )  # fmt: skip
        if requests.price[i] >= 0 and requests.price[i] >= floor:
            n = enter(requests.price[i], OUTSIDE, top, names, n, house, key, position)
        for slot in range(min(n, slots)):
            winner = names[slot]
            if winner == OUTSIDE:
                continue
            own_floor = max(floor, seats.floor[winner])
            price = charge(requests.mechanism[i], slot, n, top, own_floor, rules.rates, rules.soft_floor)
            paid = np.int64(np.rint(price * weight))
            rate = rules.rates[slot]
            column = outcomes.column[winner]
            at = outcomes.offset[winner] + (cells[column, i] if column >= 0 else i)
            chance = rate * outcomes.click[at]
            clicked = clicks and requests.click_u[i] < chance
            left[winner] -= paid
            ledger.spend[winner] += paid
            ledger.wins[winner, slot] += 1
            ledger.value[winner] += weight * rate * outcomes.theta[at]
            ledger.clicks_expected[winner] += weight * chance
            ledger.clicks[winner] += weight * clicked
            ledger.hourly_spend[requests.hour[i], winner] += paid
            ledger.hourly_wins[requests.hour[i], winner] += 1
            if rules.fee > 0.0:
                ledger.fees[0] += np.int64(np.rint(rules.fee * paid))
            if recorded:
                record.paid[i - first, slot] = paid
                record.clicked[i - first, slot] = clicked
        if recorded:
            for slot in range(slots):
                record.winner[i - first, slot] = names[slot] if slot < n else NOBODY
                record.bid[i - first, slot] = top[slot] if slot < n else -1
            record.others[i - first] = top[slots] if n > slots else -1

"""The loop over requests: bids meet floor, outside price and budgets; the highest win, are charged, and the ledger moves."""

from __future__ import annotations

import numpy as np

from sim.auction.arrays import NOBODY, OUTSIDE, Bids, Ledger, Outcomes, Record, Requests, Rules, Seats, Shortlist
from sim.auction.compiled import kernel
from sim.auction.mechanisms import charge
from sim.auction.ranking import affordable, enter, fill


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
    top, names = np.empty(slots + 1, np.int64), np.empty(slots + 1, np.int64)
    weighted, listed = requests.weight.shape[0] > 0, shortlist.block.shape[0] > 0
    recorded = record.winner.shape[0] > 0
    house, key, left = seats.house, seats.key, ledger.left
    numbers, offset, cells = bids.numbers, bids.offset, requests.cells
    for i in range(first, last):
        position = requests.start + i
        floor = requests.floor[i]
        weight = requests.weight[i] if weighted else 1.0
        n = 0
        settled = listed
        if listed:
            # A listed bid is what it was when the list was made. Budgets only shrink within a block, so what is left may
            # lower it but never lift it, and the list's order bounds all that follow.
            cell = cells[bids.column[0], i]
            if shortlist.block[cell] != block:
                shortlist.filled[cell] = fill(
                    numbers, offset, bids.stride * cell, seats.floor, left, most, shortlist.who[cell], shortlist.bid[cell]
                )
                shortlist.block[cell] = block
            settled = shortlist.filled[cell] < shortlist.who.shape[1]
            for j in range(shortlist.filled[cell]):
                bid = shortlist.bid[cell, j]
                if bid < floor or (n > slots and bid < top[slots]):
                    settled = True
                    break
                k = shortlist.who[cell, j]
                bid = affordable(bid, left[k], most)
                if bid > 0 and bid >= floor and bid >= seats.floor[k]:
                    n = enter(bid, k, top, names, n, house, key, position)
        if not settled:  # no list, or one too short to tell: everybody is asked
            n = 0
            for k in range(len(offset)):
                column = bids.column[k]
                at = offset[k] + (bids.stride * cells[column, i] if column >= 0 else i)
                bid = affordable(numbers[at], left[k], weight * most)
                if bid > 0 and bid >= floor and bid >= seats.floor[k] and (n <= slots or bid >= top[slots]):
                    n = enter(bid, k, top, names, n, house, key, position)
        if requests.price[i] >= 0 and requests.price[i] >= floor:
            n = enter(requests.price[i], OUTSIDE, top, names, n, house, key, position)
        for slot in range(min(n, slots)):
            winner = names[slot]
            if winner == OUTSIDE:
                continue
            price = charge(requests.mechanism[i], slot, n, top, floor, rules.rates, rules.soft_floor)
            paid = np.int64(np.rint(price * weight))
            rate = rules.rates[slot]
            column = outcomes.column[winner]
            at = outcomes.offset[winner] + (cells[column, i] if column >= 0 else i)
            chance = rate * outcomes.click[at]
            clicked = requests.click_u[i] < chance
            left[winner] -= paid
            ledger.spend[winner] += paid
            ledger.wins[winner, slot] += 1
            ledger.value[winner] += weight * rate * outcomes.theta[at]
            ledger.clicks_expected[winner] += weight * chance
            ledger.clicks[winner] += weight * clicked
            ledger.hourly_spend[requests.hour[i], winner] += paid
            ledger.hourly_wins[requests.hour[i], winner] += 1
            ledger.fees[0] += np.int64(np.rint(rules.fee * paid))
            if recorded:
                record.paid[i - first, slot] = paid
                record.clicked[i - first, slot] = clicked
        if recorded:
            for slot in range(slots):
                record.winner[i - first, slot] = names[slot] if slot < n else NOBODY
                record.bid[i - first, slot] = top[slot] if slot < n else -1
            record.others[i - first] = top[slots] if n > slots else -1

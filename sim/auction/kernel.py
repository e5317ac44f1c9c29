"""The loop over requests: bids meet floor, outside price, caps and budgets; the highest win, are charged, and are shown."""

from __future__ import annotations

import numpy as np

from ..compiled import kernel, natural
from .arrays import (
    NOBODY,
    OUTSIDE,
    Bids,
    Effects,
    Ledger,
    Memory,
    Record,
    Requests,
    Responses,
    Rules,
    Scores,
    Seats,
    Shortlist,
)
from .booking import pay, show
from .memory import AHEAD, look_ahead, look_up
from .ranking import enter, fill, fill_all, rank_all, rank_listed
from .scoring import keep_bids, rank_scored

SELDOM = 4
"""Cells for each request of a block, up to which all shortlists are made at its start: together, they are made faster."""


@kernel
def clear(
    first: int,
    last: int,
    version: int,
    requests: Requests,
    rules: Rules,
    scores: Scores | None,
    bids: Bids,
    effects: Effects,
    seats: Seats,
    memory: Memory | None,
    shortlist: Shortlist,
    ledger: Ledger,
    record: Record | None,
    responses: Responses,
) -> None:
    """Settle the requests ``first`` to ``last - 1`` of the chunk, one after the other.

    ``version`` is another number whenever a bid has changed, or a budget or a bidder's floor, but for what is sold here.

    A bid is capped at what is left of its budget and is out below the floor. The slots go to the highest bids, or to the
    highest ``scores``, ties by priority. A shortlist changes the time that this takes and nothing else. Numba leaves out
    the branches on ``scores``, ``memory`` and ``record`` where they are None, so that the plain auction costs what it would cost
    without them.
    """
    slots, cells = len(rules.rates), shortlist.version.shape[0]
    weighted = requests.weight.shape[0] > 0
    # A list is in order of bids, and knows no weights, which change what is afforded.
    listed = cells > 0 and not weighted and scores is None
    ranked_bids = rules.top if scores is None else scores.bid
    if listed and shortlist.whole[0] != version and SELDOM * (last - first) >= cells:
        shortlist.whole[0] = version
        fill_all(version, rules.rates[0], bids, seats, shortlist, ledger.left)
    all_listed = listed and shortlist.whole[0] == version
    alike = int(np.int64(0))
    responses.filled[0] = 0
    for number in range(first, last):
        i = natural(number)
        if memory is not None and requests.person.shape[0] > 0:
            later = (
                requests.cells[natural(bids.column[0]), natural(i + AHEAD)]
                if listed and i + AHEAD < last
                else -1
            )
            look_ahead(i, last, later, requests, effects, memory, shortlist)
        n = -1
        if memory is not None and not look_up(i, requests, rules, memory):
            n = 0  # no bid counts
        weight = requests.weight[i] if weighted else 1.0
        scale = weight * rules.rates[0]
        if listed and n < 0:
            cell = natural(requests.cells[natural(bids.column[0]), i])
            if not all_listed and shortlist.version[cell] != version:
                fill(cell, alike, scale, bids, seats, shortlist, ledger.left)
                shortlist.version[cell], alike = version, cell
            n = rank_listed(i, cell, scale, requests, rules, bids, seats, memory, shortlist, ledger.left)
        if scores is not None:
            n = rank_scored(i, scale, requests, rules, scores, bids, seats, memory, ledger.left)
        elif n < 0:
            n = rank_all(i, scale, requests, rules, bids, seats, memory, ledger.left)
        if requests.price[i] >= 0 and requests.price[i] >= requests.floor[i]:
            n = enter(requests.price[i], int(np.int64(OUTSIDE)), n, requests.start + i, rules, seats)
        if scores is not None:
            keep_bids(i, n, scale, requests, rules, scores, bids, ledger.left)
        for slot in range(min(n, slots)):
            if rules.names[slot] == OUTSIDE:
                continue
            winner = natural(rules.names[slot])
            paid = pay(i, slot, n, winner, weight, requests, rules, scores, seats, ledger)
            show(
                i, i - first, slot, winner, weight, requests, rules, bids, seats, effects, memory, ledger, record, responses
            )  # fmt: skip
            if record is not None and record.winner.shape[0] > 0:
                record.paid[i - first, slot] = paid
        if record is not None and record.winner.shape[0] > 0:
            for slot in range(slots):
                record.winner[i - first, slot] = rules.names[slot] if slot < n else NOBODY
                record.bid[i - first, slot] = ranked_bids[slot] if slot < n else -1
            record.others[i - first] = rules.top[slots] if n > slots else -1

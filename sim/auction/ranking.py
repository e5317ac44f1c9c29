"""Who is ahead: the highest bids of different advertisers, ties by priority.

``house`` and ``key`` are those of ``arrays.Seats``: bidder k's are at k + 1, the outside's at 0.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim.auction.compiled import inlined
from sim.auction.ties import priority

Whole = NDArray[np.int64]
Keys = NDArray[np.uint64]


@inlined
def ahead(bid: int, who: int, other_bid: int, other: int, key: Keys, position: int) -> bool:
    """Whether ``who``'s bid ranks before ``other``'s: the higher, and at a tie the one with the higher priority."""
    if bid != other_bid:
        return bid > other_bid
    return bool(priority(key[who + 1], position) > priority(key[other + 1], position))


@inlined
def enter(
    bid: int, who: int, top: Whole, names: Whole, n: int, house: Whole, key: Keys, position: int
) -> int:
    """Put a bid where it ranks among the ``n`` highest so far; returns how many there are now, at most ``len(top)``.

    Of one advertiser only the highest bid stays: own campaigns never compete.
    """
    kept = n
    for j in range(n):
        if house[names[j] + 1] == house[who + 1]:
            if not ahead(bid, who, top[j], names[j], key, position):
                return n
            for i in range(j, n - 1):
                top[i], names[i] = top[i + 1], names[i + 1]
            kept = n - 1
            break
    if kept == len(top):
        if not ahead(bid, who, top[kept - 1], names[kept - 1], key, position):
            return kept
        kept -= 1
    j = kept
    while j > 0 and ahead(bid, who, top[j - 1], names[j - 1], key, position):
        top[j], names[j] = top[j - 1], names[j - 1]
        j -= 1
    top[j], names[j] = bid, who
    return kept + 1


@inlined
def affordable(bid: int, left: int, scale: float) -> int:
    """The bid, or what is left if that is less; ``scale`` is the most that a bid of 1 can cost."""
    if scale == 1.0:
        return min(bid, left)
    return bid if bid * scale <= left else int(np.floor(left / scale))


@inlined
def fill(
    numbers: Whole, left: Whole, seat_floor: Whole, scale: float, who: Whole, bids: Whole, filled: int
) -> int:
    """Make one cell's shortlist: the highest bids that can be afforded now, the highest first; returns how many.

    ``numbers`` are the bidders' bids, shape (bidders,). ``who`` and ``bids`` are filled as far as they reach; the
    ``filled`` names that they hold from last time say what a bid must reach to be among the highest, as orders last.
    """
    least = np.int64(1)
    if filled == len(who):
        least = numbers[who[0]]
        for k in who:
            bid = affordable(numbers[k], left[k], scale)
            least = min(least, np.int64(bid if bid >= seat_floor[k] else 0))
    n = 0
    for k in range(len(numbers)):
        if numbers[k] < least:
            continue
        bid = affordable(numbers[k], left[k], scale)
        if bid <= 0 or bid < seat_floor[k] or (n == len(bids) and bid <= bids[n - 1]):
            continue
        j = n if n < len(bids) else n - 1
        n = min(n + 1, len(bids))
        while j > 0 and bids[j - 1] < bid:
            bids[j], who[j] = bids[j - 1], who[j - 1]
            j -= 1
        bids[j], who[j] = bid, k
    return n


@inlined
def rank_all(
    i: int,
    numbers: Whole,
    offset: Whole,
    column: Whole,
    stride: int,
    cells: NDArray[np.int32],
    left: Whole,
    scale: float,
    floor: int,
    seat_floor: Whole,
    top: Whole,
    names: Whole,
    house: Whole,
    key: Keys,
    position: int,
) -> int:
    """Everybody's bid on row ``i``, capped at what is left; returns how many of the highest are in ``top``."""
    n = 0
    for k in range(len(offset)):
        at = offset[k] + (stride * cells[column[k], i] if column[k] >= 0 else i)
        bid = affordable(numbers[at], left[k], scale)
        if bid > 0 and bid >= floor and bid >= seat_floor[k] and (n < len(top) or bid >= top[n - 1]):
            n = enter(bid, k, top, names, n, house, key, position)
    return n


@inlined
def rank_listed(
    who: Whole,
    listing: Whole,
    filled: int,
    left: Whole,
    scale: float,
    floor: int,
    seat_floor: Whole,
    top: Whole,
    names: Whole,
    house: Whole,
    key: Keys,
    position: int,
) -> int:
    """``rank_all`` by a shortlist: goes down it until nobody can pass; -1 where it is too short to tell.

    A listed bid is what it was when the list was made. Budgets only shrink within a block, so what is left may lower it
    but never lift it, and the list's order bounds all that follow.
    """
    n = 0
    for j in range(filled):
        if listing[j] < floor or (n == len(top) and listing[j] < top[n - 1]):
            return n
        k = who[j]
        bid = affordable(listing[j], left[k], scale)
        if bid > 0 and bid >= floor and bid >= seat_floor[k]:
            n = enter(bid, k, top, names, n, house, key, position)
    return n if filled < len(who) else -1

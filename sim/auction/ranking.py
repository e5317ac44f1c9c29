"""Who is ahead: the highest bids of different advertisers, ties by priority."""

from __future__ import annotations

import numpy as np

from ..compiled import kernel_part
from ..streams import word
from .arrays import Bids, Memory, Requests, Rules, Seats, Shortlist
from .memory import stands

Whole = np.ndarray[tuple[int, ...], np.dtype[np.int64]]
Names = np.ndarray[tuple[int, ...], np.dtype[np.int16]]


@kernel_part
def ahead(bid: int, who: int, other_bid: int, other: int, position: int, seats: Seats) -> bool:
    """Whether ``who``'s bid ranks before ``other``'s: the higher, and at a tie the one with the higher priority."""
    if bid != other_bid:
        return bid > other_bid
    return bool(word(seats.key[who + 1], position) > word(seats.key[other + 1], position))


@kernel_part
def enter(bid: int, who: int, n: int, position: int, rules: Rules, seats: Seats) -> int:
    """Put a bid where it ranks among the ``n`` highest so far; returns how many there are now, at most slots + 1.

    Of one advertiser only the highest bid stays: own campaigns never compete.
    """
    top, names = rules.top, rules.names
    if not seats.campaigns and (
        n == 0 or bid < top[n - 1]
    ):  # it comes last, as most do where bids come in order
        if n == len(top):
            return n
        top[n], names[n] = bid, who
        return n + 1
    kept = n
    if seats.campaigns:
        for j in range(n):
            if seats.house[names[j] + 1] == seats.house[who + 1]:
                if not ahead(bid, who, top[j], names[j], position, seats):
                    return n
                for i in range(j, n - 1):
                    top[i], names[i] = top[i + 1], names[i + 1]
                kept = n - 1
                break
    if kept == len(top):
        if not ahead(bid, who, top[kept - 1], names[kept - 1], position, seats):
            return kept
        kept -= 1
    j = kept
    while j > 0 and ahead(bid, who, top[j - 1], names[j - 1], position, seats):
        top[j], names[j] = top[j - 1], names[j - 1]
        j -= 1
    top[j], names[j] = bid, who
    return kept + 1


@kernel_part
def affordable(bid: int, left: int, scale: float) -> int:
    """The bid, or what is left if that is less; ``scale`` is the most that a bid of 1 can cost."""
    if scale == 1.0:
        return min(bid, left)
    return bid if bid * scale <= left else int(np.floor(left / scale))


@kernel_part
def put(bid: int, k: int, place: int, listing: Whole, who: Names) -> None:
    """Put a bid into a list that is in order before ``place``, where it belongs; what is at ``place`` is overwritten."""
    while place > 0 and listing[place - 1] < bid:
        listing[place], who[place] = listing[place - 1], who[place - 1]
        place -= 1
    listing[place], who[place] = bid, k


@kernel_part
def fill(
    cell: int, like: int, scale: float, bids: Bids, seats: Seats, shortlist: Shortlist, left: Whole
) -> None:
    """Make one cell's shortlist: the highest bids that can be afforded now, the highest first.

    The names that a full list holds, the cell's own from last time or that of another cell ``like`` it, say what a bid must reach to be
    among the highest; mostly they are the highest again, as orders last, and are alike across cells.
    """
    numbers = bids.numbers[bids.stride * cell : bids.stride * cell + len(bids.offset)]
    who, listing = shortlist.who[cell], shortlist.bid[cell]
    least = np.int64(1)
    for other in (like, cell):
        if shortlist.filled[other] == len(who):
            names = shortlist.who[other]
            lowest = numbers[names[0]]
            for k in names:
                bid = affordable(numbers[k], left[k], scale)
                lowest = min(lowest, np.int64(bid if bid >= seats.floor[k] else 0))
            above = 0
            for bid in numbers:
                above += bid >= lowest
            if lowest > 0 and above == len(who):
                for i in range(len(who)):
                    k = int(np.int64(names[i]))
                    put(affordable(numbers[k], left[k], scale), k, i, listing, who)
                shortlist.filled[cell] = len(who)
                return
            least = max(least, lowest)
    n = 0
    for k in range(len(numbers)):
        if numbers[k] < least:
            continue
        bid = affordable(numbers[k], left[k], scale)
        if bid <= 0 or bid < seats.floor[k] or (n == len(who) and bid <= listing[n - 1]):
            continue
        put(bid, k, n if n < len(who) else n - 1, listing, who)
        n = min(n + 1, len(who))
    shortlist.filled[cell] = n


@kernel_part
def rank_all(
    i: int,
    scale: float,
    requests: Requests,
    rules: Rules,
    bids: Bids,
    seats: Seats,
    memory: Memory | None,
    left: Whole,
) -> int:
    """Everybody's bid on row ``i``, capped at what is left; returns how many of the highest are in ``rules.top``."""
    top, floor = rules.top, requests.floor[i]
    side = bids.stride * requests.cells[bids.column[0], i] if bids.shared else 0
    n = int(np.int64(0))
    for k in range(len(bids.offset)):
        at = side + k
        if not bids.shared:
            column = bids.column[k]
            at = bids.offset[k] + (bids.stride * requests.cells[column, i] if column >= 0 else i)
        bid = affordable(bids.numbers[at], left[k], scale)
        passes = bid > 0 and bid >= floor and bid >= seats.floor[k] and (n < len(top) or bid >= top[n - 1])
        if passes and stands(k, i, requests, memory):
            n = enter(bid, k, n, requests.start + i, rules, seats)
    return n


@kernel_part
def rank_listed(
    i: int, cell: int, scale: float, requests: Requests, rules: Rules, seats: Seats, memory: Memory | None,
    shortlist: Shortlist, left: Whole,
) -> int:  # fmt: skip
    """``rank_all`` by a shortlist: goes down it until no bidder can pass; -1 where it is too short to tell.

    A listed bid is what it was when the list was made. Budgets only shrink within a block, so what is left may lower it
    but never lift it, and the list's order bounds all that follow.
    """
    who, listing, filled = shortlist.who[cell], shortlist.bid[cell], shortlist.filled[cell]
    top, floor = rules.top, requests.floor[i]
    n = int(np.int64(0))
    for j in range(filled):
        if listing[j] < floor or (n == len(top) and listing[j] < top[n - 1]):
            return n
        k = int(np.int64(who[j]))
        bid = affordable(listing[j], left[k], scale)
        if bid > 0 and bid >= floor and bid >= seats.floor[k] and stands(k, i, requests, memory):
            n = enter(bid, k, n, requests.start + i, rules, seats)
    return n if filled < len(who) else -1

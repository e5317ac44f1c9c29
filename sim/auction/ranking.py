"""Who is ahead: the highest bids of different advertisers, ties by priority."""

from __future__ import annotations

import numpy as np

from ..compiled import kernel_part, lowest_bit, natural, prefetch
from ..streams import word
from .arrays import LINE, Bids, Memory, Requests, Rules, Seats, Shortlist
from .memory import counts

Whole = np.ndarray[tuple[int, ...], np.dtype[np.int64]]
HIGHEST = np.int64(1 << 62)
DONE = np.int64(-1)
SOME = 8
"""Places of a shortlist that are looked at together for whose bid counts."""
RETRIED = 4
"""The number of groups of cells after which it is tried again whether orders are alike."""
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
            if seats.advertiser[names[j] + 1] == seats.advertiser[who + 1]:
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
def lowest_of(names: Names, cell: int, scale: float, bids: Bids, seats: Seats, left: Whole) -> int:
    """The lowest bid of these bidders in a cell, as far as it can be afforded; 0 where one of them is below its floor."""
    lowest = np.int64(HIGHEST)
    for k in names:
        bid = affordable(bids.numbers[bids.offset[k] + cell], left[k], scale)
        lowest = min(lowest, np.int64(bid if bid >= seats.floor[k] else 0))
    return int(lowest)


@kernel_part
def fill_by(names: Names, cell: int, scale: float, bids: Bids, shortlist: Shortlist, left: Whole) -> None:
    """Make one cell's shortlist of these bidders, whose bids are known to be the highest."""
    who, listing = shortlist.who[cell], shortlist.bid[cell]
    for i in range(len(who)):
        k = int(np.int64(names[i]))
        put(affordable(bids.numbers[bids.offset[k] + cell], left[k], scale), k, i, listing, who)
    shortlist.filled[cell] = len(who)


@kernel_part
def select(
    cell: int, least: int, scale: float, bids: Bids, seats: Seats, shortlist: Shortlist, left: Whole
) -> None:
    """Make one cell's shortlist: the highest bids that can be afforded now, the highest first; they are known to reach ``least``."""
    who, listing = shortlist.who[cell], shortlist.bid[cell]
    n = 0
    for k in range(len(bids.offset)):
        number = bids.numbers[bids.offset[k] + cell]
        if number < least:
            continue
        bid = affordable(number, left[k], scale)
        if bid <= 0 or bid < seats.floor[k] or (n == len(who) and bid <= listing[n - 1]):
            continue
        put(bid, k, n if n < len(who) else n - 1, listing, who)
        n = min(n + 1, len(who))
    shortlist.filled[cell] = n


@kernel_part
def fill(
    cell: int, like: int, scale: float, bids: Bids, seats: Seats, shortlist: Shortlist, left: Whole
) -> None:
    """Make one cell's shortlist.

    The names that a full list holds, the cell's own from last time or that of another cell ``like`` it, say what a bid must reach to be
    among the highest; mostly they are the highest again, as orders last, and are alike across cells.
    """
    length, least = shortlist.who.shape[1], np.int64(1)
    for other in (like, cell):
        if shortlist.filled[other] == length:
            lowest = lowest_of(shortlist.who[other], cell, scale, bids, seats, left)
            above = 0
            for k in range(len(bids.offset)):
                above += bids.numbers[bids.offset[k] + cell] >= lowest
            if lowest > 0 and above == length:
                fill_by(shortlist.who[other], cell, scale, bids, shortlist, left)
                return
            least = max(least, np.int64(lowest))
    select(cell, int(least), scale, bids, seats, shortlist, left)


@kernel_part
def count_above(first: int, n: int, bids: Bids, shortlist: Shortlist) -> None:
    """Add to ``shortlist.above`` how many bids reach ``shortlist.lowest``, in each of ``n`` cells."""
    lowest, above = shortlist.lowest, shortlist.above
    for k in range(len(bids.offset)):
        begin = natural(bids.offset[k] + first)
        for line in range(begin + n, min(begin + 2 * n, len(bids.numbers)), LINE):
            prefetch(bids.numbers, (line,))
        numbers = bids.numbers[begin : begin + n]
        for j in range(n):
            above[j] += numbers[j] >= lowest[j]


@kernel_part
def fill_all(version: int, scale: float, bids: Bids, seats: Seats, shortlist: Shortlist, left: Whole) -> None:
    """``fill`` for all cells, some at a time: first by the names of the first of them in their order, then by a cell's own from last time.

    Each loop over cells does one thing, so that it works on several of them at once.
    """
    cells, length = shortlist.who.shape
    lowest, above = shortlist.lowest, shortlist.above
    alike = True
    for first in range(0, cells, len(lowest)):
        n = min(len(lowest), cells - first)
        fill(first, max(first - 1, 0), scale, bids, seats, shortlist, left)
        names, listing = shortlist.who[first], shortlist.bid[first : first + n]
        for j in range(n):
            lowest[j], above[j] = np.int64(HIGHEST), np.int64(0)
        if alike and shortlist.filled[first] == length:
            for place in range(length):
                k = int(np.int64(names[place]))
                begin, most, floor = bids.offset[k] + first, left[k], seats.floor[k]
                numbers = bids.numbers[begin : begin + n]
                for j in range(n):
                    bid = np.int64(affordable(numbers[j], most, scale))
                    bid = bid if bid >= floor else np.int64(0)
                    above[j] += bid > lowest[j]  # not in order
                    lowest[j] = min(lowest[j], bid)
                    listing[j, place] = bid
            count_above(first, n, bids, shortlist)
        shortlist.version[first], lowest[0], others = version, np.int64(DONE), 0
        for j in range(1, n):
            cell = first + j
            shortlist.version[cell] = version
            if lowest[j] > 0 and above[j] == length:
                for place in range(length):
                    shortlist.who[cell, place] = names[place]
                shortlist.filled[cell], lowest[j] = length, np.int64(DONE)
            else:
                full = shortlist.filled[cell] == length
                lowest[j] = lowest_of(shortlist.who[cell], cell, scale, bids, seats, left) if full else 0
                others += 1
            above[j] = 0
        if others > 0:
            count_above(first, n, bids, shortlist)
        for j in range(1, n if others > 0 else 0):
            if lowest[j] > 0 and above[j] == length:
                fill_by(shortlist.who[first + j], first + j, scale, bids, shortlist, left)
            elif lowest[j] != DONE:
                select(first + j, max(lowest[j], 1), scale, bids, seats, shortlist, left)
        alike = 2 * others < n or first // len(lowest) % RETRIED == 0


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
    cell = requests.cells[bids.column[0], i] if bids.shared else 0
    n = int(np.int64(0))
    for k in range(len(bids.offset)):
        at = bids.offset[k] + cell
        if not bids.shared:
            column = bids.column[k]
            at = bids.offset[k] + (requests.cells[column, i] if column >= 0 else i)
        bid = affordable(bids.numbers[at], left[k], scale)
        passes = bid > 0 and bid >= floor and bid >= seats.floor[k] and (n < len(top) or bid >= top[n - 1])
        if passes and counts(k, i, requests, rules, memory):
            n = enter(bid, k, n, requests.start + i, rules, seats)
    return n


@kernel_part
def rank_listed(
    i: int, cell: int, scale: float, requests: Requests, rules: Rules, bids: Bids, seats: Seats, memory: Memory | None,
    shortlist: Shortlist, left: Whole,
) -> int:  # fmt: skip
    """``rank_all`` by a shortlist: goes down it until no bidder can pass; -1 where it is too short to tell.

    A listed bid is what it was when the list was made. Within a version of the bids budgets only shrink, so what is left may lower it
    but never lift it, and the list's order bounds all that follow.
    """
    who, listing, filled = shortlist.who[cell], shortlist.bid[cell], shortlist.filled[cell]
    top, floor = rules.top, requests.floor[i]
    n = int(np.int64(0))
    if memory is not None:
        # whose bid counts is not to be guessed: first of all of some, and then these are gone through
        for first in range(0, filled, SOME):
            found, j, flags = np.int64(0), min(first + SOME, filled), np.int64(rules.stands[0])
            while j > first:
                j -= 1
                k = natural(who[natural(j)])
                if len(rules.stands) > 1:
                    flags = np.int64(rules.stands[natural(k >> 3)])
                found = found + found + (flags >> (k & 7) & 1)
            while found != 0:
                j = natural(first + lowest_bit(found))
                found &= found - 1
                k = natural(who[j])
                if listing[j] < floor or (n == len(top) and listing[j] < top[n - 1]):
                    return n
                bid = affordable(listing[j], left[k], scale)
                if bid > 0 and bid >= floor and bid >= seats.floor[k]:
                    n = enter(bid, k, n, requests.start + i, rules, seats)
        return n if filled < len(who) or filled == len(bids.offset) else -1
    for j in range(filled):
        k = natural(who[j])
        if not counts(k, i, requests, rules, memory):
            continue
        if listing[j] < floor or (n == len(top) and listing[j] < top[n - 1]):
            return n
        bid = affordable(listing[j], left[k], scale)
        if bid > 0 and bid >= floor and bid >= seats.floor[k]:
            n = enter(bid, k, n, requests.start + i, rules, seats)
    return n if filled < len(who) or filled == len(bids.offset) else -1

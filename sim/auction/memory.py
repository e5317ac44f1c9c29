"""Who may still reach a person: frequency caps, as counters of each person's wins.

All that is needed of a person lies side by side, because with many people it takes longer to fetch it from the computer's memory
than to do everything else of an auction. Where all windows last as long as the run, a row of ``seen`` has it all: after the marks of the counters,
flags of the bidders that may reach the person no more, eight in a number. Otherwise a row of ``state`` has first, for each bidder, the time from which it may reach
the person again; then, at ``place[c]``, what a counter needs besides its mark in ``seen``:

- of a sliding window: the times of the last ``limit[c]`` wins; the mark is where the oldest of them stands;
- of a calendar window: when the window of the last win ends; the mark is the number of wins in it;
- of a window that lasts as long as the run: nothing; the mark is the number of wins.
"""

from __future__ import annotations

import numpy as np

from ..compiled import kernel_part, natural, prefetch
from .arrays import LINE, Effects, Memory, Requests, Rules, Shortlist

AHEAD = 12
"""The number of requests ahead in which a person is looked for."""
FOREVER_US = np.int64(1 << 62)
"""Later than any request."""


@kernel_part
def look_up(i: int, requests: Requests, rules: Rules, memory: Memory) -> bool:
    """Write into ``rules.stands`` whose bid on row ``i`` counts: it was asked, answered in time, and no cap on the person is full.

    Returns whether anybody's does.
    """
    stands, limited = rules.stands, memory.limit.shape[0]
    person = natural(requests.person[i]) if limited > 0 else natural(0)
    full, anybody = memory.advertisers + limited, 0
    for b in range(len(stands)):
        flags = 0
        if limited > 0 and memory.fetches:
            now, free = requests.time_us[i], memory.state[person]
            for k in range(8 * b, min(8 * b + 8, memory.begin.shape[0] - 1)):
                flags |= (now < free[k]) << (k & 7)
        elif limited > 0:
            flags = int(np.int64(memory.seen[person, natural(full + b)]))
        if requests.absent.shape[1] > 0:
            flags |= int(np.int64(requests.absent[i, natural(b)]))
        flags ^= 255
        stands[b] = flags
        anybody |= flags
    return anybody != 0


@kernel_part
def counts(k: int, i: int, requests: Requests, rules: Rules, memory: Memory | None) -> bool:
    """Whether bidder ``k``'s bid on row ``i`` counts."""
    if memory is not None:
        return bool(rules.stands[natural(k >> 3)] >> (k & 7) & 1)
    return requests.absent.shape[1] == 0 or not requests.absent[i, natural(k >> 3)] >> (k & 7) & 1


@kernel_part
def shut_out(c: int, person: int, memory: Memory) -> None:
    """Let the bidders that counter ``c`` binds reach the person no more, where nothing ``fetches``."""
    for bound in memory.bound[memory.bound_begin[c] : memory.bound_begin[c + 1]]:
        memory.seen[person, memory.advertisers + memory.limit.shape[0] + (bound >> 3)] |= 1 << (bound & 7)


@kernel_part
def remember(k: int, person: int, now: int, memory: Memory) -> None:
    """Bidder ``k`` has won an impression: each counter that it counts in says from when on it lets another one pass.

    That moment never moves back, so that of several counters that bind a bidder the latest moment is all that need be kept.
    """
    if not memory.fetches:
        for j in range(memory.begin[natural(k)], memory.begin[natural(k + 1)]):
            c = natural(memory.counter[natural(j)])
            at = natural(memory.advertisers + c)
            mark = np.int64(memory.seen[person, at]) + 1
            memory.seen[person, at] = mark
            if mark == memory.limit[c]:
                shut_out(c, person, memory)
        return
    state, marks = memory.state[person], memory.seen[person]
    for j in range(memory.begin[k], memory.begin[k + 1]):
        c = memory.counter[j]
        at, place, limit = memory.advertisers + c, memory.place[c], memory.limit[c]
        mark, free_us = np.int64(marks[at]), np.int64(-1)
        if memory.lasting[c]:
            mark += 1
            free_us = FOREVER_US if mark == limit else free_us
        elif memory.calendar[c]:
            if now >= state[place]:
                mark, state[place] = np.int64(0), now - now % memory.window_us[c] + memory.window_us[c]
            mark += 1
            free_us = state[place] if mark == limit else free_us
        else:
            state[place + mark] = now + 1  # 0: there was none yet
            mark = mark + 1 if mark + 1 < limit else np.int64(0)
            oldest = state[place + mark] - 1
            free_us = oldest + memory.window_us[c] if oldest >= 0 else free_us
        marks[at] = mark
        if free_us > now:
            for bound in memory.bound[memory.bound_begin[c] : memory.bound_begin[c + 1]]:
                state[bound] = max(state[bound], free_us)


@kernel_part
def look_ahead(
    i: int, last: int, cell: int, requests: Requests, effects: Effects, memory: Memory, shortlist: Shortlist
) -> None:
    """Have what later requests need brought from memory while others are served.

    First, what is known of the person; then what an impression does, and where a shortlist of the later request's ``cell`` tells (-1: none
    does), the list and the counters of the one who is likely to win. A wrong guess costs time and nothing else.
    """
    if i + 2 * AHEAD >= last:
        return
    if requests.person.shape[0] > 0:
        person = natural(requests.person[natural(i + 2 * AHEAD)])
        prefetch(memory.seen, (person, 0))
        if memory.fetches:
            for column in range(0, memory.begin.shape[0] - 1, LINE):
                prefetch(memory.state, (person, column))
    if len(effects.column) > 0 and effects.column[0] >= 0:
        at = effects.offset[0] + requests.cells[natural(effects.column[0]), natural(i + AHEAD)]
        prefetch(effects.worth, (natural(at * effects.apart),))
    if cell >= 0:
        prefetch(shortlist.who, (cell, 0))
        prefetch(shortlist.bid, (cell, 0))
    if cell >= 0 and memory.fetches:
        person, now = requests.person[i + AHEAD], requests.time_us[i + AHEAD]
        for k in shortlist.who[cell, : shortlist.filled[cell]]:
            if now >= memory.state[person, k]:
                for j in range(memory.begin[k], memory.begin[k + 1]):
                    c = memory.counter[j]
                    if not memory.lasting[c]:
                        size = 1 if memory.calendar[c] else memory.limit[c]
                        for column in range(memory.place[c], memory.place[c] + size, LINE):
                            prefetch(memory.state, (person, column))
                break

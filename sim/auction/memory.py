"""Who may still reach a person: frequency caps, kept as the times of each person's last wins.

A row of ``state`` is all that is remembered of a person: first, for each bidder, the time from which it may reach the person
again; then each counter, at ``place[c]`` where the oldest of its wins stands, followed by the times of the last ``limit[c]``
wins. They lie side by side because with many people it takes longer to fetch them from the computer's memory than to do
everything else of an auction.
"""

from __future__ import annotations

from ..compiled import kernel_part, prefetch
from .arrays import LINE, Memory, Requests, Shortlist

AHEAD = 12
"""The number of requests ahead in which a person is looked for."""


@kernel_part
def stands(k: int, i: int, requests: Requests, memory: Memory | None) -> bool:
    """Whether bidder ``k``'s bid on row ``i`` counts: it was asked, answered in time, and no cap on the person is full."""
    if requests.absent.shape[1] > 0 and requests.absent[i, k]:
        return False
    if memory is None:
        return True
    return memory.limit.shape[0] == 0 or bool(requests.time_us[i] >= memory.state[requests.person[i], k])


@kernel_part
def remember(k: int, person: int, now: int, memory: Memory) -> None:
    """Bidder ``k`` has won an impression: in each counter that it counts in, it takes the place of the oldest one.

    The next oldest (0: there is none yet) then says from when on the counter lets another one pass. That moment never moves
    back, so that of several counters that bind a bidder the latest moment is all that need be kept.
    """
    state = memory.state[person]
    for j in range(memory.begin[k], memory.begin[k + 1]):
        c = memory.counter[j]
        place = memory.place[c]
        oldest = state[place]
        state[place + 1 + oldest] = now + 1
        oldest = oldest + 1 if oldest + 1 < memory.limit[c] else 0
        state[place] = oldest
        then = state[place + 1 + oldest] - 1
        if then >= 0:
            window = memory.window_us[c]
            free_us = (then - then % window if memory.calendar[c] else then) + window
            for bound in memory.bound[memory.bound_begin[c] : memory.bound_begin[c + 1]]:
                state[bound] = max(state[bound], free_us)


@kernel_part
def look_ahead(
    i: int, last: int, cell: int, requests: Requests, memory: Memory, shortlist: Shortlist
) -> None:
    """Have what is known of the people of later requests brought from memory while others are served.

    First, when each bidder may reach the person again; then, where a shortlist of the later request's ``cell`` tells (-1: none
    does), the counters of the one who is likely to win. A wrong guess costs time and nothing else.
    """
    if i + 2 * AHEAD < last:
        person = requests.person[i + 2 * AHEAD]
        prefetch(memory.seen, person, 0)
        if memory.limit.shape[0] > 0:
            for column in range(0, memory.place[0], LINE):
                prefetch(memory.state, person, column)
    if cell >= 0 and memory.limit.shape[0] > 0:
        person, now = requests.person[i + AHEAD], requests.time_us[i + AHEAD]
        for k in shortlist.who[cell, : shortlist.filled[cell]]:
            if now >= memory.state[person, k]:
                for j in range(memory.begin[k], memory.begin[k + 1]):
                    c = memory.counter[j]
                    for column in range(memory.place[c], memory.place[c] + 1 + memory.limit[c], LINE):
                        prefetch(memory.state, person, column)
                break

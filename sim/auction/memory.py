"""Who may still reach a person: frequency caps, kept as the times of each person's last wins."""

from __future__ import annotations

from sim.auction.arrays import Memory, Requests
from sim.compiled import inlined

EPOCH = 1 << 60
"""Times are kept with this added, so that memory that was never written, all zeros, means long ago."""


@inlined
def stands(k: int, i: int, requests: Requests, memory: Memory) -> bool:
    """Whether bidder ``k``'s bid on row ``i`` counts: it was asked, answered in time, and no cap on the person is full."""
    if requests.absent.shape[0] > 0 and requests.absent[k, i]:
        return False
    if memory.counter.shape[0] == 0:
        return True
    person, now = requests.person[i], requests.time_us[i]
    for j in range(memory.begin[k], memory.begin[k + 1]):
        c = memory.counter[j]
        window = memory.window_us[c]
        since = now - now % window if memory.calendar[c] else now - window + 1
        if memory.times[person, memory.place[c] + memory.oldest[person, c]] - EPOCH >= since:
            return False
    return True


@inlined
def remember(k: int, person: int, now: int, memory: Memory) -> None:
    """Bidder ``k`` has won an impression: it takes the place of the oldest one in each counter that it counts in."""
    for j in range(memory.begin[k], memory.begin[k + 1]):
        c = memory.counter[j]
        oldest = memory.oldest[person, c]
        memory.times[person, memory.place[c] + oldest] = now + EPOCH
        memory.oldest[person, c] = oldest + 1 if oldest + 1 < memory.limit[c] else 0

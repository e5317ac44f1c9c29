"""What becomes of responses, compiled: when they come, how they are counted, and the queue of those that are awaited.

One response is counted after the other, as sums of parts could round differently.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .calendar import FOREVER
from .compiled import kernel
from .exponential import exponential
from .scenario import HOUR_US
from .streams import unit

NEVER_US = -1
"""The time of what does not happen."""
LONGEST_H = 1e8
"""10,000 years: as long fits the clock."""


@kernel
def exponential_delays(
    key: np.uint64,
    start: int,
    slots: int,
    scale: float,
    power: float,
    which: NDArray[np.bool_],
    row: NDArray[np.int64],
    slot: NDArray[np.int64],
    out: NDArray[np.int64],
) -> None:
    """Write delays in microseconds: ``scale`` hours times an exponential variable to a ``power``; drawn by request and slot.

    Only those ``which`` are wanted are worked out.
    """
    for i in range(len(out)):
        if not which[i]:
            out[i] = 0
            continue
        x = exponential(unit(key, (start + row[i]) * slots + slot[i]))
        if power == 2.0:
            x = x * x
        elif power == 0.5:
            x = np.sqrt(x)
        elif power != 1.0:
            x = x**power
        out[i] = int(np.rint(min(scale * x, LONGEST_H) * HOUR_US))


@kernel
def time_responses(
    row: NDArray[np.int64],
    clicked: NDArray[np.bool_],
    converts: NDArray[np.bool_],
    time_us: NDArray[np.int64],
    click_window_us: int,
    view_window_us: int,
    click_us: NDArray[np.int64],
    conversion_us: NDArray[np.int64],
    attributed: NDArray[np.bool_],
) -> None:
    """Replace the delays in ``click_us`` and ``conversion_us`` by the times; say which conversions come within their windows."""
    for i in range(len(click_us)):
        shown_us, taken_us = time_us[row[i]], conversion_us[i]
        clicked_us = shown_us + click_us[i]
        attributed[i] = converts[i] & (taken_us <= (click_window_us if clicked[i] else view_window_us))
        conversion_us[i] = (clicked_us if clicked[i] else shown_us) + taken_us if converts[i] else NEVER_US
        click_us[i] = clicked_us if clicked[i] else NEVER_US


@kernel
def count_responses(
    end_us: int,
    bidder: NDArray[np.int64],
    weight: NDArray[np.float64],
    click_us: NDArray[np.int64],
    conversion_us: NDArray[np.int64],
    attributed: NDArray[np.bool_],
    margin: NDArray[np.float64],
    counts: NDArray[np.float64],
) -> None:
    """Add responses to the ``counts`` of ``Outcomes``, shape (7, bidders)."""
    for i in range(len(bidder)):
        k, each = bidder[i], weight[i]
        if click_us[i] != NEVER_US:
            counts[1 if click_us[i] > end_us else 0, k] += each
        if attributed[i]:
            late = 1 if conversion_us[i] > end_us else 0
            counts[2 + late, k] += each
            counts[5 + late, k] += each * margin[i]
        elif conversion_us[i] != NEVER_US:
            counts[4, k] += each


@kernel
def enqueue(
    begin: int,
    bidder: NDArray[np.int64],
    weight: NDArray[np.float64],
    click_us: NDArray[np.int64],
    conversion_us: NDArray[np.int64],
    attributed: NDArray[np.bool_],
    margin: NDArray[np.float64],
    is_member: NDArray[np.bool_],
    due_us: NDArray[np.int64],
    number: NDArray[np.int64],
    amount: NDArray[np.float64],
    state: NDArray[np.int64],
) -> None:
    """Put the clicks and attributed conversions of members into a queue from place ``begin`` on.

    ``number`` is the bidder's for a click, and that of bidders more for a conversion; ``amount`` (2, n) is the weight and the weight
    times the margin. ``state`` holds how many are in the queue, how many of these have been taken, and when the next one is due.
    """
    n, soonest = begin, state[2]
    for i in range(len(bidder)):
        if not is_member[bidder[i]]:
            continue
        for kind in range(2):
            when = (conversion_us[i] if attributed[i] else NEVER_US) if kind == 1 else click_us[i]
            if when != NEVER_US:
                due_us[n], number[n] = when, kind * len(is_member) + bidder[i]
                amount[0, n], amount[1, n] = weight[i], weight[i] * margin[i]
                soonest = min(soonest, when)
                n += 1
    state[0], state[2] = n, soonest


@kernel
def take_due(
    now_us: int,
    bidders: int,
    due_us: NDArray[np.int64],
    number: NDArray[np.int64],
    amount: NDArray[np.float64],
    state: NDArray[np.int64],
    counts: NDArray[np.float64],
) -> None:
    """Add what is due to ``counts``, shape (3 x bidders,): clicks, conversions, and what these bring; ``state`` as in ``enqueue``."""
    soonest = np.int64(FOREVER)
    for i in range(state[0]):
        when = due_us[i]
        if when <= now_us:
            k = number[i]
            counts[k] += amount[0, i]
            if k >= bidders:
                counts[k + bidders] += amount[1, i]
            due_us[i] = when = np.int64(FOREVER)
            state[1] += 1
        soonest = min(soonest, when)
    state[2] = soonest


@kernel
def close_up(
    due_us: NDArray[np.int64],
    number: NDArray[np.int64],
    amount: NDArray[np.float64],
    state: NDArray[np.int64],
) -> None:
    """Leave out of a queue what has been taken."""
    n = 0
    for i in range(state[0]):
        if due_us[i] != FOREVER:
            due_us[n], number[n] = due_us[i], number[i]
            amount[0, n], amount[1, n] = amount[0, i], amount[1, i]
            n += 1
    state[0], state[1] = n, 0

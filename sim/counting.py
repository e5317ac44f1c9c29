"""Clicks and conversions of bidders that receive their numbers alone, and no later than they come: all bidders' in one queue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .bidder_session import BidderSession
from .calendar import FOREVER
from .outcomes import Happened
from .responded import close_up, enqueue, take_due


class Group(NamedTuple):
    """Bidders that have their control steps together: their numbers, whose they are (bidders,), and what they await."""

    numbers: list[int]
    is_member: NDArray[np.bool_]
    queue: Queue


class Queue:
    """Outcomes that are under way, in the order of the requests."""

    def __init__(self) -> None:
        self._due_us, self._number = np.empty((2, 0), dtype=np.int64)
        self._amount = np.empty((2, 0))
        self._state = np.array([0, 0, FOREVER])
        """How many are in the queue, how many of these have been taken, and when the next one is due."""

    def put(self, done: Happened, is_member: NDArray[np.bool_]) -> None:
        """Add what becomes of the responses of a block, as far as they are members'."""
        n, taken, _ = self._state.tolist()
        more = 2 * len(done.bidder)
        if n + more > len(self._due_us):
            self._make_room(n - taken + more)
            n = self._state.item(0)
        enqueue(n, *done[2:], is_member, *self._columns, self._state)

    def take(self, now_us: int, counts: NDArray[np.float64]) -> bool:
        """Add what has become known by now to ``counts``, shape (3, bidders); return whether anything has."""
        if now_us < self._state.item(2):
            return False
        take_due(now_us, counts.shape[1], *self._columns, self._state, counts.reshape(-1))
        return True

    @property
    def _columns(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        return self._due_us, self._number, self._amount

    def _make_room(self, needed: int) -> None:
        """Leave out what has been taken, and have room for twice what is ``needed``."""
        close_up(*self._columns, self._state)
        n, room = self._state.item(0), 2 * needed
        due_us, number, amount = self._columns
        self._due_us, self._number = np.empty((2, room), dtype=np.int64)
        self._amount = np.empty((2, room))
        self._due_us[:n], self._number[:n], self._amount[:, :n] = due_us[:n], number[:n], amount[:, :n]


class Counting:
    """What has become known of the outcomes of such bidders goes into their sessions' ``clicks`` and ``conversions``.

    ``is_for_all``: every bidder of the run is one of these.
    """

    def __init__(self, sessions: Sequence[BidderSession]) -> None:
        self._sessions = sessions
        self._groups: dict[int, Group] = {}
        every = [one.control_every if one.feedback.is_prompt else 0 for one in sessions]
        for steps in dict.fromkeys(filter(None, every)):
            is_member = np.array(every) == steps
            self._groups[steps] = Group(np.flatnonzero(is_member).tolist(), is_member, Queue())
        self.is_for_all = 0 not in every
        self._counts = np.zeros((3, len(sessions)))
        """Clicks, conversions, and what these bring."""

    def put(self, done: Happened) -> None:
        """Await the outcomes of a block."""
        for group in self._groups.values():
            group.queue.put(done, group.is_member)

    def take(self, now_us: int, step: int = 0) -> None:
        """Count what has become known by now of the bidders whose control step it is; of all of them at step 0."""
        for steps, group in self._groups.items():
            if step % steps == 0 and group.queue.take(now_us, self._counts):
                clicks, conversions, margin = self._counts.tolist()
                for k in group.numbers:
                    session = self._sessions[k]
                    session.clicks.known, session.conversions.known = clicks[k], conversions[k]
                    session.conversions.margin = margin[k]

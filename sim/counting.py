"""Clicks and conversions of bidders that receive their numbers alone, and no later than they come: all bidders' in one queue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .bidder_session import BidderSession
from .outcomes import NEVER_US, Awaited, Happened


class Group(NamedTuple):
    """Bidders that have their control steps together: their numbers, whose they are (bidders,), and what they await."""

    numbers: list[int]
    is_member: NDArray[np.bool_]
    awaited: Awaited


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
            self._groups[steps] = Group(np.flatnonzero(is_member).tolist(), is_member, Awaited())
        self.is_for_all = 0 not in every
        self._counts = np.zeros((3, len(sessions)))
        """Clicks, conversions, and what these bring."""

    def put(self, done: Happened) -> None:
        """Await the outcomes of a block."""
        for group in self._groups.values():
            for kind, due_us, which in (
                (0, done.click_us, done.click_us != NEVER_US),
                (1, done.conversion_us, done.attributed),
            ):
                if len(group.numbers) < len(self._sessions):
                    which = which & group.is_member[done.bidder]  # noqa: PLW2901
                columns = {"weight": done.weight[which], "margin": done.margin[which]}
                columns["number"] = kind * len(self._sessions) + done.bidder[which]
                group.awaited.put(due_us[which], columns)

    def take(self, now_us: int, step: int = 0) -> None:
        """Count what has become known by now of the bidders whose control step it is; of all of them at step 0."""
        for steps, group in self._groups.items():
            if step % steps == 0 and now_us >= group.awaited.soonest_us:
                self._count(group, group.awaited.pop(now_us))

    def _count(self, group: Group, known: dict[str, NDArray[Any]]) -> None:
        """Add one response after the other, as sums of parts could round differently."""
        number, weight, bidders = known["number"], known["weight"], len(self._sessions)
        counts = self._counts.ravel()
        np.add.at(counts, number, weight)
        sold = number >= bidders
        np.add.at(counts, number[sold] + bidders, (weight * known["margin"])[sold])
        clicks, conversions, margin = self._counts.tolist()
        for k in group.numbers:
            session = self._sessions[k]
            session.clicks.known, session.conversions.known = clicks[k], conversions[k]
            session.conversions.margin = margin[k]

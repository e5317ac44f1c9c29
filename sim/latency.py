"""Whose bid counts on which request: answer times, look-ups, the deadline, an exchange that loses patience, and holdouts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .delays import cdf, quantile
from .desk import Desk
from .permission import held_out
from .scenario import Scenario
from .streams import Streams
from .supply import Chunk
from .tables import BidTables

NOBODY_ABSENT = np.empty((0, 0), dtype=np.bool_)


class Deadline:
    """The deadline of one run. The campaigns of an advertiser share its answer times. ``late`` counts each bidder's late bids, ``unsent`` the requests that it was not sent."""

    def __init__(self, scenario: Scenario, streams: Streams, desks: Sequence[Desk]) -> None:
        self._scenario, self._streams, self._desks = scenario, streams, desks
        self._tmax, self._throttle = scenario.auction.tmax_ms, scenario.auction.throttle
        self.late, self.unsent, self._reviewed = np.zeros((3, len(desks)), dtype=np.int64)
        self._sent = np.zeros(len(desks), dtype=np.int64)
        self._share = np.ones(len(desks))
        self.absent = NOBODY_ABSENT
        """Whose bid on which request of the chunk does not count, shape (bidders, n); (0, 0) without a deadline and holdouts."""
        self._holdouts = {
            number: desk.terms.holdout for number, desk in enumerate(desks) if desk.terms.holdout is not None
        }

    def load(self, chunk: Chunk) -> None:
        """Take up a new chunk."""
        if not self._desks or (self._tmax is None and not self._holdouts):
            return
        self._chunk = chunk
        self._held = {
            number: held_out(holdout, self._desks[number].name, self._streams, chunk.visits)
            for number, holdout in self._holdouts.items()
        }
        self.absent = np.zeros((len(self._desks), len(chunk)), dtype=np.bool_)
        if self._tmax is not None:
            self._late = np.stack([self._is_late(desk, self._tmax) for desk in self._desks])
            self.absent |= self._late
        for number, held in self._held.items():
            self.absent[number] |= held
        self._draws: dict[int, NDArray[np.float64]] = {}

    def pass_on(self, part: slice, tables: BidTables, is_open: NDArray[np.bool_]) -> None:
        """Send some requests to those who are to get them, and count who is late. ``is_open``: who may bid at all."""
        if self._tmax is None:
            return
        for number in np.flatnonzero(is_open).tolist():
            late, n = self._late[number, part], part.stop - part.start
            if self._share[number] < 1.0:
                sent = self.is_sent(number, part)
                self.absent[number, part] = late | ~sent
                if number in self._held:
                    self.absent[number, part] |= self._held[number][part]
                late, n = late & sent, int(sent.sum())
            self.late[number] += (tables.of(number, part.start + np.flatnonzero(late)) > 0).sum()
            self.unsent[number] += part.stop - part.start - n
            self._sent[number] += n

    @property
    def sends_all(self) -> bool:
        """Everybody is sent every request."""
        return bool((self._share == 1.0).all())

    def is_sent(self, number: int, part: slice) -> NDArray[np.bool_]:
        """Which requests a bidder is sent, shape (rows,)."""
        if self._share[number] == 1.0:
            return np.ones(part.stop - part.start, dtype=np.bool_)
        if number not in self._draws:
            self._draws[number] = self._chunk.visits.by_request(
                self._streams, f"sent/{self._desks[number].name}"
            )
        return np.asarray(self._draws[number][part] < self._share[number])

    def is_late(self, number: int, part: slice) -> NDArray[np.bool_]:
        """On which requests a bidder's answer comes too late, shape (rows,)."""
        if self._tmax is None:
            return np.zeros(part.stop - part.start, dtype=np.bool_)
        return np.asarray(self._late[number, part])

    def review(self) -> None:
        """The exchange looks at who was late since the last time, and sends those fewer requests."""
        if self._throttle is None:
            return
        often = self.late - self._reviewed > self._throttle.late_share * self._sent
        self._share = np.where(
            often, np.maximum(self._share / 2, self._throttle.least), np.minimum(self._share * 2, 1.0)
        )
        self._reviewed, self._sent = self.late.copy(), np.zeros_like(self._sent)

    def _is_late(self, desk: Desk, tmax: float) -> NDArray[np.bool_]:
        """Whose answers take too long, shape (n,): the bidder's own time, and that of each look-up after the other."""
        laws = {f"answer/{desk.advertiser}": self._scenario.bidders.answer_ms}
        for name in desk.looks_up:
            laws[f"lookup/{desk.name}/{name}"] = self._scenario.source[name].lookup_latency_ms
        tmax -= sum(law.mean for law in laws.values() if law.law == "constant")
        if abs(tmax) < 1e-9 * (self._tmax or 0.0):
            tmax = 0.0  # sums of decimal fractions are not exact: .1 + .2 is no longer than .3
        drawn = {name: law for name, law in laws.items() if law.law != "constant"}
        visits, n = self._chunk.visits, len(self._chunk)
        if not drawn:
            return np.full(n, tmax < 0)
        if len(drawn) == 1:  # then the draw itself says on which side of the deadline it falls
            ((name, law),) = drawn.items()
            return np.asarray(visits.by_request(self._streams, name) >= cdf(law, tmax))
        total = np.zeros(n)
        for name, law in drawn.items():
            total += quantile(law, visits.by_request(self._streams, name))
        return np.asarray(total > tmax)

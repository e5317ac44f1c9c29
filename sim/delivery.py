"""Whose bid counts on which request: answer times, look-ups, the deadline, throttling by the exchange, and holdouts."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .auction.lateness import ROWS, count_late, flag_late
from .bidder_session import BidderSession
from .delays import cdf, quantile
from .scenario import Delay, Scenario
from .serving import held_out
from .streams import Streams
from .supply import Chunk
from .tables import BidTables

NOBODY_ABSENT = np.empty((0, 0), dtype=np.uint8)
EIGHT = 8
"""Bidders whose flags lie in one number."""
NEVER = 1 << 53
"""More than the bits of any draw."""


class Delivery:
    """How requests and bids reach each other in one run. The campaigns of an advertiser share its answer times.

    ``late`` counts each bidder's late bids, ``unsent`` the requests that it was not sent; ``share`` is the share of requests that the
    exchange sends it; shape (bidders,).
    """

    def __init__(self, scenario: Scenario, streams: Streams, sessions: Sequence[BidderSession]) -> None:
        self.scenario, self.streams, self.sessions = scenario, streams, sessions
        self.tmax, self._throttle = scenario.auction.tmax_ms, scenario.auction.throttle
        self.throttles_none = self._throttle is None
        self.late, self.unsent, self.sent, self._reviewed = np.zeros((4, len(sessions)), dtype=np.int64)
        self.share = np.ones(len(sessions))
        self.room = np.empty(ROWS // 8, dtype=np.uint64)
        self.keys = np.zeros(len(sessions), dtype=np.uint64)
        self.least = np.full(len(sessions), NEVER, dtype=np.int64)
        """Streams of which one draw alone says who is late, and from which of its bits on it does."""
        self.sums: dict[int, tuple[dict[str, Delay], float]] = {}
        """``answer_times`` of bidders for whom several draws say it."""
        for number, one in enumerate(sessions):
            if self.tmax is None:
                break
            drawn, left = answer_times(one, scenario, self.tmax)
            if not drawn and left < 0:
                self.least[number] = 0
            elif len(drawn) == 1:
                ((name, law),) = drawn.items()
                self.keys[number] = streams.key64(name)
                self.least[number] = math.ceil(cdf(law, left) * NEVER)
            elif drawn:
                self.sums[number] = drawn, left

    def columns(self) -> dict[str, NDArray[np.int64]]:
        """Return the counts as columns of ``RunResult.bidders``."""
        return {"late": self.late, "unsent": self.unsent}

    def review(self) -> None:
        """The exchange looks at who was late since the last time, and sends those fewer requests."""
        if self._throttle is None:
            return
        often = self.late - self._reviewed > self._throttle.late_share * self.sent
        self.share = np.where(
            often, np.maximum(self.share / 2, self._throttle.least), np.minimum(self.share * 2, 1.0)
        )
        self._reviewed, self.sent = self.late.copy(), np.zeros_like(self.sent)


class ChunkDelivery:
    """Whose bids on a chunk of requests count: ``absent``, shape (n, bidders / 8), or (0, 0) where each bid does."""

    def __init__(self, run: Delivery, chunk: Chunk) -> None:
        self._run, self._chunk = run, chunk
        self._held = {
            number: held_out(one.terms.holdout, one.name, run.streams, chunk.visits)
            for number, one in enumerate(run.sessions)
            if one.terms.holdout is not None
        }
        self._draws: dict[int, NDArray[np.float64]] = {}
        self.absent = self._late = NOBODY_ABSENT
        if not run.sessions or (run.tmax is None and not self._held):
            return
        self._late = self._flags_of_late()
        self.absent = self._late.copy()
        for number, held in self._held.items():
            place, flag = divmod(number, EIGHT)
            self.absent[:, place] |= held.astype(np.uint8) << flag

    def pass_on(self, part: slice, tables: BidTables, is_open: NDArray[np.bool_]) -> None:
        """Send some requests to the bidders that may bid (``is_open``) as the exchange does, and count who is late."""
        run = self._run
        if run.tmax is None:
            return
        is_sent_all = is_open & (run.share == 1.0)
        run.sent[is_sent_all] += part.stop - part.start
        for number in np.flatnonzero(is_open & ~is_sent_all).tolist():
            sent = self.is_sent(number, part)
            late, n = self.is_late(number, part), int(sent.sum())
            absent = late | ~sent
            if number in self._held:
                absent |= self._held[number][part]
            place, flag = divmod(number, EIGHT)
            others = self.absent[part, place] & np.uint8(255 - (1 << flag))
            self.absent[part, place] = others | absent.astype(np.uint8) << flag
            run.late[number] += (tables.of(number, part.start + np.flatnonzero(late & sent)) > 0).sum()
            run.unsent[number] += part.stop - part.start - n
            run.sent[number] += n
        count_late(
            part.start,
            part.stop,
            self._late,
            is_sent_all,
            tables.bids,
            tables.sizes,
            tables.cells,
            run.room.view(np.uint8),
            run.room,
            run.late,
        )

    @property
    def sends_all(self) -> bool:
        """Whether each bidder is sent every request."""
        return self._run.throttles_none or bool((self._run.share == 1.0).all())

    def is_sent(self, number: int, part: slice) -> NDArray[np.bool_]:
        """Return which requests a bidder is sent, shape (rows,)."""
        run = self._run
        if run.share[number] == 1.0:
            return np.ones(part.stop - part.start, dtype=np.bool_)
        if number not in self._draws:
            name = run.sessions[number].name
            self._draws[number] = self._chunk.visits.by_request(run.streams, f"sent/{name}")
        return np.asarray(self._draws[number][part] < run.share[number])

    def is_late(self, number: int, part: slice) -> NDArray[np.bool_]:
        """Return on which requests a bidder's answer comes too late, shape (rows,)."""
        if self._run.tmax is None:
            return np.zeros(part.stop - part.start, dtype=np.bool_)
        place, flag = divmod(number, EIGHT)
        return np.asarray((self._late[part, place] >> flag & 1).astype(np.bool_))

    def _flags_of_late(self) -> NDArray[np.uint8]:
        """Return whose answers take too long, shape (n, bidders / 8)."""
        run, visits, n = self._run, self._chunk.visits, len(self._chunk)
        late = np.zeros((n, -(-len(run.sessions) // EIGHT)), dtype=np.uint8)
        if run.tmax is None:
            return late
        room = np.empty(ROWS, dtype=np.uint8)  # its own, as chunks are made ahead in a thread
        for place in range(late.shape[1]):
            those = slice(EIGHT * place, EIGHT * (place + 1))
            flag_late(run.keys[those], run.least[those], visits.start, place, room, late)
        for number, (drawn, left) in run.sums.items():
            total = np.zeros(n)
            for name, law in drawn.items():
                total += quantile(law, visits.by_request(run.streams, name))
            place, flag = divmod(number, EIGHT)
            late[:, place] |= (total > left).astype(np.uint8) << flag
        return late


def answer_times(session: BidderSession, scenario: Scenario, tmax: float) -> tuple[dict[str, Delay], float]:
    """Return what a bidder's answer is to take beside what always passes, by the name of its draws, and the time that is left for it.

    It takes the bidder's own time, and that of each look-up after the other.
    """
    laws = {f"answer/{session.advertiser}": scenario.bidders.answer_ms}
    for name in session.looks_up:
        laws[f"lookup/{session.name}/{name}"] = scenario.source[name].lookup_latency_ms
    left = tmax - sum(law.mean for law in laws.values() if law.law == "constant")
    if abs(left) < 1e-9 * tmax:
        left = 0.0  # sums of decimal fractions are not exact: .1 + .2 is no longer than .3
    return {name: law for name, law in laws.items() if law.law != "constant"}, left

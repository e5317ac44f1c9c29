"""Whose bid counts on which request: answer times, look-ups, the deadline, throttling by the exchange, and holdouts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .auction.lateness import count_late
from .bidder_session import BidderSession
from .delays import cdf, quantile
from .scenario import Scenario
from .serving import held_out
from .streams import Streams
from .supply import Chunk
from .tables import BidTables

NOBODY_ABSENT = np.empty((0, 0), dtype=np.bool_)


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
    """Whose bids on a chunk of requests count: ``absent``, shape (n, bidders), or (0, 0) where each bid does."""

    def __init__(self, run: Delivery, chunk: Chunk) -> None:
        self._run, self._chunk = run, chunk
        self._held = {
            number: held_out(one.terms.holdout, one.name, run.streams, chunk.visits)
            for number, one in enumerate(run.sessions)
            if one.terms.holdout is not None
        }
        n, late = len(chunk), len(run.sessions) if run.tmax is not None else 0
        self._late_eights = np.zeros((late, -(-n // 8)), dtype=np.uint64)
        self._late = self._late_eights.view(np.bool_)[:, :n]
        self._draws: dict[int, NDArray[np.float64]] = {}
        self.absent = NOBODY_ABSENT
        if not run.sessions or (run.tmax is None and not self._held):
            return
        self.absent = np.zeros((n, len(run.sessions)), dtype=np.bool_)
        if run.tmax is not None:
            for number, one in enumerate(run.sessions):
                self._late[number] = self._is_late(one, run.tmax)
            self.absent[:] = self._late.T
        for number, held in self._held.items():
            self.absent[:, number] |= held

    def pass_on(self, part: slice, tables: BidTables, is_open: NDArray[np.bool_]) -> None:
        """Send some requests to the bidders that may bid (``is_open``) as the exchange does, and count who is late."""
        run = self._run
        if run.tmax is None:
            return
        is_sent_all = is_open & (run.share == 1.0)
        run.sent[is_sent_all] += part.stop - part.start
        for number in np.flatnonzero(is_open & ~is_sent_all).tolist():
            sent = self.is_sent(number, part)
            late, n = self._late[number, part], int(sent.sum())
            self.absent[part, number] = late | ~sent
            if number in self._held:
                self.absent[part, number] |= self._held[number][part]
            run.late[number] += (tables.of(number, part.start + np.flatnonzero(late & sent)) > 0).sum()
            run.unsent[number] += part.stop - part.start - n
            run.sent[number] += n
        count_late(
            part.start,
            part.stop,
            self._late,
            self._late_eights,
            is_sent_all,
            tables.bids,
            tables.cells,
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
        return np.asarray(self._late[number, part])

    def _is_late(self, session: BidderSession, tmax: float) -> NDArray[np.bool_]:
        """Return whose answers take too long, shape (n,): the bidder's own time, and that of each look-up after the other."""
        run = self._run
        laws = {f"answer/{session.advertiser}": run.scenario.bidders.answer_ms}
        for name in session.looks_up:
            laws[f"lookup/{session.name}/{name}"] = run.scenario.source[name].lookup_latency_ms
        left = tmax - sum(law.mean for law in laws.values() if law.law == "constant")
        if abs(left) < 1e-9 * tmax:
            left = 0.0  # sums of decimal fractions are not exact: .1 + .2 is no longer than .3
        drawn = {name: law for name, law in laws.items() if law.law != "constant"}
        visits, n = self._chunk.visits, len(self._chunk)
        if not drawn:
            return np.full(n, left < 0)
        if len(drawn) == 1:  # then the draw itself says on which side of the deadline it falls
            ((name, law),) = drawn.items()
            return run.streams.reaches(name, visits.start, n, cdf(law, left))
        total = np.zeros(n)
        for name, law in drawn.items():
            total += quantile(law, visits.by_request(run.streams, name))
        return np.asarray(total > left)

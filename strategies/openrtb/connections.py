"""Connections to one peer in parallel, and when that peer counts as dead."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from .http_client import Answer, Connection, ExchangeError, Peer

PATIENCE = 10
"""Exchanges in a row without an answer after which a peer counts as dead."""
RARELY = 1_000
"""Of a dead peer's requests one in this many is sent all the same."""


class Connections:
    """Some connections to one peer that are used in turn, each with one exchange under way.

    A peer that has not answered ``PATIENCE`` times in a row is asked once in ``RARELY`` times, until it answers.

    Attributes:
        failed: the number of exchanges in a row without an answer.
        last_error: of the last exchange without one.
    """

    def __init__(self, peer: Peer, count: int) -> None:
        self.peer = peer
        self.failed, self.last_error = 0, ""
        self._skipped = 0
        self._each = [Connection(peer) for _ in range(count)]

    @property
    def is_dead(self) -> bool:
        """Whether the peer has not answered for long."""
        return self.failed >= PATIENCE

    def open(self) -> None:
        """Connect. Raises ``ExchangeError``: there is no connection."""
        self._each[0].open()

    def exchange(self, messages: Sequence[bytes]) -> list[Answer | ExchangeError]:
        """Send each request and return what came of it, in order; as many are under way as there are connections."""
        count = len(self._each)
        done = list[Answer | ExchangeError]()
        # of those that are sent, in order: None, or why it could not be
        waiting = deque[ExchangeError | None]()
        for number, message in enumerate(messages):
            if len(waiting) == count:
                done.append(self._finish(number - count, waiting.popleft()))
            waiting.append(self._send(number, message))
        for number in range(len(messages) - len(waiting), len(messages)):
            done.append(self._finish(number, waiting.popleft()))
        return done

    def _send(self, number: int, message: bytes) -> ExchangeError | None:
        if self.is_dead:
            self._skipped += 1
            if self._skipped % RARELY:
                return ExchangeError("skipped")
        try:
            self._each[number % len(self._each)].send(message)
        except ExchangeError as error:
            return error
        return None

    def _finish(self, number: int, error: ExchangeError | None) -> Answer | ExchangeError:
        """Return the answer to one request, or why there is none, and note whether the peer is there."""
        if error is None:
            try:
                answer = self._each[number % len(self._each)].receive()
            except ExchangeError as failure:
                error = failure
            else:
                self.failed = 0
                return answer
        if error.kind in {"malformed", "too_large"}:
            self.failed = 0
        elif error.kind != "skipped":
            self.failed, self.last_error = self.failed + 1, str(error)
        return error

    def close(self) -> None:
        """End all connections."""
        for one in self._each:
            one.close()

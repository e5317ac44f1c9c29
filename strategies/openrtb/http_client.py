"""HTTP/1.1 over kept connections, with one time limit on a whole exchange and one size limit on a whole answer.

Why own code: an exchange needs a deadline for the answer as a whole, where ``http.client`` has one for each read, so that a
bidder could hold it up for ever with a byte a second; and some thousand exchanges a second, where httpx and h11 take longer for
one than the bidder does (h11 228 microseconds, this 20; 2-core machine, busy). Nothing is followed, retried or kept but the connection.
"""

from __future__ import annotations

import re
import select
import socket
import ssl
import time
import zlib
from contextlib import suppress
from typing import NamedTuple

HEAD_BYTES = 32_768
"""Bytes of an answer's status line and headers."""
INTERIM_ANSWERS = 4
"""Interim answers (1xx) before the answer itself."""
CHUNK = 65_536
STATUS = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9][0-9])(?: [^\r\n]*)?\Z")
BODYLESS = {204, 304}
QUICKACK: int | None = getattr(socket, "TCP_QUICKACK", None)


class Answer(NamedTuple):
    """A whole answer, and how long it took."""

    status: int
    body: bytes
    ms: float


class ExchangeError(Exception):
    """No whole answer; ``kind`` is ``timeout``, ``dropped``, ``refused``, ``malformed`` or ``too_large``."""

    def __init__(self, kind: str, about: str = "") -> None:
        super().__init__(about or kind)
        self.kind = kind


class Peer(NamedTuple):
    """Whom a connection is to, and its limits."""

    host: str
    port: int
    is_tls: bool
    timeout_s: float
    max_bytes: int


class Connection:
    """One kept connection with at most one exchange under way."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self._socket: socket.socket | None = None
        self._buffer = b""
        self._sent = 0.0

    def open(self) -> None:
        """Connect. Raises ``ExchangeError``: there is no connection."""
        self._socket = self._connect()

    def send(self, message: bytes) -> None:
        """Send a whole request, on a new connection where the kept one has ended or has something to say unasked.

        Raises:
            ExchangeError: it could not be sent; it is not sent again.
        """
        self._sent = time.perf_counter()
        if self._socket is not None and not self.peer.is_tls and self._is_readable(self._socket):
            self.close()  # under TLS a session ticket would look the same
        if self._socket is None:
            self._socket = self._connect()
        try:
            self._socket.settimeout(self.peer.timeout_s)
            self._socket.sendall(message)
        except OSError as error:
            raise self._failed(error) from None

    def receive(self) -> Answer:
        """Return the answer to the request that was sent.

        Raises:
            ExchangeError: there is no whole answer in time and size; the connection is then closed.
        """
        try:
            status, body, is_kept = self._read()
        except (ExchangeError, OSError) as error:
            raise self._failed(error) from None
        if not is_kept or self._buffer:  # more than the answer: nothing on this connection can be relied on
            self.close()
        return Answer(status, body, (time.perf_counter() - self._sent) * 1e3)

    def _failed(self, error: ExchangeError | OSError) -> ExchangeError:
        """End the connection, and return what the error is of an exchange."""
        self.close()
        if isinstance(error, ExchangeError):
            return error
        return (
            ExchangeError("timeout")
            if isinstance(error, TimeoutError)
            else ExchangeError("dropped", str(error))
        )

    def close(self) -> None:
        """End the connection."""
        if self._socket is not None:
            with suppress(OSError):
                self._socket.close()
        self._socket, self._buffer = None, b""

    def __del__(self) -> None:
        self.close()

    def _connect(self) -> socket.socket:
        peer = self.peer
        try:
            found = socket.create_connection((peer.host, peer.port), peer.timeout_s)
        except TimeoutError:
            raise ExchangeError("timeout", f"no connection to {peer.host}:{peer.port}") from None
        except OSError as error:
            raise ExchangeError("refused", f"{peer.host}:{peer.port}: {error}") from None
        found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if not peer.is_tls:
            return found
        try:
            return ssl.create_default_context().wrap_socket(found, server_hostname=peer.host)
        except OSError as error:
            found.close()
            raise ExchangeError("refused", f"{peer.host}:{peer.port}: {error}") from None

    @staticmethod
    def _is_readable(found: socket.socket) -> bool:
        if hasattr(select, "poll"):
            poll = select.poll()
            poll.register(found, select.POLLIN)
            return bool(poll.poll(0))
        return bool(select.select([found], [], [], 0)[0])

    def _more(self) -> bytes:
        """Return what has come, waiting until the deadline at most; what is there already is taken after it, too."""
        assert self._socket is not None  # noqa: S101 - a request was sent on it
        # a bidder that sends head and body apart waits for our word on the head, 40 ms else
        if QUICKACK is not None:
            self._socket.setsockopt(socket.IPPROTO_TCP, QUICKACK, 1)
        left = self._sent + self.peer.timeout_s - time.perf_counter()
        if left <= 0:
            self._socket.settimeout(0.0)
            try:
                return self._socket.recv(CHUNK)
            except (BlockingIOError, ssl.SSLWantReadError):
                raise ExchangeError("timeout") from None
        self._socket.settimeout(left)
        return self._socket.recv(CHUNK)

    def _fill(self, size: int) -> None:
        """Read until the buffer has ``size`` bytes."""
        while len(self._buffer) < size:
            more = self._more()
            if not more:
                raise ExchangeError("dropped")
            self._buffer += more

    def _line(self, end: bytes, most: int) -> bytes:
        """Return what comes before ``end``, and take both off the buffer."""
        searched = 0
        while (place := self._buffer.find(end, searched)) < 0:
            if len(self._buffer) > most:
                raise ExchangeError("too_large")
            searched = max(len(self._buffer) - len(end), 0)
            self._fill(len(self._buffer) + 1)
        line, self._buffer = self._buffer[:place], self._buffer[place + len(end) :]
        return line

    def _read(self) -> tuple[int, bytes, bool]:
        for _ in range(INTERIM_ANSWERS + 1):
            head = self._line(b"\r\n\r\n", HEAD_BYTES)
            if len(head) > HEAD_BYTES:
                raise ExchangeError("too_large")
            first, *lines = head.split(b"\r\n")
            found = STATUS.match(first)
            if found is None:
                raise ExchangeError("malformed", f"no HTTP status line: {first[:40]!r}")
            status = int(found[2])
            if status >= 200:
                return status, *self._body(status, _headers(lines), is_new=found[1] == b"1")
        raise ExchangeError("malformed", "interim answers without an end")

    def _body(self, status: int, headers: dict[bytes, bytes], *, is_new: bool) -> tuple[bytes, bool]:
        """Return the body, decoded, and whether the connection can be used again."""
        connection = headers.get(b"connection", b"").lower()
        is_kept = b"close" not in connection if is_new else b"keep-alive" in connection
        if status in BODYLESS:
            return b"", is_kept
        if coding := headers.get(b"transfer-encoding", b"").lower():
            if coding != b"chunked":
                raise ExchangeError("malformed", f"transfer-encoding {coding!r}")
            body = self._chunks()
        elif (length := headers.get(b"content-length")) is not None:
            if not length.isdigit():
                raise ExchangeError("malformed", f"content-length {length[:40]!r}")
            if len(length) > 12 or int(length) > self.peer.max_bytes:
                raise ExchangeError("too_large")
            self._fill(int(length))
            body, self._buffer = self._buffer[: int(length)], self._buffer[int(length) :]
        else:
            body, is_kept = self._rest(), False
        return self._decoded(body, headers.get(b"content-encoding", b"").lower()), is_kept

    def _chunks(self) -> bytes:
        body = b""
        while True:
            size = self._line(b"\r\n", 256).partition(b";")[0].strip()
            if not re.fullmatch(rb"[0-9a-fA-F]{1,8}", size):
                raise ExchangeError("malformed", f"chunk of size {size[:40]!r}")
            count = int(size, 16)
            if count == 0:
                break
            if len(body) + count > self.peer.max_bytes:
                raise ExchangeError("too_large")
            self._fill(count + 2)
            body, end = body + self._buffer[:count], self._buffer[count : count + 2]
            self._buffer = self._buffer[count + 2 :]
            if end != b"\r\n":
                raise ExchangeError("malformed", "chunk without an end")
        for _ in range(100):  # trailers
            if not self._line(b"\r\n", HEAD_BYTES):
                return body
        raise ExchangeError("too_large")

    def _rest(self) -> bytes:
        """Return what comes until the other side closes."""
        while more := self._more():
            self._buffer += more
            if len(self._buffer) > self.peer.max_bytes:
                raise ExchangeError("too_large")
        body, self._buffer = self._buffer, b""
        return body

    def _decoded(self, body: bytes, coding: bytes) -> bytes:
        if coding in {b"", b"identity"} or not body:
            return body
        if coding not in {b"gzip", b"x-gzip"}:
            raise ExchangeError("malformed", f"content-encoding {coding!r}")
        unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
        try:
            unpacked = unpacker.decompress(body, self.peer.max_bytes + 1)
        except zlib.error as error:
            raise ExchangeError("malformed", str(error)) from None
        if len(unpacked) > self.peer.max_bytes:
            raise ExchangeError("too_large")
        if not unpacker.eof:
            raise ExchangeError("malformed", "gzip without an end")
        return unpacked


def _headers(lines: list[bytes]) -> dict[bytes, bytes]:
    """Return the headers by their names in lower case; lengths that contradict one another are malformed."""
    found: dict[bytes, bytes] = {}
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon or not name or name != name.strip():
            raise ExchangeError("malformed", f"header {line[:40]!r}")
        key, value = name.lower(), value.strip()
        if key == b"content-length" and found.get(key, value) != value:
            raise ExchangeError("malformed", "two content-lengths")
        found[key] = value
    return found

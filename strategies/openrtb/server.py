"""An HTTP server around a ``Desk``: bid requests, notices, counters for Prometheus, and a clean stop."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator
from types import FrameType

import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from jointbid.sim.scenario import MICROS

from .desk import Desk
from .objects import VERSION

BODY_BYTES = 262_144
TICK_S = 1.0
"""How often the clock is looked at between requests."""
KEEP_ALIVE_S = 75
STOP_S = 5
"""How long requests under way may take once the server is asked to stop."""
HEADERS = {"x-openrtb-version": VERSION}


def app_of(desk: Desk) -> Starlette:
    """Return the ASGI application: ``POST /bid``; ``GET /win``, ``/bill``, ``/loss``; ``GET /metrics``, ``/health``."""

    async def bid(request: Request) -> Response:
        body = await _body(request)
        if body is None:
            desk.counts["too_large"] += 1
            return Response(status_code=413)
        status, answer = desk.answer(body)
        if status != 200:
            return Response(status_code=status, headers=HEADERS)
        return Response(answer, media_type="application/json", headers=HEADERS)

    async def notice(request: Request) -> Response:
        desk.notice(request.url.path.strip("/"), dict(request.query_params))
        return Response(status_code=204)

    async def metrics(_: Request) -> Response:
        return PlainTextResponse(metrics_of(desk), media_type="text/plain; version=0.0.4")

    async def health(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    return Starlette(
        routes=[
            Route("/bid", bid, methods=["POST"]),
            *(Route(f"/{kind}", notice, methods=["GET"]) for kind in ("win", "bill", "loss")),
            Route("/metrics", metrics),
            Route("/health", health),
        ]
    )


async def _body(request: Request) -> bytes | None:
    """Return the body; None where it is too large."""
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > BODY_BYTES:
        return None
    parts, size = [], 0
    with contextlib.suppress(ClientDisconnect):
        async for part in request.stream():
            size += len(part)
            if size > BODY_BYTES:
                return None
            parts.append(part)
    return b"".join(parts)


def metrics_of(desk: Desk) -> str:
    """Return the counters in Prometheus' text format."""
    books = desk.totals()
    counters = {
        "requests_total": (books.requests, "impressions that were asked about"),
        "bids_total": (books.bids, "bids made"),
        "wins_total": (books.wins, "win notices booked"),
        "losses_total": (books.losses, "loss notices booked"),
        "billed_total": (books.viewed, "billing notices booked"),
        "spend_total": (books.spend_micros / MICROS, f"money of the win notices, {desk.currency}"),
        "notices_repeated_total": (books.repeated_notices, "notices that had come before; not booked again"),
        "notices_unknown_total": (
            books.unknown_notices + desk.counts["notices_unknown"],
            "notices of no bid that is known",
        ),
        **{
            f"{name}_total": (count, name.replace("_", " "))
            for name, count in sorted(desk.counts.items())
            if name != "notices_unknown"
        },
    }
    gauges = {
        "accounts": (len(desk.accounts), "accounts, one a run of a simulated exchange"),
        "hour": (desk.hour, "hours since the start"),
    }
    return "".join(
        f"# HELP jointbid_{name} {about}\n# TYPE jointbid_{name} {kind}\njointbid_{name} {value:.12g}\n"
        for kind, family in (("counter", counters), ("gauge", gauges))
        for name, (value, about) in family.items()
    )


class Server:
    """The server of one desk, on a socket that is bound when it is made.

    Args:
        desk: what answers.
        host, port: where; port 0 takes a free one.
        url: the start of the notices' URLs, as exchanges reach them; empty: ``http://host:port``.

    Raises:
        OSError: the address cannot be bound.
    """

    def __init__(self, desk: Desk, host: str = "127.0.0.1", port: int = 8080, url: str = "") -> None:
        self.desk = desk
        self._socket = socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET
        )
        self.port = int(self._socket.getsockname()[1])
        self.url = f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"
        desk.base = url.rstrip("/") or self.url
        self._server = _Quiet(
            uvicorn.Config(
                app_of(desk), log_level="warning", access_log=False, lifespan="off", ws="none", loop="asyncio",
                timeout_keep_alive=KEEP_ALIVE_S, timeout_graceful_shutdown=STOP_S, limit_concurrency=1000, server_header=False,
            )
        )  # fmt: skip

    def run(self) -> None:
        """Serve until ``stop``, or SIGINT or SIGTERM in the main thread; requests under way are answered."""
        try:
            asyncio.run(self._serve())
        finally:
            self._socket.close()

    def stop(self) -> None:
        """Stop soon; may be called from another thread."""
        self._server.should_exit = True

    @contextlib.contextmanager
    def in_background(self) -> Iterator[Server]:
        """Serve in a thread meanwhile."""
        thread = threading.Thread(target=self.run, name="jointbid serve", daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.stop()
            thread.join()

    async def _serve(self) -> None:
        clock = asyncio.create_task(self._tick())
        try:
            await self._server.serve(sockets=[self._socket])
        finally:
            clock.cancel()

    async def _tick(self) -> None:
        while True:
            self.desk.tick()
            await asyncio.sleep(TICK_S)


class _Quiet(uvicorn.Server):
    """One that ends where a signal stops it, and does not raise the signal once more afterwards."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - uvicorn's signature
        """Stop; at once where a second signal comes."""
        self.force_exit, self.should_exit = self.should_exit, True

"""A seat over HTTP: bid requests a second, notices included, against a bidder that answers at once, in a process of its own.

The table's extra columns have requests a second of wall time (`rps`) and of the seat's own processor time (`rps_core`), which a busy
machine changes less.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import re
import time

import pytest

from jointbid import Entrant, load, simulate
from jointbid.sim.scenario import StrategySpec
from jointbid.strategies.market import MarketFacts
from jointbid.strategies.registry import make

REQUESTS = 5_000
ID = re.compile(rb'"id":"([^"]*)"')
KINDS = {
    "one connection": {},
    "four connections": {"concurrency": 4},
    "no notices": {"notices": False},
    "by cell": {"mode": "per_cell"},
}


class Fast(asyncio.Protocol):
    """Bids the same on all requests, and takes notices."""

    def connection_made(self, transport):
        self.transport, self.buffer = transport, b""
        self.base = b"http://127.0.0.1:%d/" % transport.get_extra_info("sockname")[1]

    def data_received(self, data):
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head, start = self.buffer[:end], end + 4
            if head.startswith(b"GET"):
                self.buffer = self.buffer[start:]
                self.transport.write(b"HTTP/1.1 204 No Content\r\n\r\n")
                continue
            size = int(head.rpartition(b"Content-Length: ")[2])
            if len(self.buffer) < start + size:
                return
            body, self.buffer = self.buffer[start : start + size], self.buffer[start + size :]
            urls = b",".join(
                b'"%s":"%s%s?p=${AUCTION_PRICE}"' % (kind, self.base, kind)
                for kind in (b"nurl", b"burl", b"lurl")
            )
            bid = b'{"id":"1","impid":"1","price":0.15,%s}' % urls
            answer = b'{"id":"%s","cur":"CNY","seatbid":[{"bid":[%s]}]}' % (ID.search(body)[1], bid)
            self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(answer), answer))


def _serve(ready):
    async def forever():
        server = await asyncio.get_running_loop().create_server(Fast, "127.0.0.1", 0)
        ready.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(forever())


@pytest.fixture(scope="module")
def url():
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_serve, args=(theirs,), daemon=True)
    process.start()
    yield f"http://127.0.0.1:{ours.recv()}/bid"
    process.kill()
    process.join()


@pytest.mark.parametrize("kind", KINDS)
def test_seat(benchmark, url, kind):
    scenario = load("default", f"supply.requests={REQUESTS}")
    strategy = make(StrategySpec(name="openrtb", url=url, **KINDS[kind]), MarketFacts.of(scenario))
    spent = []

    def play():
        wall, own = time.perf_counter(), time.process_time()
        row = simulate(scenario, {"focal": Entrant(strategy, tuple(scenario.source))}, 1).of("focal")
        assert row["openrtb_bids"] > 0
        spent.append((time.perf_counter() - wall, time.process_time() - own))

    benchmark.pedantic(play, rounds=3, warmup_rounds=1)
    wall, own = (min(column) for column in zip(*spent, strict=True))
    benchmark.extra_info |= {"rps": round(REQUESTS / wall), "rps_core": round(REQUESTS / own)}
    print(f"\n{kind}: {REQUESTS / wall:,.0f} requests/s, {REQUESTS / own:,.0f} a second of the seat's core")

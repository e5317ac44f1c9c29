"""Bidders on loopback for the tests, each stopped with its test."""

from __future__ import annotations

import json
import socketserver
import threading
from contextlib import contextmanager

from jointbid import Entrant, simulate
from jointbid.sim.scenario import StrategySpec
from jointbid.strategies.market import MarketFacts
from jointbid.strategies.openrtb.desk import Desk
from jointbid.strategies.openrtb.server import Server
from jointbid.strategies.registry import make

SMALL = ("supply.requests=300", "rivals.mu=-8.5")


class Books:
    """What a bidder knows of itself, and every notice that it was sent, in order."""

    def __init__(self):
        self.requests, self.notices, self.lock = [], [], threading.Lock()

    def of(self, kind):
        return [query for name, query in self.notices if name == kind]

    @property
    def wins(self):
        return len(self.of("win"))

    @property
    def spend_micros(self):
        return sum(round(float(query["price"]) * 1000) for query in self.of("win"))


@contextmanager
def bidder(respond, books=None):
    """A bidder: `respond(request, base)` returns the bytes of a whole HTTP answer (None hangs up), notices go into its books."""
    books = books or Books()

    class Handler(socketserver.StreamRequestHandler):
        wbufsize = -1
        timeout = 5

        def handle(self):
            while True:
                try:
                    first = self.rfile.readline()
                    headers = {}
                    while (line := self.rfile.readline()) not in (b"\r\n", b""):
                        name, _, value = line.decode().partition(":")
                        headers[name.lower()] = value.strip()
                    if not first:
                        return
                    method, target, _ = first.decode().split()
                    if method == "GET":
                        path, _, query = target.partition("?")
                        with books.lock:
                            books.notices.append(
                                (path.strip("/"), dict(p.split("=", 1) for p in query.split("&") if p))
                            )
                        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                    else:
                        request = json.loads(self.rfile.read(int(headers["content-length"])))
                        with books.lock:
                            books.requests.append(request)
                        answer = respond(request, f"http://127.0.0.1:{server.server_address[1]}")
                        if answer is None:
                            return
                        self.wfile.write(answer)
                    self.wfile.flush()
                except (OSError, ValueError):
                    return

    class Threads(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True
        block_on_close = False

    server = Threads(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/bid", books
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def answered(body, status="200 OK", extra=""):
    """The bytes of an answer."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return f"HTTP/1.1 {status}\r\n{extra}Content-Length: {len(content)}\r\n\r\n".encode() + content


def offer(request, base, price=0.5, **changed):
    """One bid as JSON, with all three notices."""
    bid = {
        "id": "b1",
        "impid": request["imp"][0]["id"],
        "price": price,
        "nurl": base + "/win?id=${AUCTION_ID}&price=${AUCTION_PRICE}&min=${AUCTION_MIN_TO_WIN}",
        "burl": base + "/bill?id=${AUCTION_ID}&price=${AUCTION_PRICE}",
        "lurl": base + "/loss?id=${AUCTION_ID}&reason=${AUCTION_LOSS}&min=${AUCTION_MIN_TO_WIN}",
    }
    return bid | changed


def response(request, *bids, **changed):
    """A bid response as JSON."""
    return {"id": request["id"], "cur": request["cur"][0], "seatbid": [{"bid": list(bids)}]} | changed


def by_segments(request):
    """A price by what the segments say: CPM, with three decimals."""
    data = request.get("user", {}).get("data", [])
    known = [int(one["segment"][0]["id"]) for one in data if one.get("segment")]
    return round(0.05 + 0.017 * sum(known), 3)


def good(request, base):
    return answered(response(request, offer(request, base, by_segments(request))))


def seat(scenario, url, **params):
    return make(StrategySpec(name="openrtb", url=url, **params), MarketFacts.of(scenario))


def play(scenario, url, sources=None, budget=None, seed=1, **params):
    """Run a market whose focal bidder is at `url`; the result's row, with counts without their prefix."""
    held = tuple(scenario.source) if sources is None else sources
    entrant = Entrant(
        seat(scenario, url, **{"timeout_ms": 20_000} | params), held, budget, strategy_name="openrtb"
    )
    row = simulate(scenario, {"focal": entrant}, seed).of("focal")
    return {name.removeprefix("openrtb_"): value for name, value in row.items()} | {
        "requests": row["requests"]
    }


@contextmanager
def served(entrant, scenario, **more):
    """`jointbid serve` in a thread: yields its bid URL and its desk."""
    desk = Desk(entrant, scenario, {}, scenario.currency if len(scenario.currency) == 3 else "USD", **more)
    with Server(desk, port=0).in_background() as server:
        yield f"{server.url}/bid", desk

"""500 drawn bidders that answer late, wrongly, twice or never: nothing is lost, nothing booked twice, nothing crashes."""

from __future__ import annotations

import gzip
import json
import random
import time

import pytest
from tests.openrtb.bidders import answered, bidder, by_segments, offer, play, response

from jointbid import load
from jointbid.strategies.openrtb.counts import OUTCOMES

REQUESTS = 10
SCENARIO = load("default", f"supply.requests={REQUESTS}", "rivals.mu=-8.5", "supply.horizon_h=2")
SLOW_S = 0.25
"""Longer than the seat waits."""


def fine(request, base, draw):
    return answered(response(request, offer(request, base, by_segments(request))))


def with_bid(**changed):
    return lambda request, base, draw: answered(response(request, offer(request, base, 0.5, **changed)))


def with_response(**changed):
    return lambda request, base, draw: answered(response(request, offer(request, base), **changed))


def raw(body, status="200 OK", extra=""):
    return lambda request, base, draw: answered(body, status, extra)


def slow(request, base, draw):
    time.sleep(SLOW_S)
    return fine(request, base, draw)


def several(request, base, draw):
    bids = [
        offer(request, base, draw.choice([0.2, 0.4, -1.0, 3.0]), id=str(n)) for n in range(draw.randint(2, 5))
    ]
    return answered(response(request, *bids))


def cut(request, base, draw):
    whole = fine(request, base, draw)
    return whole[: draw.randint(0, len(whole) - 1)]


def damaged(request, base, draw):
    whole = bytearray(fine(request, base, draw))
    for _ in range(draw.randint(1, 5)):
        whole[draw.randrange(len(whole))] = draw.randrange(256)
    return bytes(whole)


def zipped(request, base, draw):
    body = gzip.compress(json.dumps(response(request, offer(request, base))).encode())
    return answered(body[: draw.choice([len(body), len(body) - 4, 5])], extra="Content-Encoding: gzip\r\n")


FAULTS = {
    "no bid": raw(b"", "204 No Content"),
    "empty": raw(b""),
    "no seat": with_response(seatbid=[]),
    "a reason": with_response(seatbid=[], nbr=8),
    "no bids in the seat": with_response(seatbid=[{"bid": []}]),
    "another id": with_response(id="somebody else's"),
    "no id": with_response(id=None),
    "another currency": with_response(cur="XXX"),
    "no currency": lambda r, b, d: answered(
        {k: v for k, v in response(r, offer(r, b)).items() if k != "cur"}
    ),
    "another impression": with_bid(impid="99"),
    "negative": with_bid(price=-3),
    "absurd": with_bid(price=1e300),
    "beyond floats": lambda r, b, d: answered(
        json.dumps(response(r, offer(r, b, 7))).replace(": 7", ": 1e999").encode()
    ),
    "nan": lambda r, b, d: answered(json.dumps(response(r, offer(r, b, float("nan")))).encode()),
    "a text": with_bid(price="0.5"),
    "zero": with_bid(price=0),
    "tiny": with_bid(price=1e-9),
    "no JSON": raw(b"<html>hello</html>"),
    "a list": raw(b"[]"),
    "deep": raw(b"[" * 20_000),
    "huge": raw(b"{" + b" " * 100_000 + b"}"),
    "no utf-8": raw(b'{"id": "\xff\xfe"}'),
    "301": raw(b"", "301 Moved Permanently", "Location: http://192.0.2.1/\r\n"),
    "403": raw(b"", "403 Forbidden"),
    "500": raw(b"oh", "500 Internal Server Error"),
    "no HTTP": lambda r, b, d: b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
    "bad length": lambda r, b, d: b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
    "negative length": lambda r, b, d: b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
    "two lengths": raw(b"", extra="Content-Length: 7\r\n"),
    "bad chunk": lambda r, b, d: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "endless head": lambda r, b, d: b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 10_000,
    "bad header": lambda r, b, d: b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
    "interim for ever": lambda r, b, d: b"HTTP/1.1 102 Processing\r\n\r\n" * 9,
    "closes": lambda r, b, d: fine(r, b, d).replace(
        b"Content-Length", b"Connection: close\r\nContent-Length"
    ),
    "twice": lambda r, b, d: fine(r, b, d) * 2,
    "the last answer once more": lambda r, b, d: fine(r, b, d) + answered(response(r, offer(r, b, 99.0))),
    "hangs up": lambda r, b, d: None,
    "cut": cut,
    "damaged": damaged,
    "zipped": zipped,
    "slow": slow,
    "several": several,
    "odd notices": with_bid(nurl="http://[::1", burl="\r\nGET / HTTP/1.1", lurl="ftp://x/${AUCTION_LOSS}"),
    "broken macros": with_bid(nurl="${AUCTION_PRICE", lurl="${}${AUCTION_NOTHING}"),
}


def drawn(number):
    """What one drawn bidder does with each of its requests, and how the seat is set up."""
    draw = random.Random(number)
    share = draw.choice([0.1, 0.5, 1.0])
    kinds = draw.sample(sorted(FAULTS), draw.randint(1, 4))
    plan = {n: draw.choice(kinds) if draw.random() < share else "" for n in range(REQUESTS)}
    params = {
        "timeout_ms": 120,
        "on_failure": "no_bid",
        "concurrency": draw.choice([1, 1, 3]),
        "repeat": draw.choice([0, 0, 0.5]),
        "gzip": draw.random() < 0.3,
        "ext": draw.random() < 0.7,
    }
    return draw, plan, params


def check(number):
    draw, plan, params = drawn(number)

    def respond(request, base):
        kind = plan[int(request["id"].rpartition("-")[2])]
        return FAULTS[kind](request, base, draw) if kind else fine(request, base, draw)

    words = ["bidders.notify=at_once"] if number % 5 == 0 else []
    scenario = load("default", f"supply.requests={REQUESTS}", "rivals.mu=-8.5", *words) if words else SCENARIO
    with bidder(respond) as (url, books):
        row = play(scenario, url, **params)
    about = f"case {number}: {plan} {params}"
    assert row["requests"] == REQUESTS
    assert sum(row[name] for name in OUTCOMES) == REQUESTS, about
    assert 0 <= row["wins"] <= row["bids"] <= REQUESTS, about
    heard = [(kind, query.get("id"), query.get("reason")) for kind, query in books.notices]
    bids_a_request = 5 if "several" in plan.values() else 1
    for kind, most in (("win", 1), ("bill", 1), ("loss", bids_a_request)):
        ids = [one[1] for one in heard if one[0] == kind and one[1]]
        assert all(ids.count(one) <= most for one in ids), about
    won = {one[1] for one in heard if one[0] == "win"}
    assert bids_a_request > 1 or won.isdisjoint({one[1] for one in heard if one[0] == "loss"}), about
    missing = row["notices_failed"] + row["notices_withheld"]
    odd = sum(kind in {"odd notices", "broken macros", "damaged"} for kind in plan.values())
    assert books.wins <= row["wins"] <= books.wins + missing + odd, about
    if not missing and not odd:
        assert books.spend_micros == round(row["spend"] * 1e6), about
    return row


@pytest.mark.few(15)
@pytest.mark.parametrize("kind", sorted(FAULTS))
def test_each_fault_alone_is_counted_and_the_others_are_not_touched(kind):
    def respond(request, base):
        is_hit = int(request["id"].rpartition("-")[2]) == 3
        return FAULTS[kind](request, base, random.Random(1)) if is_hit else fine(request, base, None)

    with bidder(respond) as (url, _):
        row = play(
            load("default", "supply.requests=6", "supply.floor_share=0"), url, timeout_ms=120, repeat=0
        )
    assert sum(row[name] for name in OUTCOMES) == 6
    assert row["bids"] >= 5
    assert row["notices_failed"] == 0


@pytest.mark.parametrize("number", range(10))
def test_drawn_bidders(number):
    check(number)


@pytest.mark.slow
@pytest.mark.parametrize("tens", range(1, 50))
def test_many_drawn_bidders(tens):
    for number in range(10 * tens, 10 * tens + 10):
        check(number)

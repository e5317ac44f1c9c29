"""What is made of an answer's bytes: the specification's kinds of responses, macros, URLs, and a bidder that drips."""

from __future__ import annotations

import json
import socket
import threading
import time

import pytest

from jointbid.strategies.openrtb.addresses import address_of
from jointbid.strategies.openrtb.http_client import Answer, Connection, ExchangeError, Peer
from jointbid.strategies.openrtb.notices import Notice, Result, Router, filled, notices
from jointbid.strategies.openrtb.objects import Bid
from jointbid.strategies.openrtb.response import Asked, Verdict, cpm_of, judge, micros_of

ASKED = Asked("1234567890", "1", "USD", 30, 10**15)
BANNER = {
    "id": "1234567890", "bidid": "abc1123", "cur": "USD",
    "seatbid": [{"seat": "512", "bid": [{
        "id": "1", "impid": "1", "price": 9.43, "nurl": "http://adserver.example/winnotice?impid=102",
        "iurl": "http://adserver.example/pathtosampleimage", "adomain": ["advertiserdomain.example"], "cid": "campaign111",
        "crid": "creative112", "attr": [1, 2, 3, 4, 5, 6, 7, 12], "mtype": 1, "cattax": 2, "ext": {"x": 1},
    }]}],
}  # fmt: skip
"""A response as the specification shows it for an ad served on the win notice (section 6.3)."""


def judged(thing, status=200):
    body = thing if isinstance(thing, bytes) else json.dumps(thing).encode()
    return judge(Answer(status, body, 1.0), ASKED)


def test_the_specifications_responses_are_bids():
    found = judged(BANNER)
    assert (found.outcome, found.micros, found.bidid, found.seat) == ("bids", 9430, "abc1123", "512")
    assert found.bid.crid == "creative112"
    inline = json.loads(json.dumps(BANNER))
    inline["seatbid"][0]["bid"][0] |= {
        "adm": "<VAST version='3.0'/>",
        "dealid": None,
        "w": 300,
        "h": 250,
        "exp": 60,
    }
    inline["seatbid"].append({"seat": "513", "group": 0, "bid": [{"id": "2", "impid": "1", "price": 10}]})
    found = judged(inline)
    assert (found.outcome, found.micros, found.seat, len(found.lost)) == ("bids", 10_000, "513", 1)
    assert judged({"id": "1234567890", "nbr": 2}).nbr == 2
    assert judged({"id": "1234567890", "seatbid": []}).outcome == "no_bid"


@pytest.mark.parametrize(
    ("cpm", "micros"),
    [
        (0.0005, 0),
        (0.0015, 2),
        (1.2345, 1234),
        (1.2355, 1236),
        (9.43, 9430),
        (-1, -1),
        (float("inf"), -1),
        (float("nan"), -1),
    ],
)
def test_prices_become_whole_micros_half_to_even(cpm, micros):
    assert micros_of(cpm) == micros


def test_a_price_in_a_notice_is_exact():
    for micros in (0, 1, 999, 1000, 123_456_789, 10**15):
        assert round(float(cpm_of(micros)) * 1000) == micros


def test_macros_are_filled_in_encoded_and_only_once():
    values = {"AUCTION_PRICE": "1.500", "AUCTION_ID": "a b&c/${AUCTION_PRICE}"}
    url = "http://x/?p=${AUCTION_PRICE}&b=${AUCTION_PRICE:B64}&i=${AUCTION_ID}&n=${AUCTION_NEWS}&r=${OTHER}"
    assert (
        filled(url, values)
        == "http://x/?p=1.500&b=MS41MDA%3D&i=a%20b%26c%2F%24%7BAUCTION_PRICE%7D&n=&r=${OTHER}"
    )


def test_each_bid_has_its_notices():
    best, other = (Bid(name, "1", 2.0, nurl=f"{name}-n", burl=f"{name}-b", lurl=f"{name}-l") for name in "xy")
    verdict = Verdict("bids", 2000, best, lost=[(other, 102)])

    def of(**changed):
        result = Result(
            **{"is_won": True, "is_viewed": True, "paid_micros": 1, "needed_micros": 1, "loss": 0, "at_ms": 0}
            | changed
        )
        return [tuple(one) for one in notices(verdict, result, "id", "1", "USD")]

    assert of() == [("nurl", "x-n"), ("burl", "x-b"), ("lurl", "y-l")]
    assert of(is_viewed=False) == [("nurl", "x-n"), ("lurl", "y-l")]
    assert of(is_won=False, loss=102) == [("lurl", "x-l"), ("lurl", "y-l")]


@pytest.mark.parametrize(
    "url",
    ["", "bid", "ftp://h/x", "http://", "http://h:port/", "http://h:99999/", "http://[::1", "http://a@h/", "http://h/\r\nX: y",
     "http://h/a b", "http://h/ü", "http://h/" + "x" * 9000],
)  # fmt: skip
def test_what_is_no_address_is_refused(url):
    assert address_of(url) is None
    router = Router(("127.0.0.1", 80, False), [], "http://127.0.0.1:80")
    assert router.route(Notice("nurl", url)) is None


def test_notices_stay_with_their_hosts():
    router = Router(("127.0.0.1", 8080, False), [("::1", 9, False)], "http://127.0.0.1:8080")

    def way(url):
        return router.route(Notice("nurl", url))

    own = ("127.0.0.1", 8080, False)
    assert way("http://127.0.0.1:8080/win?x=1") == (
        own,
        b"GET /win?x=1 HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nAccept: */*\r\n\r\n",
    )
    assert way("http://127.0.0.1:8080?x=1#y")[1].startswith(b"GET /?x=1 HTTP")
    assert way("http://[::1]:9/a")[0] == ("::1", 9, False)
    for elsewhere in (
        "http://127.0.0.1:8080@192.0.2.1/",
        "http://127.0.0.1:80801/",
        "https://127.0.0.1:8080/",
        "http://127.0.0.1:8080.example/",
    ):
        assert way(elsewhere) is None, elsewhere


def test_a_bidder_that_drips_has_one_deadline_for_the_whole_answer():
    stop = threading.Event()

    def drip(server):
        connection, _ = server.accept()
        with connection:
            for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n123456789":
                if stop.wait(0.05):
                    return
                try:
                    connection.send(bytes([byte]))
                except OSError:
                    return

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=drip, args=(server,))
        thread.start()
        connection = Connection(
            Peer("127.0.0.1", server.getsockname()[1], is_tls=False, timeout_s=0.4, max_bytes=100)
        )
        begun = time.perf_counter()
        connection.send(b"GET / HTTP/1.1\r\n\r\n")
        with pytest.raises(ExchangeError) as caught:
            connection.receive()
        stop.set()
        thread.join()
    assert caught.value.kind == "timeout"
    assert 0.35 < time.perf_counter() - begun < 1.9  # the whole answer would take 2.3 s

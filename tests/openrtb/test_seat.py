"""A bidder over HTTP in a seat: what it is sent, what is made of its answers, and that its own books are the simulator's."""

from __future__ import annotations

import gzip
import json

import pytest
from tests.openrtb.bidders import SMALL, answered, bidder, good, offer, play, response

from jointbid import BidError, load
from jointbid.sim.scenario import StrategySpec
from jointbid.strategies.market import MarketFacts
from jointbid.strategies.openrtb.counts import NOTICES, OUTCOMES
from jointbid.strategies.registry import UnknownStrategyError, make

TINY = load("default", "supply.requests=40", "rivals.mu=-8.5", "supply.floor_share=0")


def outcomes(row):
    """The outcomes that occurred; they add up to the requests."""
    assert sum(row[name] for name in OUTCOMES) == row["requests"]
    return {name for name in OUTCOMES if row[name]}


@pytest.mark.parametrize(
    "overrides",
    [
        [],
        ["engine.max_block=1"],
        ["bidders.notify=at_once"],
        *(
            pytest.param(words, marks=pytest.mark.slow)
            for words in (
                ["bidders.report_delay_h=3"],
                ["auction=first_price", "auction.fee=0.1"],
                ["bidders.terms.flight_h=[5,11]"],
            )
        ),
    ],
    ids=lambda words: " ".join(words) or "as it is",
)
def test_its_own_books_are_the_simulators_to_the_micro(overrides):
    scenario = load("default", "supply.requests=150", "rivals.mu=-8.5", *overrides)
    with bidder(good) as (url, books):
        row = play(scenario, url, repeat=0)
    assert 0 < row["wins"] < 150
    assert (books.wins, books.spend_micros) == (row["wins"], round(row["spend"] * 1e6))
    assert (row["nurl"], row["burl"], row["lurl"]) == tuple(len(books.of(k)) for k in ("win", "bill", "loss"))
    assert row["nurl"] + row["lurl"] == len(books.requests) == row["bids"] + row["below_floor"]
    assert row["burl"] == row["viewed"]
    told = [query["id"] for kind in ("win", "loss") for query in books.of(kind)]
    assert len(set(told)) == len(told)
    if "notify" in " ".join(overrides):  # each notice comes before the next request
        assert [r["id"] for r in books.requests] == told or sorted(told) == sorted(
            r["id"] for r in books.requests
        )


def test_the_same_run_again_asks_and_answers_the_same():
    asked = []
    for words in ([], ["engine.max_block=1"]):
        with bidder(good) as (url, books):
            row = play(load("default", *SMALL, "supply.requests=80", *words), url, ext=False)
        asked.append(([json.dumps(one) for one in books.requests], row["spend"], row["wins"]))
    assert asked[0] == asked[1]


def test_a_request_is_openrtb_with_the_sources_that_the_seat_holds():
    scenario = load(
        "default",
        "supply.requests=30",
        "auction.tmax_ms=80",
        "auction.floor_cpm=0.1",
        "source.profile.sync_interval_h=6",
    )
    for held in ((), ("profile",), ("profile", "context", "history")):
        with bidder(lambda *_: answered(b"", "204 No Content")) as (url, books):
            row = play(scenario, url, held, repeat=0, device={"language": "zh"}, size=[320, 50], test=0)
        assert outcomes(row) == {"no_bid"}
        first, *_ = books.requests
        assert (first["tmax"], first["cur"], first.get("at", 2)) == (80, ["CNY"], 2)
        assert "test" not in first
        assert first["imp"][0]["banner"] == {"w": 320, "h": 50}
        assert all(request["imp"][0]["bidfloor"] >= 0.1 for request in books.requests)
        assert first["device"] == {"devicetype": 2, "language": "zh"}
        assert first["site"]["domain"] == "jointbid.example"
        data = [request.get("user", {}).get("data", []) for request in books.requests]
        assert {one["id"] for each in data for one in each} == set(held)
        assert all(len(each) == len(held) for each in data)
        if held:
            profile = [one for each in data for one in each if one["id"] == "profile"]
            assert {one["name"] for one in profile} == {"cio"}
            assert {"segment" in one for one in profile} == {True, False}  # matched, and not
            assert all(one["ext"]["age_h"] >= 0 for one in profile)
        assert len({request["id"] for request in books.requests}) == 30


def test_codes_have_the_names_that_are_given():
    names = {"context": [f"page {number}" for number in range(16)]}
    with bidder(lambda *_: None) as (url, books), pytest.raises(BidError, match="no answer to 10 requests"):
        play(TINY, url, names=names, inventory="app")
    app = books.requests[0]["app"]
    (segment,) = next(one for one in books.requests[0]["user"]["data"] if one["id"] == "context")["segment"]
    assert segment["id"] == app["keywords"]
    assert segment["id"].startswith("page ")


ANSWERS = {
    "bids": lambda r, b: answered(response(r, offer(r, b, 9.0))),
    "no_bid": lambda r, b: answered(b""),
    "wrong_id": lambda r, b: answered(response(r, offer(r, b), id="another")),
    "wrong_imp": lambda r, b: answered(response(r, offer(r, b, impid="7"))),
    "wrong_currency": lambda r, b: answered(response(r, offer(r, b), cur="USD")),
    "bad_price": lambda r, b: answered(response(r, offer(r, b, -1.0))),
    "below_floor": lambda r, b: answered(response(r, offer(r, b, 0.001))),
    "malformed": lambda r, b: answered(b'{"id": '),
    "too_large": lambda r, b: answered(b" " * 70_000),
    "http_4xx": lambda r, b: answered(b"", "404 Not Found"),
    "http_5xx": lambda r, b: answered(b"", "503 Service Unavailable"),
    "http_other": lambda r, b: answered(b"", "302 Found", f"Location: {b}/elsewhere\r\n"),
    "dropped": lambda r, b: None,
}  # fmt: skip


@pytest.mark.parametrize("kind", ANSWERS)
def test_each_kind_of_answer_is_counted_and_its_bid_notified_once(kind):
    scenario = load("default", "supply.requests=12", "auction.floor_cpm=0.01")
    with bidder(ANSWERS[kind]) as (url, books):
        row = play(scenario, url, on_failure="no_bid", repeat=0)
    found = {"skipped", "dropped"} if kind == "dropped" else {kind}
    assert outcomes(row) == found
    assert (row["wins"] > 0) == (kind == "bids")
    expected = {
        "wrong_id": "5",
        "wrong_imp": "3",
        "wrong_currency": "3",
        "bad_price": "9",
        "below_floor": "100",
    }
    if kind in expected:
        assert [query["reason"] for query in books.of("loss")] == [expected[kind]] * 12
    assert row["nurl"] + row["lurl"] == (12 if kind in {*expected, "bids"} else 0)


def test_of_several_bids_the_highest_takes_part_and_the_others_lose_to_it():
    def several(request, base):
        bids = [offer(request, base, price, id=str(price)) for price in (1.0, 9.0, -1.0, 8.0)]
        return answered(response(request, *bids))

    with bidder(several) as (url, books):
        row = play(TINY, url, repeat=0)
    assert (row["bids"], row["surplus_bids"]) == (40, 80)
    assert row["nurl"] + row["lurl"] == 160
    assert sorted(query["reason"] for query in books.of("loss"))[:80] == ["102"] * 80


def test_gzip_chunks_and_interim_answers_are_understood():
    def packed(request, base):
        body = gzip.compress(json.dumps(response(request, offer(request, base, 9.0))).encode())
        if int(request["id"].rpartition("-")[2]) % 2:
            return answered(body, extra="Content-Encoding: gzip\r\n")
        plain = json.dumps(response(request, offer(request, base, 9.0))).encode()
        chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (plain[:7], plain[7:]))
        return (
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            + chunks
            + b"0\r\n\r\n"
        )

    with bidder(packed) as (url, _):
        row = play(TINY, url, gzip=True)
    assert outcomes(row) == {"bids"}


def test_a_bomb_is_not_unpacked():
    bomb = gzip.compress(b" " * 50_000_000)
    with bidder(lambda r, b: answered(bomb, extra="Content-Encoding: gzip\r\n")) as (url, _):
        row = play(load("default", "supply.requests=3"), url)
    assert outcomes(row) == {"too_large"}


def test_an_answer_that_drips_has_one_deadline_as_a_whole():
    def slowly(request, base):
        import time

        time.sleep(0.15)
        return answered(response(request, offer(request, base, 9.0)))

    scenario = load("default", "supply.requests=3")
    with bidder(slowly) as (url, _):
        row = play(scenario, url, timeout_ms=50, repeat=0)
    assert outcomes(row) == {"timeout"}


def test_measured_latency_counts_an_answer_after_tmax_as_late():
    def slowly(request, base):
        import time

        if int(request["id"].rpartition("-")[2]) % 2:
            time.sleep(0.2)
        return answered(response(request, offer(request, base, 9.0)))

    scenario = load("default", "supply.requests=6", "auction.tmax_ms=100")
    with bidder(slowly) as (url, books):
        row = play(scenario, url, latency="measured", repeat=0)
    assert row["late"] == 3
    assert row["bids"] == 3
    assert [query["reason"] for query in books.of("loss")].count("2") == 3


def test_notices_go_to_the_bidders_own_host_alone():
    def elsewhere(request, base):
        own = {"nurl": "http://192.0.2.1/win", "lurl": f"{base}@192.0.2.1/loss", "burl": "file:///etc/passwd"}
        return answered(response(request, offer(request, base, 9.0, **own)))

    with bidder(elsewhere) as (url, books):
        row = play(load("default", "supply.requests=10"), url)
    assert books.notices == []
    assert row["notices_withheld"] >= 10
    with bidder(good) as (other, heard):
        base = other.removesuffix("/bid")

        def there(request, _):
            return answered(response(request, offer(request, base, 9.0)))

        with bidder(there) as (url, books):
            row = play(load("default", "supply.requests=10"), url, notice_hosts=[base])
    assert row["notices_withheld"] == 0
    assert (len(heard.of("win")), len(books.notices)) == (row["wins"], 0)


def test_a_bidder_that_dies_ends_the_run_or_goes_on_without_bids_and_is_heard_of():
    def mortal(request, base):
        return good(request, base) if int(request["id"].rpartition("-")[2]) < 100 else None

    scenario = load("default", *SMALL)
    with (
        bidder(mortal) as (url, _),
        pytest.raises(BidError, match=r"no answer to 10 requests .*on_failure=no_bid"),
    ):
        play(scenario, url)
    with bidder(mortal) as (url, _):
        row = play(scenario, url, on_failure="no_bid", repeat=0)
    assert row["dropped"] >= 10  # notices that are taken in between begin the count anew
    assert row["dropped"] + row["skipped"] == 200
    with pytest.raises(BidError, match=r"no connection to http://127.0.0.1:1/bid .*start the bidder again"):
        play(scenario, "http://127.0.0.1:1/bid")


def test_a_bidder_that_answers_the_same_request_differently_is_noticed():
    count = [0]

    def moody(request, base):
        count[0] += 1
        return answered(response(request, offer(request, base, 1.0 + count[0] / 100)))

    with bidder(moody) as (url, books):
        row = play(TINY, url, repeat=1.0)
    assert (row["asked_again"], row["answered_differently"]) == (40, 40)
    assert len(books.requests) == 80
    assert row["nurl"] + row["lurl"] == 40


def test_by_cell_each_is_asked_once_and_some_again_and_money_is_as_by_request():
    scenario = load("default", *SMALL, "supply.floor_share=0")
    with bidder(good) as (url, books):
        each = play(scenario, url, ("profile", "context"), repeat=0)
    with bidder(good) as (url, books):
        row = play(scenario, url, ("profile", "context"), mode="per_cell")
    assert row["requests"] == 300
    assert len(books.requests) == 17 * 17 + row["asked_again"]
    assert row["asked_again"] == 4 * 23
    assert row["answered_differently"] == 0
    assert (row["wins"], row["spend"]) == (each["wins"], each["spend"])
    assert books.notices == []


def test_creatives_come_as_crid():
    scenario = load("default", "supply.requests=60", "creative={plain: {share: 1}, loud: {share: 1}}")

    def loud(request, base):
        number = int(request["id"].rpartition("-")[2])
        return answered(response(request, offer(request, base, 9.0, crid=["loud", "unheard of"][number % 2])))

    with bidder(loud) as (url, _):
        row = play(scenario, url, repeat=0)
    assert row["unknown_crid"] == 30
    assert row["wins"] > 0


WRONG = [
    ({"url": "127.0.0.1:80"}, r"url = 127.0.0.1:80: must be a URL as in http://127.0.0.1:8080/bid"),
    ({"url": "http://me:secret@127.0.0.1/bid"}, r"without user, password"),
    ({"url": "http://192.0.2.7/bid"}, r"must be on this machine .*remote=true"),
    ({"mode": "by_cell"}, r"mode = by_cell: must be one of per_request, per_cell"),
    ({"latency": "measured"}, r"latency = measured: needs a time limit; set auction.tmax_ms"),
    (
        {"latency": "measured", "tmax_ms": 9, "concurrency": 2},
        r"concurrency = 2: must be 1 with latency=measured",
    ),
    ({"names": {"profil": []}}, r"names.profil: no such source \(there is: profile, context, history\)"),
    ({"names": {"profile": ["a"]}}, r"names.profile: must be 16 different names"),
    ({"timeout_ms": 0}, r"timeout_ms = 0: must be a finite number above 0"),
    ({"currency": "cny"}, r"currency = cny: must be an ISO 4217 code"),
    ({"size": [300]}, r"size = \[300\]: must be \[width, height\]"),
    ({"hurry": 1}, r"has no parameter 'hurry'"),
]


@pytest.mark.parametrize(("params", "message"), WRONG, ids=[message[:30] for _, message in WRONG])
def test_a_wrong_setting_is_one_clear_error(params, message):
    with pytest.raises(UnknownStrategyError, match=message):
        make(
            StrategySpec(name="openrtb", **{"url": "http://127.0.0.1:8080/bid", **params}),
            MarketFacts.of(TINY),
        )


def test_every_count_has_a_meaning():
    assert all(text for text in (*OUTCOMES.values(), *NOTICES.values()))

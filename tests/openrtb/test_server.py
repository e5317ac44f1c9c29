"""`jointbid serve`: a seat against it plays as the strategy itself does, and its books are those of the simulator."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import httpx
import msgspec
import pytest
from tests.openrtb.bidders import SMALL, play, served

from jointbid import Entrant, Policy, load, simulate
from jointbid.experiments.cells.bidders import entrants
from jointbid.experiments.cells.cell import Cell
from jointbid.experiments.cli.main import main
from jointbid.strategies.openrtb.desk import Desk
from jointbid.strategies.openrtb.objects import BidRequest, Imp, User
from jointbid.strategies.openrtb.server import Server

ALIKE = {
    "adaptive_pacing": ["bidders.terms.day_parts=[3,4,12,13,14]"],
    "learned_shading": ["auction=first_price"],
}
MORE = {
    "truthful": ["auction=mixed"],
    "linear": [],
    "ortb1": [],
    "throttling": [],
    "pid_spend": [],
    "random": ["bidders.strategy.high=0.001"],
    "mirror_descent": ["bidders.control_interval_requests=10"],
    "rlb": ["auction.tells=price_paid"],
    "tracking": [],
    "target_ros": [],
    "fluid_pacing": ["source.profile.sync_interval_h=6"],
    "shading": ["auction=first_price", "bidders.notify=at_once"],
    "portfolio": ["bidders.terms.daily_budget=0.01", "supply.horizon_h=48"],
}


@pytest.mark.parametrize(
    ("name", "further"),
    [*ALIKE.items(), *(pytest.param(*one, marks=pytest.mark.slow) for one in MORE.items())],
)
def test_a_seat_against_the_server_equals_the_strategy_itself_to_the_micro(name, further):
    scenario = load("default", *SMALL, f"strategy={name}", "bidders.budget=0.02", *further)
    entrant = entrants(Cell(scenario, "joint"))["focal"]
    direct = simulate(scenario, {"focal": entrant}, 3).of("focal")
    with served(entrant, scenario) as (url, desk):
        row = play(scenario, url, budget=entrant.budget, seed=3)
        (account,) = desk.accounts.values()
    assert 0 < direct["wins"] < 300
    for column in ("wins", "spend", "value", "clicks_expected", "viewed"):
        assert row[column] == direct[column], column
    assert account.books.wins == direct["wins"]
    assert account.books.spend_micros == round(direct["spend"] * 1e6)
    assert account.books.losses + account.books.wins == account.books.bids


@pytest.fixture
def desk():
    """A desk of a bidder that bids its level, with a clock that the test sets."""
    scenario = load(
        "default",
        "strategy=constant",
        "bidders.strategy.level=0.002",
        "bidders.budget=0.005",
        "supply.requests=100",
    )
    entrant = entrants(Cell(scenario, "joint"))["focal"]
    now = [0.0]
    desk = Desk(entrant, scenario, {"profile": tuple("abcdefghijklmnop")}, "CNY", clock=lambda: now[0])
    desk.base, desk.now = "http://127.0.0.1:1", now
    return desk


def request(number, **changed):
    one = {"id": f"r{number}", "imp": [{"id": "1", "banner": {"w": 300, "h": 250}}], "cur": ["CNY"]}
    return json.dumps(one | changed).encode()


def bids(answer):
    status, body = answer
    assert status == 200
    return json.loads(body)["seatbid"][0]["bid"]


def told(desk, bid, kind, **values):
    query = dict(
        parse_qsl(
            urlsplit(bid[{"win": "nurl", "bill": "burl", "loss": "lurl"}[kind]]).query, keep_blank_values=True
        )
    )
    return desk.notice(kind, {name: values.get(name, text) for name, text in query.items()})


def test_each_notice_is_booked_once(desk):
    (bid,) = bids(desk.answer(request(1)))
    assert bid["price"] == 2.0
    assert bid["nurl"].startswith("http://127.0.0.1:1/win?")
    assert not told(desk, bid, "bill")  # nothing is won yet
    assert told(desk, bid, "win", price="1.234", min="1.0")
    assert [told(desk, bid, kind, price="1.234", min="1") for kind in ("win", "loss", "bill", "bill")] == [
        False,
        False,
        True,
        False,
    ]
    assert not desk.notice("win", {"id": "never.1", "price": "1", "min": "1"})
    assert not desk.notice("win", {"id": "r1.1", "price": "a lot"})
    books = desk.totals()
    assert (books.wins, books.spend_micros, books.viewed, books.losses) == (1, 1234, 1, 0)
    assert (books.repeated_notices, books.unknown_notices) == (3, 2)


def test_the_same_request_again_has_the_same_answer_and_counts_once(desk):
    assert desk.answer(request(1)) == desk.answer(request(1))
    assert (desk.totals().requests, desk.totals().bids, desk.counts["asked_again"]) == (1, 1, 1)


def test_it_keeps_its_budget_with_bids_whose_end_it_does_not_know(desk):
    made = [desk.answer(request(number))[0] for number in range(4)]
    assert made == [200, 200, 204, 204]  # two bids of 2 mills are all that 5 mills allow
    (account,) = desk.accounts.values()
    assert account.left_micros == 1000
    desk.now[0] = 3700.0
    desk.tick()  # notices are no longer waited for
    assert account.left_micros == 5000
    assert desk.answer(request(9))[0] == 200


def test_it_paces_and_stops_by_wall_clock():
    scenario = load(
        "default",
        "strategy=adaptive_pacing",
        "bidders.budget=0.001",
        "supply.requests=1000",
        "bidders.strategy.mu=1",
    )
    entrant, now, seen = entrants(Cell(scenario, "joint"))["focal"], [0.0], []
    desk = Desk(entrant, scenario, {}, "CNY", clock=lambda: now[0])
    for hour in (0, 1, 7, 23):
        now[0] = hour * 3600.0 + 1
        desk.tick()
        desk.answer(request(hour))
        seen.append(next(iter(desk.accounts.values())).strategy.multiplier)
    assert seen[-1] > seen[0]  # nothing was spent: it bids higher by the hour
    now[0] = 24 * 3600.0
    status, body = desk.answer(request(99))
    assert (status, json.loads(body)["nbr"], desk.counts["no_bid_flight_over"]) == (200, 9, 1)


def test_segments_are_read_by_name_and_floors_and_currencies_kept_to(desk):
    row = desk.reading.row
    data = [{"id": "profile", "segment": [{"id": "c"}]}, {"id": "context", "segment": [{"id": "??"}]}]
    found = BidRequest("x", [Imp("1")], user=msgspec.convert({"data": data}, User), at=1)
    assert {name: row(found, found.imp[0], 0.5).get(name) for name in ("profile", "context", "history")} == {
        "profile": 2,
        "context": 16,
        "history": 8,
    }
    assert desk.answer(request(1, cur=["EUR"]))[0] == 200  # with a reason for no bid
    high = [
        {"id": "1", "banner": {}, "bidfloor": 2.5, "bidfloorcur": "CNY"},
        {"id": "2", "banner": {}, "bidfloor": 0.1},
        {"id": "3", "video": {}},
    ]
    assert desk.answer(request(2, imp=high))[0] == 204
    two = [{"id": "1", "banner": {}}, {"id": "2", "banner": {}, "bidfloor": 0.1, "bidfloorcur": "CNY"}]
    assert [bid["impid"] for bid in bids(desk.answer(request(3, imp=two)))] == ["1", "2"]


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"id": 1}', b"[" * 100_000, b"\xff", b'{"id": "x", "imp": 7}']
)
def test_what_is_no_request_is_400(desk, body):
    assert desk.answer(body)[0] == 400
    assert desk.counts["malformed"] == 1


def test_the_oldest_run_is_forgotten_and_its_books_stay(desk):
    for number in range(70):
        desk.answer(request(number, ext={"jointbid": {"run": f"run {number}", "hour": 0.1, "uniform": 0.5}}))
    assert len(desk.accounts) == 64
    assert desk.totals().requests == 70


SPECIFICATION = (Path(__file__).parents[1] / "data" / "openrtb").glob("*.json")


@pytest.mark.parametrize("file", sorted(SPECIFICATION), ids=lambda file: file.stem)
def test_requests_of_the_specifications_kind_are_answered(desk, file):
    """Requests laid out as the examples of the specification, section 6.2, and as exchanges send them."""
    desk.currency = "USD"
    text = file.read_bytes()
    wanted = json.loads(text)
    can = [one["id"] for one in wanted["imp"] if "banner" in one and one.get("bidfloor", 0) <= 2.0]
    status, _ = answer = desk.answer(text)
    assert status == (200 if can else 204)
    if can:
        assert [bid["impid"] for bid in bids(answer)] == can[:2]  # the budget is that of two bids


def test_over_http_it_counts_for_prometheus_and_refuses_what_is_too_large(desk):
    with Server(desk, port=0).in_background() as server, httpx.Client(base_url=server.url) as client:
        (bid,) = client.post("/bid", content=request(1)).json()["seatbid"][0]["bid"]
        assert (
            client.get(
                bid["nurl"].replace("${AUCTION_PRICE}", "0.5").replace("${AUCTION_MIN_TO_WIN}", "0.5")
            ).status_code
            == 204
        )
        assert client.post("/bid", content=b" " * 300_000).status_code == 413
        assert client.post("/bid", content=iter([b" " * 200_000] * 2)).status_code == 413
        assert client.get("/bid").status_code == 405
        assert client.get("/nowhere").status_code == 404
        text = client.get("/metrics").text
    found = dict(line.split(" ") for line in text.splitlines() if not line.startswith("#"))
    assert found["jointbid_requests_total"] == found["jointbid_wins_total"] == "1"
    assert float(found["jointbid_spend_total"]) == 0.0005
    assert found["jointbid_too_large_total"] == "2"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.slow
def test_a_signal_stops_the_verb_cleanly(number, tmp_path):
    words = ["serve", "strategy=linear", "--port", "0"]
    program = [sys.executable, "-m", "jointbid", *words]
    with subprocess.Popen(
        program, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        first = process.stdout.readline()
        url = first.rpartition("POST ")[2].strip()
        assert httpx.post(url, content=request(1)).status_code in {200, 204}
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert err == ""
    assert "stopped: 1 requests" in out


WRONG = [
    (["--host", "0.0.0.0"], r"--host 0.0.0.0: must be this machine .*--public"),
    (["--port", "99999"], r"--port 99999: must be a whole number from 0"),
    (["--names", "nowhere.json"], r"--names nowhere.json: cannot be read"),
    (["strategy=openrtb"], r"strategy = openrtb: is played elsewhere itself"),
    (["strategy=linaer"], r"strategy = linaer: must be one of .*did you mean 'linear'"),
    (["study.arm=split_budget"], r"study.arm = split_budget: must be an arm with one campaign"),
]


@pytest.mark.parametrize(("words", "message"), WRONG, ids=[words[-1] for words, _ in WRONG])
def test_a_wrong_word_is_one_clear_error(words, message, capsys):
    assert main(["serve", *words]) == 2
    assert re.search(message, capsys.readouterr().err)


def test_a_port_that_is_taken_is_said(capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert main(["serve", "--port", str(taken.getsockname()[1])]) == 2
    assert "cannot listen on 127.0.0.1" in capsys.readouterr().err


class Broken(Policy):
    """It fails at the second request, and bids less than nothing from then on."""

    reads = ("floor",)
    asked = 0

    def bid(self, requests):
        self.asked += 1
        return requests["floor"] + 0.001 / (2 - self.asked)


def test_an_error_of_the_strategy_is_no_bid_and_said_once(capsys):
    desk = Desk(Entrant(Broken()), load("default"), {}, "CNY")
    answers = [desk.answer(request(number)) for number in range(3)]
    assert [status for status, _ in answers] == [200, 200, 204]
    assert json.loads(answers[1][1])["nbr"] == 1
    assert desk.counts["errors"] == 1
    assert "the strategy raised ZeroDivisionError" in capsys.readouterr().err

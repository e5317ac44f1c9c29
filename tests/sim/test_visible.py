"""Promises 4 and 8 at the desk: what a strategy is handed, and what happens to an answer that is not a bid."""

from __future__ import annotations

import types

import numpy as np
import pytest

from jointbid.sim import (
    AccountState,
    BidError,
    Entrant,
    Feedback,
    Scenario,
    Strategy,
    VisibleRequests,
    simulate,
    visible,
)
from jointbid.sim.visible import KnownOutcomes
from jointbid.strategies.base import Policy, Priced
from jointbid.strategies.policies.linear import Truthful
from jointbid.strategies.valuations.bayes import bayes

SCENARIO = Scenario.model_validate(
    {
        "supply": {"requests": 200},
        "response": {"a": 1, "b": 0.3},
        "source": {"profile": {"match_rate": 0.5}, "context": {"sync_interval_h": 1, "flip_rate_per_h": 0.2}},
    }
)


class Spy(Policy):
    """Keeps everything that it is handed, in a list of the test's own."""

    learns = True

    def __init__(self, reads, got):
        self.reads, self._got = reads, got

    def __deepcopy__(self, memo):
        return self

    def bid(self, requests):
        self._got.append(requests)
        return np.ones(requests.n)

    def observe(self, feedback):
        self._got.append(feedback)

    def control(self, state):
        self._got.append(state)


def handed(reads):
    got = []
    simulate(SCENARIO, {"focal": Spy(reads, got), "rival": Priced(bayes(SCENARIO, ()), Truthful())}, 1)
    return got


def test_columns_without_rows_hold_what_columns_with_rows_do():
    feedback = [
        thing
        for thing in handed(("profile", "age_context", "auction_type", "uniform"))
        if isinstance(thing, Feedback)
    ]
    empty, full = (next(f for f in feedback if bool(f.requests.n) == some) for some in (False, True))
    for requests in (empty.requests, empty.clicks.requests, empty.conversions.requests):
        assert {name: c.dtype for name, c in requests.items()} == {
            name: c.dtype for name, c in full.requests.items()
        }
    assert np.bincount(empty.clicks.requests["profile"], minlength=3).tolist() == [0, 0, 0]


def reachable(thing, seen=None):
    """Everything that can be got at from an object through attributes, items and arrays' bases."""
    seen = {} if seen is None else seen
    if id(thing) in seen or isinstance(thing, (type, types.ModuleType, types.FunctionType, types.MethodType)):
        return seen
    seen[id(thing)] = thing
    if isinstance(thing, np.ndarray):
        children = [thing.base]
    elif isinstance(thing, dict):
        children = [*thing.keys(), *thing.values()]
    elif isinstance(thing, (list, tuple, set)):
        children = list(thing)
    else:
        names = {
            *getattr(thing, "__dict__", ()),
            *(s for c in type(thing).__mro__ for s in getattr(c, "__slots__", ())),
        }
        children = [getattr(thing, name) for name in names if hasattr(thing, name)]
    for child in children:
        reachable(child, seen)
    return seen


@pytest.mark.parametrize(
    "reads", [None, ("profile",), ("profile", "context"), ("uniform", "floor"), ("age_context",)]
)
def test_the_truth_is_not_reachable_from_what_is_handed_over(reads):
    got = handed(reads)
    assert {type(x) for x in got} == {VisibleRequests, Feedback, AccountState}
    allowed = (
        VisibleRequests,
        Feedback,
        KnownOutcomes,
        AccountState,
        np.ndarray,
        str,
        int,
        float,
        bool,
        dict,
        type(None),
    )
    for thing in got:
        for part in reachable(thing).values():
            assert isinstance(part, allowed), type(part)
            if isinstance(part, np.ndarray):
                assert part.base is None, "a view: the rows beside it can be reached"
                assert not part.flags.writeable
                with pytest.raises(ValueError, match="read-only"):
                    part[...] = 0


def test_only_declared_columns_are_handed_over():
    for thing in handed(("profile", "hour")):
        if isinstance(thing, VisibleRequests):
            assert list(thing) == ["profile", "hour"]
            with pytest.raises(KeyError, match=r"'context' is not visible here; visible: profile, hour"):
                thing["context"]


def test_writing_to_what_was_handed_over_does_not_reach_the_world():
    """Even by force: the arrays are copies."""

    class Vandal(Policy):
        reads = ("profile", "hour")

        def bid(self, requests):
            for column in requests.values():
                column.flags.writeable = True
                column[:] = 0
            return np.ones(requests.n)

    class Good(Vandal):
        def bid(self, requests):
            return np.ones(requests.n)

    rival = {"rival": Priced(bayes(SCENARIO, ("profile",)), Truthful())}
    scenario = SCENARIO.model_copy(
        update={"bidders": SCENARIO.bidders.model_copy(update={"values": "common"})}
    )
    one, two = (simulate(scenario, {"focal": cls(), **rival}, 1) for cls in (Good, Vandal))
    assert [c.tolist() for c in one.bidders.values()] == [c.tolist() for c in two.bidders.values()]


def test_a_mapping_and_a_length():
    batch = VisibleRequests(3, {"hour": np.arange(3.0)})
    assert (batch.n, len(batch), dict(batch).keys()) == (3, 1, {"hour"})


@pytest.mark.parametrize(
    ("information", "reads", "message"),
    [
        (
            ("context",),
            ("profile",),
            r"'focal': reads column 'profile', which its data does not show; visible: context",
        ),
        ((), ("age_context",), r"reads column 'age_context'"),
        (None, ("truth",), r"reads column 'truth'"),
        (("profil",), None, r"no source 'profil'; this scenario has: profile, context"),
        ("profile", None, r"'focal': information = 'profile' is one text, .*; write \('profile',\)"),
    ],
)
def test_what_the_data_does_not_show_cannot_be_read(information, reads, message):
    with pytest.raises(BidError, match=message):
        simulate(SCENARIO, {"focal": Entrant(Spy(reads, []), information)}, 1)


def test_held_data_is_what_is_shown_where_nothing_is_declared():
    got = []
    simulate(SCENARIO, {"focal": Entrant(Spy(None, got), ("context",))}, 1)
    assert list(got[0]) == ["context", "age_context", "hour", "floor", "auction_type", "uniform"]


# feedback and account


def test_feedback_tells_each_request_once_in_order():
    scenario = SCENARIO.model_copy(
        update={"rivals": SCENARIO.rivals.model_copy(update={"landscape": "uniform", "high": 2.0})}
    )
    got, batches = [], []
    simulate(scenario, {"focal": Spy(("hour", "uniform"), got)}, 1, sink=batches.append)
    feedbacks = [x for x in got if isinstance(x, Feedback)]
    auctions = {name: np.concatenate([b[name] for b in batches]) for name in batches[0]}
    column = {
        name: np.concatenate([getattr(f, name) for f in feedbacks])
        for name in Feedback.__slots__
        if name not in {"requests", "clicks", "conversions"}
    }
    hours = np.concatenate([f.requests["hour"] for f in feedbacks if len(f.bid)])
    assert hours == pytest.approx(auctions["time_us"] / 3.6e9)
    assert (column["bid"] == 1).all()
    won = auctions["winner"] == 0
    assert column["won"].tolist() == won.tolist()
    assert 50 < won.sum() < 150
    assert column["price_paid"].tolist() == (auctions["paid_micros"] / 1e6).tolist()
    assert not column["late"].any()
    assert column["viewed"].tolist() == won.tolist()
    assert column["creative"].tolist() == np.where(won, 0, -1).tolist()
    rival = np.where(won, auctions["other_micros"], auctions["bid_micros"]) / 1e6
    assert column["minimum_bid_to_win"].tolist() == rival.tolist()
    assert ((column["minimum_bid_to_win"] <= 1) == won).all()


def test_the_account_adds_up():
    got = []
    scenario = SCENARIO.model_copy(
        update={"auction": SCENARIO.auction.model_copy(update={"floor_cpm": 500.0})}
    )
    simulate(scenario, {"focal": Entrant(Spy(("hour",), got), budget=60.0)}, 1)
    states = [x for x in got if isinstance(x, AccountState)]
    assert states[0] == AccountState(
        0.0, 24.0, 0, 200, 0.0, 0, 60.0, 60.0, left_today=60.0, hours_left_today=24.0, flight_hours_left=24.0
    )
    assert [s.hour for s in states] == list(range(24))
    for state in states:
        assert state.budget_left == pytest.approx(60.0 - state.spend)
        assert state.spend == pytest.approx(0.5 * state.wins)
        assert state.hours_left == 24.0 - state.hour
        assert state.wins == min(state.requests_seen, 120)
    assert states[-1].requests_seen > 120


# promise 8: what is not a bid


class Answers(Policy):
    """Good bids, up to a given control step; then the given answer."""

    def __init__(self, answer, after=0, reads=("hour",)):
        self.answer, self.after, self.reads, self.steps = answer, after, reads, 0

    def control(self, state):
        self.steps += 1

    def bid(self, requests):
        return self.answer(requests) if self.steps >= self.after else np.ones(requests.n)


def one_bad(value, row=1):
    def answer(requests):
        bids = np.ones(requests.n)
        bids[min(row, requests.n - 1)] = value
        return bids

    return answer


def fails(_requests):
    raise ZeroDivisionError("no price of anything")


WRONG = {
    "nan": (one_bad(np.nan), r"row \d+: bid nan; allowed: a finite number"),
    "inf": (one_bad(np.inf), r"row \d+: bid inf"),
    "negative": (one_bad(-0.5), r"row \d+: bid -0.5"),
    "too large": (one_bad(2e9), r"row \d+: bid 2000000000.0"),
    "short": (lambda r: np.ones(r.n + 1), r"answered shape \(\d+,\); allowed: \(\d+,\)"),
    "scalar": (lambda r: np.float64(1.0), "answered a float64; allowed: a numpy float64 array"),
    "matrix": (lambda r: np.ones((r.n, 1)), r"answered shape \(\d+, 1\)"),
    "list": (lambda r: [1.0] * r.n, "answered a list"),
    "none": (lambda r: None, "answered a NoneType"),
    "text": (lambda r: np.array(["1"] * r.n), "answered a str"),
    "truth value": (lambda r: np.ones(r.n, dtype=bool), "answered a bool array"),
    "object": (lambda r: np.ones(r.n, dtype=object), "answered a object array"),
    "complex": (lambda r: np.ones(r.n, dtype=complex), "answered a complex128 array"),
    "raising": (fails, r"bid\(\) raised ZeroDivisionError: no price of anything"),
    "undeclared": (lambda r: r["profile"], r"bid\(\) raised KeyError.*'profile' is not visible here"),
    "writing": (lambda r: np.multiply(r["hour"], 2, out=r["hour"]), r"bid\(\) raised ValueError"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_answer_stops_before_the_first_event(what):
    answer, message = WRONG[what]
    sink = []
    with pytest.raises(
        BidError,
        match=rf"strategy 'Answers' \(.*test_visible.py:\d+\) of bidder 'brain' at hour 0: .*{message}",
    ):
        simulate(
            SCENARIO, {"good": Answers(lambda r: np.ones(r.n)), "brain": Answers(answer)}, 1, sink=sink.append
        )
    assert not sink


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_answer_under_way_names_the_time(what):
    """After the control step at hour 5 (the seventh account)."""
    answer, message = WRONG[what]
    sink = []
    with pytest.raises(
        BidError,
        match=rf"strategy 'Answers' \(.*test_visible.py:\d+\) of bidder 'brain' at hour 5\.\d+: .*{message}",
    ):
        simulate(SCENARIO, {"brain": Answers(answer, after=6)}, 1, sink=sink.append)
    assert sink


def test_a_wrong_answer_by_cell_names_the_cell():
    wrong = Answers(lambda r: np.where(r["profile"] == 2, -1.0, 1.0), reads=("profile",))
    with pytest.raises(BidError, match=r"at hour 0: row 2: bid -1\.0"):
        simulate(SCENARIO, {"brain": wrong}, 1)
    wrong.after = 6
    with pytest.raises(BidError, match=r"at hour 5\.\d*: row 2: bid -1\.0"):
        simulate(SCENARIO, {"brain": wrong}, 1)


def test_the_trial_leaves_no_trace_in_the_strategy():
    """It is answered by a copy: a strategy that counts its calls counts those of the run alone."""

    class Counting(Policy):
        reads = ("profile",)
        calls = 0

        def bid(self, requests):
            self.calls += 1
            self.multiplier = float(self.calls)
            return np.ones(requests.n)

    result = simulate(SCENARIO, {"focal": Counting()}, 1)
    assert np.isnan(result.timeseries["multiplier"][0])
    assert result.timeseries["multiplier"][1] == 1.0


@pytest.mark.parametrize("bids", [np.ones(5, dtype=np.float32), np.ones(5, dtype=np.int64), np.zeros(5)])
def test_other_numbers_than_float64_are_bids_too(bids):
    requests = VisibleRequests(5, {})
    answer = visible.check_bids(bids, requests, "x", 0.0)
    assert answer.dtype == np.float64


def test_bids_are_rounded_half_to_even_on_entry():
    n = 4
    control = {"control_interval_requests": 1}
    scenario = Scenario.model_validate(
        {"supply": {"requests": n}, "auction": {"type": "first_price"}, "bidders": control}
    )
    paid = []
    halves = np.array([0.5, 1.5, 2.5, 3.5]) / 1e6

    class Halves(Policy):
        reads = ("hour",)
        at = 0

        def control(self, state):
            self.at = state.requests_seen

        def bid(self, requests):
            return np.full(requests.n, halves[self.at])

    simulate(scenario, {"focal": Halves()}, 1, sink=lambda b: paid.extend(b["paid_micros"].tolist()))
    assert paid == [0, 2, 2, 4]


def test_the_built_in_policies_are_strategies():
    assert isinstance(Truthful(), Strategy)


def test_a_column_that_it_may_read_is_there_where_its_data_show_it():
    seen = []

    class Picky(Policy):
        reads = ("profile",)
        may_read = ("context", "no such column")

        def bid(self, requests):
            seen.append(tuple(requests))
            return np.ones(requests.n)

    market = Scenario(supply={"requests": 20}, source={"profile": {}, "context": {}})
    for data, shown in ((("profile", "context"), ("profile", "context")), (("profile",), ("profile",))):
        seen.clear()
        simulate(market, {"me": Entrant(Picky(), data)}, 1)
        assert set(seen) == {shown}

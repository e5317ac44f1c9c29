"""Runs of one market share what it draws; a bidder that learns nothing is asked ahead; no number depends on either."""

from __future__ import annotations

import numpy as np
import pytest

from jointbid.sim import BidError, Entrant, Market, Scenario, simulate
from jointbid.sim.bidder_session import TRIAL_ROWS
from jointbid.sim.drawn import MOST_REQUESTS, Drawn
from jointbid.sim.streams import Streams
from jointbid.strategies.base import Policy, Priced
from jointbid.strategies.policies.linear import Linear
from jointbid.strategies.valuations.bayes import bayes

COPIES = {"owner": "cio", "sync_interval_h": 24, "latency_h": 4}
SHOP = {
    "supply": {"requests": 3000, "horizon_h": 96, "context_types": 3},
    "audience": {"profile_types": 3, "drift": {"half_life_h": 24}},
    "response": {
        "family": "logit", "a": -1.5, "b": 0.4, "c": 0.3, "value_per_click": 0,
        "conversion": {"a": 0.5, "b": 0.3, "value": [3, 2, 1], "delay_h": {"law": "exponential", "mean": 3}},
    },
    "stock": {"units": 5, "lead_h": 12},
    "source": {"profile": COPIES, "stock": COPIES, "context": {"owner": "cmo"}},
    "rivals": {"landscape": "lognormal", "mu": -1.5, "sigma": 0.8},
    "bidders": {"values": "common"},
}  # fmt: skip
PEOPLE = {
    "supply": {"requests": 2000, "horizon_h": 24},
    "audience": {"people": 300, "profile_types": 4, "consent": 0.7},
    "source": {
        "profile": {"owner": "cio", "match_rate": 0.6, "accuracy": 0.8},
        "context": {"owner": "cmo"},
    },
    "rivals": {"landscape": "lognormal", "mu": -1.0, "sigma": 0.8},
    "bidders": {"values": "common"},
}


def market(settings):
    return Scenario.model_validate({"name": "drawn", **settings})


def bidders(scenario, held):
    return {"focal": Entrant(Priced(bayes(scenario, held), Linear(1.0)), held)}


def same(one, other):
    assert dict(one.market) == pytest.approx(dict(other.market), rel=0, abs=0, nan_ok=True)
    assert {**one.calendar, "block": 0} == {**other.calendar, "block": 0}
    for table in ("bidders", "timeseries", "stock"):
        ours, theirs = getattr(one, table), getattr(other, table)
        assert list(ours) == list(theirs)
        for column in ours:
            np.testing.assert_array_equal(ours[column], theirs[column], err_msg=f"{table}: {column}")


@pytest.mark.parametrize("settings", [SHOP, PEOPLE], ids=["shop", "people"])
def test_runs_that_share_what_is_drawn_have_the_same_numbers(settings):
    scenario, drawn = market(settings), Drawn()
    for held in (("context",), ("profile",), tuple(scenario.source), ("context",)):
        shared = simulate(scenario, bidders(scenario, held), 1, drawn=drawn)
        same(shared, simulate(scenario, bidders(scenario, held), 1))


def test_only_small_markets_are_kept():
    scenario = market({**PEOPLE, "supply": {"requests": MOST_REQUESTS + 1, "horizon_h": 24}})
    drawn = Drawn()
    chunks = [next(drawn.chunks(scenario, Streams(1, 0), None, "everyone")) for _ in range(2)]
    assert chunks[0] is not chunks[1]
    np.testing.assert_array_equal(chunks[0].time_us, chunks[1].time_us)


@pytest.mark.parametrize("block", [1, 200])
def test_a_run_that_is_stepped_asks_block_by_block_and_has_the_same_numbers(block):
    scenario = market({**SHOP, "engine": {"max_block": block}})
    held = tuple(scenario.source)
    with Market(scenario, bidders(scenario, held), seed=1) as stepped:
        while stepped.advance():
            pass
        result = stepped.close()
    assert result.bidders["conversions"].sum() > 20
    assert result.stock["sold_out_h"].sum() > 0
    same(simulate(market(SHOP), bidders(scenario, held), 1), result)


class Counting(Policy):
    """Bids alike, and counts the calls in a list that copies share; it fails from an hour on."""

    reads = ("hour",)

    def __init__(self, calls, fails_from_h=1e9):
        self.calls, self.fails_from_h = calls, fails_from_h

    def __deepcopy__(self, memo):
        return Counting(self.calls, self.fails_from_h)

    def bid(self, requests):
        self.calls.append(requests.n)
        is_late = (requests["hour"] >= self.fails_from_h) & (requests.n > TRIAL_ROWS)
        return np.where(is_late, np.nan, 0.3)


class Looking(Counting):
    """The same, and looks at its account."""

    def __deepcopy__(self, memo):
        return Looking(self.calls, self.fails_from_h)

    def control(self, state):
        del state


def test_a_bidder_without_control_steps_is_asked_once_a_chunk():
    scenario, calls = market(SHOP), {"blind": [], "looking": []}
    blind = simulate(scenario, {"focal": Counting(calls["blind"])}, 1)
    looking = simulate(scenario, {"focal": Looking(calls["looking"])}, 1)
    same(blind, looking)
    assert len(calls["looking"]) > 90
    assert len(calls["blind"]) < 10


def test_an_error_belongs_to_the_block_in_which_it_is_met():
    busy, said = market({**SHOP, "supply": {**SHOP["supply"], "requests": 15_000}}), []
    for kind in (Counting, Looking):
        with pytest.raises(BidError) as error:
            simulate(busy, {"focal": kind([], fails_from_h=50.5)}, 1)
        said.append(str(error.value).partition(" of bidder ")[2])
    assert said[0] == said[1]
    assert "at hour 50" in said[0]

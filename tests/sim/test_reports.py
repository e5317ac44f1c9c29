"""Reports that come late: the account as it stood, the rows up to then, and a budget that the exchange still knows."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain

import numpy as np
import pytest
from pydantic import ValidationError

from jointbid.sim import Entrant, simulate
from jointbid.sim.scenario import HOUR_US
from jointbid.strategies.base import Policy, Priced
from jointbid.strategies.policies.pacing import AdaptivePacing, MirrorDescent
from jointbid.strategies.policies.pid import PIDCPA, PIDSpend
from jointbid.strategies.policies.targets import TargetCPA, TargetROS
from jointbid.strategies.policies.throttling import Throttling
from jointbid.strategies.valuations.bayes import bayes

BOTH = ("profile", "context")
SALE = {"a": 0.0, "value": 2.0, "delay_h": {"law": "exponential", "mean": 1.5}}


def market(bidding, **parts):
    """Clicks and sales come an hour or two after what is seen, at prices of which half are below 1."""
    response = {"family": "logit", "click_delay_h": {"law": "exponential", "mean": 0.4}, "conversion": SALE}
    rivals = {"landscape": "uniform", "high": 2.0}
    return bidding.build(response=response, rivals=rivals, **parts)


def diary(bidding, scenario, **options):
    """Accounts and feedback of one who bids 1 on all, and the auctions."""
    heard: list = []
    seat = Entrant(bidding.Diary(heard, 1.0, ("profile",)), budget=1000.0, **options)
    _, auctions = bidding.play(scenario, {"me": seat})
    return heard, auctions


CONTROL = [{}, {"control_interval_h": 0.37}, {"control_interval_requests": 13}]


@pytest.mark.parametrize("every", [1, 3])
@pytest.mark.parametrize("delay_h", [0.5, 1.0, 5.3])
@pytest.mark.parametrize("control", CONTROL, ids=str)
def test_an_account_is_that_of_the_last_own_step_that_is_so_long_ago(bidding, control, delay_h, every):
    scenario = market(bidding, bidders=control)
    now, _ = diary(bidding, scenario, control_every=every)
    late, auctions = diary(bidding, scenario, control_every=every, report_delay_h=delay_h)
    hours = np.array([round(state.hour * HOUR_US) for state, _ in now])
    behind = 0
    for step, ((state, feedback), (fresh, _)) in enumerate(zip(late, now, strict=True)):
        old = int(np.searchsorted(hours, hours[step] - round(delay_h * HOUR_US), side="right")) - 1
        then = now[max(old, 0)][0]
        assert (state.hour, state.requests_seen) == (fresh.hour, fresh.requests_seen)
        assert (state.spend, state.wins, state.budget_left) == (then.spend, then.wins, then.budget_left)
        assert state.requests_reported == then.requests_seen
        assert state.report_age_h == pytest.approx(state.hour - then.hour)
        before = late[step - 1][0].requests_reported if step else 0
        assert feedback.position.tolist() == list(range(before, state.requests_reported))
        behind += state.requests_unreported
    assert behind > 0
    assert late[-1][0].wins > 20
    known = {kind: sum(len(getattr(f, kind).position) for _, f in late) for kind in ("clicks", "conversions")}
    for kind, when in (("clicks", "click_us"), ("conversions", "conversion_us")):
        due = auctions[when][auctions["position"] < late[-1][0].requests_reported]
        assert known[kind] == ((due >= 0) & (due <= hours[-1])).sum() == getattr(late[-1][0], kind)


def test_an_outcome_is_not_known_before_its_impression(bidding):
    late, _ = diary(bidding, market(bidding), report_delay_h=3.0)
    early = 0
    for state, feedback in late:
        for known in (feedback.clicks, feedback.conversions):
            assert (known.position < state.requests_reported).all()
            early += (known.hour <= state.hour - 2.0).sum()
    assert early > 10, "most were due before they were reported"


@pytest.mark.parametrize("learns", [True, False])
def test_no_delay_is_no_change_bit_for_bit(bidding, learns):
    def run(**options):
        brain = Priced(bayes(scenario, BOTH), AdaptivePacing())
        seats = {"me": Entrant(brain, BOTH, 20.0, **options)}
        return bidding.tables(simulate(scenario, seats | ({"it": reader} if learns else {}), 1))

    scenario, reader = market(bidding), bidding.Diary([], 0.5)
    assert run() == run(report_delay_h=0.0)
    assert run() != run(report_delay_h=2.0)


@pytest.mark.parametrize("most", [1, 17])
@pytest.mark.parametrize("delay_h", [0.5, 4.0])
def test_how_many_requests_travel_together_changes_nothing(bidding, most, delay_h):
    def run(block):
        scenario = market(bidding, engine={"max_block": block}, bidders={"report_delay_h": delay_h})
        seats = {}
        for policy in (PIDSpend(), TargetROS(1.2), Throttling()):
            seats[type(policy).__name__] = Entrant(Priced(bayes(scenario, BOTH), policy), BOTH, 15.0)
        return bidding.tables(simulate(scenario, seats, 1))

    assert run(most) == run(65_536)


PACERS = [
    *(PIDSpend, AdaptivePacing, MirrorDescent, Throttling, TargetROS),
    *(lambda: AdaptivePacing(0.0), lambda: PIDCPA(1.0), lambda: TargetCPA(1.0)),
]


@pytest.mark.parametrize("delay_h", [0.0, 0.3, 6.0, 1000.0])
@pytest.mark.parametrize("pacer", PACERS)
def test_no_bidder_spends_what_it_does_not_have(bidding, pacer, delay_h):
    """The exchange knows the true budget; and one without reports does not chase a target it cannot see."""
    scenario = market(bidding, supply={"requests": 4000}, bidders={"report_delay_h": delay_h})
    seats = {"me": Entrant(Priced(bayes(scenario, BOTH), pacer()), BOTH, 100.0)}
    run = simulate(scenario, seats, 1)
    row, multiplier = run.of("me"), run.timeseries["multiplier"]
    assert 0 < row["spend"] <= 100.0
    assert row["budget_left"] == pytest.approx(100.0 - row["spend"])
    assert np.isfinite(multiplier).all()
    if delay_h == 1000.0:
        assert len(set(multiplier.tolist())) == 1, "nothing was reported, and nothing changed"


def test_the_scenarios_delay_is_that_of_all_who_have_none_of_their_own(bidding):
    seen = {"one": [], "two": []}

    class Ages(Policy):
        reads = ()

        def __init__(self, name):
            self.name = name

        def bid(self, requests):
            return np.ones(requests.n)

        def control(self, state):
            seen[self.name].append(state.report_age_h)

    scenario = market(bidding, bidders={"report_delay_h": 2.0})
    seats = {"one": Entrant(Ages("one")), "two": Entrant(Ages("two"), report_delay_h=0.0)}
    simulate(scenario, seats, 1)
    assert seen["one"] == [0.0, 1.0] + [2.0] * 22
    assert set(seen["two"]) == {0.0}


def test_pages_are_reported_once_and_in_order(bidding):
    seen = []

    class Notes(Policy):
        reads, learns = (), True

        def bid(self, requests):
            return np.ones(requests.n)

        def observe(self, feedback):
            seen.append(feedback.position.tolist())

        def control(self, state):
            assert state.requests_unreported == state.requests_seen - sum(map(len, seen))

    simulate(market(bidding), {"me": Entrant(Notes(), report_delay_h=1.5)}, 1)
    assert seen[:3] == [[], [], []]
    assert all(seen[3:])
    told = list(chain.from_iterable(seen))
    assert told == list(range(len(told)))
    assert replace(Entrant(Policy()), report_delay_h=1.0).report_delay_h == 1.0


def test_a_delay_is_a_number_of_hours(bidding):
    with pytest.raises(ValidationError, match=r"(?s)bidders\.report_delay_h.*greater than or equal to 0"):
        market(bidding, bidders={"report_delay_h": -1})

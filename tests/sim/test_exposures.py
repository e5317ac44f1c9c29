"""The column `exposures`: how often this person has seen the advertiser's ads, exactly, whatever the size of blocks."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jointbid import Entrant, Policy, Priced, bayes, simulate
from jointbid.sim import Scenario
from jointbid.sim.auctions import block_ends
from jointbid.sim.visible import TrialError

PEOPLE, REQUESTS = 40, 800


def market(max_block=65_536, **parts):
    tree = {
        "supply": {"requests": REQUESTS, "horizon_h": 24, "context_types": 3},
        "audience": {"profile_types": 2, "people": PEOPLE},
        "response": {"family": "logit", "a": -1.0, "b": 0.5, "value_per_click": 2.0, "viewability": 0.7},
        "source": {"profile": {"match_rate": 0.8}, "context": {}},
        "bidders": {"control_interval_h": 4},
        "engine": {"max_block": max_block},
    }
    return Scenario.model_validate(tree | parts)


class Watches(Policy):
    """Bids less the more often the person has seen the ad, and keeps what it is told; `more` has it asked row by row."""

    learns = True

    def __init__(self, more=()):
        self.reads, self.told = ("exposures", *more), []

    def bid(self, requests):
        return 1.0 / (1.0 + requests["exposures"])

    def observe(self, feedback):
        self.told.append((feedback.position, feedback.requests["exposures"], feedback.viewed, feedback.won))


def play(strategies, scenario):
    rows = []
    result = simulate(scenario, strategies, 3, sink=rows.append, keep_strategies=True)
    return result, {name: np.concatenate([part[name] for part in rows]) for name in rows[0]}


@pytest.mark.parametrize("more", [(), ("hour",)], ids=["by cell", "by row"])
@pytest.mark.parametrize("max_block", [1, 65_536])
def test_it_is_what_the_person_has_seen_before_this_request(more, max_block):
    entrants = {
        "me": Entrant(Watches(more)),
        "sister": Entrant(Watches(more), advertiser="me"),
        "you": Watches(more),
    }
    result, auctions = play(entrants, market(max_block))
    names = list(result.bidders["bidder"])
    for house in (("me", "sister"), ("you",)):
        seen = Counter()
        told = {}
        for name in house:
            parts = result.strategies[name].told
            positions, exposures = (np.concatenate([part[i] for part in parts]) for i in (0, 1))
            told[name] = dict(zip(positions.tolist(), exposures.tolist(), strict=True))
        for row in range(REQUESTS):
            person, winner = int(auctions["person"][row]), int(auctions["winner"][row])
            for name in house:
                assert told[name][row] == min(seen[person], 63)
            if winner >= 0 and names[winner] in house and auctions["viewed"][row]:
                seen[person] += 1
        assert max(seen.values()) > 3


@pytest.mark.parametrize("more", [(), ("hour",), ("profile", "context")])
def test_blocks_of_any_size_and_cells_or_rows_give_one_ledger(more):
    runs = [play({"me": Watches(more), "you": Watches()}, market(most)) for most in (1, 7, 65_536)]
    for result, auctions in runs[1:]:
        for name, column in auctions.items():
            np.testing.assert_array_equal(column, runs[0][1][name], name)
        for name, column in result.bidders.items():
            np.testing.assert_array_equal(column, runs[0][0].bidders[name], name)


def test_a_cap_that_a_strategy_plays_is_the_exchanges_cap():
    """Two viewed impressions a person: by the column, and by a frequency cap where each impression is seen."""

    class TwoEach(Policy):
        reads = ("exposures",)

        def bid(self, requests):
            return np.where(requests["exposures"] < 2, 1.0, 0.0)

    class Always(Policy):
        reads = ()

        def bid(self, requests):
            return np.ones(requests.n)

    response = {"family": "logit", "a": -1.0, "value_per_click": 2.0}
    played, _ = play({"me": TwoEach()}, market(response=response))
    cap = {"terms": {"caps": [{"impressions": 2, "window_h": 1_000}]}, "control_interval_h": 4}
    capped, _ = play({"me": Always()}, market(response=response, bidders=cap))
    for column in ("wins", "spend", "value", "clicks", "reach"):
        assert played.of("me")[column] == capped.of("me")[column]
    assert played.of("me")["wins"] == 2 * PEOPLE


def test_fatigue_can_be_played():
    """Where each further impression is worth much less, a bidder that knows does better on the same prices."""

    class Fresh(Policy):
        reads = ("value", "exposures")

        def bid(self, requests):
            return requests["value"] * 0.5 ** requests["exposures"]

    class Blind(Policy):
        def bid(self, requests):
            return requests["value"]

    tired = {"family": "logit", "a": 0.0, "value_per_click": 2.0, "fatigue": 0.5}
    scenario = market(response=tired, rivals={"landscape": "uniform", "high": 1.0})
    values = bayes(scenario, ("context",))
    profit = {
        kind: simulate(scenario, {"me": Priced(values, kind())}, 1).of("me")["profit"]
        for kind in (Fresh, Blind)
    }
    assert profit[Fresh] > 0 > profit[Blind]


def test_it_is_there_for_those_who_declare_it_and_where_people_are_known():
    class All(Policy):
        reads = None

        def bid(self, requests):
            assert "exposures" not in requests
            return np.ones(requests.n)

    class May(Policy):
        reads, may_read = ("context",), ("exposures",)

        def bid(self, requests):
            return np.ones(requests.n) * ("exposures" in requests)

    assert simulate(market(), {"me": All()}, 1).of("me")["wins"] == REQUESTS
    assert simulate(market(), {"me": May()}, 1).of("me")["wins"] == REQUESTS
    nobody_twice = market(audience={"profile_types": 2})
    assert simulate(nobody_twice, {"me": May()}, 1).of("me")["spend"] == 0
    with pytest.raises(TrialError, match=r"reads column 'exposures'.*requires audience\.people"):
        simulate(nobody_twice, {"me": Watches()}, 1)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=40))
def test_block_ends(people):
    person = np.array(people)
    for first, end in enumerate(block_ends(person).tolist()):
        block = people[first:end]
        assert len(set(block)) == len(block) > 0
        assert end == len(people) or people[end] in block


@pytest.mark.slow
def test_drawn_markets_with_a_bidder_that_counts_are_one_ledger(markets, spying):
    """Caps, campaigns, journeys, stocks, deadlines: whatever the market has, the column changes nothing between block sizes."""
    played = 0
    for number in range(60):
        scenario, bidders = markets.drawn(number)
        if scenario.audience.people is None or played == 6:
            continue
        played += 1
        bidders = bidders | {
            "counts": Entrant(markets.Coarse(Watches(("hour",) if number % 2 else ())), budget=5.0)
        }
        reference = markets.run(scenario, bidders, 1)
        for most in (7, 65_536):
            spying.assert_identical(
                reference, markets.run(scenario, bidders, most), f"market {number}, {most}"
            )
    assert played == 6

"""What an exchange tells of prices, and what strategies may know of their market."""

from __future__ import annotations

import numpy as np
import pytest

from jointbid import Policy, Priced, bayes, simulate
from jointbid.sim import BidError, Scenario
from jointbid.sim.scenario import StrategySpec
from jointbid.strategies.market import MarketFacts
from jointbid.strategies.policies.learned_shading import LearnedShading
from jointbid.strategies.registry import UnknownStrategyError, make


def market(tells, kind="first_price"):
    return Scenario.model_validate(
        {
            "supply": {"requests": 600, "horizon_h": 6, "context_types": 3},
            "audience": {"profile_types": 2},
            "response": {"family": "logit", "a": -1.0, "b": 0.5, "value_per_click": 2.0},
            "source": {"profile": {"match_rate": 0.8}, "context": {}},
            "rivals": {"landscape": "uniform", "high": 1.0},
            "auction": {"type": kind, "tells": tells},
            "bidders": {"control_interval_h": 1},
        }
    )


class Keeps(Policy):
    learns = True

    def __init__(self):
        self.needed, self.paid, self.won = [], [], []

    def bid(self, requests):
        return requests["value"]

    def observe(self, feedback):
        self.needed.append(feedback.minimum_bid_to_win)
        self.paid.append(feedback.price_paid)
        self.won.append(feedback.won)


def test_the_minimum_bid_is_hidden_and_nothing_else_changes():
    kept = {}
    for tells in ("minimum_bid_to_win", "price_paid"):
        scenario = market(tells)
        result = simulate(
            scenario, {"me": Priced(bayes(scenario, ("context",)), Keeps())}, 1, keep_strategies=True
        )
        policy = result.strategies["me"].policy
        kept[tells] = (
            [np.concatenate(part) for part in (policy.needed, policy.paid, policy.won)],
            result.of("me"),
        )
    (needed, *others), row = kept["minimum_bid_to_win"]
    (hidden, *same), other_row = kept["price_paid"]
    assert len(hidden) == len(needed) == 600
    assert np.isnan(hidden).all()
    assert not np.isnan(needed).any()
    for one, other in zip(others, same, strict=True):
        np.testing.assert_array_equal(one, other)
    assert row == other_row


def test_what_learns_from_prices_is_refused_and_what_learns_from_wins_plays():
    hidden = market("price_paid")
    for feedback in ("minimum_bid", "winning_price"):
        spec = StrategySpec(name="learned_shading", feedback=feedback)
        with pytest.raises(UnknownStrategyError, match=r"auction\.tells=price_paid.*allowed there: win_lose"):
            make(spec, MarketFacts.of(hidden))
        blind = Priced(bayes(hidden, ("context",)), LearnedShading(feedback=feedback))
        with pytest.raises(BidError, match=r"observe\(\) raised ValueError.*auction\.tells=price_paid"):
            simulate(hidden, {"me": blind}, 1)
    spec = StrategySpec(name="learned_shading", feedback="win_lose")
    assert simulate(
        hidden, {"me": Priced(bayes(hidden, ("context",)), make(spec, MarketFacts.of(hidden)))}, 1
    ).of("me")["wins"]


def test_facts_of_the_market():
    facts = MarketFacts.of(market("price_paid", {"first_price": 1, "vcg": 2}))
    assert (facts.types_of("profile"), facts.types_of("context")) == (2, 3)
    assert (facts.value_per_click, facts.tells) == (2.0, "price_paid")
    assert list(facts.mechanisms) == ["first_price", "vcg"]
    with pytest.raises(KeyError, match="no source 'crm' in this market; there are: profile, context"):
        facts.types_of("crm")
    assert MarketFacts.of(Scenario()).tells == "minimum_bid_to_win"

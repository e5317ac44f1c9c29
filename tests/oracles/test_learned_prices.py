"""Shading by a learned landscape, through the engine: how near it comes to shading by the known one."""

from __future__ import annotations

import numpy as np
import pytest

from jointbid.sim import simulate
from jointbid.strategies.market import MarketFacts
from jointbid.strategies.policies.learned_shading import LearnedShading
from jointbid.strategies.policies.shading import Shading

pytestmark = pytest.mark.oracle

T = 25_000
EDGES = np.linspace(0, 1, 401)
LAWS = {
    "uniform": {"landscape": "uniform", "high": 1},
    "lognormal": {"landscape": "lognormal", "mu": -1, "sigma": 0.6},
    "cube": {"landscape": "histogram", "edges": EDGES.tolist(), "weights": np.diff(EDGES**3).tolist()},
}


@pytest.fixture
def earns(scenario):
    """Utility an auction of a policy that is made from the market, first price, 3 runs with control every 250 requests."""

    def play(policy, law):
        s = scenario(
            T,
            response={"family": "private_value"},
            rivals=LAWS[law],
            auction={"type": "first_price"},
            bidders={"control_interval_requests": 250},
        )
        return (
            np.mean(
                [
                    simulate(s, {"focal": policy(MarketFacts.of(s))}, seed).of("focal")["profit"]
                    for seed in range(3)
                ]
            )
            / T
        )

    return play


@pytest.mark.parametrize(
    ("estimator", "feedback", "law", "least"),
    [
        ("kaplan_meier", "minimum_bid", "uniform", 0.99),
        ("kaplan_meier", "minimum_bid", "lognormal", 0.99),
        ("kaplan_meier", "minimum_bid", "cube", 0.97),
        ("kaplan_meier", "winning_price", "uniform", 0.95),
        ("kaplan_meier", "winning_price", "lognormal", 0.95),
        ("kaplan_meier", "winning_price", "cube", 0.94),
        ("kaplan_meier", "win_lose", "uniform", 0.93),
        ("kaplan_meier", "win_lose", "lognormal", 0.93),
        ("kaplan_meier", "win_lose", "cube", 0.9),
        ("lognormal", "minimum_bid", "lognormal", 0.99),
        ("lognormal", "winning_price", "lognormal", 0.96),
        ("lognormal", "win_lose", "lognormal", 0.95),
        ("lognormal", "win_lose", "uniform", 0.93),
    ],
)
@pytest.mark.few(1)
def test_it_earns_nearly_what_the_known_landscape_does(earns, estimator, feedback, law, least):
    """Trying costs a third of what is tried on; the more is known the nearer. Never more than the best response."""
    best = earns(Shading, law)
    got = earns(lambda market: LearnedShading(estimator, feedback, market=market), law)
    assert least * best < got < 1.002 * best
    half = earns(lambda market: LearnedShading(least=10 * T, market=market), law)  # never learns: v / 2
    if law == "cube":
        assert got > 1.5 * half


@pytest.mark.few(1)
@pytest.mark.parametrize("law", list(LAWS))
def test_taking_the_reported_prices_for_all_prices_costs_dearly(earns, law, monkeypatch):
    """Prices of wins alone look low: without the censoring the bids sink with each estimate, and so do the prices reported."""
    from jointbid.strategies.policies import learned_shading

    def naive(prices):
        return learned_shading_kaplan_meier(type(prices)(reported=prices.reported))

    learned_shading_kaplan_meier = learned_shading.kaplan_meier
    right = earns(lambda market: LearnedShading(feedback="winning_price", market=market), law)
    monkeypatch.setattr(learned_shading, "kaplan_meier", naive)
    assert earns(lambda market: LearnedShading(feedback="winning_price", market=market), law) < 0.97 * right

"""Prices that depend on the context's score, through the engine, against enumeration and quadrature.

theta = a + b x + c z + d x z with x, z = -1 or 1 and P(x, z) = (1 + q x z)/4; the price is exp(slope z) times that of the
landscape, so that its law given z is F_z. A bid b in context z earns theta F_z(b) less the payment. n = 32 replications of 25,000
requests unless said otherwise.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from scipy import integrate, optimize, stats

from jointbid import bayes, load
from jointbid.sim import simulate
from jointbid.sim.audience import law_of, scores
from jointbid.sim.response import truth
from jointbid.strategies.base import Priced
from jointbid.strategies.context_prices import market_for
from jointbid.strategies.market import MarketFacts
from jointbid.strategies.policies.fluid import FluidPacing

pytestmark = pytest.mark.oracle

A, B, C, D = 1.0, 0.3, 0.2, 0.1
SIDES = (-1, 1)
MU, SIGMA = 0.0, 0.8


def law(q):
    return {(x, z): (1 + q * x * z) / 4 for x, z in product(SIDES, SIDES)}


def theta(x, z):
    return A + B * x + C * z + D * x * z


def price(slope, z):
    return stats.lognorm(SIGMA, scale=np.exp(MU + slope * z))


def paid(prices, bid):
    """E[price; price < bid], by quadrature."""
    return integrate.quad(lambda p: p * prices.pdf(p), 0, bid, epsabs=1e-10)[0]


SEES = {"none": (), "profile": (0,), "context": (1,), "joint": (0, 1)}


def groups(arm, q):
    """What the arm tells apart -> the (x, z) that look alike, with their probabilities."""
    found = {}
    for facts, p in law(q).items():
        found.setdefault(tuple(facts[i] for i in SEES[arm]), []).append((facts, p))
    return found.values()


def parts(slope, q, **further):
    return {
        "response": {"a": A, "b": B, "c": C, "d": D, "redundancy": q},
        "source": {"profile": {}, "context": {}},
        "rivals": {"landscape": "lognormal", "mu": MU, "sigma": SIGMA, "context_slope": slope},
        **further,
    }


def second_price(arm, slope, q):
    total = 0.0
    for alike in groups(arm, q):
        bid = sum(p * theta(*facts) for facts, p in alike) / sum(p for _, p in alike)
        for (x, z), p in alike:
            prices = price(slope, z)
            total += p * (theta(x, z) * prices.cdf(bid) - paid(prices, bid))
    return total


@pytest.mark.few(1)
@pytest.mark.parametrize(("slope", "q"), [(0.3, 0.0), (0.3, 0.4), (-0.6, 0.0)])
def test_second_price(scenario, profit, lands, slope, q):
    """All bid what they think it worth; one who does not see the context wins it where it is cheap, good or not."""
    market = scenario(**parts(slope, q))
    expected = {arm: second_price(arm, slope, q) for arm in SEES}
    for arm, value in expected.items():
        lands(profit(market, arm), value)
    for less in ("context", "profile"):
        lands(profit(market, "joint") - profit(market, less), expected["joint"] - expected[less])


def test_the_dependence_moves_the_value_of_the_context_by_much():
    """The test above could tell a market without it: with good contexts cheap, who does not see them wins them anyhow."""
    with_it, without = (
        second_price("context", slope, 0.0) - second_price("none", slope, 0.0) for slope in (-0.6, 0.0)
    )
    assert with_it < 0.8 * without


def first_price(arm, slope, q):
    """The best bid for the value against F_z where z is seen, against the mixture where it is not."""
    total = 0.0
    for alike in groups(arm, q):
        value = sum(p * theta(*facts) for facts, p in alike) / sum(p for _, p in alike)
        met = [price(slope, alike[0][0][1])] if 1 in SEES[arm] else [price(slope, z) for z in SIDES]
        bid = optimize.minimize_scalar(
            lambda b, v=value, met=met: -(v - b) * np.mean([law.cdf(b) for law in met]),
            bounds=(0, value),
            method="bounded",
            options={"xatol": 1e-9},
        ).x
        total += sum(p * (theta(x, z) - bid) * price(slope, z).cdf(bid) for (x, z), p in alike)
    return total


@pytest.mark.parametrize(("slope", "q"), [(0.5, 0.0), (-0.5, 0.4)])
def test_first_price_shading(scenario, profit, lands, slope, q):
    market = scenario(
        **parts(slope, q), auction={"type": "first_price"}, bidders={"strategy": {"name": "shading"}}
    )
    for arm in SEES:
        lands(profit(market, arm), first_price(arm, slope, q))


def test_first_price_shading_on_a_context_that_is_seen_in_part(scenario, profit, lands):
    """Records are right with probability .8, and matched in half of one context and in all of the other.

    The price law given the code is the mixture with P(z | code), by Bayes.
    """
    slope, right, covered = 0.7, 0.8, {-1: 0.5, 1: 1.0}
    source = {"profile": {}, "context": {"accuracy": right, "coverage": tuple(covered.values())}}
    market = scenario(
        **parts(slope, 0.0, source=source),
        auction={"type": "first_price"},
        bidders={"strategy": {"name": "shading"}},
    )
    expected = 0.0
    for code in (*SIDES, None):
        shown = {
            z: (1 - covered[z]) if code is None else covered[z] * (right if code == z else 1 - right)
            for z in SIDES
        }
        given = {z: shown[z] / sum(shown.values()) for z in SIDES}
        value = sum(given[z] * (A + C * z) for z in SIDES)
        bid = optimize.minimize_scalar(
            lambda b, v=value, given=given: (
                -(v - b) * sum(w * price(slope, z).cdf(b) for z, w in given.items())
            ),
            bounds=(0, value),
            method="bounded",
            options={"xatol": 1e-9},
        ).x
        expected += sum(
            0.5 * shown[z] * (theta(x, z) - bid) * price(slope, z).cdf(bid) / 2 for x in SIDES for z in SIDES
        )
    lands(profit(market, "context"), expected)


def test_fluid_pacing_knows_where_prices_are_high(scenario):
    """One plan for the whole run spends rho a request where it knows the price law of each context, and not where it does not."""
    slope, rho = 1.0, 0.15
    s = scenario(**parts(slope, 0.0, bidders={"control_interval_requests": 500}))

    class Planned(FluidPacing):
        def control(self, state):
            super().control(replace(state, budget=rho * s.supply.requests))

    def spends(market):
        brain = Priced(bayes(s, ("profile", "context")), Planned(market, plan="whole", mu=1.0))
        runs = [simulate(s, {"focal": brain}, seed).of("focal")["spend"] for seed in range(4)]
        return np.mean(runs) / s.supply.requests

    assert spends(market_for(s, ("profile", "context"))) == pytest.approx(rho, rel=0.02)
    assert spends(MarketFacts.of(s)) < 0.95 * rho


def enumerated(s, names):
    """Profit a request in the default market: codes enumerated, the charge, floor or rival, by quadrature."""
    world, facts = law_of(s), {"profile": 0, "context": 1, "history": 2}
    weight, worth, letters = world, world * truth(s).theta, ""
    tables = []
    for axis, name in enumerate(names):
        rate, types = s.source[name].match_rate, world.shape[facts[name]]
        shown = np.vstack([rate * np.eye(types), np.full(types, 1 - rate)])
        letters += f",{'abc'[axis]}{'xzh'[facts[name]]}"
        tables.append(shown)
    out = "abc"[: len(names)]
    weight, worth = (np.einsum(f"xzh{letters}->z{out}", each, *tables) for each in (weight, worth))
    total, mass = worth.sum(axis=0), weight.sum(axis=0)
    value = np.log(np.divide(total, mass, out=np.full_like(mass, 1e-6), where=mass > 0))
    grid = np.linspace(-18.0, 0.0, 6001)
    middle = np.exp((grid[1:] + grid[:-1]) / 2)
    supply, rivals = s.supply, s.rivals
    floor = 1 - supply.floor_share * stats.norm.sf((grid - supply.floor_mu) / supply.floor_sigma)
    total = 0.0
    for z, score in enumerate(scores(supply.context_types)):
        at = (grid - rivals.mu - rivals.context_slope * score) / rivals.sigma
        charge = stats.norm.cdf(at) * floor
        cost = np.concatenate([[0.0], np.cumsum(middle * np.diff(charge))])
        total += np.sum(worth[z] * np.interp(value, grid, charge) - weight[z] * np.interp(value, grid, cost))
    return total


@pytest.mark.parametrize("slope", [0.17, 0.4])
def test_the_default_market(profit, lands, slope):
    """n = 8 replications of 100,000 requests."""
    s = load("default", f"rivals.context_slope={slope}")
    arms = {
        "joint": ("profile", "context", "history"),
        "context+history": ("context", "history"),
        "context": ("context",),
        "profile": ("profile",),
    }
    got = {arm: profit(s, arm, replications=8) for arm in arms}
    expected = {arm: enumerated(s, names) for arm, names in arms.items()}
    for arm, value in expected.items():
        lands(got[arm], value)
    for silo in ("context+history", "context"):
        lands(got["joint"] - got[silo], expected["joint"] - expected[silo])

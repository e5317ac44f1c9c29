"""What waiting costs: answers that come too late for the exchange, and conversions that come too late to be known.

A deadline tmax, an answer time t0 and a look-up that takes Exp(l) let a bid through with probability 1 - exp(-(tmax-t0)/l),
for any worth: U = (1 - exp(-(tmax-t0)/l)) U_J. The market is the base example of one bidder against a fixed price:
theta = 1 + .3 x + .2 z + .1 x z, p ~ U[0, 2]; U_context = .26, U_profile = .2725, U_joint = .285. n = 12 replications of
25,000 requests, the same in every arm: differences are paired.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy import integrate, stats

from jointbid.sim import simulate
from jointbid.strategies.base import Priced
from jointbid.strategies.policies.linear import Truthful
from jointbid.strategies.valuations.bayes import bayes

pytestmark = pytest.mark.oracle
REPLICATIONS = 12

M, U_CONTEXT, U_PROFILE, U_JOINT = 2.0, 0.26, 0.2725, 0.285
BREAK_EVEN = 1 - U_CONTEXT / U_JOINT
BASE = {"a": 1.0, "b": 0.3, "c": 0.2, "d": 0.1}


@pytest.fixture
def waiting(scenario):
    """The base example with a deadline; `context_ms` is a look-up of the other source."""

    def build(lookup, t0=20.0, tmax=100.0, context_ms=0.0, response=BASE, high=M, **auction):
        return scenario(
            response=response,
            source={"profile": {"lookup_latency_ms": lookup}, "context": {"lookup_latency_ms": context_ms}},
            rivals={"landscape": "uniform", "high": high},
            auction={"tmax_ms": tmax, **auction},
            bidders={"answer_ms": t0},
        )

    return build


@pytest.mark.parametrize(
    ("lookup", "t0", "tmax"), [(20, 20, 100), (40, 20, 100), (40, 60, 100), (150, 5, 80), (10, 0, 5)]
)
def test_what_is_late_is_lost(profit, lands, waiting, lookup, t0, tmax):
    """In time with probability 1 - exp(-(tmax-t0)/l), in every arm that reads the profile, and in no other."""
    s, in_time = waiting(lookup, t0, tmax), 1 - np.exp(-(tmax - t0) / lookup)
    lands(profit(s, "joint"), in_time * U_JOINT)
    lands(profit(s, "profile"), in_time * U_PROFILE)
    lands(profit(s, "context"), U_CONTEXT)
    at_once = waiting(0, t0, tmax)
    lost = profit(at_once, "joint") - profit(s, "joint")
    lands(lost, (1 - in_time) * U_JOINT, resolution=max((1 - in_time) * U_JOINT / 4, 2e-3))
    assert profit(s, "context").tolist() == profit(at_once, "context").tolist()


def test_a_deadline_before_the_answer_leaves_nothing(profit, waiting):
    assert not profit(waiting(1, t0=101.0), "joint").any()
    assert not profit(waiting(1, t0=101.0), "context").any()


@pytest.mark.parametrize(("one", "two"), [(30.0, 20.0), (60.0, 5.0)])
def test_two_lookups_one_after_the_other(profit, lands, waiting, one, two):
    """Two exponential times in sequence: P(late) = (l1 exp(-T/l1) - l2 exp(-T/l2))/(l1 - l2), T = tmax - t0."""
    late = (one * np.exp(-80 / one) - two * np.exp(-80 / two)) / (one - two)
    s = waiting(one, context_ms=two)
    lands(profit(s, "joint"), (1 - late) * U_JOINT)
    lands(profit(s, "context"), (1 - np.exp(-80 / two)) * U_CONTEXT)


def test_in_a_first_price_auction_half_as_much_is_lost(profit, lands, waiting):
    """Against U[0, M] the best bid is half the value, and all utilities are halved, what is late among them."""
    s, in_time = waiting(40, type="first_price"), 1 - np.exp(-2)
    lands(profit(s, "joint"), in_time * U_JOINT / 2)


def test_joining_pays_up_to_a_share_of_late_answers_of_1_minus_context_over_joint(profit, lands, waiting):
    """8.8 % in the base example: at .8 points less it still pays, at .8 points more it does not; both shown by the pairs."""
    assert pytest.approx(0.0877, abs=1e-4) == BREAK_EVEN
    for late, sign in ((BREAK_EVEN - 0.008, 1), (BREAK_EVEN + 0.008, -1)):
        s = waiting(-80 / np.log(late))
        gain = profit(s, "joint") - profit(s, "context")
        lands(gain, (1 - late) * U_JOINT - U_CONTEXT, resolution=2e-3)
        error = gain.std(ddof=1) / np.sqrt(len(gain))
        assert sign * gain.mean() > stats.t.isf(stats.norm.sf(4), len(gain) - 1) * error
    s = waiting(-80 / np.log(BREAK_EVEN))
    lands(profit(s, "joint") - profit(s, "context"), 0.0, resolution=2e-3)


@pytest.mark.parametrize(
    ("a", "b", "c", "d", "high", "t0", "tmax"),
    [(1.2, -0.5, 0.3, 0.2, 2.5, 15.0, 75.0), (2.0, 0.4, 0.6, -0.3, 4.0, 30.0, 250.0)],
)
def test_elsewhere_too_late_is_lost_and_joining_pays_until_it_does_not(
    profit, lands, waiting, a, b, c, d, high, t0, tmax
):
    """U_J = (a^2+b^2+c^2+d^2)/(2M), U_C = (a^2+c^2)/(2M): the last share of late answers is (b^2+d^2)/(a^2+b^2+c^2+d^2).

    One point of late answers less it pays, one more it does not; by the pairs of 32 replications, at z = 4.
    """
    context, joint = (a**2 + c**2) / (2 * high), (a**2 + b**2 + c**2 + d**2) / (2 * high)
    for late, sign in ((1 - context / joint - 0.01, 1), (1 - context / joint + 0.01, -1)):
        lookup = -(tmax - t0) / np.log(late)
        s = waiting(lookup, t0, tmax, response={"a": a, "b": b, "c": c, "d": d}, high=high)
        lands(profit(s, "joint", replications=32), (1 - late) * joint, resolution=0.01 * joint)
        gain = profit(s, "joint", replications=32) - profit(s, "context", replications=32)
        lands(gain, (1 - late) * joint - context, resolution=0.01 * joint)
        error = gain.std(ddof=1) / np.sqrt(len(gain))
        assert sign * gain.mean() > stats.t.isf(stats.norm.sf(4), len(gain) - 1) * error


def test_more_haste_never_costs(profit, waiting):
    """The same coins at every speed: who is late at a short look-up is late at a longer one, so that wins only fall."""
    wins = [profit(waiting(lookup), "joint", metric="wins") for lookup in (10.0, 25.0, 40.0, 90.0)]
    assert all((fast >= slow).all() for fast, slow in pairwise(wins))
    assert (wins[0] > wins[-1]).all()


# conversions that are not yet known


HORIZON = 24.0
LAWS = {
    "exponential": ({"law": "exponential", "mean": 10.0}, stats.expon(scale=10.0)),
    "soon or never": ({"law": "weibull", "mean": 12.0, "shape": 0.5}, stats.weibull_min(0.5, scale=6.0)),
    "after a day": (
        {"law": "lognormal", "mean": 20.0, "shape": 0.7},
        stats.lognorm(0.7, scale=20 * np.exp(-0.245)),
    ),
    "always the same": ({"mean": 9.0}, stats.uniform(9.0, 1e-9)),
    "as measured": (
        {"law": "empirical", "points": [[0, 0], [0.35, 1], [0.5, 24], [1, 720]]},
        stats.rv_histogram((np.array([0.35, 0.15, 0.5]), np.array([0.0, 1.0, 24.0, 720.0])), density=False),
    ),
}


def sold(scenario, delay, window_h):
    """(conversions known, censored, unattributed) in each of 32 replications of 3,000 impressions, nine in ten sold by a click."""
    response = {
        "family": "logit",
        "a": 2.0,
        "conversion": {"a": 3.0, "delay_h": delay, "click_window_h": window_h},
    }
    s = scenario(3000, {"horizon_h": HORIZON}, response=response)
    bidders = {"focal": Priced(bayes(s, ()), Truthful())}
    kinds = ("conversions", "conversions_censored", "conversions_unattributed")
    return np.array([[simulate(s, bidders, 1, r).of("focal")[kind] for kind in kinds] for r in range(32)])


@pytest.mark.slow
def test_the_share_of_exponential_conversions_that_is_known_has_its_closed_form(scenario, lands):
    """Requests spread evenly over T, delays of mean m: 1 - (m/T)(1 - exp(-T/m))."""
    for m in (2.0, 10.0, 60.0):
        counts = sold(scenario, {"law": "exponential", "mean": m}, 720.0 * 12)
        known = 1 - (m / HORIZON) * -np.expm1(-HORIZON / m)
        lands(counts[:, 0] / counts.sum(axis=1), known, resolution=0.01)
        lands(counts[:, 1] / counts.sum(axis=1), 1 - known, resolution=0.01)
        assert not counts[:, 2].any()


@pytest.mark.parametrize("window", [3.0, 15.0, 90.0])
@pytest.mark.parametrize("law", LAWS)
@pytest.mark.few(3)
def test_what_is_known_in_time_and_what_is_not(scenario, lands, law, window):
    """With F the delay's law and a window W: F(W) is the ad's; known is the mean of F(min(W, T - t)) over the day."""
    delay, F = LAWS[law]
    counts = sold(scenario, delay, window)
    edge = min(window, HORIZON)
    early = integrate.quad(F.cdf, 0, edge, points=[1.0, min(9.0, edge / 2)], limit=200)[0]
    known = ((HORIZON - edge) * F.cdf(window) + early) / HORIZON
    everything = counts.sum(axis=1)
    lands(counts[:, 0] / everything, known, resolution=0.01)
    lands(counts[:, 1] / everything, F.cdf(window) - known, resolution=0.01)
    lands(counts[:, 2] / everything, 1 - F.cdf(window), resolution=0.01)

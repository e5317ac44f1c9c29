"""What must not matter, and what can only help: markets that differ in one thing, replication by replication (theory.md, section 5).

6 replications of 10,000 requests an example, the same requests in both markets (20, where both are equal in law alone); parameters are drawn.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.oracle

few = settings(max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
sizes = st.sampled_from([-0.5, -0.35, -0.2, 0.2, 0.3, 0.45])
redundancies = st.sampled_from([-0.5, 0.0, 0.3, 0.6])
R, N = 6, 10_000
PLAIN = {"profile": {}, "context": {}}


@pytest.fixture
def world(scenario):
    """Additive values and sources against a uniform landscape, or against two live rivals who hold nothing."""

    def build(b, c, d, q=0.0, source=PLAIN, *, live=False):
        a = 1.5 * (abs(b) + abs(c) + abs(d)) + 0.2
        return scenario(
            requests=N,
            response={"a": a, "b": b, "c": c, "d": d, "q": q},
            source=source,
            rivals={} if live else {"landscape": "uniform", "high": 2 * a},
            bidders={"count": 3 if live else 1, "strategy": "truthful"},
        )

    return build


@pytest.fixture
def earned(profit):
    """What the focal bidder earns in an arm, per request; shape (R,)."""
    return lambda market, arm, replications=R: profit(market, arm, replications=replications)


def same(one, other):
    """Equal in every replication, but for the last bits of sums."""
    return np.allclose(one, other, rtol=0, atol=1e-9)


@few
@given(b=sizes, c=sizes, d=sizes, q=redundancies, live=st.booleans())
def test_two_copies_of_one_source_are_worth_one(world, earned, b, c, d, q, live):
    copy = {"profile": {}, "copy": {"shows": "profile", "owner": "agency"}, "context": {}}
    two, one = world(b, c, d, q, copy, live=live), world(b, c, d, q, live=live)
    assert same(earned(two, "profile+copy"), earned(one, "profile"))
    assert same(earned(two, "copy"), earned(one, "profile"))
    assert same(earned(two, "joint"), earned(one, "joint"))
    assert not same(earned(one, "joint"), earned(one, "profile"))


@few
@given(b=sizes, c=sizes, d=sizes, q=redundancies, live=st.booleans())
def test_the_order_of_sources_does_not_matter(world, earned, b, c, d, q, live):
    """Sources with faults of their own keep them wherever they stand; only the names of their sets turn round."""
    faults = {
        "profile": {"match_rate": 0.7, "false_match_rate": 0.1},
        "context": {"accuracy": 0.8},
        "segments": {"shows": "profile", "owner": "agency", "accuracy": 0.75},
    }
    turned = dict(reversed(faults.items()))
    one, other = world(b, c, d, q, faults, live=live), world(b, c, d, q, turned, live=live)
    for arm in ("none", "profile", "stacked", "summed", "joint"):
        assert same(earned(one, arm), earned(other, arm)), arm
    assert same(earned(one, "profile+context"), earned(other, "context+profile"))


@few
@given(b=sizes, c=sizes, d=sizes, q=redundancies)
def test_what_sources_are_called_does_not_matter(world, earned, b, c, d, q):
    called = {"crm": {"shows": "profile", "owner": "cio"}, "page": {"shows": "context", "owner": "cmo"}}
    one, other = world(b, c, d, q), world(b, c, d, q, called)
    for arm, theirs in {"profile": "crm", "context": "page", "stacked": "stacked", "joint": "joint"}.items():
        assert same(earned(one, arm), earned(other, theirs)), arm


@few
@given(b=sizes, c=sizes, d=sizes, q=redundancies)
def test_signs_of_the_profile_are_a_matter_of_names(world, earned, lands, b, c, d, q):
    """x -> -x with b, d and q -> -b, -d and -q: the same in law, so equal up to simulation error."""
    one, other = world(b, c, d, q), world(-b, c, -d, -q)
    unit = (b * b + c * c + d * d) / (2 * one.rivals.high)
    for arm, silo in (("joint", "context"), ("joint", "profile"), ("stacked", "none")):
        here, there = (earned(market, arm, 20) - earned(market, silo, 20) for market in (one, other))
        lands(here - there, 0.0, resolution=0.3 * unit)


@few
@given(b=sizes, c=sizes, d=sizes)
def test_every_further_match_helps_in_every_replication(world, earned, b, c, d):
    """A person who is matched stays so at a higher rate, and who knows theta bids best: the curve rises pathwise, no mean is needed."""
    for knob in ("match_rate", "coverage"):
        rates = (0.0, 0.2, 0.5, 0.9, 1.0)
        curve = [earned(world(b, c, d, 0.0, {"profile": {knob: m}, "context": {}}), "joint") for m in rates]
        for low, high in pairwise(curve):
            assert (high > low).all(), knob
        assert same(curve[0], earned(world(b, c, d), "context"))
        assert same(curve[-1], earned(world(b, c, d), "joint"))


@few
@given(b=sizes, c=sizes, live=st.booleans())
def test_what_adds_up_may_be_added(world, earned, b, c, live):
    """d = 0 and q = 0: summed, stacked and joint bid the same."""
    market = world(b, c, 0.0, live=live)
    for arm in ("summed", "stacked"):
        assert same(earned(market, arm), earned(market, "joint")), arm

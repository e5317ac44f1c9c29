"""Sources that match some people, show the wrong ones, or show old facts.

q = 0; the price is U[0, M]; bids stay in [0, M]. n = 12 replications of 25,000 requests. All arms of a scenario meet the
same requests, and scenarios that differ in a source alone do too: differences are paired.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest

pytestmark = pytest.mark.oracle
REPLICATIONS = 12


class World(NamedTuple):
    a: float = 1.0
    b: float = 0.3
    c: float = 0.2
    d: float = 0.1
    M: float = 2.0

    def calibrated(self, r2):
        """U of both sources, the profile with squared correlation r^2: (a^2+c^2+r^2(b^2+d^2))/(2M)."""
        return (self.a**2 + self.c**2 + r2 * (self.b**2 + self.d**2)) / (2 * self.M)

    def naive(self, r):
        """U where it is taken for fresh: (a^2+c^2+(2r-1)(b^2+d^2))/(2M)."""
        return self.calibrated(2 * r - 1)

    @property
    def context(self):
        return self.calibrated(0.0)


BASE = World()
OTHER = World(2.0, -0.6, 0.3, 0.2, 4.0)
WORLDS = pytest.mark.parametrize("world", [BASE, OTHER], ids=["base", "other"])


@pytest.fixture
def visible(scenario):
    """A scenario of a world whose profile source has these faults."""

    def build(world, profile, **supply):
        a, b, c, d, M = world
        return scenario(
            response={"a": a, "b": b, "c": c, "d": d},
            source={"profile": profile, "context": {}},
            rivals={"landscape": "uniform", "high": M},
            supply=supply,
        )

    return build


# item 6: matching


@pytest.mark.few(3)
@WORLDS
@pytest.mark.parametrize("m", [0.15, 0.6, 0.9])
def test_utility_is_linear_in_the_match_rate(visible, profit, lands, world, m):
    """U(m) = m U_J + (1-m) U_C."""
    s = visible(world, {"match_rate": m})
    step = world.calibrated(1.0) - world.context
    lands(profit(s, "joint"), world.context + m * step)
    lands(profit(s, "joint") - profit(s, "context"), m * step)
    lands(profit(s, "profile") - profit(s, "none"), m * world.b**2 / (2 * world.M))


@pytest.mark.few(2)
@WORLDS
@pytest.mark.parametrize("m", [(0.9, 0.3), (0.0, 0.8), (0.35, 1.0)])
def test_matching_that_depends_on_the_person(visible, profit, lands, world, m):
    """ "Unmatched" is a signal: E[x|unmatched] = ((1-m+)-(1-m-))/((1-m+)+(1-m-)); `match_rate` is (m-, m+)."""
    a, b, c, d, M = world
    low, high = m
    unmatched = ((1 - high) + (1 - low)) / 2
    x = ((1 - high) - (1 - low)) / (2 * unmatched)
    seen = [(low / 2, -1.0), (high / 2, 1.0), (unmatched, x)]
    profile = sum(p * (a + b * xhat) ** 2 for p, xhat in seen) / (2 * M)
    joint = profile + sum(p * (c + d * xhat) ** 2 for p, xhat in seen) / (2 * M)
    s = visible(world, {"match_rate": m})
    lands(profit(s, "profile"), profile)
    lands(profit(s, "joint"), joint)
    lands(profit(s, "profile") - profit(s, "none"), profile - a**2 / (2 * M))
    lands(profit(s, "joint") - profit(s, "context"), joint - world.context)


@pytest.mark.few(2)
@WORLDS
@pytest.mark.parametrize("e", [0.1, 0.4, 0.8])
def test_false_matches_cost_correlation(visible, profit, lands, world, e):
    """A random person's profile with probability e: r = 1 - e."""
    r = 1 - e
    step = world.b**2 + world.d**2
    s = visible(world, {"false_match_rate": e})
    lands(
        profit(s, "joint") - profit(s, "context"),
        r**2 * step / (2 * world.M),
        resolution=max(r**2 / 4, 0.04) * step / (2 * world.M),
    )
    s = visible(world, {"false_match_rate": e, "use": "naive"})
    lands(profit(s, "joint"), world.naive(r))
    lands(
        profit(s, "joint") - profit(s, "context"), (2 * r - 1) * step / (2 * world.M), resolution=0.2 * step
    )


@pytest.mark.parametrize(("m", "e", "age"), [(0.7, 0.2, 0.0), (0.5, 0.1, 0.8)])
def test_faults_multiply(visible, profit, lands, m, e, age):
    """Matched with m, of these false with e, and `age` old: m times the worth of r = (1-e) exp(-2 lam age)."""
    s = visible(BASE, {"match_rate": m, "false_match_rate": e, "flip_rate_per_h": 0.25, "latency_h": age})
    r = (1 - e) * np.exp(-2 * 0.25 * age)
    lands(profit(s, "joint") - profit(s, "context"), m * (BASE.calibrated(r**2) - BASE.context))


# item 7: staleness


@pytest.mark.few(3)
@WORLDS
@pytest.mark.parametrize(("rate", "age"), [(0.25, 1.0), (0.25, 3.0), (0.05, 2.5)])
def test_a_stale_copy(visible, profit, lands, world, rate, age):
    """r = exp(-2 lam T): the profile's worth decays as exp(-4 lam T) if calibrated, and can fall below 0 if naive."""
    r = np.exp(-2 * rate * age)
    copy = {"flip_rate_per_h": rate, "latency_h": age}
    step = (world.b**2 + world.d**2) / (2 * world.M)
    s = visible(world, copy)
    lands(profit(s, "joint"), world.calibrated(r**2))
    lands(profit(s, "joint") - profit(s, "context"), r**2 * step, resolution=max(r**2 / 4, 0.08) * step)
    naive = visible(world, {**copy, "use": "naive"})
    lands(profit(naive, "joint"), world.naive(r))
    lands(profit(s, "joint") - profit(naive, "joint"), (1 - r) ** 2 * step, resolution=(1 - r) * step / 3)


def test_stale_numbers_are_those_of_the_table():
    r = np.exp(-0.5)
    assert (BASE.calibrated(r**2), BASE.naive(r)) == pytest.approx((0.269197, 0.265327), abs=6e-7)
    assert BASE.calibrated(refreshed(0.25, 2.0, 0.0)) == pytest.approx(0.270808, abs=6e-7)


@pytest.mark.few(3)
@WORLDS
@pytest.mark.parametrize(("age", "sign"), [(0.7, 1), (1.1, 1), (1.8, -1), (3.0, -1)])
def test_used_naively_it_does_worse_than_no_profile_once_r_is_below_a_half(visible, profit, world, age, sign):
    """r = 1/2 at T = ln 2/(2 lam) = 1.386 h for lam = .25; five standard errors away from 0 on either side."""
    s = visible(world, {"flip_rate_per_h": 0.25, "latency_h": age, "use": "naive"}, requests=50_000)
    gain = profit(s, "joint") - profit(s, "context")
    assert sign * gain.mean() > 5 * gain.std(ddof=1) / np.sqrt(len(gain))


def refreshed(rate, every, latency):
    """Mean r^2 over the cycle: exp(-4 lam L)(1-exp(-4 lam D))/(4 lam D)."""
    return np.exp(-4 * rate * latency) * (1 - np.exp(-4 * rate * every)) / (4 * rate * every)


@pytest.mark.few(3)
@WORLDS
@pytest.mark.parametrize(
    ("rate", "every", "latency", "horizon"),
    [(0.25, 2.0, 0.0, 24.0), (0.1, 3.0, 1.3, 24.0), (0.6, 0.5, 0.2, 1.0), (0.15, 2.5, 4.0, 10.0)],
)
def test_a_copy_refreshed_on_a_clock(visible, profit, lands, world, rate, every, latency, horizon):
    """Refresh every D, latency L; the horizon is a multiple of D, so that requests spread evenly over the cycle.

    Age known: the mean of r^2 counts. Unknown: the square of the mean of r. Naive: the mean of r.
    """
    copy = {"flip_rate_per_h": rate, "sync_interval_h": every, "latency_h": latency}
    mean_r = refreshed(rate / 2, every, latency)
    step = (world.b**2 + world.d**2) / (2 * world.M)
    known = visible(world, copy, horizon_h=horizon)
    unknown = visible(world, {**copy, "age_known": False}, horizon_h=horizon)
    naive = visible(world, {**copy, "use": "naive"}, horizon_h=horizon)
    r2 = refreshed(rate, every, latency)
    lands(profit(known, "joint"), world.calibrated(r2))
    lands(profit(known, "joint") - profit(known, "context"), r2 * step, resolution=0.08 * step)
    lands(profit(unknown, "joint") - profit(unknown, "context"), mean_r**2 * step, resolution=0.08 * step)
    lands(profit(naive, "joint") - profit(naive, "context"), (2 * mean_r - 1) * step, resolution=0.1 * step)
    lands(
        profit(known, "joint") - profit(unknown, "joint"),
        (r2 - mean_r**2) * step,
        resolution=max((r2 - mean_r**2) / 2, 0.04) * step,
    )

"""How long things take: five laws, their quantiles, distributions and means."""

from __future__ import annotations

from itertools import pairwise
from typing import get_args

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import integrate, stats

from jointbid.sim.delays import LAWS as LAWS_BY_NAME
from jointbid.sim.delays import cdf, quantile
from jointbid.sim.scenario import Delay
from jointbid.sim.scenario.delay import LawName

MEANS = st.floats(1e-3, 1e4)
POINTS = [(0.0, 0.0), (0.35, 1.0), (0.5, 24.0), (1.0, 720.0)]
RISING = st.builds(
    lambda shares, gaps: Delay(
        law="empirical",
        points=tuple(
            zip([0.0, *sorted(shares), 1.0], np.cumsum(gaps[: len(shares) + 2]).tolist(), strict=True)
        ),
    ),
    st.sets(st.floats(0.01, 0.99), max_size=5),
    st.lists(st.floats(0.5, 50), min_size=7, max_size=7),
)
SMOOTH = st.one_of(
    st.builds(Delay, law=st.just("exponential"), mean=MEANS),
    st.builds(Delay, law=st.just("weibull"), mean=MEANS, shape=st.floats(0.3, 5)),
    st.builds(Delay, law=st.just("lognormal"), mean=MEANS, shape=st.floats(0.1, 3)),
    RISING,
)
LAWS = [
    Delay(law="constant", mean=3.0),
    Delay(law="exponential", mean=0.4),
    Delay(law="weibull", mean=24.0, shape=0.6),
    Delay(law="weibull", mean=5.0, shape=2.5),
    Delay(law="lognormal", mean=80.0, shape=1.1),
    Delay(law="empirical", points=POINTS),
]
KNOWN = {
    "exponential": lambda d: stats.expon(scale=d.mean),
    "weibull": lambda d: stats.weibull_min(d.shape, scale=d.mean / stats.weibull_min(d.shape).mean()),
    "lognormal": lambda d: stats.lognorm(d.shape, scale=d.mean / stats.lognorm(d.shape).mean()),
}


@given(SMOOTH, st.floats(0.001, 0.999))
def test_quantile_and_distribution_are_inverse(delay, u):
    time = quantile(delay, np.array([u]))
    assert cdf(delay, float(time[0])) == pytest.approx(u, rel=1e-9)
    assume(time[0] > 0)
    assert quantile(delay, np.array([cdf(delay, float(time[0]))])) == pytest.approx(time, rel=1e-6)


@given(SMOOTH, st.lists(st.floats(0, 0.999999), min_size=2, max_size=9))
def test_more_of_the_probability_takes_no_less_time(delay, u):
    times = quantile(delay, np.sort(np.array(u)))
    assert (np.diff(times) >= 0).all()
    assert times[0] >= 0
    assert np.isfinite(times).all()


@pytest.mark.parametrize("delay", LAWS, ids=str)
def test_the_mean_is_what_is_said(delay):
    """The integral of the quantile over (0, 1); of an empirical law, the mean of its straight lines."""
    mean, _ = integrate.quad(
        lambda u: float(quantile(delay, np.array([u]))[0]), 0, 1, limit=500, points=[0.35, 0.5]
    )
    lines = sum((b - a) * (s + t) / 2 for (a, s), (b, t) in pairwise(POINTS))
    assert mean == pytest.approx(lines if delay.law == "empirical" else delay.mean, rel=1e-4)


@pytest.mark.parametrize("delay", [d for d in LAWS if d.law in KNOWN], ids=str)
def test_laws_are_those_of_the_books(delay):
    law, u = KNOWN[delay.law](delay), np.linspace(0, 0.9999, 50)
    assert quantile(delay, u) == pytest.approx(law.ppf(u))
    times = delay.mean * np.array([0.0, 0.01, 0.5, 1.0, 7.0])
    assert [cdf(delay, t) for t in times] == pytest.approx(law.cdf(times))


def test_times_that_have_a_probability_of_their_own():
    """A constant, and the flat pieces of an empirical law: all of it has come by then."""
    assert quantile(LAWS[0], np.array([0.0, 0.7])).tolist() == [3.0, 3.0]
    assert [cdf(LAWS[0], t) for t in (2.999, 3.0)] == [0.0, 1.0]
    lumpy = Delay(law="empirical", points=((0.0, 0.0), (0.25, 0.0), (0.5, 2.0), (0.9, 2.0), (1.0, 4.0)))
    assert [cdf(lumpy, t) for t in (-1.0, 0.0, 1.0, 1.999999, 2.0, 3.0, 4.0, 9.0)] == pytest.approx(
        [0.0, 0.25, 0.375, 0.5, 0.9, 0.95, 1.0, 1.0], abs=1e-6
    )
    assert quantile(lumpy, np.array([0.1, 0.375, 0.6, 0.95])) == pytest.approx([0.0, 1.0, 2.0, 3.0])


@pytest.mark.parametrize("law", ["constant", "exponential", "weibull", "lognormal"])
def test_a_mean_of_nothing_is_no_delay(law):
    none = Delay(law=law, mean=0.0)
    assert none.is_none
    assert quantile(none, np.array([0.0, 0.9])).tolist() == [0.0, 0.0]
    assert cdf(none, 0.0) == 1.0


@pytest.mark.parametrize(
    "points",
    [
        [(0.0, 1.0), (0.5, 0.5), (1.0, 2.0)],  # times fall
        [(0.0, 1.0), (0.6, 1.0), (0.5, 2.0), (1.0, 3.0)],  # shares fall
        [(0.0, 1.0), (0.5, 1.0), (0.5, 2.0), (1.0, 3.0)],  # a share twice
        [(0.1, 0.0), (1.0, 2.0)],  # from share .1
        [(0.0, 0.0), (0.9, 2.0)],  # to share .9
        [(0.0, 1.0)],
    ],
)
def test_points_that_do_not_rise_from_nothing_to_all_are_refused(points):
    with pytest.raises(ValueError, match=r"points must rise, from share 0 to share 1: \[\[0, 0\]"):
        Delay(law="empirical", points=points)


@pytest.mark.parametrize("wrong", [{"law": "empirical"}, {"law": "weibull", "mean": 1, "points": POINTS}])
def test_points_belong_to_one_law(wrong):
    with pytest.raises(ValueError, match="points belong to law=empirical, which needs them"):
        Delay(**wrong)


def test_every_law_of_a_scenario_is_worked_out():
    assert set(LAWS_BY_NAME) == set(get_args(LawName))

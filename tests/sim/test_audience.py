from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jointbid.sim import Scenario
from jointbid.sim.audience import Visits, draw_types, joint_law, scores
from jointbid.sim.response import truth
from jointbid.sim.streams import Streams

types = st.integers(1, 12)
correlation = st.floats(-1, 1)


@given(types)
def test_scores_are_standardised_and_rise(k):
    s = scores(k)
    assert s.mean() == pytest.approx(0, abs=1e-12)
    assert (s**2).mean() == pytest.approx(1 if k > 1 else 0)
    assert (np.diff(s) > 0).all()


def test_two_types_score_minus_one_and_one():
    assert scores(2).tolist() == pytest.approx([-1, 1])


@given(types, types, correlation)
def test_margins_are_uniform(k, m, q):
    law = joint_law((k, m), (q,))
    assert (law >= 0).all()
    assert law.sum(axis=1) == pytest.approx(np.full(k, 1 / k))
    assert law.sum(axis=0) == pytest.approx(np.full(m, 1 / m))


@given(st.integers(2, 12), correlation)
def test_redundancy_is_the_correlation_of_the_scores(k, q):
    s = scores(k)
    assert s @ joint_law((k, k), (q,)) @ s == pytest.approx(q, abs=1e-12)


def draw(scenario, n, seed=1):
    """The types of the first ``n`` requests."""
    streams = Streams(seed, 0)
    return draw_types(scenario, streams, "everyone", Visits.at(scenario, streams, 0, n))


@pytest.mark.parametrize("people", [None, 10**9])
@pytest.mark.parametrize(("k", "m", "q"), [(2, 2, 0.4), (3, 5, -0.6), (4, 4, 1.0), (6, 2, 0.0)])
def test_people_are_drawn_from_that_law(k, m, q, people):
    """Chi-square by cell, n = 100,000; cells of probability 0 stay empty."""
    n = 100_000
    s = Scenario.model_validate(
        {
            "supply": {"context_types": m},
            "audience": {"profile_types": k, "people": people},
            "response": {"q": q},
        }
    )
    drawn = draw(s, n)
    seen = np.bincount(drawn["profile"] * m + drawn["context"], minlength=k * m).reshape(k, m)
    law = joint_law((k, m), (q,))
    assert (seen[law < 1e-12] == 0).all()
    used = law >= 1e-12
    chi2 = ((seen - n * law)[used] ** 2 / (n * law[used])).sum()
    freedom = used.sum() - 1
    assert abs(chi2 - freedom) < 5 * np.sqrt(2 * freedom) + 5


def test_more_redundancy_couples_more_of_the_same_people():
    same = []
    for q in (0.2, 0.5, 0.9):
        s = Scenario.model_validate({"response": {"q": q}})
        drawn = draw(s, 10_000)
        same.append(drawn["profile"] == drawn["context"])
        assert drawn["context"].tolist() == draw(s, 10_000)["context"].tolist()
    assert abs(same[0].mean() - 0.6) < 0.02


def test_truth_of_both_families():
    parts = {"a": -2.0, "b": 0.3, "c": 0.2, "d": 0.1, "q": 0.5}
    additive = truth(Scenario.model_validate({"response": parts}))
    level = np.array([[-2.4, -2.2], [-2.0, -1.4]])
    assert additive.theta[..., 0] == pytest.approx(level)
    assert (additive.click == 0).all()
    logit = truth(Scenario.model_validate({"response": {**parts, "family": "logit", "value_per_click": 40}}))
    assert logit.click[..., 0] == pytest.approx(1 / (1 + np.exp(-level)))
    assert logit.theta == pytest.approx(40 * logit.click)

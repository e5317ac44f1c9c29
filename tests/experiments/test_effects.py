from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from jointbid.experiments.config.study_settings import Range
from jointbid.experiments.errors import BadInput
from jointbid.experiments.estimate.sensitivity import (
    morris_effects,
    morris_points,
    rank_correlation,
    share,
    sobol_indices,
    sobol_points,
)
from jointbid.experiments.studies import sampled_markets as drawn

KEYS = ("a", "b", "idle")


def linear(points):
    return points @ np.array([1.0, -2.0, 0.0])


def test_morris_finds_slopes_and_their_sign():
    points = morris_points(KEYS, 5, 4)
    assert points.shape == (5 * 4, 3)
    found = morris_effects(KEYS, points, linear(points), 4).set_index("key")
    assert list(found["mean"]) == pytest.approx([1.0, -2.0, 0.0], abs=1e-12)
    assert list(found["size"]) == pytest.approx([1.0, 2.0, 0.0], abs=1e-12)
    assert list(found["spread"]) == pytest.approx([0.0] * 3, abs=1e-12)


def test_morris_tells_an_interaction_by_its_spread():
    points = morris_points(KEYS, 12, 4)
    found = morris_effects(KEYS, points, points[:, 0] * points[:, 1], 4).set_index("key")
    assert found.loc["a", "spread"] > 0.1
    assert found.loc["a", "mean_low"] < 0.5 < found.loc["a", "mean_high"] + 0.2


def test_sobol_shares_the_variance():
    points = sobol_points(KEYS, 256)
    assert points.shape == (256 * 5, 3)
    found = sobol_indices(KEYS, linear(points)).set_index("key")
    assert list(found["total"]) == pytest.approx([0.2, 0.8, 0.0], abs=0.05)
    assert (found["total_low"] <= found["total"]).all()
    still = sobol_indices(KEYS, np.ones(len(points)))
    assert still["total"].isna().all()


@given(st.integers(1, 200), st.data())
def test_shares_have_the_exact_binomial_interval(n, data):
    hits = data.draw(st.integers(0, n))
    want = stats.binomtest(hits, n).proportion_ci(0.95, method="exact")
    found = share(hits, n)
    assert (found.estimate, found.ci_low, found.ci_high) == pytest.approx((hits / n, want.low, want.high))
    assert math.isnan(share(0, 0).estimate)


def test_rank_correlations_cover():
    """1,000 toy studies of 40 worlds, bivariate normal with correlation .6: Spearman's truth is 6/pi asin(.3)."""
    rng, truth, covered = np.random.default_rng(5), 6 / math.pi * math.asin(0.3), []
    for _ in range(1000):
        x, e = rng.normal(size=(2, 40))
        found = rank_correlation(x, 0.6 * x + 0.8 * e)
        covered.append(found.ci_low <= truth <= found.ci_high)
    assert 0.93 <= np.mean(covered) <= 0.97
    assert rank_correlation(x, x**3).estimate == pytest.approx(1.0)
    assert math.isnan(rank_correlation(x, np.ones(40)).estimate)


def test_ranges():
    even = Range(key="k", low=2, high=4, source="a choice")
    log = Range(key="k", low=1, high=100, law="log_uniform", source="a choice")
    whole = Range(key="k", low=2, high=4, whole=True, source="a choice")
    assert [even.at(s) for s in (0, 0.5, 1)] == [2, 3, 4]
    assert log.at(0.5) == pytest.approx(10)
    assert [whole.at(s) for s in (0, 0.34, 0.67, 1)] == [2, 3, 4, 4]
    for wrong in ({"low": 4, "high": 4}, {"low": 0, "high": 1, "law": "log_uniform"}):
        with pytest.raises(ValueError, match="must be"):
            Range(key="k", source="a choice", **wrong)
    with pytest.raises(BadInput, match="needs ranges"):
        drawn.refuse_ranges([], "study.worlds")
    with pytest.raises(BadInput, match="k has two ranges"):
        drawn.refuse_ranges([even, log], "study.worlds")

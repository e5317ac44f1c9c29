"""What holds for many claims at once, and how often what is claimed is true."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from jointbid.experiments.estimate.intervals import mean_interval, paired_difference, percent_difference
from jointbid.experiments.estimate.multiple import critical_value, holm

STUDIES = 2_000


@given(st.lists(st.floats(-50, 50), min_size=3, max_size=30))
def test_the_p_value_is_students(values):
    if np.ptp(values) < 1e-6:
        return
    assert mean_interval(values).p_value == pytest.approx(stats.ttest_1samp(values, 0).pvalue, abs=1e-9)


def test_p_values_of_points_and_of_nothing():
    assert mean_interval([0.0, 0.0]).p_value == 1.0
    assert mean_interval([0.3, 0.3]).p_value == 0.0
    assert math.isnan(mean_interval([0.3]).p_value)
    assert math.isnan(mean_interval([0.3]).detectable)


@pytest.mark.parametrize("n", [3, 10, 30])
def test_what_is_called_detectable_is_shown_in_80_of_100_studies(n):
    rng = np.random.default_rng(n)
    error = 2.0 / math.sqrt(n)
    exact = mean_interval(rng.normal(0, 2, n))
    truth = exact.detectable * error / exact.standard_error  # as if the spread had been seen as it is
    sample = rng.normal(truth, 2.0, (20_000, n))
    t = sample.mean(axis=1) / (sample.std(axis=1, ddof=1) / math.sqrt(n))
    assert (np.abs(t) > stats.t.ppf(0.975, n - 1)).mean() == pytest.approx(0.8, abs=0.012)


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    adjusted = holm([0.02, math.nan, 0.03])
    assert adjusted[0] == adjusted[2] == pytest.approx(0.04)
    assert math.isnan(adjusted[1])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_lies_between_the_p_value_and_bonferroni_and_keeps_the_order(p):
    adjusted = holm(p)
    assert all(raw <= new <= min(1.0, len(p) * raw) + 1e-12 for raw, new in zip(p, adjusted, strict=True))
    assert np.all(np.diff(np.array(adjusted)[np.argsort(p)]) >= 0)


def curve(rng, n, points, together):
    """Replications of a curve whose points share so much of their error."""
    shared = rng.normal(size=(n, 1))
    return math.sqrt(together) * shared + math.sqrt(1 - together) * rng.normal(size=(n, points))


def test_a_band_needs_less_than_bonferroni_where_points_go_together():
    rng = np.random.default_rng(2)
    student, bonferroni = stats.t.ppf([0.975, 1 - 0.025 / 8], 29)
    found = [critical_value(curve(rng, 30, 8, together)) for together in (0.0, 0.9, 1.0)]
    assert bonferroni >= found[0] > found[1] > found[2]
    assert found[2] == pytest.approx(student, rel=0.03)
    assert critical_value(np.ones((5, 3))) == pytest.approx(stats.t.ppf(0.975, 4))  # nothing moves


@pytest.mark.oracle
@pytest.mark.coverage
@pytest.mark.parametrize(("n", "together"), [(10, 0.0), (10, 0.9)])
def test_bands_cover_whole_curves(n, together):
    """400 toy curves of 6 normal points: within four of their own standard errors of 95 %; pointwise intervals do not."""
    rng, studies = np.random.default_rng(17), 400
    whole, pointwise = [], []
    for _ in range(studies):
        sample = curve(rng, n, 6, together)
        t = np.abs(sample.mean(axis=0)) / (sample.std(axis=0, ddof=1) / math.sqrt(n))
        whole.append(t.max() <= critical_value(sample))
        pointwise.append(t.max() <= stats.t.ppf(0.975, n - 1))
    assert np.mean(whole) == pytest.approx(0.95, abs=4 * math.sqrt(0.95 * 0.05 / studies))
    assert np.mean(pointwise) < np.mean(whole)


@pytest.mark.oracle
@pytest.mark.coverage
@pytest.mark.parametrize("size", [10, 30])
def test_stated_intervals_cover_in_2000_toy_studies(size):
    """Normal pairs that share their market: 95 % intervals of differences and of ratios cover in 93 to 97 of 100."""
    rng = np.random.default_rng(11)
    market = rng.normal(10, 1, (STUDIES, size))
    a = 1.1 * market + rng.normal(0, 0.3, market.shape)
    b = market + rng.normal(0, 0.3, market.shape)
    pairs = list(zip(a, b, strict=True))
    difference = [e.ci_low <= 1.0 <= e.ci_high for e in (paired_difference(x, y) for x, y in pairs)]
    percent = [e.ci_low <= 10.0 <= e.ci_high for e in (percent_difference(x, y) for x, y in pairs)]
    assert 0.93 <= np.mean(difference) <= 0.97
    assert 0.93 <= np.mean(percent) <= 0.97

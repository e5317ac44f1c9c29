"""Exact, combined and learned valuations as tables, against sums over cells and against scikit-free arithmetic."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, special

from jointbid.sim import Scenario, VisibleRequests
from jointbid.sim.training import TrainingLog, randomised_log
from jointbid.strategies.valuations.bayes import bayes, believed_retention, mean_value, posterior
from jointbid.strategies.valuations.combined import Stacked, Summed
from jointbid.strategies.valuations.learned import (
    LEARNERS,
    cell_means,
    learned,
    learned_stacked,
    learned_summed,
    logistic,
    smoothed_table,
)
from jointbid.strategies.valuations.stacking import fit_weights, stacked_bayes
from jointbid.strategies.valuations.tables import CellValues

BOTH = ("profile", "context")


def world(family="additive", profile=None, context=None, types=(2, 2), **response):
    return Scenario.model_validate(
        {
            "supply": {"context_types": types[1]},
            "audience": {"profile_types": types[0]},
            "response": {"family": family, "a": 1.0, "b": 0.3, "c": 0.2, "d": 0.1, **response},
            "source": {"profile": profile or {}, "context": context or {}},
        }
    )


def asked(valuation, **columns):
    n = len(next(iter(columns.values()))) if columns else 1
    return valuation.value(VisibleRequests(n, {name: np.asarray(c) for name, c in columns.items()})).tolist()


# bayes


def test_the_base_example():
    s = world()
    assert asked(bayes(s, ())) == pytest.approx([1.0])
    assert asked(bayes(s, ("profile",)), profile=[0, 1, 2]) == pytest.approx([0.7, 1.3, 1.0])
    assert asked(bayes(s, ("context",)), context=[0, 1, 2]) == pytest.approx([0.8, 1.2, 1.0])
    cells = {"profile": [0, 0, 1, 1], "context": [0, 1, 0, 1]}
    assert asked(bayes(s, BOTH), **cells) == pytest.approx([0.6, 0.8, 1.0, 1.6])


def test_unmatched_is_a_signal():
    """E[x|unmatched] = ((1-m+)-(1-m-))/((1-m+)+(1-m-)); m- = .9, m+ = .3: 6/8."""
    s = world(profile={"match_rate": (0.9, 0.3)})
    assert asked(bayes(s, ("profile",)), profile=[2]) == pytest.approx([1 + 0.3 * 0.75])


def test_redundant_sources_tell_of_each_other():
    """q = .4: context alone knows E[x|z] = .4 z and the mean of x z."""
    s = world(q=0.4)
    expected = [1 + 0.04 - (0.2 + 0.3 * 0.4), 1 + 0.04 + (0.2 + 0.3 * 0.4)]
    assert asked(bayes(s, ("context",)), context=[0, 1]) == pytest.approx(expected)


def test_calibrated_use_discounts_and_naive_use_does_not():
    faults = {"false_match_rate": 0.2, "flip_rate_per_h": 0.25, "latency_h": 1.0}
    r = 0.8 * math.exp(-0.5)
    assert believed_retention(world(profile=faults), "profile") == pytest.approx(r)
    assert asked(bayes(world(profile=faults), ("profile",)), profile=[1]) == pytest.approx([1 + 0.3 * r])
    naive = world(profile={**faults, "use": "naive"})
    assert asked(bayes(naive, ("profile",)), profile=[1]) == pytest.approx([1.3])


def test_a_known_age_is_used_row_by_row():
    s = world(profile={"flip_rate_per_h": 0.25, "sync_interval_h": 2.0})
    valuation = bayes(s, ("profile",))
    assert valuation.reads == ("profile", "age_profile")
    ages = np.array([0.0, 0.5, 1.9])
    expected = 1 + 0.3 * np.exp(-0.5 * ages)
    assert asked(valuation, profile=[1, 1, 1], age_profile=ages) == pytest.approx(expected.tolist())
    unknown = world(profile={"flip_rate_per_h": 0.25, "sync_interval_h": 2.0, "age_known": False})
    assert bayes(unknown, ("profile",)).reads == ("profile",)
    mean_r = (1 - math.exp(-1.0)) / 1.0
    assert asked(bayes(unknown, ("profile",)), profile=[1]) == pytest.approx([1 + 0.3 * mean_r], abs=1e-5)


@settings(max_examples=60)
@given(
    st.tuples(st.integers(1, 5), st.integers(1, 5)),
    st.floats(-1, 1),
    st.floats(0, 1),
    st.floats(0, 1),
    st.sampled_from(["additive", "logit"]),
)
def test_beliefs_average_to_the_mean_and_codes_to_one(types, q, match, false, family):
    """The tower rule, for both families and any faults."""
    s = world(family, {"match_rate": match, "false_match_rate": false}, types=types, q=q)
    for information in ((), ("profile",), ("context",), BOTH):
        keep = {name: believed_retention(s, name) for name in information}
        both = posterior(s, information, keep)
        assert both.weight.sum() == pytest.approx(1)
        assert (both.weight * both.mean(0.0)).sum() == pytest.approx(mean_value(s), rel=1e-9, abs=1e-9)


# combinators


def test_stacked_is_least_squares_in_the_additive_family():
    """q = .4: weights of (1, E[theta|x], E[theta|z]) by a regression over the four cells."""
    s = world(q=0.4)
    law = np.array([0.35, 0.15, 0.15, 0.35])
    theta = np.array([0.6, 0.8, 1.0, 1.6])
    x, z = np.array([-1, -1, 1, 1]), np.array([-1, 1, -1, 1])
    design = np.stack([np.ones(4), 1.04 + 0.38 * x, 1.04 + 0.32 * z])
    expected = np.linalg.solve((design * law) @ design.T, (design * law) @ theta)
    assert stacked_bayes(s).weights == pytest.approx(expected.tolist())


def test_stacked_is_cross_entropy_on_log_odds_in_the_logit_family():
    s = world("logit", a=-2.0, b=0.8, c=0.5, d=-0.4, q=0.3, value_per_click=20.0)
    both = posterior(s, BOTH, {"profile": 1.0, "context": 1.0})
    scores = [posterior(s, (name,), {name: 1.0}).mean(0.0)[:2] / 20 for name in BOTH]
    p, w = both.mean(0.0)[:2, :2].ravel() / 20, both.weight[:2, :2].ravel()
    design = np.stack(
        [np.ones(4), np.repeat(special.logit(scores[0]), 2), np.tile(special.logit(scores[1]), 2)]
    )

    def cross_entropy(beta):
        t = beta @ design
        return (w * (np.logaddexp(0, t) - p * t)).sum()

    best = optimize.minimize(cross_entropy, [0.0, 1.0, 1.0], tol=1e-14)
    assert stacked_bayes(s).weights == pytest.approx(best.x.tolist(), abs=1e-4)
    value = asked(stacked_bayes(s), profile=[0, 0, 1, 1], context=[0, 1, 0, 1])
    assert value == pytest.approx((20 * special.expit(best.x @ design)).tolist(), rel=1e-4)


def test_a_score_that_never_differs_gets_no_weight():
    weights = stacked_bayes(world(profile={"match_rate": 0.0}, q=0.3)).weights
    assert weights[0] + weights[1] * 1.03 == pytest.approx(0.0, abs=1e-9)
    assert weights[2] == pytest.approx(1.0)


def test_summed_counts_twice_and_is_never_negative():
    one = CellValues(("profile",), np.array([0.2, 1.3, 1.0]))
    two = CellValues(("context",), np.array([0.3, 1.2, 1.0]))
    summed = Summed((one, two), 1.0)
    assert summed.reads == BOTH
    assert asked(summed, profile=[0, 1], context=[0, 1]) == pytest.approx([0.0, 1.5])


def test_stacked_adds_on_its_scale():
    one, two = CellValues(("profile",), np.array([2.0, 4.0])), CellValues(("context",), np.array([1.0, 8.0]))
    linear = Stacked((one, two), (0.5, 2.0, -0.25))
    assert asked(linear, profile=[1], context=[1]) == pytest.approx([0.5 + 8 - 2])
    odds = Stacked((one, two), (0.5, 1.0, -0.25), "logit", 10.0)
    expected = 10 * special.expit(0.5 + special.logit(0.4) - 0.25 * special.logit(0.8))
    assert asked(odds, profile=[1], context=[1]) == pytest.approx([expected])


@pytest.mark.parametrize("link", ["identity", "logit"])
def test_weights_recover_the_combination_that_made_the_target(link):
    rng = np.random.default_rng(1)
    p = rng.uniform(0.05, 0.9, (2, 200))
    unit = 3.0 if link == "logit" else 1.0
    true = np.array([-0.2, 0.7, 0.4])
    design = np.vstack([np.ones(200), special.logit(p) if link == "logit" else p])
    target = unit * special.expit(true @ design) if link == "logit" else true @ design
    found = fit_weights([unit * p], [target], [rng.uniform(0.1, 1, 200)], link, unit)
    assert found == pytest.approx(true.tolist(), abs=1e-6)


# learners


def log_of(count, total, square=None):
    """Two equal folds of a log over profile and context codes."""
    count, total = np.asarray(count, float), np.asarray(total, float)
    square = total if square is None else np.asarray(square, float)
    return TrainingLog(BOTH, *(np.stack([a / 2, a / 2]) for a in (count, total, square)))


COUNT = np.array([[100.0, 300.0, 0.0], [200.0, 400.0, 0.0], [0.0, 0.0, 0.0]])
CLICKS = np.array([[10.0, 60.0, 0.0], [30.0, 100.0, 0.0], [0.0, 0.0, 0.0]])


def test_cell_means():
    means = cell_means(COUNT, CLICKS, CLICKS, True)
    assert means[:2, :2].tolist() == [[0.1, 0.2], [0.15, 0.25]]
    assert (means[2] == 0.2).all()  # never seen: the mean of all


def test_learned_sees_its_own_columns_alone():
    s = world("logit", a=-2.0, value_per_click=10.0)
    valuation = learned(s, log_of(COUNT, CLICKS), ("profile",), "cell_means")
    assert valuation.reads == ("profile",)
    assert asked(valuation, profile=[0, 1, 2]) == pytest.approx([10 * 70 / 400, 10 * 130 / 600, 10 * 0.2])
    assert asked(learned(s, log_of(COUNT, CLICKS), (), "cell_means")) == pytest.approx([2.0])


@pytest.mark.parametrize("learner", list(LEARNERS))
@pytest.mark.parametrize("family", ["additive", "logit"])
def test_every_learner_finds_the_truth_in_a_long_log(family, learner):
    """400,000 impressions: each cell's value within .03 of its truth, more or less the noise of cell means."""
    response = {"a": -1.0, "b": 0.5, "c": 0.3, "d": 0.2, "q": 0.3} if family == "logit" else {}
    s = world(family, {"match_rate": 0.7}, **response)
    log = randomised_log(s, 1, 0, 400_000)
    exact = bayes(s, BOTH).table[:, :2]
    assert learned(s, log, BOTH, learner).table[:, :2] == pytest.approx(exact, abs=0.03)
    one = bayes(s, ("profile",)).table
    assert learned(s, log, ("profile",), learner).table == pytest.approx(one, abs=0.03)


@pytest.mark.parametrize("family", ["additive", "logit"])
def test_learned_combinators_come_near_the_exact_ones(family):
    response = {"a": -1.0, "b": 0.5, "c": 0.3, "d": 0.2, "q": 0.3} if family == "logit" else {"q": 0.4}
    s = world(family, **response)
    log = randomised_log(s, 1, 0, 400_000)
    cells = {"profile": [0, 0, 1, 1], "context": [0, 1, 0, 1]}
    assert asked(learned_stacked(s, log, "table"), **cells) == pytest.approx(
        asked(stacked_bayes(s), **cells), abs=0.02
    )
    exact = Summed(tuple(bayes(s, (name,)) for name in BOTH), mean_value(s))
    assert asked(learned_summed(s, log, "table"), **cells) == pytest.approx(asked(exact, **cells), abs=0.02)


def test_smoothing_trusts_cells_by_their_size():
    count = np.array([10.0, 1000.0, 1000.0, 10.0])
    total = count * np.array([0.5, 0.4, 0.2, 0.1])
    smooth = smoothed_table(count, total, total, True)
    mean = total.sum() / count.sum()
    kept = (smooth - mean) / (total / count - mean)
    assert ((kept > 0) & (kept < 1)).all()
    assert kept[0] == pytest.approx(kept[3])
    assert kept[1] > kept[0]


def test_cells_that_do_not_differ_are_not_distinguished():
    count = np.array([50.0, 60.0, 40.0])
    smooth = smoothed_table(count, 0.2 * count, 0.2 * count, True)
    assert smooth == pytest.approx(np.full(3, 0.2))


@pytest.mark.parametrize("learner", list(LEARNERS))
@pytest.mark.parametrize("clicks", [0.0, 1.0])
def test_a_log_without_both_outcomes_is_survived(learner, clicks):
    s = world("logit")
    table = learned(s, log_of(COUNT, clicks * COUNT), BOTH, learner).table
    assert table == pytest.approx(np.full((3, 3), clicks))


def test_logistic_shrinks_rare_cells():
    """The ridge penalty draws a cell of few impressions towards what its profile and context say elsewhere."""
    count = np.array([[4.0, 4000.0], [4000.0, 4000.0]])
    rate = np.array([[0.75, 0.2], [0.2, 0.2]])
    fitted = logistic(count, count * rate, count * rate, True)
    assert 0.2 < fitted[0, 0] < 0.75
    assert fitted[1] == pytest.approx([0.2, 0.2], abs=0.01)


def test_the_log_is_shared_by_arms_and_grows_by_adding():
    """Same seed, same people: a longer log begins with the shorter one."""
    s = world("logit", a=-2.0)
    short, long = (randomised_log(s, 1, 0, n) for n in (70_000, 140_000))
    assert (short.count <= long.count).all()
    assert (short.total <= long.total).all()
    assert short.count.sum() == 70_000
    assert randomised_log(s, 1, 1, 70_000).total.tolist() != short.total.tolist()

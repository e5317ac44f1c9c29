"""The cross-validated ridge against scikit-learn, and what its penalties must do: find crosses, leave useless columns alone."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from jointbid.sim.training import PARTS
from jointbid.strategies.valuations.learned import LEARNERS, logistic
from jointbid.strategies.valuations.ridge import CLICKS, Sums, _added_up, _main, ridge


def log_of(score, impressions, seed, parts=PARTS):
    """Counts and clicks over (parts, cells) of impressions spread evenly over cells with these log-odds."""
    rng = np.random.default_rng(seed)
    law = np.full(score.size, 1 / score.size)
    count = rng.multinomial(impressions // parts, law, size=parts)
    clicks = rng.binomial(count, expit(score).ravel())
    return [table.reshape(parts, *score.shape).astype(float) for table in (count, clicks)]


def effects(*sds, size=8):
    """Log-odds of -4 with independent normal scores of these standard deviations, an axis each."""
    levels = (np.arange(size) + 0.5) / size
    score = np.array(-4.0)
    for axis, sd in enumerate(sds):
        column = sd * np.sqrt(2) * np.vectorize(_erfinv)(2 * levels - 1)
        score = score + column.reshape([size if a == axis else 1 for a in range(len(sds))])
    return score


def _erfinv(x):
    from scipy.special import erfinv

    return float(erfinv(x))


def regret(score, table):
    """Squared relative error of the click rates, averaged over cells with the clicks they bring."""
    rate = expit(score)
    return float((rate * (table / rate - 1) ** 2).sum() / rate.sum())


def test_main_effects_are_those_of_scikit_learn():
    count, clicks = (table.sum(axis=0) for table in log_of(effects(0.6, 0.3), 40_000, 1))
    codes = np.indices(count.shape).reshape(2, -1)
    columns = np.concatenate(
        [np.eye(8)[codes[0]], np.eye(8)[codes[1]] / np.sqrt(3)], axis=1
    )  # a penalty of 30
    model = LogisticRegression(C=0.1, tol=1e-10, max_iter=10_000).fit(
        np.tile(columns, (2, 1)),
        np.repeat([1, 0], count.size),
        np.concatenate([clicks.ravel(), (count - clicks).ravel()]),
    )
    found = _main(Sums(CLICKS, count[None], clicks[None]), (10.0, 30.0))
    ours = expit(_added_up(found, count.shape))[0]
    assert ours.ravel() == pytest.approx(model.predict_proba(columns)[:, 1], rel=1e-4)


@pytest.mark.slow
def test_a_useless_column_costs_nothing_beyond_noise():
    """60 paired logs of about 370 clicks: with a column of 8 codes that tell nothing the error grows by less than a tenth.

    The same bound is broken many times over by one fixed penalty on all crosses, so that the test has power.
    """
    score = effects(0.5)
    beside = np.broadcast_to(score[:, None], (8, 8))
    more = {"ridge": [], "logistic": []}
    alone = []
    for seed in range(60):
        count, clicks = log_of(beside, 20_000, seed)
        alone.append(regret(score, ridge(count.sum(axis=2), clicks.sum(axis=2), clicks.sum(axis=2), True)))
        for learner, found in more.items():
            found.append(regret(beside, LEARNERS[learner][0](count, clicks, clicks, True)) - alone[-1])
    mean, error = np.mean(more["ridge"]), np.std(more["ridge"], ddof=1) / np.sqrt(60)
    allowed = 0.1 * np.mean(alone)
    assert error < allowed
    assert mean < allowed + 2 * error
    assert np.mean(more["logistic"]) > 10 * allowed


def test_crosses_enter_where_they_are_and_stay_out_where_they_are_not():
    plain = effects(0.5, 0.3, size=4)
    sign = np.outer([-1, -1, 1, 1], [-1, 1, -1, 1])
    for score, crossed in ((plain, False), (plain + 0.4 * sign, True)):
        table = ridge(*log_of(score, 400_000, 3), log_of(score, 400_000, 3)[1], True)
        logit = np.log(table / (1 - table))
        cross = logit - logit.mean(axis=0) - logit.mean(axis=1)[:, None] + logit.mean()
        assert (np.abs(cross).max() > 0.2) == crossed
        assert (np.abs(cross).max() < 1e-9) != crossed


def test_rare_codes_stay_near_the_mean():
    rng = np.random.default_rng(4)
    count, clicks = np.array([10_000, 10_000, 20]), np.array([400, 100, 4])
    parts = [rng.multinomial(each, np.full(10, 0.1), size=1)[0] for each in (*(count - clicks), *clicks)]
    clicked = np.stack(parts[3:], axis=1).astype(float)
    rate = ridge(np.stack(parts[:3], axis=1) + clicked, clicked, clicked, True)
    mean = clicks.sum() / count.sum()
    kept = np.log(rate / mean) / np.log(clicks / count / mean)
    assert kept[:2] == pytest.approx(1.0, abs=0.15)
    assert 0 < kept[2] < 0.5


def test_amounts_scale_with_the_currency():
    rng = np.random.default_rng(5)
    count = np.full((10, 4, 3), 50.0)
    mean = 2.0 + np.arange(4)[:, None] * 0.3 + np.arange(3) * 0.2
    total = count * mean + rng.normal(size=count.shape) * np.sqrt(count)
    square = count * (mean**2 + 1.0)
    one = ridge(count, total, square, False)
    assert one == pytest.approx(mean, abs=0.2)
    assert ridge(count, 1000 * total, 1e6 * square, False) == pytest.approx(1000 * one, rel=1e-6)


@pytest.mark.parametrize("impressions", [1, 2, 3, 7, 30])
@pytest.mark.parametrize("is_click", [True, False])
def test_the_smallest_logs_give_numbers(impressions, is_click):
    count = np.zeros((10, 3, 2))
    for row in range(impressions):
        count[row % 10, row % 3, row % 2] += 1.0
    total = count * (np.arange(3) == 0)[:, None]
    assert np.isfinite(ridge(count, total, total, is_click)).all()


def test_halves_have_no_folds_and_take_the_typical_penalty():
    count, clicks = log_of(effects(0.5), 20_000, 7, parts=1)
    model = _main(Sums(CLICKS, count, clicks), (10.0,))
    assert ridge(count, clicks, clicks, True) == pytest.approx(expit(_added_up(model, (8,)))[0])
    assert logistic(count[0], clicks[0], clicks[0], True).shape == (8,)

"""Weights of the silos' scores: those that fit best, in a log or in the population that exact values know."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from jointbid.sim import Scenario
from jointbid.sim.sources import retention

from ..base import Valuation
from .bayes import (
    ages_are_used,
    ages_over_the_run,
    bayes,
    believed_retention,
    corners,
    mean_retention,
    mean_value,
    posterior,
)
from .combined import Stacked, Summed, to_link
from .online import Link
from .tables import with_axes_of

AGE_POINTS = 64
AGE = "age"
"""Names the axis of ages, which comes before those of the sources' codes."""
ROWS_AT_ONCE = 16_384
"""Rows that fit into a processor's cache with what is worked out of them."""


def stacked_bayes(scenario: Scenario) -> Valuation:
    """Return the silos' exact posteriors, with the weights that fit best in the population.

    Least squares for the ``additive`` family and for journeys, cross-entropy on log-odds for ``logit``; the population runs over all codes
    and over the ages that the copies have in the course of the run. Weights are fitted to what truly comes, also where a
    silo takes its data for better than they are (``use``, ``unmatched``).
    """
    names, silos = scenario.originals(scenario.source), scenario.silos.values()
    link: Link = "logit" if scenario.response.family == "logit" and scenario.journey is None else "identity"
    unit = scenario.response.most_worth if link == "logit" else 1.0
    prior = mean_value(scenario)
    aged = [name for name in names if ages_are_used(scenario.data_of(name))]
    rest = [name for name in names if name not in aged]
    true_law = partial(posterior, scenario, names, believed=False)
    ends = corners(true_law, {name: mean_retention(scenario, name) for name in rest}, aged)
    own_ends = []
    for held in map(scenario.originals, silos):
        believed = {name: believed_retention(scenario, name) for name in held if name not in aged}
        ages = [name for name in aged if name in held]
        own_ends.append((held, ages, corners(partial(posterior, scenario, held), believed, ages)))
    scores, target, weight = [], [], []
    keep, share = _retentions(scenario, aged)
    codes = ends.weight.size >> len(aged)
    parts = min(len(share), -(-len(share) * codes // ROWS_AT_ONCE))
    for rows in np.array_split(np.arange(len(share)), parts):
        all_of_it = ends.at(keep[:, rows])
        shape = (len(rows), *all_of_it.weight.shape[1:])
        columns = []
        for held, ages, known in own_ends:
            own = known.at(keep[[aged.index(name) for name in ages]][:, rows]).mean(prior)
            columns.append(np.broadcast_to(with_axes_of(own, (AGE, *held), (AGE, *names)), shape))
        heavy = share[rows].reshape(-1, *[1] * len(names)) * all_of_it.weight
        comes = heavy > 0 if link == "logit" else np.ones(shape, np.bool_)
        scores.append(np.stack([column[comes] for column in columns]))
        target.append(all_of_it.mean(prior)[comes])
        weight.append(heavy[comes])
    weights = fit_weights(scores, target, weight, link, unit)
    return Stacked(tuple(bayes(scenario, silo) for silo in silos), weights, link, unit)


def summed_bayes(scenario: Scenario) -> Valuation:
    """Return the silos' exact posteriors, simply added."""
    return Summed(tuple(bayes(scenario, silo) for silo in scenario.silos.values()), mean_value(scenario))


def fit_weights(
    scores: Sequence[NDArray[np.float64]],
    target: Sequence[NDArray[np.float64]],
    weight: Sequence[NDArray[np.float64]],
    link: Link,
    unit: float,
) -> tuple[float, ...]:
    """Weights of (1, score_1, ...) that fit ``target`` best: least squares, or cross-entropy on log-odds.

    They come in parts: ``scores`` (scores, n), ``target`` and ``weight`` (n,), all values in currency. Newton's method; a
    direction in which the scores do not differ keeps weight 0.
    """
    aim, all_weight = np.concatenate(target), np.concatenate(weight)
    design = np.vstack([np.ones_like(aim), *to_link(np.concatenate(scores, axis=1), link, unit)])
    share = all_weight / all_weight.sum()
    if link == "identity":
        beta: NDArray[np.float64] = np.linalg.pinv((design * share) @ design.T) @ (design @ (share * aim))
        return tuple(map(float, beta))
    beta = np.zeros(len(design))
    beta[0] = logit(float(np.clip(share @ aim / unit, 1e-9, 1 - 1e-9)))
    for _ in range(50):
        hessian, gradient = _cross_entropy(design, aim / unit, share, beta)
        step = np.linalg.pinv(hessian, hermitian=True) @ gradient
        beta = beta + step
        if np.abs(step).max() < 1e-10:
            break
    return tuple(map(float, beta))


def _cross_entropy(
    design: NDArray[np.float64],
    target: NDArray[np.float64],
    share: NDArray[np.float64],
    beta: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the Hessian and the gradient at ``beta``, shapes (k, k) and (k,), summed over parts that fit into a processor's cache."""
    hessian, gradient = np.zeros((len(design), len(design))), np.zeros(len(design))
    for start in range(0, len(target), ROWS_AT_ONCE):
        part = slice(start, start + ROWS_AT_ONCE)
        x, weight = design[:, part], share[part]
        p = expit(beta @ x)
        slope = weight * p * (1 - p)
        hessian += [x @ (slope * row) for row in x]
        gradient += x @ (weight * (target[part] - p))
    return hessian, gradient


def _retentions(scenario: Scenario, aged: Sequence[str]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return retentions of these sources at points of the run, shape (aged, points), and the share of requests at each point.

    One point where no source ages.
    """
    if not aged:
        return np.empty((0, 1)), np.ones(1)
    columns = {name: ages_over_the_run(scenario, name) for name in aged}
    points = min(len(ages) for ages, _ in columns.values())
    chosen = np.unique(np.linspace(0, points - 1, min(points, AGE_POINTS * 16)).astype(int))
    keeps = [
        retention(scenario.data_of(name), ages[chosen], scenario.types_of(scenario.factor_of(name)))
        for name, (ages, _) in columns.items()
    ]
    return np.stack(keeps), np.asarray(next(iter(columns.values()))[1][chosen], dtype=np.float64)

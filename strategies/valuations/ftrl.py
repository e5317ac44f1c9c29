"""FTRL-Proximal: a logistic (or linear) regression that learns row by row (McMahan et al. 2013)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from jointbid.sim.compiled import inlined, kernel

from ..parameters import above_0, at_least_0
from .features import Columns, scores
from .impressions import Lesson
from .online import Online

MOST_ROWS = 1_000_000


@dataclass(eq=False, repr=False)
class FTRL(Online):
    """E[outcome | features] by FTRL-Proximal, with a learning rate of its own for each feature (McMahan et al. 2013).

    Each row moves the sums z and n of its features' gradients and their squares; a weight is 0 where |z| <= ``l1``, else
    -(z - sign(z) l1) / ((beta + sqrt(n)) / alpha + l2). ``alpha`` is the step of a feature seen for the first time, ``beta``
    holds the first steps back, ``l1`` keeps rare features at 0, ``l2`` draws all towards it: pure numbers, on the scale of
    log-odds (link ``logit``) or of ``unit`` (``identity``).
    """

    alpha: float = 0.2
    beta: float = 1.0
    l1: float = 0.0
    l2: float = 1.0

    @override
    def __post_init__(self, mean: float) -> None:
        super().__post_init__(mean)
        self.alpha, self.beta = above_0("alpha", self.alpha), at_least_0("beta", self.beta)
        self.l1, self.l2 = at_least_0("l1", self.l1), at_least_0("l2", self.l2)
        self._z, self._n, self._weights = np.zeros((3, self.features.count))

    @override
    def _mean_score(self, features: Columns) -> NDArray[np.float64]:
        return scores(self._weights, features)

    @override
    def _score_sigma(self, features: Columns) -> NDArray[np.float64]:
        """Return the sum of the features' learning rates: how far one more row could move the score (McMahan et al. 2013, section 6)."""
        return scores(self.alpha / (self.beta + np.sqrt(self._n)), features)

    @override
    def _learn_log(self, cells: Columns, count: NDArray[np.float64], total: NDArray[np.float64]) -> None:
        """Learn the log as rows in a fixed random order; with more than a million, each row counts for several."""
        place = np.flatnonzero(count)
        if self.link == "logit":  # rows that are clicked, and rows that are not
            hits = np.clip(total, 0.0, count)[place]
            amount, label = np.concatenate([hits, count[place] - hits]), np.repeat([1.0, 0.0], len(place))
            place = np.tile(place, 2)
        else:
            amount, label = count[place], total[place] / count[place]
        place, amount, label = place[amount > 0], amount[amount > 0], label[amount > 0]
        copies = np.maximum(amount * min(1.0, MOST_ROWS / amount.sum()), 1.0).astype(np.int64)
        row = np.repeat(np.arange(len(place)), copies)
        row = row[np.random.default_rng(0).permutation(len(row))]
        self._learn(Lesson(cells[:, place[row]], label[row], (amount / copies)[row]))

    @override
    def _learn(self, lesson: Lesson) -> None:
        z, n = self._z.copy(), self._n.copy()  # copies of this valuation share nothing
        rates = (self.alpha, self.beta, self.l1, self.l2)
        features = np.ascontiguousarray(lesson.features)
        _descend(features, lesson.label, lesson.weight, z, n, rates, self.base, self.link == "logit")
        self._z, self._n = z, n
        shrunk = np.sign(z) * np.maximum(np.abs(z) - self.l1, 0.0)
        self._weights = -shrunk / ((self.beta + np.sqrt(n)) / self.alpha + self.l2)


Rates = tuple[float, float, float, float]


@inlined
def _weight(z: float, n: float, rates: Rates) -> float:
    alpha, beta, l1, l2 = rates
    if abs(z) <= l1:
        return 0.0
    return -(z - math.copysign(l1, z)) / ((beta + math.sqrt(n)) / alpha + l2)


@kernel
def _descend(
    features: Columns,
    label: NDArray[np.float64],
    weight: NDArray[np.float64],
    z: NDArray[np.float64],
    n: NDArray[np.float64],
    rates: Rates,
    base: float,
    logit: bool,
) -> None:
    """Algorithm 1 of McMahan et al. 2013, row after row; ``z`` and ``n`` are changed."""
    for row in range(features.shape[1]):
        score = base
        for k in range(features.shape[0]):
            i = features[k, row]
            score += _weight(z[i], n[i], rates)
        mean = 1.0 / (1.0 + math.exp(-min(max(score, -35.0), 35.0))) if logit else score
        slope = weight[row] * (mean - label[row])
        for k in range(features.shape[0]):
            i = features[k, row]
            sigma = (math.sqrt(n[i] + slope * slope) - math.sqrt(n[i])) / rates[0]
            z[i] += slope - sigma * _weight(z[i], n[i], rates)
            n[i] += slope * slope

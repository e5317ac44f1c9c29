"""Thompson sampling: value each request by a model drawn from what is believed of it (Thompson 1933; Chapelle & Li 2011)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from typing_extensions import override

from jointbid.sim import VisibleRequests

from ..parameters import above_0, whole
from .features import Columns, scores
from .impressions import Lesson
from .online import Online

UPPER_BITS = float(1 << 26)
LOWER_BITS = 27
BITS_APART = 13
"""A second model on the same ``uniform`` draws by the last 14 bits: nearly independent of what the first draws by all 27."""


@dataclass(eq=False, repr=False)
class Thompson(Online):
    """Logistic (or linear) regression with normal beliefs about its weights, and a draw from them for each request.

    The beliefs are independent normals N(m, 1 / q), with m = 0 and q = ``precision`` before any impression was seen. A batch
    moves m to the mode of the posterior and adds the curvature there to q (Laplace; Chapelle & Li 2011, algorithm 3; in
    the linear model the curvature is 1 / ``noise`` squared). A request's score is drawn from its
    normal, so that what is not well known is valued highly now and then, won, and learned. Chance is the column ``uniform``; of
    its 53 bits the lower 27 (a second model, for another label, the last 14), as a policy may use the upper ones.
    ``rounds`` limits the search for the mode.
    """

    stochastic = True

    precision: float = 10.0
    rounds: int = 60

    @override
    def __post_init__(self, mean: float) -> None:
        super().__post_init__(mean)
        self.rounds = whole("rounds", self.rounds)
        self._mode = np.zeros(self.features.count)
        self._precision = np.full(self.features.count, above_0("precision", self.precision))

    @property
    @override
    def reads(self) -> tuple[str, ...]:
        """The sources, and its own chance."""
        return (*self.features.sources, "uniform")

    @override
    def _score(self, features: Columns, requests: VisibleRequests) -> NDArray[np.float64]:
        finest = 2.0 ** (self.draw * BITS_APART - LOWER_BITS)
        lower = np.modf(requests["uniform"] * UPPER_BITS * 2.0 ** (self.draw * BITS_APART))[0]
        drawn = self._score_sigma(features) * ndtri(np.maximum(lower, finest / 2))
        return np.asarray(self._mean_score(features) + drawn)

    @override
    def _score_sigma(self, features: Columns) -> NDArray[np.float64]:
        """Return the standard deviation of the beliefs about the sum of the weights."""
        return np.asarray(np.sqrt(scores(1.0 / self._precision, features)))

    @override
    def _mean_score(self, features: Columns) -> NDArray[np.float64]:
        return scores(self._mode, features)

    @override
    def _learn(self, lesson: Lesson) -> None:
        """Newton's steps on each weight alone, shortened by how many share a row, until they settle."""
        kinds, weight, label = _counted(lesson)
        mode = self._mode
        for _ in range(self.rounds):
            slope, curve = self._slopes(mode, kinds, weight, label)
            step = (slope - self._precision * (mode - self._mode)) / (
                self._precision + self.features.active * curve
            )
            mode = mode + step
            if np.abs(step).max() < 1e-9:
                break
        curve = self._slopes(mode, kinds, weight, label)[1]
        self._mode, self._precision = mode, self._precision + curve

    def _slopes(
        self,
        mode: NDArray[np.float64],
        kinds: Columns,
        weight: NDArray[np.float64],
        label: NDArray[np.float64],
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Slope and curvature of the log-likelihood along each weight."""
        mean = self._from_link(self.base + mode[kinds].sum(axis=0))
        each = mean * (1.0 - mean) if self.link == "logit" else np.full(len(mean), 1.0)
        scale = 1.0 if self.link == "logit" else self.noise**-2
        n = self.features.count

        def by_feature(of_row: NDArray[np.float64]) -> NDArray[np.float64]:
            each_feature = np.tile(scale * weight * of_row, len(kinds))
            return np.asarray(np.bincount(kinds.ravel(), each_feature, n), dtype=np.float64)

        return by_feature(label - mean), by_feature(each)


def _counted(lesson: Lesson) -> tuple[Columns, NDArray[np.float64], NDArray[np.float64]]:
    """Rows of the same features as one: their features, their weight together, and their mean label."""
    kind = np.zeros(lesson.features.shape[1], dtype=np.int64)
    for column in lesson.features[1:]:
        kind = np.unique(kind * (column.max(initial=0) + 1) + column, return_inverse=True)[1]
    _, first, kind = np.unique(kind, return_index=True, return_inverse=True)
    weight = np.bincount(kind, weights=lesson.weight).astype(np.float64)
    label = np.bincount(kind, weights=lesson.weight * lesson.label) / weight
    return lesson.features[:, first], weight, label

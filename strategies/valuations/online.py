"""Valuations that start from the randomised log and go on learning from their own impressions while they bid."""

from __future__ import annotations

from dataclasses import InitVar, dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from jointbid.sim import AccountState, Feedback, VisibleRequests

from ..parameters import above_0
from .features import Columns, Features
from .impressions import Lesson, OwnImpressions
from .tables import DECIMALS

Link = Literal["logit", "identity"]
LARGEST_SCORE = 35.0


@dataclass(eq=False, repr=False)
class Online:
    """Values are ``unit`` x link(``base`` + the weights of the row's features), in currency.

    ``base`` is the ``mean`` outcome on the link's scale; ``noise`` the spread of one outcome around its mean, in ``unit``, where the
    link is ``identity``. A model has ``_mean_score`` and ``_learn``.
    """

    features: Features
    link: Link = "logit"
    unit: float = 1.0
    own: OwnImpressions | None = None
    mean: InitVar[float] = 0.5
    noise: float = 1.0

    stochastic = False
    draw = 0
    """The number of this model among those that draw by the same column ``uniform``."""

    def __post_init__(self, mean: float) -> None:
        self.noise = above_0("noise", self.noise)
        self.base = self._to_link(mean)

    @property
    def reads(self) -> tuple[str, ...]:
        """The sources."""
        return self.features.sources

    @property
    def learns(self) -> bool:
        """Whether it learns from feedback."""
        return self.own is not None

    def value(self, requests: VisibleRequests) -> NDArray[np.float64]:
        """Expected value in currency; row-wise: a row's weights are added in one order, and the sum is rounded."""
        score = self.base + self._score(self._features(requests), requests)
        return np.asarray(np.round(self.unit * self._from_link(score), DECIMALS))

    def sigma(self, requests: VisibleRequests) -> NDArray[np.float64]:
        """Standard deviation of the expected value in currency: that of the score, to first order; row-wise."""
        features = self._features(requests)
        mean = self._from_link(self.base + self._mean_score(features))
        slope = mean * (1.0 - mean) if self.link == "logit" else np.ones(requests.n)
        return np.asarray(np.round(self.unit * slope * self._score_sigma(features), DECIMALS))

    def _features(self, requests: VisibleRequests) -> Columns:
        return self.features.of([requests[name] for name in self.features.sources], requests.n)

    def observe(self, feedback: Feedback) -> None:
        """Keep the impressions won, and the outcomes that became known."""
        if self.own is not None:
            self.own.add(feedback)

    def control(self, state: AccountState) -> None:
        """Learn from impressions that are old enough."""
        lesson = self.own.mature(state.hour, state.report_age_h) if self.own is not None else None
        if lesson is not None:
            self._learn(lesson)

    def fit(self, count: NDArray[np.float64], total: NDArray[np.float64]) -> None:
        """Learn from a log: how often each combination of codes was bought, and the sum of the outcomes, in units of ``unit``.

        Shape: an axis a source. The log's mean becomes ``base``.
        """
        if count.sum() > 0:
            self.base = self._to_link(float(total.sum() / count.sum()))
            self._learn_log(self.features.cells(), count.ravel(), total.ravel())

    def expected(self) -> NDArray[np.float64]:
        """Values of all combinations of codes without chance, in currency, an axis a source."""
        value = self.unit * self._from_link(self.base + self._mean_score(self.features.cells()))
        return np.asarray(np.round(value, DECIMALS).reshape(self.features.sizes))

    def _learn_log(self, cells: Columns, count: NDArray[np.float64], total: NDArray[np.float64]) -> None:
        """Move the weights by a log: shape (cells,)."""
        there = count > 0
        self._learn(Lesson(cells[:, there], total[there] / count[there], count[there]))

    def _score(self, features: Columns, requests: VisibleRequests) -> NDArray[np.float64]:  # noqa: ARG002
        """Return the scores of the features on these requests, to be added to ``base``; drawn by chance, where the model draws."""
        return self._mean_score(features)

    def _mean_score(self, features: Columns) -> NDArray[np.float64]:
        """Return the mean scores of the features, to be added to ``base``; shape (n,)."""
        raise NotImplementedError

    def _score_sigma(self, features: Columns) -> NDArray[np.float64]:
        """Return the standard deviations of the scores, shape (n,)."""
        raise NotImplementedError

    def _learn(self, lesson: Lesson) -> None:
        """Move the weights."""
        raise NotImplementedError

    def _to_link(self, mean: float) -> float:
        if self.link == "identity":
            return mean
        within = min(max(mean, 1e-9), 1.0 - 1e-9)
        return float(np.log(within / (1.0 - within)))

    def _from_link(self, score: NDArray[np.float64]) -> NDArray[np.float64]:
        if self.link == "identity":
            return score
        return np.asarray(1.0 / (1.0 + np.exp(-np.clip(score, -LARGEST_SCORE, LARGEST_SCORE))))

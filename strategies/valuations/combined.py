"""Several valuations in one: silos' scores combined on one request, by no model that has seen two silos' columns.

A silo is an owner with all its sources (``Scenario.silos``), used together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from jointbid.sim import VisibleRequests

from ..base import (
    AccountState,
    Feedback,
    Valuation,
    feedback_with,
    is_learning,
    only,
    pass_closing_account,
    sigma_of,
)
from .online import Link, Online


class Combined:
    """Several valuations in one. Each part sees the columns that it declared, and those that learn receive feedback."""

    parts: tuple[Valuation, ...]

    @property
    def reads(self) -> tuple[str, ...]:
        """All columns that the parts read."""
        return tuple(dict.fromkeys(column for part in self.parts for column in part.reads))

    @property
    def learns(self) -> bool:
        """Whether one of the parts learns."""
        return any(is_learning(part) for part in self.parts)

    @property
    def stochastic(self) -> bool:
        """Whether one of the parts draws by chance."""
        return any(bool(getattr(part, "stochastic", False)) for part in self.parts)

    def each(self, requests: VisibleRequests) -> list[NDArray[np.float64]]:
        """Return the values of the parts."""
        return [part.value(only(requests, part.reads)) for part in self.parts]

    def sigmas(self, requests: VisibleRequests) -> list[NDArray[np.float64]]:
        """Return the standard deviations of the parts."""
        return [sigma_of(part, only(requests, part.reads)) for part in self.parts]

    def observe(self, feedback: Feedback) -> None:
        """Pass feedback on to the parts that learn."""
        for part in filter(is_learning, self.parts):
            part.observe(feedback_with(feedback, partial(only, names=part.reads)))

    def control(self, state: AccountState) -> None:
        """Pass the account on to the parts that learn."""
        for part in filter(is_learning, self.parts):
            part.control(state)

    def finish(self, feedback: Feedback, state: AccountState) -> None:
        """Pass the closing account on to the parts that learn."""
        for part in filter(is_learning, self.parts):
            pass_closing_account(part, feedback_with(feedback, partial(only, names=part.reads)), state)


@dataclass(frozen=True)
class Apart(Combined):
    """The sum of models that learn apart, one for each label: clicks and conversions become known at different times."""

    parts: tuple[Online, ...]

    def value(self, requests: VisibleRequests) -> NDArray[np.float64]:
        """Return the expected value in currency, shape (requests.n,); row-wise."""
        return np.asarray(sum(self.each(requests)))

    def sigma(self, requests: VisibleRequests) -> NDArray[np.float64]:
        """Return the standard deviation of the sum of independent parts."""
        return root_of_squares(self.sigmas(requests))

    def expected(self) -> NDArray[np.float64]:
        """Return the values of all combinations of codes without chance, in currency, an axis a source."""
        return np.asarray(sum(part.expected() for part in self.parts))


@dataclass(frozen=True)
class Stacked(Combined):
    """weights[0] + weights[1] score_1 + ... on the scale of ``link``; ``unit`` is the most that an impression can be worth, in currency."""

    parts: tuple[Valuation, ...]
    weights: tuple[float, ...]
    link: Link = "identity"
    unit: float = 1.0

    def value(self, requests: VisibleRequests) -> NDArray[np.float64]:
        """Return the weighted scores."""
        total = np.full(requests.n, self.weights[0])
        for value, weight in zip(self.each(requests), self.weights[1:], strict=True):
            total = total + weight * to_link(value, self.link, self.unit)
        return total if self.link == "identity" else np.asarray(self.unit * expit(total))

    def sigma(self, requests: VisibleRequests) -> NDArray[np.float64]:
        """Return the standard deviation to first order, as if the parts' errors were independent: no model has seen both."""
        values, sigmas = self.each(requests), self.sigmas(requests)
        if self.link == "identity":
            slopes = [np.full(requests.n, weight) for weight in self.weights[1:]]
        else:
            own = expit(to_link(self.value(requests), self.link, self.unit))
            shares = (np.clip(value / self.unit, 1e-9, 1 - 1e-9) for value in values)
            slopes = [
                weight * own * (1.0 - own) / (share * (1.0 - share))
                for weight, share in zip(self.weights[1:], shares, strict=True)
            ]
        return root_of_squares([slope * sigma for slope, sigma in zip(slopes, sigmas, strict=True)])


@dataclass(frozen=True)
class Summed(Combined):
    """Marginal models simply added: score_1 + score_2 - ``mean``, at least 0. It counts what both know twice."""

    parts: tuple[Valuation, ...]
    mean: float

    def value(self, requests: VisibleRequests) -> NDArray[np.float64]:
        """Return the sum."""
        total = np.full(requests.n, -self.mean * (len(self.parts) - 1))
        for value in self.each(requests):
            total = total + value
        return np.asarray(np.maximum(total, 0.0))

    def sigma(self, requests: VisibleRequests) -> NDArray[np.float64]:
        """Return the standard deviation as if the parts' errors were independent."""
        return root_of_squares(self.sigmas(requests))


def root_of_squares(parts: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return the square root of the sum of the parts' squares, added in their order."""
    return np.asarray(np.sqrt(sum(part**2 for part in parts)))


def to_link(value: NDArray[np.float64], link: Link, unit: float) -> NDArray[np.float64]:
    """A value in currency on the scale on which scores are added."""
    return value if link == "identity" else np.asarray(logit(np.clip(value / unit, 1e-9, 1 - 1e-9)))

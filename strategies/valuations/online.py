"""Valuations that start from the randomised log and go on learning from their own impressions while they bid."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from sim import AccountState, Feedback, Scenario, VisibleRequests
from sim.delays import quantile
from sim.training import TrainingLog
from strategies.parameters import above_0
from strategies.valuations.features import Columns, Features
from strategies.valuations.impressions import Lesson, OwnImpressions, Told
from strategies.valuations.ownership import Worth, owned
from strategies.valuations.tables import DECIMALS

Link = Literal["logit", "identity"]
LARGEST_SCORE = 35.0
MATURE = 0.9
"""Impressions are held back until so many of their outcomes are known,"""
LONGEST_WAIT = 0.25
"""but not for more than this part of the run."""


class Online:
    """Values are ``unit`` x link(``base`` + the weights of the row's features), in currency.

    ``base`` is the mean outcome on the link's scale; ``noise`` the spread of one outcome around its mean, in ``unit``, where the
    link is ``identity``. A model has ``_mean_score`` and ``_learn``.
    """

    stochastic = False

    def __init__(
        self,
        features: Features,
        link: Link = "logit",
        unit: float = 1.0,
        own: OwnImpressions | None = None,
        mean: float = 0.5,
        noise: float = 1.0,
    ) -> None:
        self.features, self.link, self.unit, self.own = features, link, unit, own
        self.noise = above_0("noise", noise)
        self.base = self._to_link(mean)

    @property
    def reads(self) -> tuple[str, ...]:
        """The sources."""
        return self.features.sources

    @property
    def learns(self) -> bool:
        """Whether it wants feedback."""
        return self.own is not None

    def value(self, requests: VisibleRequests) -> NDArray[np.float64]:
        """Expected value in currency; row-wise: a row's weights are added in one order, and the sum is rounded."""
        codes = [requests[name] for name in self.features.sources]
        score = self.base + self._score(self.features.of(codes, requests.n), requests)
        return np.asarray(np.round(self.unit * self._from_link(score), DECIMALS))

    def observe(self, feedback: Feedback) -> None:
        """Keep what was won, and what became known."""
        if self.own is not None:
            self.own.add(feedback)

    def control(self, state: AccountState) -> None:
        """Learn from what is old enough."""
        lesson = self.own.mature(state.hour) if self.own is not None else None
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
        """What the features add to ``base`` on these requests, shape (n,); by chance, where the model draws."""
        return self._mean_score(features)

    def _mean_score(self, features: Columns) -> NDArray[np.float64]:
        """What the features add to ``base`` on average, shape (n,)."""
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


Model = TypeVar("Model", bound=Online)


def started(
    model: Callable[..., Model],
    scenario: Scenario,
    log: TrainingLog,
    information: tuple[str, ...],
    *,
    own: bool = True,
    folds: slice | list[int] = slice(None),
    **parameters: float,
) -> Model:
    """A model of an impression's outcome on the codes of ``information``, fitted to (some folds of) the randomised log.

    With ``own`` it goes on learning from its own impressions, where their outcomes are told: clicks, and conversions. It holds
    them back for nine tenths of the outcomes to become known, but not for more than a quarter of the run.

    Raises ``ValueError`` for a source with ``unmatched='prior'``: each row moves one model, and would need one without the source.
    """
    for name in information:
        if scenario.data_of(name).unmatched == "prior":
            raise ValueError(
                f"source.{scenario.original(name)}.unmatched = prior: must be signal where a model learns while it bids"
            )
    response = scenario.response
    sources, held = scenario.distinct(information), scenario.originals(information)
    unseen = tuple(axis for axis, name in enumerate(log.sources) if name not in held)

    def seen(table: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(table[folds].sum(axis=0).sum(axis=unseen))

    worth = Worth(response.value_per_click, 0.0)
    count, total, square = map(seen, (log.count, log.total, log.square))
    if response.conversion is not None:
        worth = owned(scenario, log, information)
        if min(worth) == 0 < max(worth):  # of one kind alone the square is the square of what one counts
            label = seen(log.clicks if worth.click else log.conversions)
            total, square = max(worth) * label, max(worth) ** 2 * label
    is_click = response.learns_clicks
    unit, noise = (response.value_per_click, 1.0) if is_click else _scale(count, total, square)
    features = Features(sources, tuple(map(scenario.codes_of, sources)))
    teaches = own and response.family == "logit"
    made = model(
        features,
        "logit" if is_click else "identity",
        unit,
        _own(scenario, features, worth, unit) if teaches else None,
        noise=noise,
        **parameters,
    )
    made.fit(count, total if is_click else total / unit)
    return made


def _scale(
    count: NDArray[np.float64], total: NDArray[np.float64], square: NDArray[np.float64]
) -> tuple[float, float]:
    """The mean outcome, so that weights are relative to it as log-odds are; and the spread around it, in that unit."""
    n = max(float(count.sum()), 1.0)
    mean, spread = abs(float(total.sum())) / n, float(np.sqrt(square.sum() / n))
    unit = max(mean, 1e-3 * spread) or 1.0
    return unit, max(spread / unit, 1e-3)


def _own(scenario: Scenario, features: Features, worth: Worth, unit: float) -> OwnImpressions:
    """Clicks and conversions count what they are worth to the learner, in ``unit``."""
    response, clicks, conversions = scenario.response, None, None
    waits = [0.0]
    if worth.click > 0:
        clicks = Told(worth.click / unit, response.click_delay_h)
        waits.append(_mature_at(clicks))
    if response.conversion is not None and worth.conversion > 0:
        sale = response.conversion
        conversions = Told(worth.conversion / unit, sale.delay_h, sale.click_window_h)
        waits.append(_mature_at(conversions))
    wait_h = min(max(waits), LONGEST_WAIT * scenario.supply.horizon_h)
    return OwnImpressions(features, clicks, conversions, wait_h)


def _mature_at(told: Told) -> float:
    """The age at which most outcomes are known, in hours."""
    return 0.0 if told.delay.is_none else float(quantile(told.delay, np.array([MATURE]))[0])

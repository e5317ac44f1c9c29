"""The exact valuation: E[theta | what the sources show], under the true model and the sources' true error rates.

What a study needs to separate the worth of data from the cost of learning. The posterior is worked out once, as tables
over codes; the strategy that is handed them holds no truth about any single request.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from sim import Scenario
from sim.response import truth
from sim.scenario import FACTORS, HOUR_US, Source, SyntheticSupply
from sim.sources import SyncClock, likelihood, retention
from strategies.base import Valuation
from strategies.valuations.tables import DECIMALS, AgedValues, CellValues, ratio

AGE_GRID = 4096
"""Points of the refresh cycle over which unknown ages are averaged."""


def bayes(scenario: Scenario, information: tuple[str, ...]) -> Valuation:
    """E[theta | codes of the sources in ``information``], with their ages where these are known.

    Raises ``ValueError`` for a source that the scenario does not have.
    """
    unknown = [name for name in information if name not in scenario.source]
    if unknown:
        has = ", ".join(scenario.source) or "none"
        raise ValueError(f"no source {unknown[0]!r} in this scenario; there is: {has}")
    sources = tuple(name for name in scenario.source if name in information)
    aged = tuple(name for name in sources if ages_are_used(scenario.source[name]))
    prior = mean_value(scenario)
    constant = {name: believed_retention(scenario, name) for name in sources if name not in aged}
    corners = [
        posterior(scenario, sources, {**constant, **dict(zip(aged, map(float, corner), strict=True))})
        for corner in product((0, 1), repeat=len(aged))
    ]
    if not aged:
        return CellValues(sources, corners[0].mean(prior))
    shape = (2,) * len(aged) + corners[0].weight.shape
    return AgedValues(
        sources,
        aged,
        tuple(_decay(scenario.source[name]) for name in aged),
        np.stack([corner.worth for corner in corners]).reshape(shape),
        np.stack([corner.weight for corner in corners]).reshape(shape),
        prior,
    )


@dataclass(frozen=True)
class Posterior:
    """Over the codes of some sources: ``weight`` their probability, ``worth`` that times the mean of theta."""

    weight: NDArray[np.float64]
    worth: NDArray[np.float64]

    def mean(self, prior: float) -> NDArray[np.float64]:
        """E[theta | codes]."""
        return ratio(self.worth, self.weight, prior)


def posterior(scenario: Scenario, sources: tuple[str, ...], keep: dict[str, float]) -> Posterior:
    """Joint law of the codes, and theta's mean along it, at the retentions ``keep``; an axis a source."""
    world = truth(scenario)
    weight, worth = world.law, world.law * world.theta
    for axis, factor in enumerate(FACTORS):
        if factor in sources:
            shown = likelihood(scenario.source[factor], scenario.types_of(factor), keep[factor])
        else:
            shown = np.ones((1, scenario.types_of(factor)))
        weight, worth = (
            np.moveaxis(np.tensordot(shown, a, axes=(1, axis)), 0, axis) for a in (weight, worth)
        )
    order = [FACTORS.index(name) for name in sources]
    rest = [axis for axis in range(len(FACTORS)) if axis not in order]
    shape = tuple(weight.shape[axis] for axis in order)
    return Posterior(*(np.transpose(a, order + rest).reshape(shape) for a in (weight, worth)))


def mean_value(scenario: Scenario) -> float:
    """E[theta]: all that a bidder without data knows."""
    world = truth(scenario)
    return round(float(np.sum(world.law * world.theta)), DECIMALS)


def ages_are_used(source: Source) -> bool:
    """Its age differs from request to request, is known, and is taken into account."""
    return source.ages and source.age_known and source.use == "calibrated" and not source.never_arrives


def believed_retention(scenario: Scenario, name: str) -> float:
    """The retention that a bidder reckons with who does not use the age: 1 if naive, else the mean over requests."""
    source = scenario.source[name]
    if source.use == "naive" or source.never_arrives:
        return 1.0
    ages, weights = ages_over_the_run(scenario, name)
    return float(np.average(retention(source, ages), weights=weights))


def ages_over_the_run(scenario: Scenario, name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Ages of the copy in hours at points of the run, and how many requests come there (relative); shape (points,)."""
    source, supply = scenario.source[name], scenario.supply
    clock = SyncClock.of(source)
    if not clock.interval_us or not isinstance(supply, SyntheticSupply):
        return np.array([clock.latency_us / HOUR_US]), np.ones(1)
    interval, latency = clock.interval_us / HOUR_US, clock.latency_us / HOUR_US
    points = max(AGE_GRID, int(64 * supply.horizon_h / interval))
    hours = (np.arange(points) + 0.5) * (supply.horizon_h / points)
    ages = hours - np.floor((hours - latency) / interval) * interval
    slot = (hours % 24.0 * len(supply.hourly) / 24.0).astype(int)
    return ages, np.asarray(supply.hourly)[slot]


def _decay(source: Source) -> tuple[float, float]:
    """Retention at age 0, and the rate per hour at which it falls."""
    return 1.0 - source.false_match_rate, 2.0 * source.flip_rate_per_h

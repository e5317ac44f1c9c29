"""The log that all learned valuations are fitted to: impressions bought at random, with what followed.

Every request of it was bought with the same probability whatever was seen, so its propensities are equal and cancel: no
bidder's own choice selects what can be learned. All arms fit the same log, each masked to the columns that it holds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.arrivals import SLICE
from sim.audience import Visits
from sim.response import truth
from sim.scenario import FACTORS, Scenario
from sim.sources import Facts, SourceDraws, SyncClock, codes
from sim.streams import Streams

FOLDS = 2
"""The log comes in two halves, so that stacking weights can be fitted to scores of rows that no model saw."""


@dataclass(frozen=True, slots=True)
class TrainingLog:
    """Sufficient statistics of the log per fold and visible cell: shape (folds, codes of each source in ``sources`` order).

    ``sources`` are those whose data differ (copies show nothing new). However many impressions, the tables have as many
    cells as all sources together show different things, at most ``sim.scenario.MAX_VISIBLE_CELLS`` a fold.

    ``count`` impressions, ``total`` the sum of their outcomes, ``square`` of the squared outcomes. The outcome is a click
    (0 or 1) where the response has clicks alone, else a realised value in currency.
    """

    sources: tuple[str, ...]
    count: NDArray[np.float64]
    total: NDArray[np.float64]
    square: NDArray[np.float64]


def randomised_log(scenario: Scenario, seed: int, replication: int, requests: int) -> TrainingLog:
    """``requests`` impressions bought at random before the run, as the focal advertiser's sources show them."""
    streams, table = Streams(seed, replication), _Table.of(scenario)
    for start in range(0, requests, SLICE):
        visits = Visits.at(scenario, streams, start, min(SLICE, requests - start))
        facts = Facts.at(scenario, streams, "training", visits)
        outcome = _outcome(scenario, streams, facts, visits)
        table.add(start, _cells(scenario, streams, facts, visits), outcome)
    return table.log()


def creative_logs(scenario: Scenario, seed: int, replication: int, requests: int) -> list[TrainingLog]:
    """The log, taken apart by which creative chance showed: one for each, together ``requests`` impressions."""
    streams = Streams(seed, replication)
    tables = [_Table.of(scenario) for _ in scenario.creative]
    shares = np.cumsum(truth(scenario).shares)
    for start in range(0, requests, SLICE):
        visits = Visits.at(scenario, streams, start, min(SLICE, requests - start))
        facts = Facts.at(scenario, streams, "training", visits)
        cell = _cells(scenario, streams, facts, visits)
        shown = np.searchsorted(shares[:-1], visits.by_request(streams, "training/creative"), side="right")
        for number, own in enumerate(tables):
            outcome = _outcome(scenario, streams, facts, visits, creative=number)
            own.add(start, cell, outcome, shown == number)
    return [own.log() for own in tables]


@dataclass(frozen=True, slots=True)
class _Table:
    """A log under way; its sums have shape (folds, cells)."""

    sources: tuple[str, ...]
    sizes: tuple[int, ...]
    sums: NDArray[np.float64]

    @classmethod
    def of(cls, scenario: Scenario) -> _Table:
        sources = scenario.originals(scenario.source)
        sizes = tuple(scenario.codes_of(name) for name in sources)
        return cls(sources, sizes, np.zeros((3, FOLDS, int(np.prod(sizes)))))

    def add(
        self,
        start: int,
        cell: NDArray[np.int64],
        outcome: NDArray[np.float64],
        which: NDArray[np.bool_] | None = None,
    ) -> None:
        """Add impressions ``start`` on, all or some, by their cells."""
        fold = np.arange(start, start + len(cell)) % FOLDS
        for f in range(FOLDS):
            here = fold == f if which is None else (fold == f) & which
            for sums, what in zip(self.sums, (np.ones(len(cell)), outcome, outcome**2), strict=True):
                sums[f] += np.bincount(cell[here], weights=what[here], minlength=sums.shape[1])

    def log(self) -> TrainingLog:
        shape = (FOLDS, *self.sizes)
        return TrainingLog(self.sources, *(sums.reshape(shape) for sums in self.sums))


def _cells(scenario: Scenario, streams: Streams, facts: Facts, visits: Visits) -> NDArray[np.int64]:
    """What all sources together showed, by number."""
    cell = np.zeros(visits.n, dtype=np.int64)
    for name in scenario.originals(scenario.source):
        cell = cell * scenario.codes_of(name) + _codes(scenario, streams, name, facts, visits)
    return cell


def _codes(
    scenario: Scenario, streams: Streams, name: str, facts: Facts, visits: Visits
) -> NDArray[np.int32]:
    """What the source showed at log time: requests spread evenly over the source's refresh cycle."""
    source = scenario.source[name]
    clock = SyncClock.of(source)
    since = visits.by_request(streams, f"training/since/{name}") * max(clock.interval_us, 1)
    time_us = (
        (clock.taken_us + clock.latency_us + since).astype(np.int64)
        if source.ages
        else np.zeros(visits.n, np.int64)
    )
    draws = SourceDraws.at(scenario, streams, "training", name, visits)
    return codes(scenario, name, facts, draws, clock, time_us)


def _outcome(
    scenario: Scenario, streams: Streams, facts: Facts, visits: Visits, creative: int | None = None
) -> NDArray[np.float64]:
    """A click (0 or 1) where the response has clicks alone, else an amount of currency; all that is due is known.

    Of one creative by its number, or over their rotation.
    """
    at = tuple(facts[factor] for factor in FACTORS)
    world, response = truth(scenario), scenario.response
    theta, click, conversion = (
        (world.theta, world.click, world.conversion)
        if creative is None
        else (world.effect.worth[creative], world.effect.click[creative], world.effect.conversion[creative])
    )
    u = visits.by_request(streams, "training/outcome")
    if response.learns_clicks:
        return np.asarray(u < click[at], dtype=np.float64)
    if response.conversion is None:
        from scipy.special import ndtri

        return np.asarray(theta[at] + response.noise_sd * ndtri(u))
    clicked = u < click[at]
    converted = visits.by_request(streams, "training/conversion") < conversion[at]
    return np.asarray(clicked * response.value_per_click + converted * response.conversion.value)

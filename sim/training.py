"""The log that all learned valuations are fitted to: impressions bought at random, with what followed.

Every request of it was bought with the same probability whatever was seen, so its propensities are equal and cancel: no
bidder's own choice selects what can be learned. All arms fit the same log, each masked to the columns that it holds.
"""

from __future__ import annotations

from dataclasses import dataclass, field

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
    (0 or 1) where the response has clicks alone, else a realised value in currency. Where conversions follow, ``clicks`` and
    ``conversions`` count both apart; elsewhere they are empty.
    """

    sources: tuple[str, ...]
    count: NDArray[np.float64]
    total: NDArray[np.float64]
    square: NDArray[np.float64]
    clicks: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    conversions: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))


def randomised_log(scenario: Scenario, seed: int, replication: int, requests: int) -> TrainingLog:
    """``requests`` impressions bought at random before the run, as the focal advertiser's sources show them."""
    streams = Streams(seed, replication)
    sources = scenario.originals(scenario.source)
    sizes = [scenario.codes_of(name) for name in sources]
    cells = int(np.prod(sizes))
    sums: dict[str, NDArray[np.float64]] = {}
    for start in range(0, requests, SLICE):
        n = min(SLICE, requests - start)
        visits = Visits.at(scenario, streams, start, n)
        facts = Facts.at(scenario, streams, "training", visits)
        cell = np.zeros(n, dtype=np.int64)
        for name, size in zip(sources, sizes, strict=True):
            cell = cell * size + _codes(scenario, streams, name, facts, visits)
        cell += cells * (np.arange(start, start + n) % FOLDS)
        for what, column in {"count": np.ones(n), **_outcomes(scenario, streams, facts, visits)}.items():
            here = np.asarray(np.bincount(cell, weights=column, minlength=FOLDS * cells), dtype=np.float64)
            sums[what] = sums[what] + here if what in sums else here
    return TrainingLog(sources, **{what: table.reshape(FOLDS, *sizes) for what, table in sums.items()})


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


def _outcomes(
    scenario: Scenario, streams: Streams, facts: Facts, visits: Visits
) -> dict[str, NDArray[np.float64]]:
    """The columns that ``TrainingLog`` sums, by its names; all that is due is known."""
    at = tuple(facts[factor] for factor in FACTORS)
    world, response = truth(scenario), scenario.response
    u = visits.by_request(streams, "training/outcome")
    clicked = (u < world.click[at]).astype(np.float64)
    if response.learns_clicks:
        return {"total": clicked, "square": clicked}
    if response.conversion is None:
        from scipy.special import ndtri

        value = np.asarray(world.theta[at] + response.noise_sd * ndtri(u))
        return {"total": value, "square": value**2}
    converted = (visits.by_request(streams, "training/conversion") < world.conversion[at]).astype(np.float64)
    value = clicked * response.value_per_click + converted * response.conversion.value
    return {"total": value, "square": value**2, "clicks": clicked, "conversions": converted}

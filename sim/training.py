"""The log that all learned valuations are fitted to: impressions bought at random, with what followed.

Every request of it was bought with the same probability, independent of what was seen, so its propensities are equal and cancel: no
bidder's own choice selects what can be learned. All arms fit the same log, each masked to the columns that it holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import prod

import numpy as np
from numpy.typing import NDArray

from .arrivals import SLICE
from .audience import Visits
from .response import margins, truth
from .scenario import FACTORS, Scenario
from .sources import Facts, SourceDraws, SyncClock, codes, matched
from .streams import Streams

HALVES = 2
"""Even and odd parts of the log: stacking weights are fitted to scores of rows that no model saw."""
PARTS = 10
"""The log comes in this number of parts, for cross-validation within each half,"""
CELLS_IN_PARTS = 1 << 17
"""or in its halves alone where there are more visible cells."""


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class TrainingLog:
    """Sufficient statistics of the log per part and visible cell: shape (parts, codes of each source in ``sources`` order).

    ``sources`` are those whose data differ (copies show nothing new). However many impressions, the tables have as many
    cells as all sources together show different things, at most ``jointbid.sim.scenario.checks.MAX_VISIBLE_CELLS`` a
    part. Row i is in part i modulo their number.

    ``count`` impressions, ``total`` the sum of their outcomes, ``square`` of the squared outcomes. The outcome is a click
    (0 or 1) where the response has clicks alone, else a realised value in currency. Where conversions follow, ``clicks`` and
    ``conversions`` count both apart; where these earn one more than another, ``margin`` and ``margin_square`` are the sums of
    their margins and of the squares. Elsewhere these are empty.
    """

    sources: tuple[str, ...]
    count: NDArray[np.float64]
    total: NDArray[np.float64]
    square: NDArray[np.float64]
    clicks: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    conversions: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    margin: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    margin_square: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))


def randomised_log(scenario: Scenario, seed: int, replication: int, requests: int) -> TrainingLog:
    """``requests`` impressions bought at random before the run, as the focal advertiser's sources show them."""
    streams, table = Streams(seed, replication), _Table(scenario)
    for start, visits, facts in _impressions(scenario, streams, requests):
        cell = table.cells(streams, start, facts, visits)
        table.add(cell, _outcomes(scenario, streams, facts, visits))
    return table.log()


def creative_logs(scenario: Scenario, seed: int, replication: int, requests: int) -> list[TrainingLog]:
    """The log, taken apart by which creative chance showed: one for each, together ``requests`` impressions."""
    streams, tables = Streams(seed, replication), [_Table(scenario) for _ in scenario.creative]
    shares = np.cumsum(truth(scenario).shares)
    for start, visits, facts in _impressions(scenario, streams, requests):
        cell = tables[0].cells(streams, start, facts, visits)
        shown = np.searchsorted(shares[:-1], visits.by_request(streams, "training/creative"), side="right")
        for number, table in enumerate(tables):
            here = shown == number
            columns = _outcomes(scenario, streams, facts, visits, creative=number)
            table.add(cell[here], {what: column[here] for what, column in columns.items()})
    return [table.log() for table in tables]


def _impressions(scenario: Scenario, streams: Streams, requests: int) -> Iterator[tuple[int, Visits, Facts]]:
    """The impressions in slices: where each begins, who made the requests, and what is true of them."""
    for start in range(0, requests, SLICE):
        visits = Visits.at(scenario, streams, start, min(SLICE, requests - start))
        yield start, visits, Facts.at(scenario, streams, "training", visits)


class _Table:
    """The sums of a log under way, over (parts x cells)."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario, self._sources = scenario, scenario.originals(scenario.source)
        self._sizes = [scenario.codes_of(name) for name in self._sources]
        self._cells = prod(self._sizes)
        self._parts = PARTS if self._cells <= CELLS_IN_PARTS else HALVES
        self._sums: dict[str, NDArray[np.float64]] = {}

    def cells(self, streams: Streams, start: int, facts: Facts, visits: Visits) -> NDArray[np.int64]:
        """Part and visible cell of each impression, in one number."""
        cell = np.zeros(visits.n, dtype=np.int64)
        for name, size in zip(self._sources, self._sizes, strict=True):
            cell = cell * size + _codes(self._scenario, streams, name, facts, visits)
        return cell + self._cells * (np.arange(start, start + visits.n) % self._parts)

    def add(self, cell: NDArray[np.int64], columns: dict[str, NDArray[np.float64]]) -> None:
        """Add impressions with their outcomes."""
        for what, column in {"count": np.ones(len(cell)), **columns}.items():
            here = np.bincount(cell, weights=column, minlength=self._parts * self._cells).astype(np.float64)
            self._sums[what] = self._sums[what] + here if what in self._sums else here

    def log(self) -> TrainingLog:
        shape = (self._parts, *self._sizes)
        return TrainingLog(
            self._sources, **{what: table.reshape(shape) for what, table in self._sums.items()}
        )


def _codes(
    scenario: Scenario, streams: Streams, name: str, facts: Facts, visits: Visits
) -> NDArray[np.int32]:
    """What the source showed at log time: requests spread evenly over the source's refresh cycle."""
    source = scenario.data_of(name)
    clock = SyncClock.of(source)
    since = visits.by_request(streams, f"training/since/{name}") * max(clock.interval_us, 1)
    time_us = (
        (clock.taken_us + clock.latency_us + since).astype(np.int64)
        if source.ages
        else np.zeros(visits.n, np.int64)
    )
    draws = SourceDraws.at(scenario, streams, "training", name, visits)
    return codes(scenario, name, facts, draws, clock, time_us, lambda: matched(scenario, name, facts, draws))


def _outcomes(
    scenario: Scenario, streams: Streams, facts: Facts, visits: Visits, creative: int | None = None
) -> dict[str, NDArray[np.float64]]:
    """The columns that ``TrainingLog`` sums, by its names; all that is due is known. Of one creative, or over their rotation."""
    at = tuple(facts[factor] for factor in FACTORS)
    world, response = truth(scenario), scenario.response
    theta, click, conversion = (
        (world.theta, world.click, world.conversion)
        if creative is None
        else (world.effect.worth[creative], world.effect.click[creative], world.effect.conversion[creative])
    )
    u = visits.by_request(streams, "training/outcome")
    clicked = (u < click[at]).astype(np.float64)
    if response.learns_clicks:
        return {"total": clicked, "square": clicked}
    if response.conversion is None:
        from scipy.special import ndtri

        value = np.asarray(theta[at] + response.noise_sd * ndtri(u))
        return {"total": value, "square": value**2}
    converted = (visits.by_request(streams, "training/conversion") < conversion[at]).astype(np.float64)
    each = margins(response)
    margin = converted * (each[facts["profile"]] if len(each) > 1 else each)
    value = clicked * response.value_per_click + margin
    table = {"total": value, "square": value**2, "clicks": clicked, "conversions": converted}
    return table if len(each) == 1 else {**table, "margin": margin, "margin_square": margin**2}

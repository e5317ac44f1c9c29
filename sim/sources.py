"""What a bidder can see of the truth: matching, false matches, and a copy that grows old between syncs.

A source of factor f with k types shows a *code*: 0 to k - 1 is a type, k means unmatched. Given the true type, a matched
request shows it with probability ``retention``, and otherwise a fresh draw from the population.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.audience import Visits, type_of
from sim.scenario import HOUR_US, Source
from sim.streams import Streams


@dataclass(slots=True)
class SyncClock:
    """When the copy in use was taken: moved by the calendar's sync events, read between them. Microseconds."""

    interval_us: int
    latency_us: int
    taken_us: int

    @classmethod
    def of(cls, source: Source) -> SyncClock:
        """The clock at hour 0, after syncs that have run for ever before."""
        interval = round(source.sync_interval_h * HOUR_US)
        latency = 0 if source.never_arrives else round(source.latency_h * HOUR_US)
        return cls(interval, latency, (-latency // interval) * interval if interval else -latency)

    def arrived(self, now_us: int) -> None:
        """A copy arrives at ``now_us``: from here on it is the one in use."""
        self.taken_us = now_us - self.latency_us

    def age_h(self, time_us: NDArray[np.int64]) -> NDArray[np.float64]:
        """Age of the copy in use at each request, in hours; shape as ``time_us``."""
        if self.interval_us == 0:
            return np.full(time_us.shape, self.latency_us / HOUR_US)
        return (time_us - self.taken_us) / HOUR_US


def retention(source: Source, age_h: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probability that a matched code is the true type itself and not a redraw; shape as ``age_h``.

    The profile is redrawn at rate 2 lambda, so a copy of age T keeps exp(-2 lambda T) of the correlation; a false match
    at rate e takes another factor 1 - e.
    """
    return (1.0 - source.false_match_rate) * np.exp(-2.0 * source.flip_rate_per_h * age_h)


def match_probability(source: Source, types: int) -> NDArray[np.float64]:
    """Match rate by true type, shape (types,); 0 where the copy never arrives."""
    return (
        np.zeros(types)
        if source.never_arrives
        else np.broadcast_to(np.asarray(source.match_rate, float), (types,))
    )


def likelihood(source: Source, types: int, keep: float) -> NDArray[np.float64]:
    """P(code | true type) at retention ``keep``: shape (types + 1, types), columns sum to 1, the last row unmatched."""
    matched = match_probability(source, types)
    shown = keep * np.eye(types) + (1.0 - keep) / types
    return np.vstack([shown * matched, 1.0 - matched])


def is_transparent(source: Source) -> bool:
    """The source shows the truth always: no draw of its own is needed."""
    whole = bool(np.all(np.asarray(source.match_rate) == 1.0)) and not source.never_arrives
    return whole and source.false_match_rate == 0.0 and source.flip_rate_per_h == 0.0


def codes(
    source: Source,
    true_type: NDArray[np.int32],
    types: int,
    clock: SyncClock,
    time_us: NDArray[np.int64],
    draws: SourceDraws,
) -> NDArray[np.int32]:
    """What the source shows for each request; shape (n,), 0 to ``types``. Depends on each row alone."""
    if is_transparent(source):
        return true_type
    stale = draws.fresh >= np.exp(-2.0 * source.flip_rate_per_h * clock.age_h(time_us))
    wrong = (draws.false < source.false_match_rate) | stale
    shown = np.where(wrong, type_of(draws.other, types), true_type)
    matched = draws.match < match_probability(source, types)[true_type]
    return np.where(matched, shown, np.int32(types)).astype(np.int32)


@dataclass(frozen=True, slots=True)
class SourceDraws:
    """The uniforms behind one source of one owner, each of shape (n,): a sweep of any knob couples monotonically."""

    match: NDArray[np.float64]
    false: NDArray[np.float64]
    other: NDArray[np.float64]
    fresh: NDArray[np.float64]

    @classmethod
    def at(cls, streams: Streams, owner: str, name: str, visits: Visits) -> SourceDraws:
        """The draws of ``owner``'s source ``name`` for some requests.

        Whether a person's profile is matched, and with whose, is a fact about the person; each look at it is its own as to
        how fresh it is.
        """
        known = visits.by_person if name == "profile" else visits.by_request
        match, false, other = (
            known(streams, f"{kind}/{owner}/{name}") for kind in ("match", "false", "other")
        )
        return cls(match, false, other, visits.by_request(streams, f"fresh/{owner}/{name}"))

    def rows(self, part: slice) -> SourceDraws:
        """The same draws for some of the rows."""
        return SourceDraws(self.match[part], self.false[part], self.other[part], self.fresh[part])

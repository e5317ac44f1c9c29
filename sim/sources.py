"""What a bidder can see of the truth: coverage, consent, matching, wrong records, and a copy that grows old between syncs.

A source of a factor with k types shows a *code*: 0 to k - 1 is a type, k means unmatched. Given the true type, a matched
request shows it with probability r = ``retention`` + (1 - r) / k: it is as if the record were the true one with
probability r, and otherwise a fresh draw from the population. Errors of different sources are independent given the truth.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .audience import COMMON, Visits, draw_consent, draw_types, follows_all, type_of, uniforms_of
from .journey.process import KINDS
from .kept import kept
from .scenario import FACTORS, HOUR_US, MOVING, Scenario, Source
from .streams import Streams

ALL = slice(None)


@dataclass(frozen=True, slots=True)
class SyncClock:
    """When the copy in use was taken, in microseconds: one every ``interval_us``, in use ``latency_us`` later.

    ``taken_us`` is when the one in use at hour 0 was. No bidder moves a clock, so that the calendar's sync events say
    when copies come and columns hold what they show. Of a source that never ``arrives`` the first copy is never followed.
    """

    interval_us: int
    latency_us: int
    taken_us: int
    arrives: bool = True

    @classmethod
    def of(cls, source: Source) -> SyncClock:
        """The clock of syncs that have run for ever before hour 0."""
        interval = round(source.sync_interval_h * HOUR_US)
        latency = 0 if source.never_arrives else round(source.latency_h * HOUR_US)
        taken = (-latency // interval) * interval if interval else -latency
        return cls(interval, latency, taken, not source.never_arrives)

    def taken_at(self, time_us: NDArray[np.int64]) -> NDArray[np.int64]:
        """When the copy in use at each request, of hour 0 or later, was taken; shape as ``time_us``."""
        if self.interval_us == 0:
            return time_us - self.latency_us
        if not self.arrives:
            return np.full(time_us.shape, self.taken_us)
        since_us = time_us - (self.taken_us + self.latency_us)
        return self.taken_us + since_us // self.interval_us * self.interval_us

    def age_h(self, time_us: NDArray[np.int64]) -> NDArray[np.float64]:
        """Age of the copy in use at each request, in hours; shape as ``time_us``."""
        return (time_us - self.taken_at(time_us)) / HOUR_US


def true_records(source: Source, types: int) -> float:
    """What a record that is right with probability ``accuracy``, and else any other type, retains of the truth.

    Below 0 where it is right less often than a guess; 1 where there is but one type.
    """
    return 1.0 if types == 1 else (source.accuracy * types - 1.0) / (types - 1.0)


def retention(source: Source, age_h: NDArray[np.float64], types: int) -> NDArray[np.float64]:
    """Probability that a matched code is the true type itself and not a redraw; shape as ``age_h``.

    The fact is redrawn at rate 2 lambda, so a copy of age T keeps exp(-2 lambda T) of the correlation; a false match
    at rate e takes another factor 1 - e, and wrong records that of ``true_records``.
    """
    kept = (1.0 - source.false_match_rate) * true_records(source, types)
    return np.asarray(kept * np.exp(-2.0 * source.flip_rate_per_h * age_h))


def match_probability(source: Source, types: int) -> NDArray[np.float64]:
    """Match rate by true type, shape (types,); 0 where the copy never arrives."""
    return (
        np.zeros(types)
        if source.never_arrives
        else np.broadcast_to(np.asarray(source.match_rate, float), (types,))
    )


def likelihood(scenario: Scenario, name: str, keep: float) -> NDArray[np.float64]:
    """P(code | the truth) at retention ``keep``: an axis of codes, then one for each factor, consent, and what moves, at the copy's time.

    The last code is unmatched. Axes of what the code does not depend on have length 1; it sums to 1 over the codes.
    """
    source, factor = scenario.data_of(name), scenario.factor_of(name)
    types = scenario.types_of(factor)
    matched = _along(factor, match_probability(source, types))
    matched = matched * _along("context", np.atleast_1d(np.asarray(source.coverage, dtype=np.float64)))
    if must_consent(scenario, name):
        matched = matched * np.array([[0.0], [1.0]])
    shown = np.stack([_along(factor, row) for row in keep * np.eye(types) + (1.0 - keep) / types])
    return np.concatenate([shown * matched, 1.0 - matched[None]])


def must_consent(scenario: Scenario, name: str) -> bool:
    """Whether anybody is missing from a source for want of consent."""
    return scenario.needs_consent(name) and scenario.audience.consent != 1.0


def matches_all(scenario: Scenario, name: str) -> bool:
    """Whether every request is matched, to a right or a wrong record."""
    source = scenario.data_of(name)
    everybody = bool((match_probability(source, scenario.types_of(scenario.factor_of(name))) == 1.0).all())
    return everybody and set(np.atleast_1d(source.coverage)) == {1.0} and not must_consent(scenario, name)


def is_transparent(scenario: Scenario, name: str) -> bool:
    """The source shows the truth always: no draw of its own is needed; what moves may be of long ago."""
    return (
        scenario.factor_of(name) not in MOVING
        and scenario.data_of(name).is_whole
        and not must_consent(scenario, name)
    )


@dataclass(frozen=True, slots=True)
class Facts:
    """What some requests truly are: columns (n,) of types by factor, and ``consent`` where anybody withholds it."""

    columns: Mapping[str, NDArray[Any]]
    part: slice = field(default_factory=lambda: ALL)

    @classmethod
    def at(cls, scenario: Scenario, streams: Streams, owner: str, visits: Visits) -> Facts:
        """The facts of ``owner``, whose name is that of their draws."""
        types = draw_types(scenario, streams, owner, visits)
        if scenario.audience.consent == 1.0:
            return cls(types)
        return cls({**types, "consent": draw_consent(scenario, streams, owner, visits, types)})

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self.columns[name][self.part]

    def rows(self, part: slice) -> Facts:
        """Some of the rows."""
        return self if part == ALL else replace(self, part=part)

    def with_record(self, factor: str, types: NDArray[np.int32]) -> Facts:
        """The facts of these rows, and what a record says of a factor that moves."""
        return Facts({**{name: column[self.part] for name, column in self.columns.items()}, factor: types})


@dataclass(frozen=True, slots=True)
class SourceDraws:
    """The uniforms behind one source of one owner, by what they decide: a sweep of any knob couples monotonically.

    Whether a person's profile or history is matched, with whose, and what the record says is a fact about the person;
    each look at it is its own as to how fresh it is. Whether a request is covered, and all of a context, is the request's.
    """

    streams: Streams
    owner: str
    name: str
    visits: Visits
    of_person: bool
    shared: NDArray[np.bool_] | None = None
    part: slice = field(default_factory=lambda: ALL)
    drawn: dict[str, NDArray[np.float64]] = field(default_factory=dict)

    @classmethod
    def at(cls, scenario: Scenario, streams: Streams, owner: str, name: str, visits: Visits) -> SourceDraws:
        """The draws of ``owner``'s source ``name`` for some requests; none is made before it is asked for.

        A source that is sold to all shows the same to all of people who are the same to them.
        """
        is_own = scenario.data_of(name).exclusive
        shared = None if is_own else follows_all(scenario, streams, owner, visits)
        return cls(
            streams, owner, scenario.original(name), visits, scenario.factor_of(name) != "context", shared
        )

    def __getitem__(self, kind: str) -> NDArray[np.float64]:
        if kind not in self.drawn:
            known = (
                self.visits.by_person
                if self.of_person and kind not in {"fresh", "covered"}
                else self.visits.by_request
            )
            names = (f"{kind}/{self.owner}/{self.name}", f"{kind}/{COMMON}/{self.name}")
            self.drawn[kind] = uniforms_of(known, self.streams, names, self.shared)
        return self.drawn[kind][self.part]

    def rows(self, part: slice) -> SourceDraws:
        """The same draws for some of the rows."""
        return self if part == ALL else replace(self, part=part)


@dataclass(frozen=True, slots=True)
class SourceLaw:
    """What a source is in its scenario. ``match`` is the match rate, one number or by type; ``covered`` by context, None where all are."""

    source: Source
    factor: str
    types: int
    is_transparent: bool
    must_consent: bool
    match: float | NDArray[np.float64]
    covered: NDArray[np.float64] | None


@kept
def source_laws(scenario: Scenario) -> dict[str, SourceLaw]:
    """Return what each source is, by name."""
    laws, contexts = {}, scenario.types_of("context")
    for name in scenario.source:
        source, factor = scenario.data_of(name), scenario.factor_of(name)
        types = scenario.types_of(factor)
        match, coverage = match_probability(source, types), np.asarray(source.coverage, dtype=np.float64)
        laws[name] = SourceLaw(
            source=source,
            factor=factor,
            types=types,
            is_transparent=is_transparent(scenario, name),
            must_consent=must_consent(scenario, name),
            match=float(match[0]) if isinstance(source.match_rate, float) else match,
            covered=None if source.coverage == 1.0 else np.broadcast_to(coverage, (contexts,)),
        )
    return laws


def matched(scenario: Scenario, name: str, facts: Facts, draws: SourceDraws) -> NDArray[np.bool_]:
    """Which requests a source matches, shape (n,). Depends on each row alone."""
    law = source_laws(scenario)[name]
    found = draws["match"] < (law.match if isinstance(law.match, float) else law.match[facts[law.factor]])
    if law.covered is not None:
        found &= draws["covered"] < law.covered[facts["context"]]
    return np.asarray(found & facts["consent"]) if law.must_consent else found


def codes(
    scenario: Scenario,
    name: str,
    facts: Facts,
    draws: SourceDraws,
    clock: SyncClock,
    time_us: NDArray[np.int64],
    found: Callable[[], NDArray[np.bool_]],
) -> NDArray[np.int32]:
    """What a source shows for each request; shape (n,), 0 to the number of types. Depends on each row alone.

    ``found`` returns what ``matched`` says of these rows.
    """
    law = source_laws(scenario)[name]
    source, types = law.source, law.types
    shown: NDArray[np.int32] = facts[law.factor]
    if law.is_transparent:
        return shown
    if source.flip_rate_per_h > 0.0:
        stale = draws["fresh"] >= np.exp(-2.0 * source.flip_rate_per_h * clock.age_h(time_us))
        shown = np.where(stale, type_of(draws["other"], types), shown)
    if source.accuracy < 1.0 and types > 1:
        mistaken = (shown + 1 + type_of(draws["mistaken"], types - 1)) % np.int32(types)
        shown = np.where(draws["right"] < source.accuracy, shown, mistaken)
    if source.false_match_rate > 0.0:
        shown = np.where(draws["false"] < source.false_match_rate, type_of(draws["other"], types), shown)
    return np.where(found(), shown, np.int32(types)).astype(np.int32, copy=False)


def _along(factor: str, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Numbers by type, laid along the factor's axis among those of the truth."""
    shape = [1] * (len(FACTORS) + 2)
    if factor in MOVING:
        shape[-1], values = -1, values[KINDS[factor]] if factor in KINDS else values
    else:
        shape[FACTORS.index(factor)] = -1
    return np.reshape(values, shape)

"""The world of types: requests have one in each factor, responses follow from them, and sources show them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from ..auction.arrays import Effects
from ..audience import COMMON
from ..cells import join_codes
from ..kept import kept
from ..response import truth
from ..scenario import FACTORS, Scenario
from ..sources import Facts, SourceDraws, SyncClock, codes, matched, matches_all, source_laws
from ..streams import Streams
from ..supply import Chunk
from .base import World

Record = Callable[[Any, str, Facts, NDArray[np.int64], NDArray[np.int64]], NDArray[np.int32]]
"""What a record in this world of an owner's facts says of some requests: by their people, as it was taken at these times; shape (n,)."""
AS_TAKEN = SyncClock(0, 0, 0)
"""Of a record that is looked up as it was when the copy was taken: nothing is added for its age."""


class TypedWorld(World):
    """Requests have a type in each factor; sources show them."""

    def __init__(self, scenario: Scenario, streams: Streams) -> None:
        super().__init__(scenario, streams, (*scenario.source, *scenario.ages_shown(scenario.source)))
        self._truth = truth(scenario)
        self._outcomes: dict[str, Any] = {
            **self._truth.flat,
            "creative_stride": self._truth.stride,
            "apart": self._truth.apart,
            "rotation": self._truth.rotation,
            "drawn": self._truth.has_outcomes,
        }
        """What impressions do, as fields of ``Effects``."""
        self.sources = tuple(scenario.source)
        self.clocks = {name: SyncClock.of(scenario.source[name]) for name in scenario.originals(self.sources)}
        self._laws = source_laws(scenario)
        self._open = {name for name, law in self._laws.items() if law.is_transparent}
        self._all_match = {name for name in self.sources if matches_all(scenario, name)}
        self._same = {
            name: next(
                other
                for other in self.sources
                if scenario.original(other) == scenario.original(name)
                or ({name, other} <= self._open and self._laws[other].factor == self._laws[name].factor)
            )
            for name in self.sources
        }
        """The first source that shows the same on every request."""
        self._origins: dict[tuple[str, str], tuple[str, str]] = {}
        self._settled: dict[str, bool] = {}
        self._records: dict[str, Record] = {}
        """Factors that move while the run goes on, with what a copy of them says that was taken at some time."""
        self._facts: dict[str, Facts] = {}
        self._draws: dict[tuple[str, str], SourceDraws] = {}
        self._kept_draws: dict[tuple[str, str], SourceDraws] = {}
        """Those of sources that are not settled: they are read again in each run."""
        self._of_chunk: dict[tuple[str, ...], NDArray[Any]] = {}
        self._rows: dict[str, list[NDArray[np.intp]]] = {}
        self._of_block: dict[tuple[str, ...], NDArray[Any]] = {}
        self._block = slice(0, 0)

    @override
    def codes_of(self, name: str) -> int | None:
        return self._scenario.codes_of(name) if name in self.sources else None

    @override
    def origin(self, owner: str, name: str) -> tuple[str, str]:
        if name not in self.sources:
            return (owner, name)
        known = self._origins.get((owner, name))
        if known is None:
            known = self._origins[owner, name] = (self._teller_of(owner, name), self._same[name])
        return known

    @override
    def turn_to(self, chunk: Chunk) -> None:
        super().turn_to(chunk)
        kept = None if self._kept is None else self._kept.of(chunk, self._scenario)
        self._facts, self._of_chunk, self._kept_draws, self._rows = ({}, {}, {}, {}) if kept is None else kept
        self._draws = {}
        self._of_block = {}
        self._block = slice(0, 0)

    @override
    def column(self, owner: str, name: str, part: slice) -> NDArray[Any]:
        if name not in self._settled:
            self._settled[name] = self.is_settled(name)
        return self._once("shown", self._shown, owner, name, part, is_settled=self._settled[name])

    def _once(
        self,
        what: str,
        work: Callable[[str, str, slice], NDArray[Any]],
        owner: str,
        name: str,
        part: slice,
        *,
        is_settled: bool,
    ) -> NDArray[Any]:
        """What ``work`` says of some rows, once for all who see the same: a chunk at a time where it is settled, else a block."""
        key = (what, *self.origin(owner, name))
        if is_settled:
            if key not in self._of_chunk:
                self._of_chunk[key] = work(owner, name, slice(None))
            return self._of_chunk[key][part]
        if part != self._block:
            self._of_block, self._block = {}, part
        if key not in self._of_block:
            self._of_block[key] = work(owner, name, part)
        return self._of_block[key]

    def _shown(self, owner: str, name: str, part: slice) -> NDArray[Any]:
        """What ``column`` says, worked out."""
        time_us = self.chunk.time_us[part]
        if name not in self.sources:
            return self._clock_of(name.removeprefix("age_")).age_h(time_us)
        facts = self._facts_in(owner, name, part)
        if name in self._open:
            return facts[self._laws[name].factor]
        draws = self._draws_of(owner, name).rows(part)
        found = partial(self.matched, owner, name, part)  # what it looks up is counted as well
        return codes(self._scenario, name, facts, draws, self._staleness_of(name), time_us, found)

    @override
    def matches_all(self, name: str) -> bool:
        return name in self._all_match

    @override
    def matched(self, owner: str, name: str, part: slice) -> NDArray[np.bool_]:
        is_settled = self.is_match_settled(name)
        return self._once("matched", self._matched, owner, name, part, is_settled=is_settled)

    def _matched(self, owner: str, name: str, part: slice) -> NDArray[np.bool_]:
        """What ``matched`` says, worked out."""
        early = self.is_match_settled(name) and not self.is_settled(name)
        facts = self._known_to(owner).rows(part) if early else self._facts_in(owner, name, part)
        return matched(self._scenario, name, facts, self._draws_of(owner, name).rows(part))

    @override
    def is_match_settled(self, name: str) -> bool:
        return self.is_settled(name) or isinstance(self._laws[name].match, float)

    @override
    def truth_cells(self, owners: list[str]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        facts = list(dict.fromkeys(self._facts_of(owner) for owner in owners))
        cells = np.array([self._truth_cells(owner) for owner in facts], dtype=np.int32)
        cells = cells.reshape(len(facts), len(self.chunk))
        return cells, np.array([facts.index(self._facts_of(owner)) for owner in owners], dtype=np.int64)

    def _truth_cells(self, owner: str) -> NDArray[np.int32]:
        """The truth cell of each request, by one owner of facts, shape (n,)."""
        key = ("truth", owner)
        if key not in self._of_chunk:
            cells, known = np.empty(len(self.chunk), dtype=np.int32), self._known_to(owner)
            types = ((factor, self._scenario.types_of(factor)) for factor in FACTORS)
            join_codes(((known[factor], number) for factor, number in types if number > 1), cells)
            self._of_chunk[key] = cells
        return self._of_chunk[key]

    @override
    def effects(self, owners: list[str], column: NDArray[np.int64]) -> Effects:
        return self._effects(np.zeros(len(owners), dtype=np.int64), column, **self._outcomes)

    @property
    @override
    def flat_margin(self) -> float | None:
        margins = self._truth.margins
        return float(margins[0]) if len(margins) == 1 else None

    @override
    def margin(self, owner: str, row: NDArray[np.int64]) -> NDArray[np.float64]:
        margins = self._truth.margins
        if len(margins) == 1:
            return np.full(len(row), margins[0])
        return np.asarray(margins[self._known_to(owner)["profile"][row]])

    def _back_us(self, *factors: str) -> int:
        """How far back from hour 0 the copies of sources reach that show one of these factors."""
        clocks = [self._clock_of(name) for name in self.sources if self._laws[name].factor in factors]
        return max((clock.interval_us + clock.latency_us for clock in clocks), default=0)

    def _facts_of(self, owner: str) -> str:
        return COMMON if self._scenario.bidders.values == "common" else owner

    def _teller_of(self, owner: str, name: str) -> str:
        """Whose draws a source shows: those of all who look at the same facts, where it shows all of them the same."""
        shared = name in self._open or not self._laws[name].source.exclusive
        return self._facts_of(owner) if shared else owner

    def _known_to(self, owner: str) -> Facts:
        facts = self._facts_of(owner)
        if facts not in self._facts:
            self._facts[facts] = Facts.at(self._scenario, self._streams, facts, self.chunk.visits)
        return self._facts[facts]

    def _facts_in(self, owner: str, name: str, part: slice) -> Facts:
        """The facts behind what a source shows on some rows: of what moves, those of the moment when its copy was taken."""
        facts = self._known_to(owner).rows(part)
        factor = self._laws[name].factor
        if factor not in self._records:
            return facts
        taken_us = self._taken_us(name)[part]
        person = self.chunk.visits.person[part]
        return facts.with_record(factor, self._records[factor](self, owner, facts, person, taken_us))

    def _taken_us(self, name: str) -> NDArray[np.int64]:
        """When the copy in use at each request of the chunk was taken, shape (n,)."""
        key = ("taken", self._scenario.original(name))
        if key not in self._of_chunk:
            self._of_chunk[key] = self._clock_of(name).taken_at(self.chunk.time_us)
        return self._of_chunk[key]

    def _draws_of(self, owner: str, name: str) -> SourceDraws:
        key = (self._teller_of(owner, name), self._scenario.original(name))
        draws = self._draws if self.is_settled(name) else self._kept_draws
        if key not in draws:
            draws[key] = SourceDraws.at(self._scenario, self._streams, *key, self.chunk.visits)
        return draws[key]

    def _staleness_of(self, name: str) -> SyncClock:
        """The clock by which what a source shows is too old to be true; a record of what moves is as it was."""
        return AS_TAKEN if self._laws[name].factor in self._records else self._clock_of(name)

    def _clock_of(self, name: str) -> SyncClock:
        return self.clocks[self._scenario.original(name)]


@kept
def typed_world(scenario: Scenario) -> TypedWorld:
    """The world of types that all runs of a scenario have copies of, where nothing moves."""
    return TypedWorld(scenario, Streams(0, 0))

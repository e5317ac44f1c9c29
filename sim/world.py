"""The facts behind the requests of the current chunk, and the columns that a bidder's data shows of them.

Three worlds share one face: types (additive and logit responses, seen through sources), private values (each bidder knows
its own), and a log (columns as they were recorded).
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from sim.auction.arrays import Effects
from sim.audience import COMMON
from sim.drift import Products
from sim.journey.accounts import Accounts
from sim.journey.process import KINDS, journey_of
from sim.response import fading, margins, private_values, truth
from sim.scenario import FACTORS, LogSupply, Scenario
from sim.sources import Facts, SourceDraws, SyncClock, codes, is_transparent, matched
from sim.streams import Streams
from sim.supply import Chunk, Log

AS_TAKEN = SyncClock(0, 0, 0)
"""Of a record that is looked up as it was when the copy was taken: nothing is added for its age."""


class World:
    """What the simulation asks of the facts. ``owner`` is an advertiser; columns have the chunk's shape (n,).

    The base holds what worlds share whose columns are continuous, known ahead, and whose outcomes are looked up by row.
    """

    def __init__(self, scenario: Scenario, streams: Streams, names: tuple[str, ...] = ()) -> None:
        self._scenario, self._streams = scenario, streams
        self.columns = names
        """Names of the columns that data shows."""
        self.creatives = max(len(scenario.creative), 1)
        """How many creatives each campaign has."""
        self.sources: tuple[str, ...] = ()
        """Those of the columns that are looked up in a source, and may be told by their age."""
        self.clocks: dict[str, SyncClock] = {}
        """When the copy in use was taken, by source; copies of one another share a clock."""
        self.accounts: Accounts | None = None
        """Who is on a journey; None where nobody is."""
        self._fading = fading(scenario.response)

    def codes_of(self, name: str) -> int | None:  # noqa: ARG002
        """How many codes a categorical column has; None for a continuous one."""
        return None

    def origin(self, owner: str, name: str) -> tuple[str, str]:
        """Equal for two owners where the column is one and the same."""
        return (owner, name)

    def is_settled(self, name: str) -> bool:  # noqa: ARG002
        """The column is known for the whole chunk when it is loaded; otherwise only up to the next event."""
        return True

    def load(self, chunk: Chunk) -> None:
        """Make this chunk the current one."""
        self._chunk = chunk

    def column(self, owner: str, name: str, part: slice) -> NDArray[Any]:
        """A visible column for some rows of the chunk."""
        raise NotImplementedError

    def matches_all(self, name: str) -> bool:  # noqa: ARG002
        """The source matches every request."""
        return True

    def matched(self, owner: str, name: str, part: slice) -> NDArray[np.bool_]:  # noqa: ARG002
        """Whether an owner's source matches each of some rows."""
        return np.ones(part.stop - part.start, dtype=np.bool_)

    def truth_cells(self, owners: list[str]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Columns of truth cells (columns, n) and which of them each owner looks its outcomes up by; -1: by row."""
        return np.empty((0, len(self._chunk)), dtype=np.int32), np.full(len(owners), -1, dtype=np.int64)

    def effects(self, owners: list[str], column: NDArray[np.int64]) -> Effects:
        """What impressions of this chunk do, to be looked up by each owner's ``column``."""
        raise NotImplementedError

    def margin(self, owner: str, row: NDArray[np.int64]) -> NDArray[np.float64]:  # noqa: ARG002
        """What a conversion on each of these rows of the chunk brings ``owner``, in currency; shape as ``row``."""
        return np.zeros(len(row))

    def worth(self, owner: str) -> NDArray[np.float64]:
        """The most that an impression on each request of the chunk can be expected to be worth to ``owner``, in currency.

        With the better creative, to somebody who has seen none before; shape (n,).
        """
        cells, column = self.truth_cells([owner])
        effects = self.effects([owner], column)
        row = cells[0] if len(cells) else np.arange(len(self._chunk))
        creatives = max(len(effects.rotation), 1)
        return np.asarray(effects.worth.reshape(creatives, -1).max(axis=0)[row])

    def _effects(
        self, worth: NDArray[np.float64], offset: NDArray[np.int64], column: NDArray[np.int64]
    ) -> Effects:
        """Worth alone: nothing is clicked, and all is seen."""
        none = np.empty(0)
        return Effects(
            worth, none, none, none, none, none, none, offset, column,
            creative_stride=0,
            rotation=np.ones(1),
            rotation_key=np.zeros(1, dtype=np.uint64),
            fading=self._fading,
            keys=np.array([self._streams.key64(name) for name in ("seen", "clicked", "converted")]),
            drawn=False,
            lasting=none,
        )  # fmt: skip


class TypedWorld(World):
    """Requests have a type in each factor; sources show them."""

    def __init__(self, scenario: Scenario, streams: Streams) -> None:
        ages = (f"age_{name}" for name in scenario.source if scenario.data_of(name).age_known)
        super().__init__(scenario, streams, (*scenario.source, *ages))
        self._truth = truth(scenario)
        effect = self._truth.effect
        self._flat = {
            part.name: np.ascontiguousarray(getattr(effect, part.name)).ravel() for part in fields(effect)
        }
        self._rotation = _rotation(self._truth.shares)
        self._margins = margins(scenario.response)
        self._drawn = bool((effect.click > 0).any() or (effect.seen < 1).any())
        self.sources = tuple(scenario.source)
        self.clocks = {name: SyncClock.of(scenario.source[name]) for name in scenario.originals(self.sources)}
        self._open = {name for name in self.sources if is_transparent(scenario, name)}
        self._same = {
            name: next(
                other
                for other in self.sources
                if scenario.original(other) == scenario.original(name)
                or ({name, other} <= self._open and scenario.factor_of(other) == scenario.factor_of(name))
            )
            for name in self.sources
        }
        """The first source that shows the same on every request."""
        self._origins: dict[tuple[str, str], tuple[str, str]] = {}

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
    def load(self, chunk: Chunk) -> None:
        self._chunk = chunk
        self._facts: dict[str, Facts] = {}
        self._draws: dict[tuple[str, str], SourceDraws] = {}
        self._whole: dict[tuple[str, ...], NDArray[Any]] = {}

    @override
    def column(self, owner: str, name: str, part: slice) -> NDArray[Any]:
        if not self.is_settled(name):
            return self._shown(owner, name, part)
        key = self.origin(owner, name)
        if key not in self._whole:
            self._whole[key] = self._shown(owner, name, slice(None))
        return self._whole[key][part]

    def _shown(self, owner: str, name: str, part: slice) -> NDArray[Any]:
        """What ``column`` says, worked out."""
        time_us = self._chunk.time_us[part]
        if name not in self.sources:
            return self._clock_of(name.removeprefix("age_")).age_h(time_us)
        facts, draws = self._facts_in(owner, name, part), self._draws_of(owner, name).rows(part)
        return codes(self._scenario, name, facts, draws, self._staleness_of(name), time_us)

    @override
    def matches_all(self, name: str) -> bool:
        return name in self._open

    @override
    def matched(self, owner: str, name: str, part: slice) -> NDArray[np.bool_]:
        if not self.is_settled(name):
            return self._matched(owner, name, part)
        key = (*self.origin(owner, name), "matched")
        if key not in self._whole:
            self._whole[key] = self._matched(owner, name, slice(None))
        return self._whole[key][part]

    def _matched(self, owner: str, name: str, part: slice) -> NDArray[np.bool_]:
        """What ``matched`` says, worked out."""
        facts, draws = self._facts_in(owner, name, part), self._draws_of(owner, name).rows(part)
        return matched(self._scenario, name, facts, draws)

    @override
    def truth_cells(self, owners: list[str]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        facts = list(dict.fromkeys(self._facts_of(owner) for owner in owners))
        cells = np.zeros((len(facts), len(self._chunk)), dtype=np.int32)
        varying = [factor for factor in FACTORS if self._scenario.types_of(factor) > 1]
        for number, owner in enumerate(facts):
            for factor in varying:
                if factor != varying[0]:
                    cells[number] *= np.int32(self._scenario.types_of(factor))
                cells[number] += self._known_to(owner)[factor]
        return cells, np.array([facts.index(self._facts_of(owner)) for owner in owners], dtype=np.int64)

    @override
    def effects(self, owners: list[str], column: NDArray[np.int64]) -> Effects:
        plain = self._effects(self._flat["worth"], np.zeros(len(owners), dtype=np.int64), column)
        return plain._replace(
            **self._flat,
            creative_stride=self._truth.theta.size,
            rotation=self._rotation,
            drawn=self._drawn,
        )

    @override
    def margin(self, owner: str, row: NDArray[np.int64]) -> NDArray[np.float64]:
        if len(self._margins) == 1:
            return np.full(len(row), self._margins[0])
        return np.asarray(self._margins[self._known_to(owner)["profile"][row]])

    def _facts_of(self, owner: str) -> str:
        return owner if self._scenario.bidders.values == "private" else COMMON

    def _teller_of(self, owner: str, name: str) -> str:
        """Whose draws a source shows: those of all who look at the same facts, where it shows all of them the same."""
        shared = name in self._open or not self._scenario.data_of(name).exclusive
        return self._facts_of(owner) if shared else owner

    def _known_to(self, owner: str) -> Facts:
        facts = self._facts_of(owner)
        if facts not in self._facts:
            self._facts[facts] = Facts.at(self._scenario, self._streams, facts, self._chunk.visits)
        return self._facts[facts]

    def _facts_in(self, owner: str, name: str, part: slice) -> Facts:  # noqa: ARG002
        """The facts behind what a source shows on some rows."""
        return self._known_to(owner).rows(part)

    def _draws_of(self, owner: str, name: str) -> SourceDraws:
        key = (self._teller_of(owner, name), self._scenario.original(name))
        if key not in self._draws:
            self._draws[key] = SourceDraws.at(self._scenario, self._streams, *key, self._chunk.visits)
        return self._draws[key]

    def _staleness_of(self, name: str) -> SyncClock:
        """The clock by which what a source shows is too old to be true."""
        return self._clock_of(name)

    def _clock_of(self, name: str) -> SyncClock:
        return self.clocks[self._scenario.original(name)]


class JourneyWorld(TypedWorld):
    """People belong to accounts on a journey, and sources show its stages as they were when the copy was taken."""

    def __init__(self, scenario: Scenario, streams: Streams) -> None:
        super().__init__(scenario, streams)
        self._moving = {
            name: scenario.factor_of(name) for name in self.sources if scenario.factor_of(name) in KINDS
        }
        clocks = [self._clock_of(name) for name in self._moving]
        back_us = max((clock.interval_us + clock.latency_us for clock in clocks), default=0)
        self.accounts: Accounts = Accounts(scenario, streams, COMMON, back_us)
        lasting = np.reshape(np.asarray(journey_of(scenario).lasting, dtype=np.float64), (-1, 1))
        self._lasting = np.broadcast_to(lasting, self._truth.effect.seen.shape).ravel()

    @override
    def is_settled(self, name: str) -> bool:
        return name not in self._moving and super().is_settled(name)

    @override
    def _facts_in(self, owner: str, name: str, part: slice) -> Facts:
        facts = super()._facts_in(owner, name, part)
        if name not in self._moving:
            return facts
        taken_us = self._clock_of(name).taken_at(self._chunk.time_us[part])
        stage = self.accounts.stages_at(taken_us, self._chunk.visits.person[part])
        return facts.with_record(self._moving[name], KINDS[self._moving[name]][stage])

    @override
    def effects(self, owners: list[str], column: NDArray[np.int64]) -> Effects:
        return super().effects(owners, column)._replace(lasting=self._lasting)


class DriftWorld(TypedWorld):
    """The profile is the product's, whose state moves in time; its source shows it as it was when the copy was taken."""

    def __init__(self, scenario: Scenario, streams: Streams) -> None:
        super().__init__(scenario, streams)
        self._drifting = {name for name in self.sources if scenario.factor_of(name) == "profile"}
        clocks = [self._clock_of(name) for name in self._drifting]
        self._products = Products(
            scenario, streams, max((clock.interval_us + clock.latency_us for clock in clocks), default=0)
        )

    @override
    def _known_to(self, owner: str) -> Facts:
        facts = self._facts_of(owner)
        if facts not in self._facts:
            drawn = super()._known_to(owner)
            state = self._products.state_at(drawn["context"], self._chunk.time_us)
            self._facts[facts] = drawn.with_record("profile", state)
        return self._facts[facts]

    @override
    def _facts_in(self, owner: str, name: str, part: slice) -> Facts:
        facts = super()._facts_in(owner, name, part)
        if name not in self._drifting:
            return facts
        taken_us = self._clock_of(name).taken_at(self._chunk.time_us[part])
        return facts.with_record("profile", self._products.state_at(facts["context"], taken_us))

    @override
    def _staleness_of(self, name: str) -> SyncClock:
        return AS_TAKEN if name in self._drifting else super()._staleness_of(name)


class PrivateValues(World):
    """Each bidder's value of a request is its own draw, and the column ``value`` shows it to that bidder alone."""

    def __init__(self, scenario: Scenario, streams: Streams) -> None:
        super().__init__(scenario, streams, ("value",))

    @override
    def load(self, chunk: Chunk) -> None:
        super().load(chunk)
        self._values: dict[str, NDArray[np.float64]] = {}

    @override
    def column(self, owner: str, name: str, part: slice) -> NDArray[Any]:
        if owner not in self._values:
            u = self._chunk.visits.by_request(self._streams, f"value/{owner}")
            self._values[owner] = private_values(self._scenario.response, u)
        return self._values[owner][part]

    @override
    def effects(self, owners: list[str], column: NDArray[np.int64]) -> Effects:
        values = [self.column(owner, "value", slice(None)) for owner in owners]
        worth = np.concatenate(values) if values else np.empty(0)
        return self._effects(worth, len(self._chunk) * np.arange(len(owners), dtype=np.int64), column)


class LogWorld(World):
    """A log's rows: what they turned out to be worth, and the columns recorded with them."""

    @override
    def column(self, owner: str, name: str, part: slice) -> NDArray[Any]:
        return self._chunk.logged.columns[name][part]

    @override
    def effects(self, owners: list[str], column: NDArray[np.int64]) -> Effects:
        logged = self._chunk.logged
        nothing = np.zeros(len(self._chunk))
        plain = self._effects(logged.value, np.zeros(len(owners), dtype=np.int64), column)
        return plain._replace(
            seen=np.ones(len(self._chunk)),
            seen_click=logged.click,
            seen_conversion=nothing,
            after_click=nothing,
            click=logged.click,
            conversion=nothing,
            drawn=bool(logged.click.any()),
        )


def _rotation(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cumulative shares; the last one is 1 whatever rounding makes of the sum."""
    edges = np.cumsum(shares)
    edges[-1] = 1.0
    return edges


def make_world(scenario: Scenario, streams: Streams, log: Log | None) -> World:
    """The world of a scenario."""
    if isinstance(scenario.supply, LogSupply):
        return LogWorld(scenario, streams, log.names if log is not None else ())
    if scenario.response.family == "private_value":
        return PrivateValues(scenario, streams)
    if scenario.journey is not None:
        return JourneyWorld(scenario, streams)
    return TypedWorld(scenario, streams) if scenario.audience.drift is None else DriftWorld(scenario, streams)

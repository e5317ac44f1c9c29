"""A market, described: frozen, validated, and the one thing a simulation is built from.

Money in a scenario is in currency (per impression) or in CPM where the name ends in ``_cpm``; time is in hours, or in
milliseconds where the name ends in ``_ms``. Every model refuses unknown keys and values out of range, and lists all problems at once (pydantic's
``ValidationError``); nothing here draws a random number or reads a file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from difflib import get_close_matches
from functools import partial
from math import prod
from typing import Annotated, Any, Self, cast

from pydantic import Field, ValidationInfo, field_validator, model_validator

from sim.scenario.auction import Auction, FloorStep, Rivals, Throttle
from sim.scenario.base import (
    HOUR_US,
    MAX_MICROS,
    MICROS,
    MICROS_PER_CPM,
    Hours,
    Model,
    parts_alone,
)
from sim.scenario.beliefs import belief_problems, choice_problems
from sim.scenario.bidders import Bidders, Cap, Holdout, Kind, StrategySpec, Terms, kind_problems
from sim.scenario.delay import NO_DELAY, Delay
from sim.scenario.journey import Journey, Stays, journey_own_problems, journey_problems
from sim.scenario.people import Audience, Consent, Drift, drift_problems
from sim.scenario.response import Conversion, Creative, Logit, Response, outcome_problems
from sim.scenario.source import FACTORS, MOVING, OF_JOURNEYS, OWNERS, Factor, Owner, Source
from sim.scenario.stock import Stock, shelf_problems, stock_problems
from sim.scenario.supply import LogSupply, Supply, SyntheticSupply
from sim.scenario.touchpoints import Channel, Touchpoints, touchpoint_problems

MAX_CREATIVES = 1000
MAX_CELLS_OF_TRUTH = 1 << 20
MAX_VISIBLE_CELLS = 1 << 21
"""So many combinations of what all sources together show: tables over them stay some 100 MB."""

NOT_A_NAME = frozenset(
    {"none", "joint", "stacked", "summed", "split_budget", "clicks", "best_single"}
    | {"value", "hour", "floor", "at", "u"}
)
"""Names of arms and of columns that no source may have."""

__all__ = [
    "FACTORS",
    "HOUR_US",
    "MAX_MICROS",
    "MICROS",
    "MICROS_PER_CPM",
    "MOVING",
    "NO_DELAY",
    "OF_JOURNEYS",
    "Auction",
    "Audience",
    "Bidders",
    "Cap",
    "Channel",
    "Consent",
    "Conversion",
    "Creative",
    "Delay",
    "Drift",
    "Engine",
    "Factor",
    "FloorStep",
    "Holdout",
    "Journey",
    "Kind",
    "LogSupply",
    "Logit",
    "Model",
    "Owner",
    "Response",
    "Rivals",
    "Scenario",
    "Source",
    "Stock",
    "StrategySpec",
    "Supply",
    "SyntheticSupply",
    "Terms",
    "Throttle",
    "Touchpoints",
]


class Engine(Model):
    """How many requests may travel together, and how often the time series has a row: every ``series_h``.

    The result does not depend on the first; 1 is the reference. A call of a strategy that takes longer than
    ``strategy_timeout_s`` stops the run (None: no limit).
    """

    max_block: Annotated[int, Field(ge=1, le=1 << 20)] = 65_536
    series_h: Annotated[Hours, Field(ge=1e-3)] = 1.0
    strategy_timeout_s: Annotated[float, Field(ge=0.1, allow_inf_nan=False)] | None = 300.0


class Scenario(Model):
    """A whole market. ``name`` and ``question`` are for people; the rest is what a run is a function of."""

    name: str = "unnamed"
    question: str = ""
    currency: str = "currency"
    supply: Supply = SyntheticSupply()
    audience: Audience = Audience()
    response: Response = Response()
    journey: Journey | None = None
    touchpoints: Touchpoints | None = None
    stock: Stock | None = None
    creative: Annotated[dict[str, Creative], Field(max_length=MAX_CREATIVES)] = {}
    source: dict[str, Source] = {}
    auction: Auction = Auction()
    rivals: Rivals = Rivals()
    bidders: Bidders = Bidders()
    engine: Engine = Engine()

    @field_validator("supply", mode="before")
    @classmethod
    def _synthetic_unless_said(cls, value: Any) -> Any:
        return {"kind": "synthetic", **value} if isinstance(value, dict) else value

    @model_validator(mode="after")
    def _consistent(self, info: ValidationInfo) -> Self:
        problems = [] if parts_alone(info) else [line for check in self.checks for line in check()]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    @property
    def checks(self) -> tuple[Callable[[], Iterator[str]], ...]:
        """What looks for contradictions among the parts, each by itself: a line for each that it finds."""
        return (
            self._source_problems,
            self._people_problems,
            partial(outcome_problems, self),
            partial(choice_problems, self),
            partial(journey_problems, self),
            partial(journey_own_problems, self),
            partial(touchpoint_problems, self),
            partial(stock_problems, self),
            partial(shelf_problems, self),
            partial(drift_problems, self),
            partial(belief_problems, self),
            self._kind_problems,
        )

    def _kind_problems(self) -> Iterator[str]:
        anonymous = self.audience.people is None
        yield from kind_problems(self.bidders, tuple(self.source), anonymous=anonymous)

    def _source_problems(self) -> Iterator[str]:
        wrong = [
            f"source.{name}{problem}"
            for name, source in self.source.items()
            for problem in self._problems_of(name, source)
        ]
        yield from wrong
        cells = 0 if wrong else prod(self.codes_of(name) for name in self.originals(self.source))
        if cells > MAX_VISIBLE_CELLS:
            yield (
                f"source: together they show {cells} different things ((types + 1) x ... over the sources): "
                f"at most {MAX_VISIBLE_CELLS}; have fewer sources, or fewer types"
            )
        if self.response.family == "private_value" and self.source:
            yield "source: with response.family=private_value every bidder knows its value; leave it empty"

    def _problems_of(self, name: str, source: Source) -> Iterator[str]:
        if not name.isidentifier() or name in NOT_A_NAME or name.startswith("age_"):
            yield ": not a name for a source; take a word of letters, digits and _ that is no arm's and no column's"
        if source.copy_of is not None:
            original = self.source.get(source.copy_of)
            if original is None or original.copy_of is not None:
                known = (
                    ", ".join(other for other, one in self.source.items() if one.copy_of is None) or "none"
                )
                yield f".copy_of = {source.copy_of}: must be a source that is no copy itself; there is: {known}"
            return
        shown = (
            *FACTORS,
            *(OF_JOURNEYS if self.journey is not None else ()),
            *(("stock",) if self.stock is not None else ()),
        )
        if (source.shows or name) not in shown:
            factor = source.shows or name
            close = get_close_matches(name, shown, n=1)
            hint = f"; did you mean 'source.{close[0]}'?" if close else ""
            if factor in MOVING:
                needed = "stock" if factor == "stock" else "a journey"
                wrong = f"{factor} needs {needed}; without it leave the source out (~source.{name}), or show"
            else:
                wrong = f"required, as {name} is none of them: must be"
            yield f".shows: {wrong} one of {', '.join(shown)}{hint}"
            return
        for key, factor in (("match_rate", self.factor_of(name)), ("coverage", "context")):
            given, types = getattr(source, key), self.types_of(factor)
            if isinstance(given, tuple) and len(given) != types:
                kind = "types" if key == "match_rate" else "context types"
                yield f".{key}: {len(given)} numbers for {types} {kind}"

    def _people_problems(self) -> Iterator[str]:
        truth = prod(map(self.types_of, FACTORS))
        if truth > MAX_CELLS_OF_TRUTH:
            yield (
                "audience.profile_types x supply.context_types x audience.history_types = "
                f"{truth}: at most {MAX_CELLS_OF_TRUTH}"
            )
        consent = self.audience.consent
        if isinstance(consent, tuple) and len(consent) != self.audience.profile_types:
            yield f"audience.consent: {len(consent)} numbers for {self.audience.profile_types} profile types"
        if self.audience.people is None:
            for key, used in (
                ("audience.activity_skew", self.audience.activity_skew > 0),
                ("response.fatigue", self.response.fatigue > 0),
                ("bidders.terms.caps", bool(self.bidders.terms.caps)),
                ("bidders.terms.holdout", self.bidders.terms.holdout is not None),
            ):
                if used:
                    yield f"{key}: nobody comes twice without audience.people; say how many people there are"
        elif self.supply.kind == "log":
            yield "audience.people: a log brings its own people; leave it null"

    def types_of(self, factor: str) -> int:
        """How many types a factor has."""
        return {
            "profile": self.audience.profile_types,
            "context": self.supply.context_types,
            "history": self.audience.history_types,
            "stage": len(Stays.model_fields),
            "interest": 2,
            "stock": 1 + (self.stock.most if self.stock is not None else 0),
        }[factor]

    def showing(self, factor: str) -> list[str]:
        """The sources that show a factor; no copies."""
        every = self.source.items()
        return [name for name, one in every if one.copy_of is None and (one.shows or name) == factor]

    def original(self, name: str) -> str:
        """The source whose data a source shows: itself, unless it is a copy."""
        return self.source[name].copy_of or name

    def originals(self, names: Iterable[str]) -> tuple[str, ...]:
        """The different data behind these sources, in the scenario's order."""
        held = {self.original(name) for name in names}
        return tuple(name for name in self.source if name in held)

    def distinct(self, names: Iterable[str]) -> tuple[str, ...]:
        """These sources, of several copies of the same data the first one alone; ordered as ``originals``."""
        held, first = set(names), dict[str, str]()
        for name in self.source:
            if name in held:
                first.setdefault(self.original(name), name)
        return tuple(first[original] for original in self.originals(held))

    def data_of(self, name: str) -> Source:
        """What a source knows, and how well: of a copy, the original's; where products drift, it ages as they do."""
        original = self.original(name)
        source = self.source[original]
        if self.audience.drift is None or (source.shows or original) != "profile":
            return source
        return source.model_copy(update={"flip_rate_per_h": self.audience.drift.flip_rate_per_h})

    def factor_of(self, name: str) -> Factor:
        """What a source shows."""
        return cast("Factor", self.data_of(name).shows or self.original(name))

    def codes_of(self, name: str) -> int:
        """How many codes a source shows: the types, and "unmatched"."""
        return self.types_of(self.factor_of(name)) + 1

    @property
    def houses(self) -> dict[Owner, tuple[str, ...]]:
        """The owners of the sources, each with what it holds, in the order of the sources."""
        houses: dict[Owner, tuple[str, ...]] = {}
        for name in self.source:
            owner = self.owner_of(name)
            houses[owner] = (*houses.get(owner, ()), name)
        return houses

    def owner_of(self, name: str) -> Owner:
        """Whose data it is."""
        return self.source[name].owner or OWNERS[self.factor_of(name)]

    def needs_consent(self, name: str) -> bool:
        """Whether people who withhold their consent are never matched in it."""
        needs = self.data_of(name).needs_consent
        is_of_people = self.factor_of(name) != "stock"
        return is_of_people and self.owner_of(self.original(name)) != "cmo" if needs is None else needs

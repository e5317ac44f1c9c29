"""A market, described: frozen, validated, and the one thing a simulation is built from.

Money in a scenario is in currency (per impression) or in CPM where the name ends in ``_cpm``; time is in hours, or in
milliseconds where the name ends in ``_ms``. Every model refuses unknown keys and values out of range, and lists all problems at once (pydantic's
``ValidationError``); nothing here draws a random number or reads a file.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Self

from pydantic import Field, field_validator, model_validator

from sim.scenario.auction import Auction, FloorStep, Rivals, Throttle
from sim.scenario.base import HOUR_US, MAX_MICROS, MICROS, MICROS_PER_CPM, Model
from sim.scenario.bidders import Bidders, Cap, StrategySpec, Terms
from sim.scenario.delay import NO_DELAY, Delay
from sim.scenario.people import Audience
from sim.scenario.response import Conversion, Creative, Logit, Response
from sim.scenario.source import Source
from sim.scenario.supply import LogSupply, Supply, SyntheticSupply

FACTORS = ("profile", "context")
"""What a request truly is, and what a source of the same name shows (perhaps late, wrongly, or not at all)."""
MAX_CELLS_OF_TRUTH = 1 << 20

__all__ = [
    "FACTORS",
    "HOUR_US",
    "MAX_MICROS",
    "MICROS",
    "MICROS_PER_CPM",
    "NO_DELAY",
    "Auction",
    "Audience",
    "Bidders",
    "Cap",
    "Conversion",
    "Creative",
    "Delay",
    "Engine",
    "FloorStep",
    "LogSupply",
    "Logit",
    "Model",
    "Response",
    "Rivals",
    "Scenario",
    "Source",
    "StrategySpec",
    "Supply",
    "SyntheticSupply",
    "Terms",
    "Throttle",
]


class Engine(Model):
    """How many requests may travel together. The result does not depend on it; 1 is the reference."""

    max_block: Annotated[int, Field(ge=1, le=1 << 20)] = 65_536


class Scenario(Model):
    """A whole market. ``name`` and ``question`` are for people; the rest is what a run is a function of."""

    name: str = "unnamed"
    question: str = ""
    currency: str = "currency"
    supply: Supply = SyntheticSupply()
    audience: Audience = Audience()
    response: Response = Response()
    creative: dict[str, Creative] = {}
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
    def _consistent(self) -> Self:
        problems = [*self._source_problems(), *self._people_problems(), *self._outcome_problems()]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _source_problems(self) -> Iterator[str]:
        for name, source in self.source.items():
            if name not in FACTORS:
                yield f"source.{name}: not a source; this world has {', '.join(FACTORS)}"
            elif isinstance(source.match_rate, tuple) and len(source.match_rate) != self.types_of(name):
                yield f"source.{name}.match_rate: {len(source.match_rate)} numbers for {self.types_of(name)} types"
        if self.response.family == "private_value" and self.source:
            yield "source: with response.family=private_value every bidder knows its value; leave it empty"

    def _people_problems(self) -> Iterator[str]:
        truth = self.audience.profile_types * self.supply.context_types
        if truth > MAX_CELLS_OF_TRUTH:
            yield f"audience.profile_types x supply.context_types = {truth}: at most {MAX_CELLS_OF_TRUTH}"
        if self.audience.people is None:
            for key, used in (
                ("audience.activity_skew", self.audience.activity_skew > 0),
                ("response.fatigue", self.response.fatigue > 0),
                ("bidders.terms.caps", bool(self.bidders.terms.caps)),
            ):
                if used:
                    yield f"{key}: nobody comes twice without audience.people; say how many people there are"
        elif self.supply.kind == "log":
            yield "audience.people: a log brings its own people; leave it null"

    def _outcome_problems(self) -> Iterator[str]:
        response, contexts = self.response, self.types_of("context")
        if isinstance(response.viewability, tuple) and len(response.viewability) != contexts:
            yield f"response.viewability: {len(response.viewability)} numbers for {contexts} context types"
        if self.creative and response.family == "private_value":
            yield "creative: with response.family=private_value there is nothing that a creative could change"
        if any(c.conversion != Logit() for c in self.creative.values()) and response.conversion is None:
            yield "creative: a creative's conversion needs response.conversion"
        if response.family == "logit" and self.auction.slots[0] > 1:
            yield (
                f"auction.slots: {self.auction.slots[0]:g} times a click probability can pass 1; "
                "with response.family=logit click rates are at most 1"
            )

    def types_of(self, factor: str) -> int:
        """How many types the factor (``profile`` or ``context``) has."""
        return self.audience.profile_types if factor == "profile" else self.supply.context_types

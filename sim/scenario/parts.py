"""The parts of a market side by side, each validated by itself, and what each source shows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, cast

from pydantic import Field, field_validator

from .auction import Auction, Rivals
from .base import Hours, Model
from .bidders import Bidders
from .journey import Journey, Stays
from .people import Audience
from .response import Creative, Response
from .source import OWNERS, Factor, Owner, Source
from .stock import Stock
from .supply import Supply, SyntheticSupply
from .touchpoints import Touchpoints

MAX_CREATIVES = 1000
STAGES = len(Stays.model_fields)


class Engine(Model):
    """How many requests may travel together, and how often the time series has a row. One request at a time is the reference."""

    max_block: Annotated[int, Field(ge=1, le=1 << 20)] = 65_536
    """The most requests that travel together; it changes no result."""
    series_h: Annotated[Hours, Field(ge=1e-3)] = 1.0
    """How often the time series has a row."""
    strategy_timeout_s: Annotated[float, Field(ge=0.1, allow_inf_nan=False)] | None = 300.0
    """A call of a strategy that takes longer stops the run; null: no limit."""


class Parts(Model):
    """The fields of a scenario, without the checks of one part against another."""

    name: str = "unnamed"
    """The name of the scenario."""
    question: str = ""
    """The question that it asks."""
    currency: str = "currency"
    """The code of the currency that all money is in."""
    supply: Supply = SyntheticSupply()
    """The bid requests: made, or of a log."""
    audience: Audience = Audience()
    """The people."""
    response: Response = Response()
    """What an impression is worth, and what follows it."""
    journey: Journey | None = None
    """How accounts move towards a purchase; null: they do not."""
    touchpoints: Touchpoints | None = None
    """The channels of an advertiser; null: none."""
    stock: Stock | None = None
    """The units that there are to sell; null: enough."""
    creative: Annotated[dict[str, Creative], Field(max_length=MAX_CREATIVES)] = {}
    """The ads of a campaign by name; none: one that adds nothing."""
    source: dict[str, Source] = {}
    """The data sources by name."""
    auction: Auction = Auction()
    """How the exchange decides and charges."""
    rivals: Rivals = Rivals()
    """Bidders that are not simulated."""
    bidders: Bidders = Bidders()
    """The live bidders."""
    engine: Engine = Engine()
    """How a run is carried out; it changes no result."""

    @field_validator("supply", mode="before")
    @classmethod
    def _synthetic_unless_said(cls, value: Any) -> Any:
        return {"kind": "synthetic", **value} if isinstance(value, dict) else value

    def types_of(self, factor: str) -> int:
        """How many types a factor has; one that is not there, which the checks report, has one."""
        if factor == "context":
            return self.supply.context_types
        if factor == "profile":
            return self.audience.profile_types
        if factor == "history":
            return self.audience.history_types
        units = 1 + (self.stock.most if self.stock is not None else 0)
        return {"stage": STAGES, "interest": 2, "stock": units}.get(factor, 1)

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

    def ages_shown(self, names: Iterable[str]) -> tuple[str, ...]:
        """The columns with the ages of these sources' copies, ``age_<source>``, of those that tell them."""
        return tuple(f"age_{name}" for name in names if self.data_of(name).age_known)

    def factor_of(self, name: str) -> Factor:
        """What a source shows."""
        original = self.original(name)
        return cast("Factor", self.source[original].shows or original)

    def codes_of(self, name: str) -> int:
        """How many codes a source shows: the types, and "unmatched"."""
        return self.types_of(self.factor_of(name)) + 1

    @property
    def silos(self) -> dict[Owner, tuple[str, ...]]:
        """The owners of the sources, each with what it holds, in the order of the sources."""
        silos: dict[Owner, tuple[str, ...]] = {}
        for name in self.source:
            owner = self.owner_of(name)
            silos[owner] = (*silos.get(owner, ()), name)
        return silos

    def owner_of(self, name: str) -> Owner:
        """Whose data it is; of a source that shows nothing that is there, which the checks report, the CIO's."""
        return self.source[name].owner or OWNERS.get(self.factor_of(name), "cio")

    def needs_consent(self, name: str) -> bool:
        """Whether people who withhold their consent are never matched in it."""
        needs = self.data_of(name).needs_consent
        is_of_people = self.factor_of(name) != "stock"
        return is_of_people and self.owner_of(self.original(name)) != "cmo" if needs is None else needs

"""The live bidders, and the terms on which they may bid."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from .base import Count, Hours, Model, Money, Rate
from .delay import NO_DELAY, Delay

MAX_SEATS = 1024


class StrategySpec(BaseModel):
    """A strategy by its registered name, with its parameters as further keys: ``{name: linear, gain: 0.8}``; or its name alone."""

    model_config = ConfigDict(frozen=True, extra="allow")
    name: str = Field(min_length=1)
    """The name that the strategy is registered by; `jointbid strategies list` has them."""

    @model_validator(mode="before")
    @classmethod
    def _by_name(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value

    @property
    def params(self) -> dict[str, Any]:
        """The parameters alone."""
        return dict(self.model_extra or {})


MAX_CAP = 1000


class Cap(Model):
    """A frequency cap: the most impressions to one person in any window."""

    impressions: Annotated[Count, Field(le=MAX_CAP)]
    """The most impressions to one person in a window."""
    window_h: Annotated[Hours, Field(gt=1e-9)] = 24.0
    """The length of a window."""
    window: Literal["sliding", "calendar"] = "sliding"
    """`sliding` looks back from each request (an impression exactly one window ago counts no more); `calendar` begins anew at
    every multiple of the window, so that 24 h are days."""
    per: Literal["campaign", "advertiser"] = "campaign"
    """Whose impressions count: those of the `campaign`, or of all campaigns of its `advertiser`, which it then binds."""


class Holdout(Model):
    """A randomised experiment: a campaign never bids on some of the people."""

    share: Rate = 0.1
    """The share of people that a draw of their own leaves out; a larger one leaves out the same people and more."""
    group: str = ""
    """Campaigns that name the same group leave the same people out; empty: people of its own."""


class Terms(Model):
    """When a bidder may bid, how much a day, how often to one person, and to whom never."""

    flight_h: tuple[Hours, Hours] | None = None
    """The first hour, and the hour after the last; null: the whole run."""
    day_parts: Annotated[tuple[Annotated[int, Field(ge=0, le=23)], ...], Field(max_length=24)] = ()
    """Hours of the day (0 to 23) at which it bids; empty: all."""
    daily_budget: Money | None = None
    """In currency; it begins anew every 24 h, and holds beside the budget of the whole run. Null: no limit."""
    caps: tuple[Cap, ...] = ()
    """Frequency caps, all of which hold."""
    holdout: Holdout | None = None
    """People to whom it never bids; null: none."""

    @model_validator(mode="after")
    def _flight_goes_forward(self) -> Self:
        if self.flight_h is not None and self.flight_h[0] >= self.flight_h[1]:
            raise ValueError(f"flight_h {list(self.flight_h)}: must begin before it ends")
        return self


class Kind(Model):
    """A kind of bidder, for matches whose seats differ in more than a strategy."""

    sources: tuple[str, ...] | None = None
    """The sources that it bids on; null: those that the study gives every seat."""
    strategy: StrategySpec | None = None
    """What it plays; null: `bidders.strategy`."""
    creative: Literal["rotated", "chosen"] | None = None
    """How it shows creatives; null: as all do."""
    control_interval_h: Annotated[Hours, Field(gt=1e-9)] | None = None
    """How often it looks at its account; null: as all do."""
    report_delay_h: Hours | None = None
    """How late it hears of what it bought; null: as all do."""
    terms: Terms | None = None
    """The terms on which it may bid; null: those of all."""


def _named(value: Any) -> Any:
    """Return the name of a correlation of 0 or 1."""
    is_end = isinstance(value, int | float) and not isinstance(value, bool) and value in {0, 1}
    return ("private", "common")[int(value)] if is_end else value


Values = Annotated[Literal["private", "common"] | Rate, BeforeValidator(_named)]
"""Whose facts an advertiser looks at: its own, those of all, or the correlation of its values with those of any other."""


class Bidders(Model):
    """The live bidders: the focal one and its rivals, who differ from it in their data alone.

    At a control step a bidder sees spend, wins and what is left as they stood at its last control step that is at least the report's delay
    ago, and learns what became of its bids up to then; outcomes too are not known before. Between private and common values a person's
    facts for an advertiser are those of all with the probability of the correlation's root, and otherwise its own.

    """

    count: Annotated[int, Field(ge=1, le=MAX_SEATS)] = 1
    """The number of live bidders: the focal one and its rivals."""
    strategy: StrategySpec = StrategySpec(name="shading")
    """What all of them play: a name, or a name with parameters as in {name: linear, gain: 0.8}."""
    budget: Money | None = None
    """The budget of a replication in currency; null is no limit."""
    control_interval_h: Annotated[Hours, Field(gt=1e-9)] = 1.0
    """How often a bidder looks at its account and may change its bids."""
    control_interval_requests: Count | None = None
    """The number of requests between two looks; null: the hours count."""
    report_delay_h: Hours = 0.0
    """How old what a bidder sees of its account, and learns of its bids, is at least; the exchange always knows the true budget.
    How old what a bidder sees of its account, and learns of its bids, is at least; the exchange always knows the true budget."""
    notify: Literal["control", "at_once"] = "control"
    """`at_once`: one that learns hears of each request before the next one comes, as by a win notice, which takes more time;
    `control`: at control steps."""
    terms: Terms = Terms()
    """When they may bid, how much a day, how often to one person, and to whom never."""
    answer_ms: Delay = NO_DELAY
    """How long an answer takes, beside the look-ups of its data: a delay, or a number of milliseconds that it always takes."""
    values: Values = "private"
    """`private`: each bidder's facts about a request are its own, independent draws; `common`: all look at the same facts; a
    number between 0 and 1: the correlation of what an impression is worth to any two of them."""
    creative: Literal["rotated", "chosen"] = "rotated"
    """`chosen`: each shows, request by request, the one of the campaign's creatives that its data say is worth most there;
    `rotated`: chance shows them by their shares."""
    beliefs: Literal["naive", "winning"] | None = None
    """Whether exact valuations reckon with what winning tells of what better informed rivals know: `winning`, or `naive`; null:
    naive, but in the study adoption winning where values are not private and it is worked out."""
    kinds: dict[str, Kind] = {}
    """Bidders that differ in more than a strategy, by names under which a match can seat them (`study.strategies`)."""

    @property
    def affiliation(self) -> float:
        """The correlation of what an impression is worth to two bidders, from 0 (private values) to 1 (common ones)."""
        return {"private": 0.0, "common": 1.0}[self.values] if isinstance(self.values, str) else self.values

    def steps_of(self, kind: Kind) -> int:
        """Of how many control steps one is this kind's."""
        own = kind.control_interval_h
        return 1 if own is None else round(own / self.control_interval_h)


def kind_problems(bidders: Bidders, sources: Collection[str], *, anonymous: bool) -> Iterator[str]:
    """What contradicts the kinds of bidders.

    Args:
        bidders: all about bidders.
        sources: the names of the market's sources.
        anonymous: no person comes twice.
    """
    for name, kind in bidders.kinds.items():
        place = f"bidders.kinds.{name}"
        for source in kind.sources or ():
            if source not in sources:
                yield f"{place}.sources: no source {source}; there is: {', '.join(sources) or 'none'}"
        for key in ("caps", "holdout") if anonymous and kind.terms else ():
            if getattr(kind.terms, key):
                yield f"{place}.terms.{key}: requires audience.people (the number of people)"
        own = kind.control_interval_h
        if own is None:
            continue
        if bidders.control_interval_requests is not None:
            yield f"{place}.control_interval_h = {own:g}: needs bidders.control_interval_requests=null"
        elif not math.isclose(own, bidders.steps_of(kind) * bidders.control_interval_h):
            yield (
                f"{place}.control_interval_h = {own:g}: must be a multiple of bidders.control_interval_h = "
                f"{bidders.control_interval_h:g}"
            )

"""Two silos that work together: how much of each other's data reaches the bid, how fresh, and how soon.

A level c from 0 (silos) to 1 (one firm) moves dials. A dial stands at

    v(c) = (1 - g(c)) v_0 + g(c) v_1,    v_0 its ``none``, v_1 the value of the source,

where the shape g rises from g(0) = 0 to g(1) = 1, never falls, and is one of

* ``power``: g(c) = c^bend; with bend 1 in proportion, below 1 the first steps bring most, above 1 the last ones;
* ``saturating``: g(c) = (1 - exp(-bend c)) / (1 - exp(-bend));
* ``s_curve``: g(c) = (L(c) - L(0)) / (L(1) - L(0)), L(c) = 1 / (1 + exp(-bend (c - 1/2)));
* ``threshold``: g(c) = 0 below c = bend, 1 from there on: nothing works before everything does.

No measurements of such shapes exist: they are assumptions, to be swept. At both ends v is v_0 and v_1 to the last bit.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from math import exp, expm1
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from jointbid.sim.scenario import Scenario, Source
from jointbid.sim.scenario.base import Model, NonNegative, Positive, Rate

Share = Annotated[float, Field(gt=0, le=1)]


class Shape(Model):
    """The path of a dial between its two ends."""

    law: Literal["power", "saturating", "s_curve", "threshold"] = "power"
    """How it rises: `power`, `saturating`, `s_curve` or `threshold`."""
    bend: Annotated[Positive, Field(ge=0.05, le=50)] = 1.0
    """How it bends: the power, the steepness, or the level of the threshold."""

    @model_validator(mode="after")
    def _threshold_is_a_level(self) -> Self:
        if self.law == "threshold" and self.bend > 1:
            raise ValueError(f"bend = {self.bend:g}: with law=threshold must be a level, at most 1")
        return self

    def at(self, level: float) -> float:
        """g(level), from 0 to 1."""
        if self.law == "power":
            return float(level**self.bend)
        if self.law == "saturating":
            return expm1(-self.bend * level) / expm1(-self.bend)
        if self.law == "s_curve":
            low, here, high = (1.0 / (1.0 + exp(-self.bend * (c - 0.5))) for c in (0.0, level, 1.0))
            return (here - low) / (high - low)
        return float(level >= self.bend)


EVEN = {"even": Shape()}


class Dial(Model):
    """One property of some sources, and how it follows the level."""

    sources: Annotated[tuple[str, ...], Field(min_length=1)]
    """The sources whose property it is."""
    none: NonNegative = 0.0
    """The property at level 0; at level 1 it is that of the source."""
    shape: str | None = None
    """The name of its own shape; null: that of `collaboration.shape`."""


class Delivery(Model):
    """Months from the decision until joined data reach the bids."""

    none: NonNegative = 0.0
    """The months at level 0."""
    full: NonNegative = 0.0
    """The months at level 1."""
    shape: str | None = None
    """The name of its own shape; null: that of `collaboration.shape`."""


class Collaboration(Model):
    """How far two departments work together, and what follows from it."""

    level: Rate = 1.0
    """How far the departments work together, from 0 (silos) to 1 (one firm)."""
    shape: str = "even"
    """The name of the shape along which the level moves the dials."""
    shapes: Annotated[dict[str, Shape], Field(min_length=1)] = EVEN
    """The shapes by name; levels are compared along each of them."""
    cost: str = "even"
    """The name of the shape along which the level costs its share of the integration (`money.integration_once`, `_monthly`,
    `fees_monthly`)."""
    costs: Annotated[dict[str, Shape], Field(min_length=1)] = EVEN
    """The shapes of costs by name; levels are compared along each of them."""
    match_rate: Dial | None = None
    """How the match rate of sources follows the level; null: it does not."""
    sync_interval_h: Dial | None = None
    """How the sync interval of sources follows the level; null: it does not."""
    unified: Dial | None = None
    """How the share of touchpoints that are in one log (the sources' `coverage`) follows the level; null: it does not."""
    deliver_months: Delivery = Delivery()
    """The months from the decision until joined data reach the bids."""
    levels: tuple[Rate, ...] = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
    """The levels that are compared."""
    credited: tuple[Share, ...] = (0.1, 0.3, 1.0)
    """The shares of the value that go to the party that bears the cost of integration."""

    def problems(self) -> Iterator[str]:
        """Yield a line for each contradiction between its keys."""
        named = {"shape": (self.shape, self.shapes), "cost": (self.cost, self.costs)}
        shapes = {key: dial.shape for key, dial in self.dials.items()}
        for key, shape in {**shapes, "deliver_months": self.deliver_months.shape}.items():
            if shape is not None:
                named[f"{key}.shape"] = (shape, self.shapes)
        for key, (name, known) in named.items():
            if name not in known:
                yield f"{key} = {name}: must be one of {', '.join(known)}"
        rising = all(low < high for low, high in pairwise(self.levels))
        if not rising or len(self.levels) < 2 or (self.levels[0], self.levels[-1]) != (0.0, 1.0):
            yield "levels: must rise from 0 to 1"
        if not self.dials:
            yield "match_rate: it, sync_interval_h or unified must be there, or no level changes anything"
        if self.deliver_months.none < self.deliver_months.full:
            yield (
                f"deliver_months.none = {self.deliver_months.none:g}: must be at least full = {self.deliver_months.full:g}, "
                "as working together delivers no later"
            )

    @property
    def dials(self) -> dict[str, Dial]:
        """The dials of sources, by key."""
        every = {key: getattr(self, key) for key in SOURCE_KEYS}
        return {key: dial for key, dial in every.items() if dial is not None}

    def at(self, level: float, shape: str | None = None, cost: str | None = None) -> Collaboration:
        """Return the collaboration at another level, along another of its shapes and costs."""
        changes = {"level": level, "shape": shape or self.shape, "cost": cost or self.cost}
        return self.model_copy(update=changes)

    @property
    def cost_share(self) -> float:
        """The share of the full integration's cost at this level."""
        return self.costs[self.cost].at(self.level)

    @property
    def months(self) -> float:
        """Months until this level delivers."""
        delivery = self.deliver_months
        return float(_between(delivery.none, delivery.full, self.moved(delivery.shape)))

    def moved(self, shape: str | None) -> float:
        """Return g(level), the position of the dials of this shape, or of `collaboration.shape`."""
        return self.shapes[shape or self.shape].at(self.level)


SOURCE_KEYS = {"match_rate": "match_rate", "sync_interval_h": "sync_interval_h", "unified": "coverage"}
"""Dial -> the key of a source that it moves."""


def carried_out(scenario: Scenario, collaboration: Collaboration) -> Scenario:
    """Return the market at the collaboration's level."""
    changes: dict[str, dict[str, Any]] = {}
    for key, dial in collaboration.dials.items():
        moved, of_source = collaboration.moved(dial.shape), SOURCE_KEYS[key]
        for name in dial.sources:
            full = getattr(scenario.source[name], of_source)
            changes.setdefault(name, {})[of_source] = _between(dial.none, full, moved)
    sources: dict[str, Source] = {
        name: source.model_copy(update=changes.get(name, {})) for name, source in scenario.source.items()
    }
    return scenario.model_copy(update={"source": sources})


def collaboration_problems(scenario: Scenario, collaboration: Collaboration) -> Iterator[str]:
    """Yield a line for each contradiction between a market and its collaboration."""
    if scenario.supply.kind == "log":
        yield "collaboration: a log's data are as they were; leave it out"
        return
    if scenario.bidders.beliefs == "winning":
        yield "collaboration: with bidders.beliefs=winning sources show all of the truth or nothing; leave it out"
    for key, dial in collaboration.dials.items():
        for name in dial.sources:
            source = scenario.source.get(name)
            if source is None:
                yield f"collaboration.{key}.sources: no source {name}; there is: {', '.join(scenario.source) or 'none'}"
            elif source.copy_of is not None:
                yield f"collaboration.{key}.sources: {name} is a copy of {source.copy_of}; name that one"
            else:
                yield from _dial_problems(key, dial, name, source)


def _dial_problems(key: str, dial: Dial, name: str, source: Source) -> Iterator[str]:
    full = getattr(source, SOURCE_KEYS[key])
    ends = full if isinstance(full, tuple) else (full,)
    place = f"collaboration.{key}.none = {dial.none:g}"
    if key == "sync_interval_h":
        if dial.none < full:
            yield f"{place}: must be at least source.{name}.sync_interval_h = {full:g}, as silos copy no more often"
        if source.flip_rate_per_h == 0:
            yield f"{place}: changes nothing where source.{name}.flip_rate_per_h = 0; leave it out, or let facts change"
    elif dial.none > min(ends):
        least, of_source = min(ends), SOURCE_KEYS[key]
        yield f"{place}: must be at most source.{name}.{of_source} = {least:g}, as working together loses nothing"


def _between(none: float, full: Any, moved: float) -> Any:
    """Return the value between the two ends; exact at both."""
    if isinstance(full, tuple):
        return tuple(_between(none, one, moved) for one in full)
    return (1.0 - moved) * none + moved * full

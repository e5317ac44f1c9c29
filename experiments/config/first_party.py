"""A firm that builds data of its own beside data that it buys: how fast people it has met become people it knows.

A firm that begins to collect at month 0 recognises, after t months, the share

    m(t) = m (1 - 2^(-t / h))

of requests, m the match rate of its own source once it is built up and h ``months_to_half``: each month the same part of those
who are not known yet are met (an assumption; it is exact where all people are met at one rate). In month t = 1, 2, ... that is on
average

    m (1 - (h / ln 2) (2^(-(t - 1) / h) - 2^(-t / h))).
"""

from __future__ import annotations

from collections.abc import Iterator
from math import log
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from jointbid.sim.scenario import Scenario
from jointbid.sim.scenario.base import Model, Positive


class FirstParty(Model):
    """A source that the firm builds up, and one that it buys until then: of both only one is used at a time."""

    own: Annotated[str, Field(min_length=1)]
    """The firm's own source, which it builds up."""
    bought: Annotated[str, Field(min_length=1)]
    """The source that it buys until then."""
    months_to_half: Annotated[Positive, Field(ge=0.01, le=1200)] = 12.0
    """The months in which half of the people are met that were not known yet."""


def built_up(months: int, months_to_half: float) -> NDArray[np.float64]:
    """Return the mean part of its full match rate that an own source has in each month; shape (months,)."""
    ends = 2.0 ** (-np.arange(months + 1) / months_to_half)
    return 1.0 - months_to_half / log(2.0) * (ends[:-1] - ends[1:])


def with_part(scenario: Scenario, name: str, part: float) -> Scenario:
    """Return the market with this source built up to a part of its full match rate."""
    source = scenario.source[name]
    full = source.match_rate
    now = tuple(part * rate for rate in full) if isinstance(full, tuple) else part * full
    return scenario.model_copy(
        update={"source": {**scenario.source, name: source.model_copy(update={"match_rate": now})}}
    )


def first_party_problems(scenario: Scenario, first_party: FirstParty) -> Iterator[str]:
    """Yield a line for each contradiction between a market and the data that the firm builds up."""
    if scenario.supply.kind == "log":
        yield "first_party: a log's data are as they were; leave it out"
        return
    known = ", ".join(scenario.source) or "none"
    for key, name in (("own", first_party.own), ("bought", first_party.bought)):
        source = scenario.source.get(name)
        if source is None:
            yield f"first_party.{key} = {name}: no such source; there is: {known}"
        elif source.copy_of is not None:
            yield f"first_party.{key} = {name}: is a copy of {source.copy_of}; name that one"
    if first_party.own == first_party.bought:
        yield f"first_party.bought = {first_party.bought}: must not be first_party.own, or there is nothing to switch to"
        return
    own = scenario.source.get(first_party.own)
    if own is not None and not own.exclusive:
        yield f"source.{first_party.own}.exclusive: must be true, as a firm's own data are not for sale"

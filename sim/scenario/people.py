"""The people who meet the ads, and what is advertised to them."""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import Field

from .base import MAX_HOURS, MAX_TYPES, Coefficient, Count, Model, NonNegative, Rate

MAX_PEOPLE = 10**9
Types = Annotated[int, Field(ge=1, le=MAX_TYPES)]


class Consent(Model):
    """Consent that depends on who is asked: given with probability expit(a + b s(x) + history w(h))."""

    a: Coefficient = 0.0
    """The level, in log-odds."""
    b: Coefficient = 0.0
    """The weight of the profile's score."""
    history: Coefficient = 0.0
    """The weight of the history's score."""


class Drift(Model):
    """The profile is that of the product which is advertised, and no person's: its price, its margin, whether it is in stock.

    A product is a context type: its placements, its campaign. Its state is redrawn from all types at random times.

    """

    half_life_h: Annotated[float, Field(ge=1e-3, le=MAX_HOURS)]
    """After this time a quantity that depends on a product's state correlates 1/2 with itself."""

    @property
    def flip_rate_per_h(self) -> float:
        """The rate at which a source of it ages: half of that at which it is redrawn (``Source.flip_rate_per_h``)."""
        return math.log(2.0) / (2.0 * self.half_life_h)


class Audience(Model):
    """The people: how many, and of which types. Profile, history, consent and match of one who comes again stay the same."""

    profile_types: Types = 2
    """The number of equally frequent types of people."""
    history_types: Types = 1
    """The types of what touched a person before; 1: nothing is known to differ."""
    people: Annotated[Count, Field(le=MAX_PEOPLE)] | None = None
    """The number of people; null: no person comes twice, so that no bidder can count how often one has met an ad (frequency caps,
    fatigue)."""
    activity_skew: Annotated[NonNegative, Field(le=20)] = 0.0
    """How unequally people browse: the busiest share p of them makes the share p^(1 / (1 + skew)) of the requests; 0 is all
    alike."""
    consent: Rate | tuple[Rate, ...] | Consent = 1.0
    """The share of people who let their data be used: one number, one per profile type, or a law of the person's scores."""
    drift: Drift | None = None
    """The profile is that of the product which is advertised, and changes in time; null: it is the person's."""

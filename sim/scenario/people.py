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
    b: Coefficient = 0.0
    history: Coefficient = 0.0


class Drift(Model):
    """The profile is that of the product which is advertised, and no person's: its price, its margin, whether it is in stock.

    A product is a context type: its placements, its campaign. Its state is redrawn from all types at random times, so that a quantity
    that depends on it correlates 2^(-t / ``half_life_h``) with itself after t hours.
    """

    half_life_h: Annotated[float, Field(ge=1e-3, le=MAX_HOURS)]

    @property
    def flip_rate_per_h(self) -> float:
        """The rate at which a source of it ages: half of that at which it is redrawn (``Source.flip_rate_per_h``)."""
        return math.log(2.0) / (2.0 * self.half_life_h)


class Audience(Model):
    """How many equally frequent profile types there are, and how many people.

    ``history_types`` are those of what touched a person before (1: nothing is known to differ). ``consent`` is the share
    of people who let their data be used: one number, one per profile type, or a law of the person's scores.

    Without ``people`` no person comes twice: every request is a person of its own. With them, a request is made by one of
    ``people``, whose profile, history, consent and match in a source of these stay the same; only then can anybody count how often
    a person has met an ad (frequency caps, fatigue). ``activity_skew`` s says how unequally they browse: the busiest
    share p of them makes the share p^(1 / (1 + s)) of the requests; 0 is all alike. With ``drift`` the profile is the product's.
    """

    profile_types: Types = 2
    """The number of equally frequent types of people."""
    history_types: Types = 1
    people: Annotated[Count, Field(le=MAX_PEOPLE)] | None = None
    activity_skew: Annotated[NonNegative, Field(le=20)] = 0.0
    consent: Rate | tuple[Rate, ...] | Consent = 1.0
    drift: Drift | None = None

"""The people who meet the ads."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, field_validator

from sim.scenario.base import Count, Finite, Model, NonNegative, Rate

Types = Annotated[int, Field(ge=1, le=4096)]


class Consent(Model):
    """Consent that depends on who is asked: given with probability expit(a + b s(x) + history w(h))."""

    a: Finite = 0.0
    b: Finite = 0.0
    history: Finite = 0.0


class Audience(Model):
    """How many equally frequent profile types there are, and how many people.

    ``history_types`` are those of what touched a person before (1: nothing is known to differ). ``consent`` is the share
    of people who let their data be used: one number, one per profile type, or a law of the person's scores.

    Without ``people`` nobody comes twice: every request is a person of its own. With them, a request is made by one of
    ``people``, whose profile, history, consent and match in a source of these stay the same; only then can anybody count how often
    a person has met an ad (frequency caps, fatigue). ``activity_skew`` s says how unequally they browse: the busiest
    share p of them makes the share p^(1 / (1 + s)) of the requests; 0 is all alike.
    """

    profile_types: Types = 2
    history_types: Types = 1
    people: Annotated[Count, Field(le=10**9)] | None = None
    activity_skew: Annotated[NonNegative, Field(le=20)] = 0.0
    consent: Rate | tuple[Rate, ...] | Consent = 1.0

    @field_validator("consent", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return tuple(value) if isinstance(value, list) else value

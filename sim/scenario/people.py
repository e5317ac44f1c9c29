"""The people who meet the ads."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from sim.scenario.base import Count, Model, NonNegative


class Audience(Model):
    """How many equally frequent profile types there are, and how many people.

    Without ``people`` nobody comes twice: every request is a person of its own. With them, a request is made by one of
    ``people``, whose profile and whose match in a source of profiles stay the same; only then can anybody count how often
    a person has met an ad (frequency caps, fatigue). ``activity_skew`` s says how unequally they browse: the busiest
    share p of them makes the share 1 - (1 - p)^(1 / (1 + s)) of the requests; 0 is all alike.
    """

    profile_types: Annotated[int, Field(ge=1, le=4096)] = 2
    people: Annotated[Count, Field(le=10**9)] | None = None
    activity_skew: Annotated[NonNegative, Field(le=20)] = 0.0

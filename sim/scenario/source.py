"""Data sources: what they show of the truth, how often, how late."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from .base import MAX_HOURS, Hours, Model, Rate
from .delay import NO_DELAY, Delay

Factor = Literal["profile", "context", "history", "stage", "interest", "stock"]
Owner = Literal["cio", "cmo", "agency"]

FACTORS: tuple[Factor, ...] = ("profile", "context", "history")
"""What a request truly is: who asks, where, and what touched that person before. A source shows one of them.

With ``audience.drift`` the profile is the state of the product that is advertised, not of a person.
"""

OF_JOURNEYS: tuple[Factor, ...] = ("stage", "interest")
"""What moves with an account's journey: its stage, which sales know, and whether it looks for something to buy, which shows in
the media. A source shows them as they were when its copy was taken."""

MOVING: tuple[Factor, ...] = (*OF_JOURNEYS, "stock")
"""Factors that change during a run: those of journeys, and the units left of a product."""

OWNERS: dict[Factor, Owner] = {
    "profile": "cio",
    "context": "cmo",
    "history": "cmo",
    "stage": "cio",
    "interest": "cmo",
    "stock": "cio",
}
"""Whose data it is, unless a source says otherwise."""

OF_A_COPY = frozenset({"copy_of", "owner", "lookup_latency_ms", "cost_per_lookup_cpm", "cost_per_match_cpm"})
"""What a copy may have of its own: whose it is, and what it takes to ask."""

Price = Annotated[float, Field(ge=0, le=1e6)]


class Source(Model):
    """One data source: how much of the truth it shows, and how old its copy is."""

    shows: Factor | None = None
    """The factor that it shows; null: the one of its own name."""
    owner: Owner | None = None
    """Whose data it is; null: profile, stage and stock are the CIO's, context, history and interest the CMO's."""
    copy_of: str | None = None
    """The source whose data it is, under its own name and owner; null: it has its own."""
    coverage: Rate | tuple[Rate, ...] = 1.0
    """The share of requests that it has records of: one number, or one per context type."""
    match_rate: Rate | tuple[Rate, ...] = 1.0
    """The share of covered requests that the source has a record for: one number, or one per type of what it shows."""
    needs_consent: bool | None = None
    """Whether people who withhold their consent are never matched; null: in all but the CMO's."""
    false_match_rate: Rate = 0.0
    """The share of matched requests that are shown somebody else's record."""
    accuracy: Rate = 1.0
    """The share of records that are right; any other shows another type."""
    sync_interval_h: Hours = 0.0
    """How often a new copy is taken; 0 is streaming."""
    latency_h: Annotated[float, Field(ge=0)] = 0.0
    """How long after it was taken a copy arrives; inf is never."""
    flip_rate_per_h: Annotated[float, Field(ge=0, le=1e6)] = 0.0
    """How fast a fact changes: it is redrawn from its population law at twice this rate, so that of two equally frequent types
    it flips at that rate."""
    age_known: bool = True
    """Whether a bidder knows how old each record is, or only how old records are on the whole."""
    use: Literal["calibrated", "naive"] = "calibrated"
    """`naive` takes what is shown for the fresh truth; `calibrated` discounts it for staleness and errors."""
    unmatched: Literal["signal", "prior"] = "signal"
    """`prior` takes a request without a match for one like any other; as a `signal` it tells of who is not matched."""
    lookup_latency_ms: Delay = NO_DELAY
    """How long a look-up takes, which the bidder's answer waits for: a delay, or a number, the mean of an exponential one."""
    cost_per_lookup_cpm: Price = 0.0
    """The price of a thousand look-ups, paid beside the budget of the auction."""
    cost_per_match_cpm: Price = 0.0
    """The price of a thousand look-ups that match, paid beside the budget of the auction."""
    exclusive: bool = True
    """Whether the focal bidder alone holds it; otherwise it is sold to the rivals too, and all of them hold it."""

    @field_validator("lookup_latency_ms", mode="before")
    @classmethod
    def _mean_of_an_exponential(cls, value: Any) -> Any:
        """``lookup_latency_ms=40`` and ``lookup_latency_ms.mean=40`` are the same delay."""
        if isinstance(value, int | float):
            value = {"mean": value}
        return (
            {"law": "exponential", **value} if isinstance(value, dict) and set(value) == {"mean"} else value
        )

    @field_validator("latency_h", mode="before")
    @classmethod
    def _infinity_as_yaml_writes_it(cls, value: Any) -> Any:
        return math.inf if value == ".inf" else value

    @field_validator("latency_h")
    @classmethod
    def _arrives_or_never(cls, value: float) -> float:
        if MAX_HOURS < value < math.inf:
            raise ValueError(f"must be at most {MAX_HOURS:.0f}, or inf for a copy that never arrives")
        return value

    @model_validator(mode="after")
    def _a_copy_has_the_same_data(self) -> Self:
        if self.copy_of is not None:
            own = [
                name
                for name, field in type(self).model_fields.items()
                if name not in OF_A_COPY and getattr(self, name) != field.default
            ]
            if own:
                raise ValueError(
                    f"{own[0]}: a copy_of another source shows what that one shows; leave it out"
                )
        return self

    @property
    def is_whole(self) -> bool:
        """It shows the truth of everybody who consents."""
        faults = (self.false_match_rate, 1.0 - self.accuracy, self.flip_rate_per_h)
        shares = (self.match_rate, self.coverage)
        everybody = all(rate == 1.0 or (isinstance(rate, tuple) and set(rate) == {1.0}) for rate in shares)
        return everybody and not any(faults) and not self.never_arrives

    @property
    def never_arrives(self) -> bool:
        """The copy is still under way when the world ends: the source is as good as absent."""
        return math.isinf(self.latency_h)

    @property
    def ages(self) -> bool:
        """The copy differs in age from request to request in a way that matters."""
        return self.flip_rate_per_h > 0 and self.sync_interval_h > 0

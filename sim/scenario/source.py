"""Data sources: what they show of the truth, how often, how late."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from sim.scenario.base import MAX_HOURS, Hours, Model, Rate
from sim.scenario.delay import NO_DELAY, Delay


class Source(Model):
    """One data source: how much of the truth it shows, and how old its copy is.

    ``match_rate`` (recall) is one number, or one per type of what the source shows. A matched request shows somebody
    else's record with probability ``false_match_rate``. The copy is taken every ``sync_interval_h`` (0: streaming) and
    arrives ``latency_h`` later (``inf``: never); meanwhile the fact changes: it is redrawn from its population law at
    twice ``flip_rate_per_h``, so that with two equally frequent types it flips at that rate. ``use='naive'`` takes
    what is shown for the fresh truth; ``calibrated`` discounts it for staleness and false matches.

    Each look-up takes ``lookup_latency_ms``, which the bidder's answer waits for: a delay, or a number, which is the mean of
    an exponential one.
    """

    owner: Literal["cio", "cmo", "agency"] = "cio"
    match_rate: Rate | tuple[Rate, ...] = 1.0
    false_match_rate: Rate = 0.0
    sync_interval_h: Hours = 0.0
    latency_h: Annotated[float, Field(ge=0)] = 0.0
    flip_rate_per_h: Annotated[float, Field(ge=0, le=1e6)] = 0.0
    age_known: bool = True
    use: Literal["calibrated", "naive"] = "calibrated"
    lookup_latency_ms: Delay = NO_DELAY

    @field_validator("lookup_latency_ms", mode="before")
    @classmethod
    def _mean_of_an_exponential(cls, value: Any) -> Any:
        return {"law": "exponential", "mean": value} if isinstance(value, int | float) else value

    @field_validator("match_rate", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return tuple(value) if isinstance(value, list) else value

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

    @property
    def never_arrives(self) -> bool:
        """The copy is still under way when the world ends: the source is as good as absent."""
        return math.isinf(self.latency_h)

    @property
    def ages(self) -> bool:
        """The copy differs in age from request to request in a way that matters."""
        return self.flip_rate_per_h > 0 and self.sync_interval_h > 0

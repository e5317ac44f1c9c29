"""How long something takes: the laws of a delay."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from .base import Model, NonNegative, Positive, Rate

LawName = Literal["constant", "exponential", "weibull", "lognormal", "empirical"]
"""The laws; ``jointbid.sim.delays.LAWS`` has what each of them is."""


class Delay(Model):
    """A time that is drawn; its unit is that of the key that holds it (``_ms``, ``_h``). A mere number is a constant."""

    law: LawName = "constant"
    """How it is distributed: always the same (`constant`), `exponential`, `weibull`, `lognormal`, or by `points` (`empirical`).
    How it is distributed: always the same (`constant`), `exponential`, `weibull`, `lognormal`, or by `points` (`empirical`)."""
    mean: Annotated[NonNegative, Field(le=1e9)] = 0.0
    """The mean, in the unit of the key that holds the delay."""
    shape: Annotated[Positive, Field(ge=0.05, le=20)] = 1.0
    """Of a Weibull its shape (below 1: many soon, some very late); of a lognormal the standard deviation of its logarithm."""
    points: tuple[tuple[Rate, Annotated[NonNegative, Field(le=1e9)]], ...] = ()
    """Of an empirical law (share, time), both rising, from share 0 to share 1, straight lines between."""

    @model_validator(mode="before")
    @classmethod
    def _always_the_same(cls, value: Any) -> Any:
        return {"mean": value} if isinstance(value, int | float) and not isinstance(value, bool) else value

    @model_validator(mode="after")
    def _points_rise(self) -> Self:
        if (self.law == "empirical") != bool(self.points):
            raise ValueError("points belong to law=empirical, which needs them")
        if self.points:
            shares, times = zip(*self.points, strict=True)
            rise = all(a < b for a, b in pairwise(shares)) and all(a <= b for a, b in pairwise(times))
            if not rise or shares[0] != 0 or shares[-1] != 1:
                raise ValueError(
                    "points must rise, from share 0 to share 1: [[0, 0], [0.35, 1], [0.5, 24], [1, 720]]"
                )
        return self

    @property
    def is_none(self) -> bool:
        """It takes no time at all."""
        return self.law != "empirical" and self.mean == 0


NO_DELAY = Delay()

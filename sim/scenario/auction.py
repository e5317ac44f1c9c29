"""How the exchange decides, charges and waits; and the bids from outside."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from ..auction.mechanisms import MECHANISMS
from ..auction.rankings import RANKINGS, ranking
from .base import (
    LOG_MONEY,
    MAX_CLICK_RATE,
    MAX_LOG_SIGMA,
    MAX_MICROS,
    MICROS_PER_CPM,
    Coefficient,
    Hours,
    Model,
    Money,
    Positive,
    PositiveMoney,
    Rate,
    Ratio,
)


def _known(name: str) -> str:
    if name not in MECHANISMS:
        raise ValueError(f"no mechanism {name!r}; there are: {', '.join(MECHANISMS)}")
    return name


Mechanism = Annotated[str, AfterValidator(_known)]
Floor = Annotated[float, Field(ge=0, le=MAX_MICROS / MICROS_PER_CPM)]
MAX_SLOTS = 64
MAX_CONTEXT_SLOPE = 4.0
"""Prices of a context 4 standard deviations above the mean are then 10^7 times those of the mean."""


class FloorStep(Model):
    """A hard floor that holds from some hour on."""

    hour: Hours
    """From when on."""
    floor_cpm: Floor
    """The hard floor from then on."""


class Throttle(Model):
    """What an exchange does to bidders who are often late: it sends them fewer requests.

    At each review a bidder with more late answers than the share allowed gets half the requests that it got before, any other twice as
    many, up to all.

    """

    late_share: Rate = 0.15
    """The share of late answers above which a bidder gets half the requests that it got before."""
    review_h: Annotated[Hours, Field(gt=1e-9)] = 1.0
    """How often the exchange looks at the requests sent since the last time."""
    least: Annotated[Rate, Field(gt=0)] = 0.05
    """The least share of requests that a bidder is sent."""


def _known_rule(name: str) -> str:
    if name not in RANKINGS:
        raise ValueError(f"no ranking rule {name!r}; there are: {', '.join(RANKINGS)}")
    return name


class Rank(Model):
    """Who wins: the slots go to the highest scores, and a score below 0 is out."""

    rule: Annotated[str, AfterValidator(_known_rule)] = "bid"
    """What makes a score of a bid: `bid` is the bid itself, `quality` is bid x quality ** `exponent`, `virtual_value` is bid -
    high / 2."""
    by_bidder: dict[str, float] = {}
    """Each bidder's quality, or its high in currency per impression; of one that is not named 1, or 0."""
    exponent: Annotated[float, Field(ge=0, le=1)] = 1.0
    """The power of quality in a score; below 1 it is squashed."""
    floor_in: Literal["bid", "score"] = "bid"
    """What the floors of requests are compared with: each `bid`, or each `score`."""

    @model_validator(mode="after")
    def _goes_with_the_rule(self) -> Self:
        rule = ranking(self.rule)
        wrong = [
            f"{key}: rule={self.rule} does not use it; leave it out"
            for key, is_given in (("by_bidder", bool(self.by_bidder)), ("exponent", self.exponent != 1.0))
            if is_given and key not in rule.USES
        ] or [
            f"by_bidder.{name} = {number:g}: with rule={self.rule} must be from {rule.LEAST:g} to {rule.MOST:g}"
            for name, number in self.by_bidder.items()
            if not rule.LEAST <= number <= rule.MOST
        ]
        if wrong:
            raise ValueError("; ".join(wrong))
        return self


class Auction(Model):
    """How the exchange decides and charges.

    With several slots, bids and floors are per unit of click rate.

    """

    type: Mechanism | dict[Mechanism, Ratio] = "second_price"
    """One mechanism for all requests (`first_price`, `second_price`, `gsp`, ...: docs/mechanisms), or shares of several."""
    rank: Rank = Rank()
    """Who wins."""
    slots: Annotated[
        tuple[Annotated[float, Field(gt=0, le=MAX_CLICK_RATE)], ...],
        Field(min_length=1, max_length=MAX_SLOTS),
    ] = (1.0,)
    """The click rates of the slots on offer, the best first."""
    floor_cpm: Floor = 0.0
    """A hard floor on every request; `floor_steps` change it in time."""
    floor_steps: tuple[FloorStep, ...] = ()
    """Hours from which on another floor holds for every request."""
    soft_floor_cpm: Floor = 0.0
    """Where a soft-floor auction turns into first price."""
    bidder_floor_cpm: dict[str, Floor] = {}
    """A floor on each named bidder's bids."""
    fee: Rate = 0.0
    """The exchange's share of every charge."""
    tmax_ms: Annotated[Positive, Field(le=1e9)] | None = None
    """An answer that takes longer is lost; null: the exchange waits for all."""
    throttle: Throttle | None = None
    """What follows for bidders who are often late; null: nothing."""
    tells: Literal["minimum_bid_to_win", "price_paid"] = "minimum_bid_to_win"
    """What bidders learn of prices afterwards: the least bid that would have won each request (OpenRTB's minimum bid to win), or
    only what they pay."""

    @model_validator(mode="after")
    def _slots_fall(self) -> Self:
        if any(high < low for high, low in zip(self.slots, self.slots[1:], strict=False)):
            raise ValueError("slots must not rise: the best slot comes first")
        if not self.shares:
            raise ValueError("type needs at least one mechanism")
        if self.throttle is not None and self.tmax_ms is None:
            raise ValueError("throttle: requires tmax_ms (the deadline of answers)")
        return self

    @property
    def shares(self) -> dict[str, float]:
        """Mechanism -> its share of the requests."""
        return (
            {self.type: 1.0}
            if isinstance(self.type, str)
            else {str(name): share for name, share in self.type.items()}
        )


class Rivals(Model):
    """Bidders that are not simulated: their highest bid, as a price landscape; or none.

    The normal law is cut at 0. With private values the context is that of the one bidder; of several each has its own, and prices follow
    none of them. A price above ``MAX_MONEY`` counts as that much.

    """

    landscape: Literal["uniform", "lognormal", "normal", "histogram"] | None = None
    """The law of the highest bid of rivals that are not simulated; null: there are none."""
    high: PositiveMoney = 1.0
    """The highest price of the landscape `uniform`, in currency per impression."""
    mu: Coefficient = 0.0
    """The mean of `normal`, or of the logarithm of `lognormal`, in currency per impression."""
    sigma: Money = 1.0
    """The standard deviation of `normal`, or of the logarithm of `lognormal`."""
    edges: tuple[Money, ...] = ()
    """The edges of the landscape `histogram`, rising, one more than its weights; in currency per impression."""
    weights: tuple[Annotated[float, Field(ge=0, le=1e15)], ...] = ()
    """The weights of the landscape `histogram`."""
    by_context: tuple[Ratio, ...] = ()
    """What multiplies the price in each context type (common values only): placements differ in cost."""
    context_slope: Annotated[float, Field(ge=-MAX_CONTEXT_SLOPE, le=MAX_CONTEXT_SLOPE)] = 0.0
    """Multiplies the price by exp(slope x the context's standardised score): good contexts cost more."""

    @model_validator(mode="after")
    def _lognormal_stays_finite(self) -> Self:
        low, high = LOG_MONEY
        wrong = [
            f"{key} = {value:g}: of a lognormal landscape (log currency) must be from {least:g} to {most:g}"
            for key, value, least, most in (
                ("mu", self.mu, low, high),
                ("sigma", self.sigma, 0.0, MAX_LOG_SIGMA),
            )
            if self.landscape == "lognormal" and not least <= value <= most
        ]
        if wrong:
            raise ValueError("; ".join(wrong))
        return self

    @model_validator(mode="after")
    def _histogram_fits(self) -> Self:
        if self.landscape == "histogram":
            rising = all(lo < hi for lo, hi in zip(self.edges, self.edges[1:], strict=False))
            if (
                len(self.edges) < 2
                or len(self.weights) != len(self.edges) - 1
                or not rising
                or sum(self.weights) <= 0
            ):
                raise ValueError("a histogram needs k + 1 rising edges and k weights with a positive sum")
        return self

"""A market, described: frozen, validated, and the one thing a simulation is built from.

Money in a scenario is in currency (per impression) or in CPM where the name ends in ``_cpm``; time is in hours.
Every model refuses unknown keys and values out of range, and lists all problems at once (pydantic's
``ValidationError``); nothing here draws a random number or reads a file.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal, Self

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, field_validator, model_validator

Rate = Annotated[float, Field(ge=0, le=1)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Count = Annotated[int, Field(gt=0)]

MICROS = 1_000_000
"""Micros in one unit of currency."""
MICROS_PER_CPM = 1_000
"""Micros per impression in a CPM of 1.00."""
HOUR_US = 3_600_000_000
"""Microseconds of the simulated clock in one hour."""
MAX_MICROS = 10**15
"""No bid, price or budget is larger: sums of many stay inside 64 bits."""

MAX_HOURS = 24.0 * 366 * 100
"""A century: times beyond it do not fit the microsecond clock's use of floating point."""
MAX_CELLS_OF_TRUTH = 1 << 20

Hours = Annotated[float, Field(ge=0, le=MAX_HOURS)]
LogMoney = Annotated[float, Field(ge=-60, le=20)]
"""A location on the scale of log currency per impression."""

FLAT_DAY = (1.0,) * 24


class Model(BaseModel):
    """Base of every part of a scenario: immutable, no unknown keys, also by the aliases of the literature."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, ser_json_inf_nan="constants"
    )


class SyntheticSupply(Model):
    """Bid requests made by the simulator: an exact number of arrivals on a daily curve, each in one context type.

    ``hourly`` are relative weights of the hours of a day (any positive number of equal slices of 24 h).
    A share ``floor_share`` of placements carries a floor, lognormal(``floor_mu``, ``floor_sigma``) in log currency
    per impression.
    """

    kind: Literal["synthetic"] = "synthetic"
    requests: Count = 100_000
    horizon_h: Annotated[float, Field(gt=0, le=MAX_HOURS)] = 24.0
    hourly: tuple[Annotated[float, Field(ge=0, le=1e9)], ...] = FLAT_DAY
    context_types: Annotated[int, Field(ge=1, le=4096)] = 2
    floor_share: Rate = 0.0
    floor_mu: LogMoney = 0.0
    floor_sigma: Annotated[float, Field(ge=0, le=10)] = 0.0

    @model_validator(mode="after")
    def _fits_the_clock(self) -> Self:
        if not self.hourly or sum(self.hourly) <= 0:
            raise ValueError("hourly needs at least one weight above 0")
        if self.requests > self.horizon_h * HOUR_US / 4:
            raise ValueError(
                f"{self.requests} requests do not fit into {self.horizon_h} h of a microsecond clock"
            )
        return self


class LogSupply(Model):
    """Bid requests taken from a log of real or simulated auctions, in the log's own order.

    ``requests`` (optional) keeps the first so many rows. Rows of a sampled log stand for ``weight`` impressions.
    """

    kind: Literal["log"] = "log"
    path: str
    format: str = "ipinyou_csv"
    requests: Count | None = None
    nonclick_weight: Positive = 1.0
    suspect_tags: tuple[str, ...] = ()
    horizon_h: Positive = 168.0
    context_types: Literal[1] = 1
    """A log brings no types: its signals are columns."""


Supply = Annotated[SyntheticSupply | LogSupply, Field(discriminator="kind")]


class Audience(Model):
    """The people: how many equally frequent profile types there are."""

    profile_types: Annotated[int, Field(ge=1, le=4096)] = 2


class Response(Model):
    """Ground truth: what an impression shown to profile x in context z is worth to the advertiser.

    With standardised scores s(x), t(z) (mean 0, variance 1; two types score -1 and +1):

    * ``additive``: theta = a + b s + c t + d s t, currency per impression;
    * ``logit``: CTR = expit(a + b s + c t + d s t), theta = CTR x ``value_per_click``;
    * ``private_value``: each bidder knows its own value, drawn from ``law``; there is nothing to join.

    ``interaction`` is d. ``redundancy`` q is the correlation of s and t: with probability |q| the two houses hold
    the same fact (or its opposite, q < 0). ``noise_sd`` is the spread of one realised additive value around theta.
    """

    family: Literal["additive", "logit", "private_value"] = "additive"
    a: Finite = 1.0
    b: Finite = 0.0
    c: Finite = 0.0
    interaction: Finite = Field(default=0.0, validation_alias=AliasChoices("interaction", "d"))
    redundancy: Annotated[float, Field(ge=-1, le=1)] = Field(
        default=0.0, validation_alias=AliasChoices("redundancy", "q")
    )
    value_per_click: Positive = 1.0
    noise_sd: NonNegative = 1.0
    law: Literal["uniform", "exponential"] = "uniform"
    high: Positive = 1.0
    """private_value: values are U[0, high], or exponential with mean high."""


class Source(Model):
    """One data source: how much of the truth it shows, and how old its copy is.

    ``match_rate`` (recall) is one number, or one per type of what the source shows. A matched request shows somebody
    else's record with probability ``false_match_rate``. The copy is taken every ``sync_interval_h`` (0: streaming) and
    arrives ``latency_h`` later (``inf``: never); meanwhile the fact changes: it is redrawn from its population law at
    twice ``flip_rate_per_h``, so that with two equally frequent types it flips at that rate. ``use='naive'`` takes
    what is shown for the fresh truth; ``calibrated`` discounts it for staleness and false matches.
    """

    owner: Literal["cio", "cmo", "agency"] = "cio"
    match_rate: Rate | tuple[Rate, ...] = 1.0
    false_match_rate: Rate = 0.0
    sync_interval_h: Hours = 0.0
    latency_h: Annotated[float, Field(ge=0)] = 0.0
    flip_rate_per_h: Annotated[float, Field(ge=0, le=1e6)] = 0.0
    age_known: bool = True
    use: Literal["calibrated", "naive"] = "calibrated"

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


Mechanism = Literal["second_price", "first_price", "soft_floor", "gsp", "vcg"]
Floor = Annotated[float, Field(ge=0, le=MAX_MICROS / MICROS_PER_CPM)]


class FloorStep(Model):
    """From ``hour`` on, the hard floor is ``floor_cpm``."""

    hour: NonNegative
    floor_cpm: Floor


class Auction(Model):
    """How the exchange decides and charges.

    ``type`` is one mechanism for all requests, or shares of several. ``slots`` are the click rates of the slots on offer,
    the best first; with several, bids and floors are per unit of click rate. ``floor_cpm`` is a hard floor on every
    request, until the first of the ``floor_steps`` puts another in its place; ``bidder_floor_cpm`` is one on a bidder's
    bids, ``soft_floor_cpm`` where a soft-floor auction turns into first price.
    ``fee`` is the exchange's share of every charge.
    """

    type: Mechanism | dict[Mechanism, Positive] = "second_price"
    slots: Annotated[tuple[Positive, ...], Field(min_length=1, max_length=64)] = (1.0,)
    floor_cpm: Floor = 0.0
    floor_steps: tuple[FloorStep, ...] = ()
    soft_floor_cpm: Floor = 0.0
    bidder_floor_cpm: dict[str, Floor] = {}
    fee: Rate = 0.0

    @model_validator(mode="after")
    def _slots_fall(self) -> Self:
        if any(high < low for high, low in zip(self.slots, self.slots[1:], strict=False)):
            raise ValueError("slots must not rise: the best slot comes first")
        if not self.shares:
            raise ValueError("type needs at least one mechanism")
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
    """Everybody who is not simulated as a bidder: the highest competing bid, as a price landscape, or nobody.

    ``uniform`` on [0, ``high``]; ``lognormal`` and ``normal`` (cut at 0) with ``mu``, ``sigma``; ``histogram`` with
    ``edges`` (k + 1, rising) and ``weights`` (k): all in currency per impression.
    """

    landscape: Literal["uniform", "lognormal", "normal", "histogram"] | None = None
    high: Positive = 1.0
    mu: Finite = 0.0
    sigma: NonNegative = 1.0
    edges: tuple[NonNegative, ...] = ()
    weights: tuple[NonNegative, ...] = ()

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


class StrategySpec(BaseModel):
    """A strategy by its registered name, with its parameters as further keys: ``{name: linear, gain: 0.8}``."""

    model_config = ConfigDict(frozen=True, extra="allow")
    name: str = Field(min_length=1)

    @property
    def params(self) -> dict[str, Any]:
        """The parameters alone."""
        return dict(self.model_extra or {})


class Terms(Model):
    """When a bidder may bid, and how much a day.

    ``flight_h`` are the first hour and the hour after the last. ``day_parts`` are hours of the day (0 to 23; empty: all).
    ``daily_budget`` is in currency, begins anew every 24 h, and holds beside the budget of the whole run.
    """

    flight_h: tuple[NonNegative, NonNegative] | None = None
    day_parts: Annotated[tuple[Annotated[int, Field(ge=0, le=23)], ...], Field(max_length=24)] = ()
    daily_budget: Annotated[float, Field(ge=0, le=MAX_MICROS / MICROS)] | None = None

    @model_validator(mode="after")
    def _flight_goes_forward(self) -> Self:
        if self.flight_h is not None and self.flight_h[0] >= self.flight_h[1]:
            raise ValueError(f"flight_h {list(self.flight_h)}: must begin before it ends")
        return self


class Bidders(Model):
    """The live bidders: the focal one and ``count - 1`` rivals who differ from it in their data alone.

    ``values='private'``: each bidder's profile and context facts about a request are its own, independent draws (match
    values). ``'common'``: all look at the same facts. ``budget`` is in currency per replication (null: no limit).
    A control step comes every ``control_interval_h``, or every ``control_interval_requests`` where that is given.
    ``terms`` say when they may bid.
    """

    count: Annotated[int, Field(ge=0, le=1024)] = 1
    strategy: StrategySpec = StrategySpec(name="shading")
    budget: Annotated[float, Field(ge=0, le=MAX_MICROS / MICROS)] | None = None
    control_interval_h: Annotated[float, Field(gt=1e-9, allow_inf_nan=False)] = 1.0
    control_interval_requests: Count | None = None
    terms: Terms = Terms()
    values: Literal["private", "common"] = "private"

    @field_validator("strategy", mode="before")
    @classmethod
    def _by_name(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value


class Engine(Model):
    """How many requests may travel together. The result does not depend on it; 1 is the reference."""

    max_block: Annotated[int, Field(ge=1, le=1 << 20)] = 65_536


class Scenario(Model):
    """A whole market. ``name`` and ``question`` are for people; the rest is what a run is a function of."""

    name: str = "unnamed"
    question: str = ""
    currency: str = "currency"
    supply: Supply = SyntheticSupply()
    audience: Audience = Audience()
    response: Response = Response()
    source: dict[str, Source] = {}
    auction: Auction = Auction()
    rivals: Rivals = Rivals()
    bidders: Bidders = Bidders()
    engine: Engine = Engine()

    @field_validator("supply", mode="before")
    @classmethod
    def _synthetic_unless_said(cls, value: Any) -> Any:
        return {"kind": "synthetic", **value} if isinstance(value, dict) else value

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        problems = []
        for name, source in self.source.items():
            if name not in FACTORS:
                problems.append(f"source.{name}: not a source; this world has {', '.join(FACTORS)}")
            elif isinstance(source.match_rate, tuple) and len(source.match_rate) != self.types_of(name):
                problems.append(
                    f"source.{name}.match_rate: {len(source.match_rate)} numbers for {self.types_of(name)} types"
                )
        truth = self.audience.profile_types * self.supply.context_types
        if truth > MAX_CELLS_OF_TRUTH:
            problems.append(
                f"audience.profile_types x supply.context_types = {truth}: at most {MAX_CELLS_OF_TRUTH}"
            )
        if self.response.family == "private_value" and self.source:
            problems.append(
                "source: with response.family=private_value every bidder knows its value; leave it empty"
            )
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def types_of(self, factor: str) -> int:
        """How many types the factor (``profile`` or ``context``) has."""
        return self.audience.profile_types if factor == "profile" else self.supply.context_types


FACTORS = ("profile", "context")
"""What a request truly is, and what a source of the same name shows (perhaps late, wrongly, or not at all)."""

"""The settings of the studies beside ``value``."""

from __future__ import annotations

import math
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from jointbid.sim.scenario import Model, StrategySpec
from jointbid.sim.scenario.base import Count, Finite

from ..cells.replications import NEXT_SEASON, PILOTS

Arm = Annotated[str, Field(min_length=1)]
"""An information set, or another way of holding all sources: ``jointbid.experiments.cells.arms.arms_of`` has them."""
Valuation = Literal["bayes", "learned"]
EitherOrBoth = Literal["bayes", "learned", "both"]
Learner = Literal["ridge", "logistic", "table", "cell_means", "ftrl", "thompson"]
Who = Literal["unilateral", "universal"] | Annotated[int, Field(ge=1)]
Impressions = Annotated[int, Field(ge=2, le=10**9)]
Correlation = Annotated[float, Field(ge=-1, le=1)]
Replications = Annotated[int, Field(gt=0, lt=PILOTS)]
"""Replications from ``PILOTS`` on decide something and are never estimated from."""
MAX_AMOUNT = 1e15
Amount = Annotated[float, Field(ge=0, le=MAX_AMOUNT)]
"""Money of a firm in currency."""


class PointSize(Model):
    """The size of each point of a curve, of the map and of drawn markets, and the map's grid."""

    requests: Count = 20_000
    """The bid requests of a replication at each point."""
    replications: Annotated[Replications, Field(ge=2)] = 6
    """The replications at each point."""
    redundancy: tuple[Correlation, ...] = (-0.8, -0.4, 0.0, 0.4, 0.8)
    """The values of `response.redundancy` on the grid of the map."""
    interaction: tuple[Annotated[float, Field(allow_inf_nan=False)], ...] = (-0.2, -0.1, 0.0, 0.1, 0.2)
    """The values of `response.interaction` on the grid of the map."""


class ValuationSettings(Model):
    """The valuation of holders of data: exact, or learned from randomised impressions."""

    valuation: Valuation = "bayes"
    """Values by the true model (`bayes`), or learned from `train_requests` randomised impressions (`learned`)."""
    train_requests: Impressions = 100_000
    """The randomised impressions that values are learned from, where they are learned."""
    learner: Learner = "ridge"
    """How they are learned; `ftrl` and `thompson` go on learning while they bid."""


class Replicated(ValuationSettings):
    """The settings that most studies share: replications, and the valuation of holders of data."""

    replications: Replications = 20
    """How often each market is simulated, with other people and requests each time; more make intervals narrower."""


class Tune(Model):
    """One parameter of ``bidders.strategy``, and the values that are tried for it in each arm, on pilot replications.

    Without values it is a bid curve, and fitted.
    """

    parameter: Annotated[str, Field(min_length=1)]
    """The parameter of `bidders.strategy` that is tuned in each arm."""
    values: Annotated[tuple[Finite, ...], Field(min_length=2)] | None = None
    """The values that are tried on pilot replications; null: it is a bid curve, and fitted."""


class JoiningCosts(Model):
    """The costs of joining beside the price of data (``source.<name>.cost_per_lookup_cpm``), in currency, and the volume."""

    requests_per_month: Annotated[float, Field(gt=0, le=MAX_AMOUNT)] | None = None
    """The number of bid requests a month that could be bid on; without it no figure is stated per month."""
    integration_once: Amount = 0.0
    """What joining costs once, in currency: the IT budget."""
    integration_monthly: Amount = 0.0
    """What it costs each month, in currency: the IT budget."""
    fees_monthly: Amount = 0.0
    """What third parties are paid each month, in currency."""
    horizon_months: Annotated[int, Field(ge=1, le=1200)] = 60
    """The number of months over which costs and value are added up."""
    discount_rate: Annotated[float, Field(ge=0, le=10)] = 0.0
    """The discount rate of a year."""


class AdoptionSettings(Replicated):
    """The study ``adoption``: none, one, two ... all bidders adopt one arm's data."""

    replications: Replications = 10
    """How often each number of adopters is simulated; more make intervals narrower."""
    seats: Annotated[int, Field(ge=2, le=1024)] = 5
    """The number of bidders of one kind that compete where the scenario has one alone."""
    arm: Arm = "joint"
    """The data that adopters hold."""
    others: Arm = "none"
    """The data that the others hold."""
    cost_per_request: Amount = 0.0
    """What the data cost one adopter, in currency per bid request."""
    regret: bool = True
    """Whether to work out, at each equilibrium, what one bidder could gain by other data or other bids."""


class Range(Model):
    """The uncertainty of one key; between two whole numbers whole ones are drawn."""

    key: Annotated[str, Field(min_length=1)]
    """The key that is drawn."""
    low: Finite
    """The lowest value."""
    high: Finite
    """The highest value."""
    law: Literal["uniform", "log_uniform"] = "uniform"
    """Even between `low` and `high`, or even in the logarithm."""
    source: Annotated[str, Field(min_length=1)]
    """The citation, or that the range is a choice."""
    whole: bool = False
    """Whether only whole numbers are drawn."""

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if self.low >= self.high:
            raise ValueError(f"low = {self.low:g}: must be below high = {self.high:g}")
        if self.law == "log_uniform" and self.low <= 0:
            raise ValueError(f"low = {self.low:g}: must be above 0 where the law is log_uniform")
        return self

    def at(self, share: float) -> float | int:
        """Return the value below which a ``share`` of the range lies, from 0 to 1."""
        if self.whole:
            return min(math.floor(self.low + share * (self.high - self.low + 1)), int(self.high))
        if self.law == "log_uniform":
            return float(self.low * (self.high / self.low) ** share)
        return float(self.low + share * (self.high - self.low))


class TournamentSettings(Replicated):
    """The study ``tournament``: strategies in one market together, and each two of them; all with ``bidders.budget``."""

    strategies: Annotated[tuple[StrategySpec, ...], Field(min_length=2)] | None = None
    """The strategies; null: those of the standard field that can be made for the market."""
    pairings: bool = True
    """Whether each two of them also play alone; false for very many strategies."""
    arm: Arm = "joint"
    """The data that every seat holds."""
    worlds: Annotated[int, Field(ge=0)] = 0
    """The number of markets drawn from `study.ranges`, in each of which all play together."""
    ranges: tuple[Range, ...] = ()
    """The uncertainty of keys, for `worlds`."""
    point: PointSize = PointSize()
    """The size of the markets drawn for `worlds`."""


BENCHMARK_SEEDS = {"v1": {"test": 271_828_182, "train": 314_159_265}}
"""Suite and split of the benchmark -> its seed; no other study may use one of ``test``."""


class BenchmarkSettings(Model):
    """The study ``benchmark``: each strategy in every market of a suite, with joint data and with the CMO's alone."""

    suite: Literal["v1"] = "v1"
    """The version of the suite of markets and seeds."""
    split: Literal["test", "train"] = "test"
    """The seeds: those of `test` are for results, those of `train` for tuning."""
    strategies: Annotated[tuple[StrategySpec, ...], Field(min_length=1)] | None = None
    """The strategies; null: all built-in ones."""
    replications: Annotated[Replications, Field(ge=2)] = 8
    """The suite's are 8; another number makes a quick look, and no result of the suite."""
    markets: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    """The markets; null: all of the suite. Some make a quick look, and no result of the suite."""
    requests: Annotated[Count, Field(ge=100)] | None = None
    """Bid requests of each market; null: the suite's. Fewer make a quick look, and no result of the suite."""


class Overtaking(Model):
    """Two plans for the same money, each of ``bidders.kinds``, that bid alone: from when on does the slow one stay ahead?"""

    slow: Annotated[str, Field(min_length=1)]
    """The kind of bidder (a name in `bidders.kinds`) that is asked from when on it stays ahead."""
    fast: Annotated[str, Field(min_length=1)]
    """The kind that it is compared with."""


class Screening(Model):
    """Morris's elementary effects."""

    trajectories: Annotated[int, Field(ge=2)] = 6
    """The trajectories through the grid; each changes every factor once."""
    levels: Annotated[int, Field(ge=4, multiple_of=2)] = 4
    """The levels of each factor in the grid."""


class Indices(Model):
    """Sobol's indices of the factors that matter most."""

    factors: Annotated[int, Field(ge=0)] = 4
    """The number of factors, those with the largest elementary effects; 0: no indices."""
    base: Annotated[int, Field(ge=4)] = 32
    """The points in each of the two base samples: a power of two."""

    @model_validator(mode="after")
    def _power_of_two(self) -> Self:
        if self.base & (self.base - 1):
            raise ValueError(f"base = {self.base}: must be a power of two")
        return self


class SensitivitySettings(ValuationSettings):
    """The study ``sensitivity``: which of the ``ranges`` move the value of joint data, Morris first, then Sobol."""

    ranges: tuple[Range, ...] = ()
    """The uncertainty of each factor."""
    silo: Arm = "best_silo"
    """What joint is compared with."""
    who: Who = "unilateral"
    """Who else gets the data: none of the rivals (`unilateral`), all (`universal`), or a number of bidders with the focal one."""
    others: Arm = "none"
    """The data of bidders that do not get them."""
    requests: Count = 5_000
    """The bid requests of a replication at each point."""
    replications: Annotated[Replications, Field(ge=2)] = 2
    """The replications at each point, with the same random numbers everywhere."""
    morris: Screening = Screening()
    """The size of Morris's screening."""
    sobol: Indices = Indices()
    """The size of Sobol's indices."""


class AttributionSettings(Model):
    """The study ``attribution``: what channels are credited with against what they did, and budgets set by each rule."""

    replications: Annotated[int, Field(ge=1, lt=NEXT_SEASON)] = 20
    """How often the firm's season is simulated; more make intervals narrower."""
    budgets: tuple[str, ...] = (
        "unified/linear",
        "unified/time_decay",
        "unified/markov",
        "unified/shapley",
        "as_is",
    )
    """Budgets that are played in another market: set by a rule on a log (`unified/linear`, `silo/markov` ...), or left `as_is`."""
    worlds: Annotated[int, Field(ge=0)] = 0
    """The number of firms drawn from `study.ranges`."""
    ranges: tuple[Range, ...] = ()
    """The uncertainty of keys, for `worlds`."""
    point: PointSize = PointSize()
    """The size of the firms drawn for `worlds`."""

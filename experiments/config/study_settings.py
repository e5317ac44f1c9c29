"""The settings of the studies beside ``value``."""

from __future__ import annotations

import math
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from jointbid.sim.scenario import Model, StrategySpec
from jointbid.sim.scenario.base import Count, Finite

from ..cells.cell import PILOTS

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
    """The size of each point of a curve and of the map, and the map's grid.

    Each point is the same world with ``requests`` bid requests and ``replications`` replications.
    """

    requests: Count = 20_000
    replications: Annotated[Replications, Field(ge=2)] = 6
    redundancy: tuple[Correlation, ...] = (-0.8, -0.4, 0.0, 0.4, 0.8)
    """The values of `response.redundancy` on the grid of the map."""
    interaction: tuple[Annotated[float, Field(allow_inf_nan=False)], ...] = (-0.2, -0.1, 0.0, 0.1, 0.2)
    """The values of `response.interaction` on the grid of the map."""


class ValuationSettings(Model):
    """The valuation of holders of data: exact, or learned from ``train_requests`` randomised impressions."""

    valuation: Valuation = "bayes"
    train_requests: Impressions = 100_000
    learner: Learner = "ridge"


class Replicated(ValuationSettings):
    """The settings that most studies share: replications, and the valuation of holders of data."""

    replications: Replications = 20


class Tune(Model):
    """One parameter of ``bidders.strategy``, and the values that are tried for it in each arm, on pilot replications.

    Without values it is a bid curve, and fitted.
    """

    parameter: Annotated[str, Field(min_length=1)]
    """The parameter of `bidders.strategy` that is tuned in each arm."""
    values: Annotated[tuple[Finite, ...], Field(min_length=2)] | None = None
    """The values that are tried on pilot replications; null: it is a bid curve, and fitted."""


class Money(Model):
    """The costs of joining beside the price of data (``source.<name>.cost_per_lookup_cpm``), in currency, and the volume.

    ``integration_once`` and ``integration_monthly`` are the IT budget's, ``fees_monthly`` go to third parties. No net value is
    stated without ``requests_per_month``. ``discount_rate`` is a year's.
    """

    requests_per_month: Annotated[float, Field(gt=0, le=MAX_AMOUNT)] | None = None
    """The number of bid requests a month that could be bid on; without it no figure is stated per month."""
    integration_once: Amount = 0.0
    """What joining costs once, in currency: the IT budget."""
    integration_monthly: Amount = 0.0
    """What it costs each month, in currency: the IT budget."""
    fees_monthly: Amount = 0.0
    horizon_months: Annotated[int, Field(ge=1, le=1200)] = 60
    """The number of months over which costs and value are added up."""
    discount_rate: Annotated[float, Field(ge=0, le=10)] = 0.0


class AdoptionStudy(Replicated):
    """The study ``adoption``: none, one, two ... all bidders hold the data of ``arm``, the others that of ``others``.

    ``seats`` bidders of one kind compete where the scenario has one alone. ``cost_per_request`` is what the data costs one
    adopter, in currency per bid request. ``regret``: at each equilibrium, what one bidder could gain by other data or other bids.
    """

    replications: Replications = 10
    seats: Annotated[int, Field(ge=2, le=1024)] = 5
    arm: Arm = "joint"
    others: Arm = "none"
    cost_per_request: Amount = 0.0
    regret: bool = True


class Range(Model):
    """The uncertainty of one key: even between ``low`` and ``high``, or even in its logarithm; and its source.

    ``source`` is the citation, or states that the range is a choice. Between two whole numbers whole ones are drawn.
    """

    key: Annotated[str, Field(min_length=1)]
    """The key that is drawn."""
    low: Finite
    high: Finite
    law: Literal["uniform", "log_uniform"] = "uniform"
    """Even between `low` and `high`, or even in the logarithm."""
    source: Annotated[str, Field(min_length=1)]
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


class TournamentStudy(Replicated):
    """The study ``tournament``: ``strategies`` in one market together and, with ``pairings``, each two of them.

    Null: those of the standard field that can be made for the market. All seats hold the data of ``arm`` and have
    ``bidders.budget``. ``worlds`` is the number of markets drawn from the ``ranges``; in each all play together, with the requests and
    replications of ``curve``.
    """

    strategies: Annotated[tuple[StrategySpec, ...], Field(min_length=2)] | None = None
    pairings: bool = True
    arm: Arm = "joint"
    worlds: Annotated[int, Field(ge=0)] = 0
    ranges: tuple[Range, ...] = ()
    curve: PointSize = PointSize()


BENCHMARK_SEEDS = {"v1": {"test": 271_828_182, "train": 314_159_265}}
"""Suite and split of the benchmark -> its seed; no other study may use one of ``test``."""


class BenchmarkStudy(Model):
    """The study ``benchmark``: each of the ``strategies`` in every market of a ``suite``, with joint data and with the CMO's alone.

    Null: all built-in strategies. The seeds of the ``test`` split are for results, those of ``train`` for tuning. ``markets`` (null: all)
    and ``requests`` (null: the suite's) make a quick look of it, and no result of the suite; so does another number of replications.
    """

    suite: Literal["v1"] = "v1"
    split: Literal["test", "train"] = "test"
    strategies: Annotated[tuple[StrategySpec, ...], Field(min_length=1)] | None = None
    replications: Annotated[Replications, Field(ge=2)] = 8
    markets: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    requests: Annotated[Count, Field(ge=100)] | None = None


class Overtaking(Model):
    """Two plans for the same money, each of them one of ``bidders.kinds`` that bids alone: from when on does the ``slow`` one stay ahead?"""

    slow: Annotated[str, Field(min_length=1)]
    fast: Annotated[str, Field(min_length=1)]


class Screening(Model):
    """Morris's elementary effects: ``trajectories`` through a grid of ``levels``."""

    trajectories: Annotated[int, Field(ge=2)] = 6
    levels: Annotated[int, Field(ge=4, multiple_of=2)] = 4


class Indices(Model):
    """Sobol's indices of the ``factors`` that matter most, from ``base`` points (a power of two) each way; 0 factors: none."""

    factors: Annotated[int, Field(ge=0)] = 4
    base: Annotated[int, Field(ge=4)] = 32

    @model_validator(mode="after")
    def _power_of_two(self) -> Self:
        if self.base & (self.base - 1):
            raise ValueError(f"base = {self.base}: must be a power of two")
        return self


class SensitivityStudy(ValuationSettings):
    """The study ``sensitivity``: which of the ``ranges`` move the value of joint data, Morris first, then Sobol.

    Each point is the same world with ``requests`` bid requests and ``replications`` replications, the same ones everywhere.
    """

    ranges: tuple[Range, ...] = ()
    silo: Arm = "best_silo"
    who: Who = "unilateral"
    others: Arm = "none"
    requests: Count = 5_000
    replications: Annotated[Replications, Field(ge=2)] = 2
    morris: Screening = Screening()
    sobol: Indices = Indices()


class AttributionStudy(Model):
    """The study ``attribution``: what channels are credited with against what they did, and budgets set by each rule.

    ``budgets`` are set by these rules on these logs (``unified/linear``, ``silo/markov`` ...), by the ``holdout``, by the ``truth``,
    or stay ``as_is``, and are played in another market. ``worlds`` is the number of firms drawn from the ``ranges``, each worked on
    with the requests and replications of ``curve``.
    """

    replications: Annotated[int, Field(ge=1, lt=100_000)] = 20
    budgets: tuple[str, ...] = (
        "unified/linear",
        "unified/time_decay",
        "unified/markov",
        "unified/shapley",
        "as_is",
    )
    worlds: Annotated[int, Field(ge=0)] = 0
    ranges: tuple[Range, ...] = ()
    curve: PointSize = PointSize()

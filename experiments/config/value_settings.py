"""The settings of the study ``value``, and of the replay of a log, ``study.replay``."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from jointbid.sim.scenario import Model
from jointbid.sim.scenario.base import Count, Positive

from .study_settings import Arm, EitherOrBoth, Learner, Overtaking, PointSize, Range, Replications, Tune, Who

Share = Annotated[float, Field(gt=0, le=1)]
Value = bool | int | float | str | tuple[float, ...]
"""A value of a key that is swept."""


class Swept(Model):
    """One curve: the value of joining over the values of one key of the command line, everything else as it is."""

    over: Annotated[str, Field(min_length=1)]
    """The key that is swept."""
    values: Annotated[tuple[Value, ...], Field(min_length=1)]
    """Its values."""
    set: dict[str, Any] = Field(default_factory=dict)
    """Further keys, with values, for the whole curve."""
    lines: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Lines of the plot by name, each with keys and values of its own; none: one line."""
    name: str = ""
    """The name of the plot; empty: the last part of the key."""

    @property
    def title(self) -> str:
        """The name of its plot."""
        return self.name or self.over.rpartition(".")[2]


def _none_or_several(resamples: int) -> int:
    if resamples == 1:
        raise ValueError("must be 0 (none), or 2 and more: one resample has no spread")
    return resamples


class StandIn(Model):
    """A lognormal price landscape in place of prices that a log does not have."""

    level: Annotated[float, Field(gt=0, le=1e6)] = 1.0
    """The mean price, in mean values of an impression (the click rate times what a click is worth)."""
    sigma: Annotated[float, Field(gt=0, le=5)] = 0.7
    """The standard deviation of the price's logarithm."""

    @property
    def name(self) -> str:
        """Its level and spread, as tables print them."""
        return f"level {self.level:g}, sigma {self.sigma:g}"


STAND_INS = tuple(StandIn(level=level, sigma=sigma) for level in (0.5, 1.0, 2.0) for sigma in (0.4, 1.0))
"""Prices from half to twice what an impression is worth on average, spread little and much: no log is behind these numbers."""


class Replay(Model):
    """The settings of learning from a log and of its replay."""

    budgets: Annotated[tuple[Share, ...], Field(min_length=1)] = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2)
    """Budgets as shares of what the whole log cost; a run without any limit is always there too."""
    split: Literal["time", "person", "random"] = "time"
    """What is held out together: stretches of `time`, all rows of a `person`, or rows at `random`."""
    folds: Annotated[int, Field(ge=3, le=20)] = 5
    """Parts of the log; each is priced by what was learned on the others."""
    splits: Annotated[int, Field(ge=1, le=100)] = 3
    """How often rows or people are dealt out to folds anew; estimates are means over these. Time has one split."""
    learner: Literal["logistic", "boosting"] = "logistic"
    """`logistic` regression on hashed values, or gradient `boosting`."""
    hash_bits: Annotated[int, Field(ge=4, le=28)] = 22
    """Bits of a value's hash within its feature."""
    penalties: Annotated[tuple[Positive, ...], Field(min_length=1)] = (0.1, 0.3, 1.0)
    """Candidates for the inverse strength C of the logistic regressions' ridge penalty; each model takes the best by log loss on
    out-of-fold scores of its training rows."""
    min_count: Count = 10
    """Training rows that a tag, domain, slot ... must occur in to get a weight of its own."""
    stack_on_ad: bool = True
    """The stacked scores are combined with the score of the ad, which both silos know. Without it the campaign's own click rate
    is counted twice."""
    value_per_click: Positive | None = None
    """What a click is worth, in currency; null: the campaign's cost per click in the log."""
    bootstrap: Annotated[int, Field(ge=100, le=100_000)] = 1_000
    """Resamples behind the intervals, the splits taking turns in them."""
    blocks: Annotated[str, Field(min_length=1)] = "time"
    """What is resampled: stretches of `time` of `block_h` hours, days (`day`), people (`person`), single rows (`row`), or all
    rows with one value of a column of the log, as in `site.domain`."""
    block_h: Positive = 1.0
    """The hours of a stretch, where `blocks` are stretches of time."""
    train_share: Annotated[float, Field(gt=0, lt=1)] = 0.6
    """Of the log's rows that `jointbid run` and `jointbid log table` learn and tune on: the first in time, or of the people
    where `split` is `person`."""
    landscape: Literal["empirical", "kaplan_meier"] = "empirical"
    """What policies know of the market's prices: those of the training rows as they are (`empirical`), or with `kaplan_meier`
    also what lies above the logger's own bids, as far as these vary."""
    landscapes: Literal["scenario"] | Annotated[tuple[StandIn, ...], Field(min_length=1)] = STAND_INS
    """What stands in for the prices of a log that has none: laws of the price, each of which gives an answer, or the
    `scenario`'s own (`rivals`, in currency; it needs `value_per_click`)."""
    refit: Annotated[int, Field(ge=0, le=1_000), AfterValidator(_none_or_several)] = 0
    """Resamples of the blocks with which all models are learned anew, for an interval that holds what was learned, too; 0: none."""
    budget_per: Literal["log", "episode"] | Annotated[int, Field(ge=2)] = "log"
    """What a budget of `jointbid log table` is for: the whole test `log`, each `episode` of it, or each stretch of this number
    of rows."""


class SmallWorlds(Model):
    """The size of the range over plausible settings: markets with few requests and replications."""

    worlds: Annotated[int, Field(ge=11)] = 20
    """The number of markets."""
    requests: Count = 10_000
    """Bid requests of each of these markets."""
    replications: Annotated[Replications, Field(ge=2)] = 2
    """Replications of each of these markets."""
    auto: bool = False
    """Whether ranges that make no market here are left out, with a note; otherwise they are an error."""


class ValueSettings(Model):
    """The study ``value``: the ladder of arms, replicated, its curves and the map."""

    replications: Replications = 30
    """How often each arm is simulated, with other people and requests each time; more make intervals narrower."""
    half_width: Positive | None = None
    """The wanted precision of the value of joint data, in the table's unit of money: a pilot of 10 further replications then fixes
    how many are needed."""
    max_replications: Annotated[Replications, Field(ge=10)] = 1_000
    """The most replications that `half_width` may ask for."""
    who: Who = "unilateral"
    """Who else gets the data: none of the rivals (`unilateral`), all (`universal`), or a number of bidders with the focal one."""
    others: Arm = "none"
    """The data that all other bidders hold, as an arm."""
    rivals: Literal["frozen", "adapted"] = "frozen"
    """Where policies are tuned: whether rivals keep theirs, or are tuned too, in answer to the focal bidder's."""
    tune: Tune | None = None
    """A parameter of the strategy that is tuned in each arm; null: none."""
    silo: Arm = "best_silo"
    """What the joint bidder is compared with: the better owner with all its sources (`best_silo`), the best source (`best_single`), or any arm."""
    valuation: EitherOrBoth = "bayes"
    """Values by the true model (`bayes`), learned from a log (`learned`), or each arm with both (`both`)."""
    learned_beside: bool | Literal["auto"] = False
    """Whether the arms of the value of joint data are played with learned values too; `auto`: in markets in which values can be learned."""
    train_requests: Annotated[int, Field(ge=2, le=10**9)] = 100_000
    """The randomised impressions that valuations are learned from."""
    learner: Learner = "ridge"
    """What learns them; `ridge` is a logistic regression with penalties by cross-validation."""
    lattice: bool = True
    """Whether every set of sources is played, not only no source, each alone and all."""
    curves: tuple[Swept, ...] | None = None
    """What the value of joint data is followed over; null: the match rate of the first source."""
    point: PointSize = PointSize()
    """The size of each point of a curve, of the map and of the markets drawn for `worlds`."""
    worlds: Annotated[int, Field(ge=0)] = 0
    """The number of markets drawn from `study.ranges`, to say in what share of them joining pays."""
    ranges: tuple[Range, ...] = ()
    """The uncertainty of keys, for `worlds` and `range`."""
    range: SmallWorlds | None = None
    """The size of the range of the value of joint data over small markets drawn from `study.ranges`; null: none is stated."""
    overtaking: Overtaking | None = None
    """Two plans for the same money, and the month from which one stays ahead of the other; null: none."""
    upgrade: dict[str, Any] | None = None
    """Keys with values that make the joint data better, to state what that is worth; null: none."""
    replay: Replay = Replay()
    """How a log is played."""

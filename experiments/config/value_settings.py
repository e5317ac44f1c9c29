"""The settings of the study ``value``, and of the replay of a log, ``study.replay``."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from jointbid.sim.scenario import Model
from jointbid.sim.scenario.base import Count, Positive

from .study_settings import (
    Arm,
    EitherOrBoth,
    Learner,
    Overtaking,
    PointSize,
    Range,
    Replications,
    Tune,
    Who,
)

Share = Annotated[float, Field(gt=0, le=1)]
Value = bool | int | float | str | tuple[float, ...]
"""A value of a key that is swept."""


class Swept(Model):
    """One curve: the value of joining over the ``values`` of one key, ``over``, everything else as it is.

    ``set`` gives further keys for the whole curve, and each of ``lines`` (name -> keys) draws one of its own. Keys are
    those of the command line, ``study.train_requests`` among them. ``name`` is that of its plot; else it is the key's last part.
    """

    over: Annotated[str, Field(min_length=1)]
    values: Annotated[tuple[Value, ...], Field(min_length=1)]
    set: dict[str, Any] = Field(default_factory=dict)
    lines: dict[str, dict[str, Any]] = Field(default_factory=dict)
    name: str = ""

    @property
    def title(self) -> str:
        """The name of its plot."""
        return self.name or self.over.rpartition(".")[2]


def _none_or_several(resamples: int) -> int:
    if resamples == 1:
        raise ValueError("must be 0 (none), or 2 and more: one resample has no spread")
    return resamples


class StandIn(Model):
    """A price landscape in place of prices that a log does not have: lognormal in `sigma`.

    `level` is the mean price, in mean values of an impression (the click rate times what a click is worth).
    """

    level: Annotated[float, Field(gt=0, le=1e6)] = 1.0
    sigma: Annotated[float, Field(gt=0, le=5)] = 0.7

    @property
    def name(self) -> str:
        """As tables print it."""
        return f"level {self.level:g}, sigma {self.sigma:g}"


STAND_INS = tuple(StandIn(level=level, sigma=sigma) for level in (0.5, 1.0, 2.0) for sigma in (0.4, 1.0))
"""Prices from half to twice what an impression is worth on average, spread little and much: no log is behind these numbers."""


class Replay(Model):
    """The settings of learning from a log and of its replay.

    Attributes:
        budgets: budgets as shares of what the whole log cost; a run without any limit is always there too.
        split: what is held out together: stretches of `time`, all rows of a `person`, or rows at `random`.
        folds: parts of the log; each is priced by what was learned on the others.
        splits: how often rows or people are dealt out to folds anew; estimates are means over these. Time has one split.
        learner: `logistic` regression on hashed values, or gradient `boosting`.
        hash_bits: bits of a value's hash within its feature.
        penalties: candidates for the inverse strength C of the logistic regressions' ridge penalty; each model takes
            the best by log loss on out-of-fold scores of its training rows.
        min_count: training rows that a tag, domain, slot ... must occur in to get a weight of its own.
        stack_on_ad: the stacked scores are combined with the score of the ad, which both silos know. Without it the
            campaign's own click rate is counted twice.
        value_per_click: what a click is worth, in currency; null: the campaign's cost per click in the log.
        bootstrap: resamples behind the intervals, the splits taking turns in them.
        blocks: what is resampled: stretches of `time` of `block_h` hours, days (`day`), people (`person`), single rows (`row`), or all rows
            with one value of a column of the log, as in `site.domain`.
        train_share: of the log's rows that `jointbid run` and `jointbid log table` learn and tune on: the first in time, or
            of the people where `split` is `person`.
        landscape: what policies know of the market's prices: those of the training rows as they are (`empirical`), or
            with `kaplan_meier` also what lies above the logger's own bids, as far as these vary.
        landscapes: what stands in for the prices of a log that has none: laws of the price, each of which gives an answer, or the
            `scenario`'s own (`rivals`, in currency; it needs `value_per_click`).
        refit: resamples of the blocks with which all models are learned anew, for an interval that holds what was learned, too; 0: none.
        budget_per: what a budget of `jointbid log table` is for: the whole test `log`, each `episode` of it, or each stretch of
            this number of rows.
    """

    budgets: Annotated[tuple[Share, ...], Field(min_length=1)] = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2)
    split: Literal["time", "person", "random"] = "time"
    folds: Annotated[int, Field(ge=3, le=20)] = 5
    splits: Annotated[int, Field(ge=1, le=100)] = 3
    learner: Literal["logistic", "boosting"] = "logistic"
    hash_bits: Annotated[int, Field(ge=4, le=28)] = 22
    penalties: Annotated[tuple[Positive, ...], Field(min_length=1)] = (0.1, 0.3, 1.0)
    min_count: Count = 10
    stack_on_ad: bool = True
    value_per_click: Positive | None = None
    bootstrap: Annotated[int, Field(ge=100, le=100_000)] = 1_000
    blocks: Annotated[str, Field(min_length=1)] = "time"
    block_h: Positive = 1.0
    train_share: Annotated[float, Field(gt=0, lt=1)] = 0.6
    landscape: Literal["empirical", "kaplan_meier"] = "empirical"
    landscapes: Literal["scenario"] | Annotated[tuple[StandIn, ...], Field(min_length=1)] = STAND_INS
    refit: Annotated[int, Field(ge=0, le=1_000), AfterValidator(_none_or_several)] = 0
    budget_per: Literal["log", "episode"] | Annotated[int, Field(ge=2)] = "log"


class SmallWorlds(Model):
    """The size of the range over plausible settings: this number of ``worlds``, each with few requests and replications.

    ``auto``: ranges that make no market here are left out, and a note says so; otherwise they are an error.
    """

    worlds: Annotated[int, Field(ge=11)] = 20
    requests: Count = 10_000
    """Bid requests of each of these markets."""
    replications: Annotated[Replications, Field(ge=2)] = 2
    """Replications of each of these markets."""
    auto: bool = False


class ValueStudy(Model):
    """The study ``value``: the ladder of arms, replicated, its curves and the map.

    ``tune`` retunes a parameter of the strategy in each arm, of ``rivals`` too where these are ``adapted``.
    ``valuation=both`` plays every arm with exact and with learned values, and states what learning costs; ``learned_beside`` does so
    for the arms that the value of joint data needs (``auto``: in markets in which values can be learned). ``lattice`` plays every information set, not only no source, each alone and all. ``curves`` say over what the value of
    joint data is followed; null: the match rate of the first source.
    ``range`` is the size of the range of that value over markets drawn from the ``ranges``; null: none is stated. ``worlds``
    is the number of markets drawn instead where more is asked of them, each worked on like a point of a curve. ``overtaking`` also plays two plans
    for the same money, and states the month from which one stays ahead of the other. ``upgrade`` names keys, with values, that make the joint
    data better, and states what that is worth.

    ``half_width`` (optional, in the table's unit of money) sets the precision of the value of joint data: a
    pilot of 10 further replications then fixes how many are needed, at most ``max_replications``. ``replay`` is for logs.
    """

    replications: Replications = 30
    """How often each arm is simulated, with other people and requests each time; more make intervals narrower."""
    half_width: Positive | None = None
    max_replications: Annotated[Replications, Field(ge=10)] = 1_000
    who: Who = "unilateral"
    """Who else gets the data: none of the rivals (`unilateral`), all (`universal`), or a number of bidders with the focal one."""
    others: Arm = "none"
    """The data that all other bidders hold, as an arm."""
    rivals: Literal["frozen", "adapted"] = "frozen"
    tune: Tune | None = None
    silo: Arm = "best_silo"
    """What the joint bidder is compared with: the better owner with all its sources (`best_silo`), the best source (`best_single`), or any arm."""
    valuation: EitherOrBoth = "bayes"
    """Values by the true model (`bayes`), learned from a log (`learned`), or each arm with both (`both`)."""
    learned_beside: bool | Literal["auto"] = False
    train_requests: Annotated[int, Field(ge=2, le=10**9)] = 100_000
    """The randomised impressions that valuations are learned from."""
    learner: Learner = "ridge"
    """What learns them; `ridge` is a logistic regression with penalties by cross-validation."""
    lattice: bool = True
    curves: tuple[Swept, ...] | None = None
    curve: PointSize = PointSize()
    worlds: Annotated[int, Field(ge=0)] = 0
    """The number of markets drawn from `study.ranges`, to say in what share of them joining pays."""
    ranges: tuple[Range, ...] = ()
    range: SmallWorlds | None = None
    overtaking: Overtaking | None = None
    upgrade: dict[str, Any] | None = None
    replay: Replay = Replay()

"""What may be set about the replay of a log, under `study.replay`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from jointbid.sim.scenario.base import Count, Model, Positive

Share = Annotated[float, Field(gt=0, le=1)]


class Replay(Model):
    """How a log is learned from and replayed.

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
        stack_on_ad: the stacked scores are combined with the score of what everybody knows, the ad. Without it the
            campaign's own click rate, which both houses know, is counted twice.
        value_per_click: what a click is worth, in currency; null: the campaign's cost per click in the log.
        bootstrap: resamples behind the intervals, the splits taking turns in them.
        blocks: what is resampled: stretches of `time` of `block_h` hours, people (`person`), or single rows (`row`).
        train_share: of the log's rows that `jointbid run` and `jointbid log table` learn and tune on: the first in time, or
            of the people where `split` is `person`.
        landscape: what policies know of the market's prices: those of the training rows as they are (`empirical`), or
            with `kaplan_meier` also what lies above the logger's own bids, as far as these vary.
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
    blocks: Literal["time", "person", "row"] = "time"
    block_h: Positive = 1.0
    train_share: Annotated[float, Field(gt=0, lt=1)] = 0.6
    landscape: Literal["empirical", "kaplan_meier"] = "empirical"

"""What may be set about the replay of a log, under `study.replay`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from sim.scenario.base import Count, Model, Positive

Share = Annotated[float, Field(gt=0, le=1)]


class Replay(Model):
    """How a log is learned from and replayed.

    Attributes:
        budgets: budgets as shares of what the whole log cost; a run without any limit is always there too.
        folds: parts of the log; each is priced by what was learned on the others.
        splits: how often the rows are dealt out to folds anew; estimates are means over these.
        penalties: candidates for the inverse strength C of the logistic regressions' ridge penalty; each model takes
            the best by log loss on out-of-fold scores of its training rows.
        min_count: training rows that a tag, domain, slot ... must occur in to get a weight of its own.
        stack_on_ad: the stacked scores are combined with the score of what everybody knows, the ad. Without it the
            campaign's own click rate, which both houses know, is counted twice.
        bootstrap: resamples behind the intervals, the splits taking turns in them.
    """

    budgets: Annotated[tuple[Share, ...], Field(min_length=1)] = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2)
    folds: Annotated[int, Field(ge=3, le=20)] = 5
    splits: Annotated[int, Field(ge=1, le=100)] = 3
    penalties: Annotated[tuple[Positive, ...], Field(min_length=1)] = (0.1, 0.3, 1.0)
    min_count: Count = 10
    stack_on_ad: bool = True
    bootstrap: Annotated[int, Field(ge=100, le=100_000)] = 1_000

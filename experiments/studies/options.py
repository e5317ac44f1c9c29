"""What the studies beside ``value`` can be asked for."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from sim.scenario import Model
from sim.scenario.base import Count, NonNegative

Arm = Annotated[str, Field(min_length=1)]
"""An information set, or another way of holding all sources: ``experiments.studies.arms.arms_of`` has them."""
Valuation = Literal["bayes", "learned"]
Learner = Literal["logistic", "table", "cell_means", "ftrl", "thompson"]
Impressions = Annotated[int, Field(ge=2, le=10**9)]


class Priced(Model):
    """How the holders of data come to a value: exactly, or learned from so many randomised impressions."""

    valuation: Valuation = "bayes"
    train_requests: Impressions = 100_000
    learner: Learner = "logistic"


class AdoptionStudy(Priced):
    """The study ``adoption``: none, one, two ... all bidders hold the data of ``arm``, the others that of ``others``.

    ``cost_per_request`` is what the data costs one adopter, in currency per bid request.
    """

    replications: Count = 10
    arm: Arm = "joint"
    others: Arm = "none"
    cost_per_request: NonNegative = 0.0

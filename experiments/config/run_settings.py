"""The settings of one simulation, ``jointbid run``."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, field_validator

from jointbid.sim.scenario import Model, StrategySpec

from .study_settings import Arm, Learner, Valuation, Who
from .value_settings import Replay


class RunSettings(Model):
    """One simulation: which arm's data the focal bidder holds, in which replication."""

    arm: Arm = "joint"
    """The data that the focal bidder holds: an information set such as `profile+context`, or an arm of the ladder."""
    replication: Annotated[int, Field(ge=0)] = 0
    """The number of the replication; the random numbers follow from it and `seed`."""
    strategies: tuple[StrategySpec, ...] = ()
    """Where there are some, they play a match, a seat each, all with the arm's data."""
    who: Who = "unilateral"
    """Who else gets the data: none of the rivals (`unilateral`), all (`universal`), or a number of bidders with the focal one."""
    others: Arm = "none"
    """The data of bidders that do not get them."""
    valuation: Valuation = "bayes"
    """Values by the true model (`bayes`), or learned from `train_requests` randomised impressions (`learned`)."""
    train_requests: Annotated[int, Field(ge=2, le=10**9)] = 100_000
    """The randomised impressions that values are learned from, where they are learned."""
    learner: Learner = "ridge"
    """How they are learned; `ftrl` and `thompson` go on learning while they bid."""
    log: bool = False
    """Whether to write every auction too, a row a request and slot (docs/auction-log.md)."""
    trajectories: bool = False
    """Whether to write each bidder's control steps too, in the columns of AuctionNet's training data (docs/train-a-bidder.md)."""
    bids: Literal["logged", "strategy"] = "logged"
    """The bids on a log of this engine: those in the log, or those of the strategy."""
    replay: Replay = Replay()
    """How a log is played."""
    weekly: bool = False
    """Whether to play the channels of `touchpoints` in place of the focal bidder, and write them by week (docs/weekly.md)."""
    weekly_start: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$")] = "2024-01-01"
    """The day on which the first week begins."""
    weekly_areas: Annotated[int, Field(ge=4, le=10_000)] = 20
    """The number of areas of a test that leaves out whole areas."""

    @field_validator("weekly_start")
    @classmethod
    def _is_a_day(cls, day: str) -> str:
        date.fromisoformat(day)  # says what is wrong with it
        return day

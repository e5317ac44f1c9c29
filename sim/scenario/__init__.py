"""A market, described: frozen, validated, and the one thing a simulation is built from.

``scenario.X`` describes what the module ``X`` of ``jointbid.sim`` then does.

Money in a scenario is in currency (per impression) or in CPM where the name ends in ``_cpm``; time is in hours, or in
milliseconds where the name ends in ``_ms``. Every model refuses unknown keys and values out of range, and lists all problems at once (pydantic's
``ValidationError``); nothing here draws a random number or reads a file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Self

from pydantic import ValidationInfo, model_validator

from .auction import Auction, FloorStep, Rivals, Throttle
from .base import (
    HOUR_US,
    MAX_MICROS,
    MICROS,
    MICROS_PER_CPM,
    Model,
    parts_alone,
)
from .bidders import Bidders, Cap, Holdout, Kind, StrategySpec, Terms
from .checks import (
    belief_problems,
    bidder_kind_problems,
    choice_problems,
    drift_problems,
    outcome_problems,
    people_problems,
    source_problems,
)
from .delay import NO_DELAY, Delay
from .journey import Journey
from .moving_checks import (
    journey_own_problems,
    journey_problems,
    shelf_problems,
    stock_problems,
    touchpoint_problems,
)
from .parts import Engine, Parts
from .people import Audience, Consent, Drift
from .response import Conversion, Creative, Logit, Response
from .source import FACTORS, MOVING, OF_JOURNEYS, Factor, Owner, Source
from .stock import Stock
from .supply import LogSupply, Supply, SyntheticSupply
from .touchpoints import Channel, Touchpoints

__all__ = [
    "FACTORS",
    "HOUR_US",
    "MAX_MICROS",
    "MICROS",
    "MICROS_PER_CPM",
    "MOVING",
    "NO_DELAY",
    "OF_JOURNEYS",
    "Auction",
    "Audience",
    "Bidders",
    "Cap",
    "Channel",
    "Consent",
    "Conversion",
    "Creative",
    "Delay",
    "Drift",
    "Engine",
    "Factor",
    "FloorStep",
    "Holdout",
    "Journey",
    "Kind",
    "LogSupply",
    "Logit",
    "Model",
    "Owner",
    "Response",
    "Rivals",
    "Scenario",
    "Source",
    "Stock",
    "StrategySpec",
    "Supply",
    "SyntheticSupply",
    "Terms",
    "Throttle",
    "Touchpoints",
]


CHECKS = (
    source_problems,
    people_problems,
    outcome_problems,
    choice_problems,
    journey_problems,
    journey_own_problems,
    touchpoint_problems,
    stock_problems,
    shelf_problems,
    drift_problems,
    belief_problems,
    bidder_kind_problems,
)
"""Each looks for one kind of contradiction; their lines are listed in this order."""


class Scenario(Parts):
    """A whole market. ``name`` and ``question`` are for people; the rest is what a run is a function of."""

    @model_validator(mode="after")
    def _consistent(self, info: ValidationInfo) -> Self:
        problems = [] if parts_alone(info) else [line for check in self.checks for line in check()]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    @property
    def checks(self) -> tuple[Callable[[], Iterator[str]], ...]:
        """What looks for contradictions among the parts, each by itself: a line for each that it finds."""
        return tuple(partial(check, self) for check in CHECKS)

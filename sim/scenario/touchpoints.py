"""Touchpoints: the channels in which an advertiser meets its accounts, and how it later shares out what was bought among them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from .base import (
    MAX_MICROS,
    MAX_RATIO,
    MICROS_PER_CPM,
    Hours,
    Model,
    Positive,
    PositiveMoney,
    Rate,
)
from .source import Owner

MAX_CHANNELS = 12


class Channel(Model):
    """One channel of the advertiser: whose log its touchpoints are in, what a day of it costs, and whom it looks for.

    It bids ``bid_cpm`` on every request in its channel until ``daily_budget`` is spent, and ``targeting`` times that on people
    whom ``touchpoints.targets`` shows to be interested: above 1 people with more intent get more impressions.
    """

    owner: Owner = "cmo"
    daily_budget: PositiveMoney
    bid_cpm: Annotated[float, Field(gt=0, le=MAX_MICROS / MICROS_PER_CPM)]
    targeting: Annotated[float, Field(ge=0, le=MAX_RATIO)] = 1.0


class Touchpoints(Model):
    """The channels by name, in the order of the context types, and how their touchpoints are counted afterwards.

    A touchpoint is a seen impression. It can be credited with a purchase that follows within ``window_h``; in the rule
    ``time_decay`` its weight halves every ``half_life_h``. A randomised experiment leaves the share ``holdout`` of all people
    out of each channel, independently. ``targets`` names the source that campaigns are targeted by.
    """

    channels: Annotated[dict[str, Channel], Field(min_length=1, max_length=MAX_CHANNELS)]
    window_h: Annotated[Hours, Field(gt=0)] = 720.0
    half_life_h: Positive = 168.0
    holdout: Annotated[Rate, Field(gt=0, lt=1)] = 0.3
    targets: str | None = None

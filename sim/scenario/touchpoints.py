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
    """One channel of the advertiser: whose log its touchpoints are in, what a day of it costs, and whom it looks for."""

    owner: Owner = "cmo"
    """Whose log its touchpoints are in."""
    daily_budget: PositiveMoney
    """What a day of it may cost, in currency."""
    bid_cpm: Annotated[float, Field(gt=0, le=MAX_MICROS / MICROS_PER_CPM)]
    """What it bids on every request in its channel until the day's budget is spent."""
    targeting: Annotated[float, Field(ge=0, le=MAX_RATIO)] = 1.0
    """What multiplies its bid on people whom `touchpoints.targets` shows to be interested: above 1 people with more intent get
    more impressions."""


class Touchpoints(Model):
    """The channels, and how their touchpoints, the seen impressions, are counted afterwards."""

    channels: Annotated[dict[str, Channel], Field(min_length=1, max_length=MAX_CHANNELS)]
    """The channels by name, in the order of the context types."""
    window_h: Annotated[Hours, Field(gt=0)] = 720.0
    """How long after it a touchpoint can be credited with a purchase."""
    half_life_h: Positive = 168.0
    """In the rule `time_decay`, the hours in which a touchpoint's weight halves."""
    holdout: Annotated[Rate, Field(gt=0, lt=1)] = 0.3
    """The share of all people that a randomised experiment leaves out of each channel, independently."""
    targets: str | None = None
    """The source that campaigns are targeted by; null: none."""

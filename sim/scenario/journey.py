"""Journeys: how the accounts of a business market move towards a purchase, and what advertising leaves behind in them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from .base import MAX_HOURS, MAX_RATIO, Count, Hours, Model, PositiveMoney, Rate

Stage = Literal["unaware", "aware", "interested", "considering", "approved", "bought", "lapsed"]
Factor = Annotated[float, Field(ge=0, le=MAX_RATIO)]
MAX_HALF_LIFE_H = 1e9
"""As good as never forgotten."""
MAX_POWER = 16.0
"""The steepest attraction: at more, that of a full stock overflows."""
Stay = Annotated[float, Field(gt=0, le=MAX_HOURS)]


class Stays(Model):
    """How long an account stays in each stage on average, in hours."""

    unaware: Stay = 8_760.0
    """The mean hours in the stage `unaware`."""
    aware: Stay = 10_660.0
    """The mean hours in the stage `aware`."""
    interested: Stay = 6_570.0
    """The mean hours in the stage `interested`."""
    considering: Stay = 6_570.0
    """The mean hours in the stage `considering`."""
    approved: Stay = 1_680.0
    """The mean hours in the stage `approved`, the window in which it buys."""
    bought: Stay = 17_520.0
    """The mean hours in the stage `bought`."""
    lapsed: Stay = 4_380.0
    """The mean hours in the stage `lapsed`."""


class Journey(Model):
    """Accounts of some people each, who move through seven stages together, and what ads leave behind in them.

    At each step an account leaves its stage with the probability of the step's length over the mean stay: unaware, aware, interested,
    considering, approved (its budget), bought, aware; or from interested and considering to lapsed, and from there back to unaware.

    A seen impression adds to the account's stock S of preference for its advertiser. An account that leaves ``approved`` buys: from
    advertiser j with probability A_j / (``outside`` + sum A), or from no advertiser here.

    """

    group: Annotated[Count, Field(le=1000)] = 1
    """The people of an account."""
    step_h: Annotated[Hours, Field(gt=1e-3)] = 168.0
    """How often accounts may change their stage."""
    stay_h: Stays = Stays()
    """How long an account stays in each stage on average."""
    lapse_interested: Rate = 0.4
    """The share of interested accounts that lapse instead of considering."""
    lapse_considering: Rate = 0.2
    """The share of considering accounts that lapse instead of getting their budget approved."""
    appetite: Factor | tuple[Factor, ...] = 1.0
    """Multiplies the rate at which aware accounts become interested: one number, or one per profile type; with 0 none ever does.
    Multiplies the rate at which aware accounts become interested: one number, or one per profile type; with 0 none ever does."""
    lasting: Factor | tuple[Factor, ...] = 1.0
    """What a seen impression adds to the account's preference for its advertiser: one number, or one per context type."""
    half_life_h: Annotated[float, Field(gt=0, le=MAX_HALF_LIFE_H)] = 2_160.0
    """The hours in which that preference halves."""
    power: Annotated[float, Field(ge=0, le=MAX_POWER)] = 0.5
    """How steeply preference attracts: an account that buys chooses by A = (1 + S)^power + `base` - 1."""
    outside: Factor = 1.0
    """The attraction of buying from no advertiser here."""
    base: Factor = 1.0
    """The attraction of an advertiser that the account has never seen; 0: it never buys from one."""
    margin: PositiveMoney = 1.0
    """What a purchase is worth, in currency."""
    run_out_h: Hours = 8_760.0
    """How long the world goes on without ads after the last request, so that what is left of preference counts."""
    believed_win_rate: Rate | None = 0.2
    """The share of an account's impressions that each advertiser wins, as bidders reckon it who value an impression; null: what
    would follow from itself, at the landscape's prices."""

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
    """How long an account stays in each stage on average, in hours; ``approved`` is the window in which it buys."""

    unaware: Stay = 8_760.0
    aware: Stay = 10_660.0
    interested: Stay = 6_570.0
    considering: Stay = 6_570.0
    approved: Stay = 1_680.0
    bought: Stay = 17_520.0
    lapsed: Stay = 4_380.0


class Journey(Model):
    """Accounts of ``group`` people each, who move through seven stages together, and what ads leave behind in them.

    Every ``step_h`` an account leaves its stage with probability ``step_h`` / ``stay_h``: unaware, aware, interested, considering,
    approved (its budget), bought, aware. From interested the share ``lapse_interested``, from considering the share
    ``lapse_considering`` goes to lapsed instead, and from there back to unaware. ``appetite`` (one number, or one per
    profile type) multiplies the rate at which aware accounts become interested; with 0 none ever does.

    A seen impression adds ``lasting`` (one number, or one per context type) to the account's stock S of preference for its
    advertiser; the stock halves every ``half_life_h``. An account that leaves ``approved`` buys: from advertiser j with
    probability A_j / (``outside`` + sum A), A = (1 + S)^``power`` + ``base`` - 1, or from no advertiser here: ``base`` is the attraction of
    an advertiser that it has never seen (0: it never buys from one). A purchase is worth ``margin`` in currency. After the last request the world goes on for ``run_out_h`` without ads, so that what is left in the stocks counts.

    ``believed_win_rate`` is what bidders reckon with who value an impression (``jointbid.strategies.valuations.outlook``): the share of an
    account's impressions that each advertiser wins; null: what would follow from itself, at the landscape's prices.
    """

    group: Annotated[Count, Field(le=1000)] = 1
    step_h: Annotated[Hours, Field(gt=1e-3)] = 168.0
    stay_h: Stays = Stays()
    lapse_interested: Rate = 0.4
    lapse_considering: Rate = 0.2
    appetite: Factor | tuple[Factor, ...] = 1.0
    lasting: Factor | tuple[Factor, ...] = 1.0
    half_life_h: Annotated[float, Field(gt=0, le=MAX_HALF_LIFE_H)] = 2_160.0
    power: Annotated[float, Field(ge=0, le=MAX_POWER)] = 0.5
    outside: Factor = 1.0
    base: Factor = 1.0
    margin: PositiveMoney = 1.0
    run_out_h: Hours = 8_760.0
    believed_win_rate: Rate | None = 0.2

"""Journeys: how the accounts of a business market move towards a purchase, and what advertising leaves behind in them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, field_validator

from sim.scenario.base import MAX_HOURS, MAX_RATIO, Count, Hours, Model, PositiveMoney, Rate

if TYPE_CHECKING:
    from sim.scenario import Scenario

Stage = Literal["unaware", "aware", "interested", "considering", "approved", "bought", "lapsed"]
Factor = Annotated[float, Field(ge=0, le=MAX_RATIO)]
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
    profile type) multiplies the rate at which aware accounts become interested; with 0 nobody ever does.

    A seen impression adds ``lasting`` (one number, or one per context type) to the account's stock S of preference for its
    advertiser; the stock halves every ``half_life_h``. An account that leaves ``approved`` buys: from advertiser j with
    probability A_j / (``outside`` + sum A), A = (1 + S)^``power`` + ``base`` - 1, or from nobody here: ``base`` is the attraction of
    an advertiser that it has never seen (0: it never buys from one). A purchase is worth ``margin`` in currency. After the last request the world goes on for ``run_out_h`` without ads, so that what is left in the stocks counts.

    ``believed_win_rate`` is what bidders reckon with who value an impression (``strategies.valuations.outlook``): the share of an
    account's impressions that each advertiser wins; null: what would follow from itself, at the landscape's prices.
    """

    group: Annotated[Count, Field(le=1000)] = 1
    step_h: Annotated[Hours, Field(gt=1e-3)] = 168.0
    stay_h: Stays = Stays()
    lapse_interested: Rate = 0.4
    lapse_considering: Rate = 0.2
    appetite: Factor | tuple[Factor, ...] = 1.0
    lasting: Factor | tuple[Factor, ...] = 1.0
    half_life_h: Stay = 2_160.0
    power: Annotated[float, Field(ge=0, le=MAX_POWER)] = 0.5
    outside: Factor = 1.0
    base: Factor = 1.0
    margin: PositiveMoney = 1.0
    run_out_h: Hours = 8_760.0
    believed_win_rate: Rate | None = 0.2

    @field_validator("appetite", "lasting", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return tuple(value) if isinstance(value, list) else value


def journey_problems(scenario: Scenario) -> Iterator[str]:
    """What in the rest of a market contradicts its journey."""
    journey, people = scenario.journey, scenario.audience.people
    if journey is None:
        return
    if scenario.supply.kind == "log":
        yield "journey: a log's people have none; leave it out"
    if people is None:
        yield "journey: nobody comes twice without audience.people; say how many people there are"
    elif people % journey.group:
        yield f"journey.group = {journey.group}: audience.people = {people} must be a multiple of it"
    if scenario.bidders.values == "private":
        yield "journey: an account is the same for all advertisers; leave bidders.values=common"
    if scenario.bidders.beliefs == "winning":
        yield "bidders.beliefs = winning: with a journey it is not worked out what winning tells; leave it naive"
    if scenario.bidders.creative != "rotated":
        yield f"bidders.creative = {scenario.bidders.creative}: with a journey creatives take turns; leave it rotated"
    if journey.believed_win_rate is None and scenario.rivals.landscape is None:
        yield "journey.believed_win_rate = null: is worked out from prices; set rivals.landscape, or say a rate"
    if scenario.response.family == "private_value":
        yield "journey: with response.family=private_value an impression leaves nothing behind; take another family"
    for key, factor in (("appetite", "profile"), ("lasting", "context")):
        given, types = getattr(journey, key), scenario.types_of(factor)
        if isinstance(given, tuple) and len(given) != types:
            yield f"journey.{key}: {len(given)} numbers for {types} {factor} types"
    for name, source in scenario.source.items():
        if source.flip_rate_per_h > 0 and (source.shows or name) in {"stage", "interest"}:
            yield f"source.{name}.flip_rate_per_h: stages change as the journey says; leave it 0"


def journey_own_problems(scenario: Scenario) -> Iterator[str]:
    """What in a journey's own numbers does not fit."""
    journey = scenario.journey
    if journey is None:
        return
    rates = journey.appetite if isinstance(journey.appetite, tuple) else (journey.appetite,)
    for stage, stay in journey.stay_h:
        fastest = stay / max(rates) if stage == "aware" and max(rates) > 0 else stay
        if fastest < journey.step_h:
            yield (
                f"journey.stay_h.{stage}: {fastest:g} h on average (appetite counted), but accounts move every step_h = "
                f"{journey.step_h:g} h; make the step shorter"
            )
    if journey.outside == 0 and journey.base == 0:
        yield "journey.base = 0 with outside = 0: who has seen nobody has nobody to buy from; raise one of them"
    if journey.outside == 0 and journey.power == 0:
        yield "journey.power = 0 with outside = 0: advertising changes nothing; raise one of them"

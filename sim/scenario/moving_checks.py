"""Contradictions between the parts of a market: journeys, touchpoints and stock, which change as time goes on."""

from __future__ import annotations

from collections.abc import Iterator

from .base import MAX_MICROS, MICROS_PER_CPM, contradictions
from .parts import Parts


def journey_problems(market: Parts) -> Iterator[str]:
    """What in the rest of a market contradicts its journey."""
    journey, people = market.journey, market.audience.people
    if journey is None:
        return
    if market.supply.kind == "log":
        yield "journey: a log's people have none; leave it out"
    if people is None:
        yield "journey: requires audience.people (the number of people)"
    elif people % journey.group:
        yield f"journey.group = {journey.group}: audience.people = {people} must be a multiple of it"
    if market.bidders.values != "common":
        yield "journey: an account is the same for all advertisers; leave bidders.values=common"
    if market.bidders.beliefs == "winning":
        yield "bidders.beliefs = winning: with a journey it is not worked out what winning tells; leave it naive"
    if market.bidders.creative != "rotated":
        yield f"bidders.creative = {market.bidders.creative}: with a journey creatives take turns; leave it rotated"
    if journey.believed_win_rate is None and market.rivals.landscape is None:
        yield "journey.believed_win_rate = null: is worked out from prices; set rivals.landscape, or say a rate"
    if market.response.family == "private_value":
        yield "journey: with response.family=private_value an impression leaves nothing behind; take another family"
    for key, factor in (("appetite", "profile"), ("lasting", "context")):
        given, types = getattr(journey, key), market.types_of(factor)
        if isinstance(given, tuple) and len(given) != types:
            yield f"journey.{key}: {len(given)} numbers for {types} {factor} types"
    for name, source in market.source.items():
        if source.flip_rate_per_h > 0 and (source.shows or name) in {"stage", "interest"}:
            yield f"source.{name}.flip_rate_per_h: stages change as the journey says; leave it 0"


def journey_own_problems(market: Parts) -> Iterator[str]:
    """What in a journey's own numbers does not fit."""
    journey = market.journey
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
        yield "journey.base = 0 with outside = 0: an account that has seen no advertiser could buy from none; raise one of them"
    if journey.outside == 0 and journey.power == 0:
        yield "journey.power = 0 with outside = 0: advertising changes nothing; raise one of them"


def touchpoint_problems(market: Parts) -> Iterator[str]:
    """What in the rest of a market contradicts its touchpoints."""
    plan = market.touchpoints
    if plan is None:
        return
    types = market.types_of("context")
    if len(plan.channels) != types:
        yield f"touchpoints.channels: {len(plan.channels)} channels for {types} context types; name one for each"
    if market.journey is None:
        yield "touchpoints: requires journey (the purchases that touchpoints are credited with)"
    elif market.journey.group != 1:
        yield f"journey.group = {market.journey.group}: with touchpoints must be 1: people are left out of tests one by one"
    if market.rivals.landscape is None:
        yield "rivals.landscape: with touchpoints somebody must set prices; give a landscape"
    for name, channel in plan.channels.items():
        if channel.bid_cpm * channel.targeting > MAX_MICROS / MICROS_PER_CPM:
            yield (
                f"touchpoints.channels.{name}.targeting = {channel.targeting:g}: times bid_cpm must be at most "
                f"{MAX_MICROS / MICROS_PER_CPM:g}, the highest bid; lower one of them"
            )
    limits = {"budget": market.bidders.budget, "terms.daily_budget": market.bidders.terms.daily_budget}
    for key, limit in limits.items():
        if limit is not None:
            yield f"bidders.{key}: with touchpoints each channel has its daily_budget; leave it null"
    places = [name for name in market.source if _shows(market, name) == "context"]
    if not any(market.source[name].is_whole for name in places):
        yield "source: with touchpoints a channel knows its own requests; have a source of the context without faults"
    if plan.targets is not None and _shows(market, plan.targets) != "interest":
        known = [name for name in market.source if _shows(market, name) == "interest"]
        yield (
            f"touchpoints.targets = {plan.targets}: must be a source that shows interest; there is: {', '.join(known) or 'none'}"
        )
    if plan.targets is None:
        for name, channel in plan.channels.items():
            if channel.targeting != 1.0:
                yield (
                    f"touchpoints.channels.{name}.targeting = {channel.targeting:g}: must be 1 where touchpoints.targets "
                    "names no source"
                )


def _shows(market: Parts, name: str) -> str:
    """What a source shows; empty where no source has that name."""
    if name not in market.source:
        return ""
    original = market.source.get(market.original(name))
    return "" if original is None else str(original.shows or market.original(name))


def stock_problems(market: Parts) -> Iterator[str]:
    """What in the rest of a market contradicts its stock."""
    if market.stock is None:
        return
    yield from contradictions(
        "stock",
        (
            "supply.kind",
            market.supply.kind == "log",
            "synthetic: a log does not say what there was to sell",
        ),
        (
            "journey",
            market.journey is not None,
            "null: accounts on a journey buy from the advertiser that they prefer",
        ),
        ("response.family", market.response.family != "logit", "logit"),
        ("bidders.values", market.bidders.values != "common", "common: a product is the same for all"),
        ("bidders.beliefs", market.bidders.beliefs == "winning", "naive"),
        ("bidders.creative", market.bidders.creative != "rotated", "rotated"),
    )
    if market.response.conversion is None:
        yield "stock: nothing is sold where there are no conversions; set response.conversion, or leave it out"
    shown = market.showing("stock")
    if len(shown) > 1:
        yield f"source.{shown[1]}: one source alone may show the stock; make it a copy_of {shown[0]}"
    for name in shown:
        if market.source[name].flip_rate_per_h > 0:
            yield f"source.{name}.flip_rate_per_h: stock changes as sales and deliveries do; leave it 0"


def shelf_problems(market: Parts) -> Iterator[str]:
    """What in a stock's own numbers does not fit."""
    stock, contexts = market.stock, market.types_of("context")
    if stock is None:
        return
    if stock.believed_sales_per_h is None and market.rivals.landscape is None:
        yield "stock.believed_sales_per_h = null: is worked out from prices; set rivals.landscape, or say a rate"
    for key in ("believed_sales_per_h", "units"):
        given = getattr(stock, key)
        if isinstance(given, tuple) and len(given) != contexts:
            yield f"stock.{key}: {len(given)} numbers for {contexts} context types"
    if stock.lead_h < stock.step_h:
        yield (
            f"stock.lead_h = {stock.lead_h:g}: must be at least stock.step_h = {stock.step_h:g}, the time between two counts"
        )

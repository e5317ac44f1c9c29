"""Touchpoints: the channels in which an advertiser meets its accounts, and how it later shares out what was bought among them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from sim.scenario.base import (
    MAX_MICROS,
    MAX_RATIO,
    MICROS_PER_CPM,
    Hours,
    Model,
    Positive,
    PositiveMoney,
    Rate,
)
from sim.scenario.source import Owner

if TYPE_CHECKING:
    from sim.scenario import Scenario


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


def touchpoint_problems(scenario: Scenario) -> Iterator[str]:
    """What in the rest of a market contradicts its touchpoints."""
    plan = scenario.touchpoints
    if plan is None:
        return
    types = scenario.types_of("context")
    if len(plan.channels) != types:
        yield f"touchpoints.channels: {len(plan.channels)} channels for {types} context types; name one for each"
    if scenario.journey is None:
        yield "touchpoints: without a journey nobody buys later what a touchpoint could be credited with; set journey"
    elif scenario.journey.group != 1:
        yield f"journey.group = {scenario.journey.group}: with touchpoints must be 1: people are left out of tests one by one"
    if scenario.rivals.landscape is None:
        yield "rivals.landscape: with touchpoints somebody must set prices; give a landscape"
    for name, channel in plan.channels.items():
        if channel.bid_cpm * channel.targeting > MAX_MICROS / MICROS_PER_CPM:
            yield (
                f"touchpoints.channels.{name}.targeting = {channel.targeting:g}: times bid_cpm must be at most "
                f"{MAX_MICROS / MICROS_PER_CPM:g}, the highest bid; lower one of them"
            )
    limits = {"budget": scenario.bidders.budget, "terms.daily_budget": scenario.bidders.terms.daily_budget}
    for key, limit in limits.items():
        if limit is not None:
            yield f"bidders.{key}: with touchpoints each channel has its daily_budget; leave it null"
    places = [name for name in scenario.source if _shows(scenario, name) == "context"]
    if not any(scenario.source[name].is_whole for name in places):
        yield "source: with touchpoints a channel knows its own requests; have a source of the context without faults"
    if plan.targets is not None and _shows(scenario, plan.targets) != "interest":
        known = [name for name in scenario.source if _shows(scenario, name) == "interest"]
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


def _shows(scenario: Scenario, name: str) -> str:
    """What a source shows; empty where there is none of that name."""
    if name not in scenario.source:
        return ""
    original = scenario.source.get(scenario.original(name))
    return "" if original is None else str(original.shows or scenario.original(name))

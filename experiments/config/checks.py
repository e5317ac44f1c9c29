"""The second pass over a configuration: contradictions between values each of which is allowed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from ..cells.arms import arms_of, owners_of
from ..cells.lattice import MAX_SOURCES
from ..errors import closest
from .bidder_checks import (
    floor_problems,
    joining_problems,
    memory_problems,
    seat_problems,
    strategy_problems,
)
from .plan_checks import collaboration_checks, comparison_checks, first_party_checks
from .settings import Settings
from .study_settings import AdoptionStudy, AttributionStudy

LOG_OWNERS = {"profile": "cio", "context+history": "cmo"}
LOG_ARMS = (
    "none", "profile", "context", "history", *LOG_OWNERS, "stacked", "joint", "split_budget", "summed",
)  # fmt: skip
"""Of a study that replays a log."""


def all_checks(settings: Settings[Any]) -> tuple[Callable[[], Iterator[str]], ...]:
    """Return what looks for contradictions, of the market first; each yields a line with place, value and what is allowed."""
    return (*settings.scenario.checks, *(partial(check, settings) for check in CHECKS))


def _of_arms(settings: Settings[Any]) -> Iterator[str]:
    scenario = settings.scenario
    if len(scenario.source) > MAX_SOURCES:
        yield f"source: {len(scenario.source)} sources; a study takes at most {MAX_SOURCES}"
        return
    is_log = scenario.supply.kind == "log"
    known, owners = (LOG_ARMS, LOG_OWNERS) if is_log else (arms_of(scenario), owners_of(scenario))
    silos = ("best_silo", "best_single", *owners.values(), *(arm for arm in known if arm != "joint"))
    for key, allowed in (("arm", known), ("others", known), ("silo", silos)):
        given = getattr(settings.study, key, None)
        if given is not None and given not in allowed:
            yield f"study.{key} = {given}: must be one of {', '.join(allowed)}{closest(given, allowed)}"


def _of_valuations(settings: Settings[Any]) -> Iterator[str]:
    scenario, valuation = settings.scenario, str(getattr(settings.study, "valuation", "bayes"))
    if valuation == "bayes":
        return
    if scenario.journey is not None:
        yield (
            f"study.valuation = {valuation}: must be bayes where there is a journey; purchases follow months after an "
            "impression, and a log of randomised impressions knows only what follows at once"
        )
    if scenario.stock is not None:
        yield (
            f"study.valuation = {valuation}: must be bayes where there is stock; how soon a shelf is empty is what bids make of it, "
            "and a log of randomised impressions knows no shelves"
        )
    if scenario.bidders.beliefs == "winning":
        yield f"study.valuation = {valuation}: with bidders.beliefs=winning must be bayes"
    learner = getattr(settings.study, "learner", "")
    for name in scenario.originals(scenario.source) if learner in {"ftrl", "thompson"} else ():
        if scenario.source[name].unmatched == "prior":
            yield f"source.{name}.unmatched = prior: with study.learner={learner} must be signal"


def _of_two_plans(settings: Settings[Any]) -> Iterator[str]:
    plans, kinds = getattr(settings.study, "overtaking", None), settings.scenario.bidders.kinds
    if plans is None:
        return
    for key, name in plans:
        if name not in kinds:
            there = ", ".join(kinds) or "none"
            yield f"study.overtaking.{key} = {name}: must be one of bidders.kinds; there is: {there}{closest(name, kinds)}"
    if plans.slow == plans.fast:
        yield f"study.overtaking.slow = {plans.slow}: slow and fast must name two different kinds"


def _of_study(settings: Settings[Any]) -> Iterator[str]:
    study, count = settings.study, settings.scenario.bidders.count
    who = getattr(study, "who", None)
    if isinstance(who, int) and who > count:
        yield f"study.who = {who}: must be at most bidders.count = {count}"
    if isinstance(study, AdoptionStudy) and study.arm == study.others:
        yield f"study.others = {study.others}: must not be study.arm, or no bidder has anything to adopt"
    if isinstance(study, AttributionStudy) and count != 1:
        yield f"bidders.count = {count}: with the study attribution must be 1, a firm against a landscape of prices"
    if getattr(study, "upgrade", None) and study.tune is not None:
        yield "study.upgrade: with study.tune must be null, as policies would be tuned to the data at hand alone"


CHECKS = (
    _of_arms,
    _of_valuations,
    _of_two_plans,
    _of_study,
    collaboration_checks,
    first_party_checks,
    comparison_checks,
    strategy_problems,
    joining_problems,
    floor_problems,
    memory_problems,
    seat_problems,
)
"""Each looks for one kind of contradiction between the parts; their lines are listed in this order."""

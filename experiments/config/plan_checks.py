"""What contradicts a firm's plans for its data: its level of collaboration, and data of its own that it builds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .collaboration import collaboration_problems
from .first_party import first_party_problems
from .settings import Settings
from .value_settings import ValueStudy

VOLUME = "money.requests_per_month: required where"


def collaboration_checks(settings: Settings[Any]) -> Iterator[str]:
    """Yield what contradicts the level of collaboration."""
    plan = settings.collaboration
    if plan is None:
        return
    yield from (f"collaboration.{problem}" for problem in plan.problems())
    yield from collaboration_problems(settings.scenario, plan)
    if plan.deliver_months.full >= (months := settings.money.horizon_months):
        yield (
            f"collaboration.deliver_months.full = {plan.deliver_months.full:g}: must be below "
            f"money.horizon_months = {months}, or nothing is ever delivered"
        )


def first_party_checks(settings: Settings[Any]) -> Iterator[str]:
    """Yield what contradicts own data that are built."""
    if settings.first_party is None:
        return
    yield from first_party_problems(settings.scenario, settings.first_party)
    if settings.collaboration is not None:
        yield "first_party: a study is of collaboration or of own data; leave out collaboration"


def comparison_checks(settings: Settings[Any]) -> Iterator[str]:
    """Yield what is in the way of comparing a plan with a silo."""
    plans = {
        "levels of collaboration are compared": settings.collaboration,
        "own data are built": settings.first_party,
    }
    asked = [what for what, plan in plans.items() if plan is not None]
    if not asked or not isinstance(settings.study, ValueStudy):
        return
    if settings.study.tune is not None:
        yield "study.tune: levels and months are not retuned; leave it out"
    if settings.money.requests_per_month is None:
        yield f"{VOLUME} {asked[0]}"

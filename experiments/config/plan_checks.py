"""What contradicts a firm's plans for its data: its level of collaboration, and data of its own that it builds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from .collaboration import collaboration_problems
from .first_party import first_party_problems
from .settings import Settings

VOLUME = "money.requests_per_month: required where"


def plan_checks(settings: Settings[Any], *, compares: bool) -> tuple[Callable[[], Iterator[str]], ...]:
    """What looks for contradictions, each by itself: a line for each that it finds.

    Args:
        settings: the market, the plans, and what they cost.
        compares: whether the study compares what a plan is worth with a silo, which needs a volume.
    """
    found = [_of_plan, _of_dials, _of_horizon, _of_own_data, _of_both]
    if compares:
        found += [_of_volume, _of_silo, _of_tuning]
    return tuple(partial(check, settings) for check in found)


def _of_plan(settings: Settings[Any]) -> Iterator[str]:
    if settings.collaboration is not None:
        yield from (f"collaboration.{problem}" for problem in settings.collaboration.problems())


def _of_dials(settings: Settings[Any]) -> Iterator[str]:
    if settings.collaboration is not None:
        yield from collaboration_problems(settings.scenario, settings.collaboration)


def _of_horizon(settings: Settings[Any]) -> Iterator[str]:
    plan, months = settings.collaboration, settings.money.horizon_months
    if plan is not None and plan.deliver_months.full >= months:
        yield (
            f"collaboration.deliver_months.full = {plan.deliver_months.full:g}: must be below "
            f"money.horizon_months = {months}, or nothing is ever delivered"
        )


def _of_own_data(settings: Settings[Any]) -> Iterator[str]:
    if settings.first_party is not None:
        yield from first_party_problems(settings.scenario, settings.first_party)


def _of_both(settings: Settings[Any]) -> Iterator[str]:
    if settings.first_party is not None and settings.collaboration is not None:
        yield "first_party: a study is of collaboration or of own data; leave out collaboration"


def _of_volume(settings: Settings[Any]) -> Iterator[str]:
    if settings.money.requests_per_month is not None:
        return
    if settings.collaboration is not None:
        yield f"{VOLUME} levels of collaboration are compared"
    elif settings.first_party is not None:
        yield f"{VOLUME} own data are built"


def _of_silo(settings: Settings[Any]) -> Iterator[str]:
    if settings.collaboration is not None and settings.study.silo == "best_single":
        yield "study.silo = best_single: levels are compared with one silo; name the arm that is there at level 0"


def _of_tuning(settings: Settings[Any]) -> Iterator[str]:
    if settings.study.tune is not None and (settings.collaboration or settings.first_party):
        yield "study.tune: levels and months are not retuned; leave it out"

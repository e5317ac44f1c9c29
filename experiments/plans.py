"""What contradicts a firm's plans for its data: its level of collaboration, and data of its own that it builds."""

from __future__ import annotations

from collections.abc import Iterator

from experiments.studies.options import Money
from sim.collaboration import Collaboration, collaboration_problems
from sim.first_party import FirstParty, first_party_problems
from sim.scenario import Scenario

VOLUME = "money.requests_per_month: required where"


def plan_problems(
    scenario: Scenario,
    collaboration: Collaboration | None,
    first_party: FirstParty | None,
    money: Money,
    *,
    silo: str | None = None,
    tunes: bool = False,
) -> list[str]:
    """All of it.

    Args:
        scenario: the market.
        collaboration: the level, with all that follows from it.
        first_party: data that are built.
        money: what that costs.
        silo: the arm that a study of what it is worth compares with; None where none is wanted, which needs no volume.
        tunes: whether it retunes policies.
    """
    found: list[str] = []
    if collaboration is not None:
        found += _of_collaboration(scenario, collaboration, money, silo)
    if first_party is not None:
        found += first_party_problems(scenario, first_party)
        if collaboration is not None:
            found.append("first_party: a study is of collaboration or of own data; leave out collaboration")
        elif silo is not None and money.requests_per_month is None:
            found.append(f"{VOLUME} own data are built")
    if tunes and (collaboration or first_party):
        found.append("study.tune: levels and months are not retuned; leave it out")
    return found


def _of_collaboration(
    scenario: Scenario, plan: Collaboration, money: Money, silo: str | None
) -> Iterator[str]:
    yield from collaboration_problems(scenario, plan)
    if plan.deliver_months.full >= money.horizon_months:
        yield (
            f"collaboration.deliver_months.full = {plan.deliver_months.full:g}: must be below "
            f"money.horizon_months = {money.horizon_months}, or nothing is ever delivered"
        )
    if silo is not None and money.requests_per_month is None:
        yield f"{VOLUME} levels of collaboration are compared"
    if silo == "best_single":
        yield "study.silo = best_single: levels are compared with one silo; name the arm that is there at level 0"

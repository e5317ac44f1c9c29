"""Which cells the study ``value`` needs: the ladder, pilots, and the points of its curves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from experiments.cells import PILOTS, Cell
from experiments.runner import Found
from experiments.settings import Settings, ValueStudy
from experiments.studies.arms import ARMS
from sim.scenario import FACTORS, Scenario

PILOT = tuple(range(PILOTS, PILOTS + 4))
"""Replications on which the better single source is chosen; no estimate uses them."""

WIDTH_PILOT = tuple(range(2 * PILOTS, 2 * PILOTS + 10))
"""Replications that fix, where a half-width is wanted, how many there must be; no estimate uses them: an interval over
replications that have decided on their own number covers less often than it says (.93 for .95)."""

Grid = tuple[float, float]


@dataclass(frozen=True)
class Plan:
    """The study's cells, by what they are for."""

    settings: Settings[ValueStudy]
    point: str = ""
    scenario: Scenario | None = None

    @property
    def study(self) -> ValueStudy:
        """The study's own settings."""
        return self.settings.study

    def ladder(self, replications: Iterable[int]) -> list[Cell]:
        """Every arm in these replications."""
        return self.cells(ARMS, replications)

    def pilot(self) -> list[Cell]:
        """The single sources on the pilot's replications."""
        return self.cells(FACTORS, PILOT)

    def width_pilot(self) -> list[Cell]:
        """Joint, and what it is compared with, on the replications that fix the number of replications."""
        silo = self.study.silo
        return self.cells(("joint", *(FACTORS if silo == "best_single" else (silo,))), WIDTH_PILOT)

    def cells(self, arms: Iterable[str], replications: Iterable[int]) -> list[Cell]:
        """These arms in these replications."""
        study, settings = self.study, self.settings
        return [
            Cell(
                scenario=self.scenario or settings.scenario,
                arm=arm,
                valuation=study.valuation,
                who=study.who,
                train_requests=study.train_requests,
                learner=study.learner,
                seed=settings.seed,
                replication=replication,
                point=self.point,
            )
            for replication in replications
            for arm in dict.fromkeys(arms)
        ]

    def at(self, point: str, part: str, **update: Any) -> Plan:
        """The same study at one point of a curve: fewer requests, and a part of the scenario changed."""
        scenario = self.settings.scenario
        requests = min(self.study.curve.requests, scenario.supply.requests or self.study.curve.requests)
        changes: dict[str, Any] = {"supply": scenario.supply.model_copy(update={"requests": requests})}
        if part == "response":
            changes["response"] = scenario.response.model_copy(update=update)
        else:
            source = scenario.source[part].model_copy(update=update)
            changes["source"] = {**scenario.source, part: source}
        return Plan(self.settings, point, scenario.model_copy(update=changes))


@dataclass(frozen=True)
class Curves:
    """The points behind the two plots, and their cells."""

    match: dict[float, Plan] = field(default_factory=dict)
    heat: dict[Grid, Plan] = field(default_factory=dict)

    def cells(self) -> list[Cell]:
        """All of them, pilots included."""
        plans = (*self.match.values(), *self.heat.values())
        return [
            cell
            for plan in plans
            for cell in (*plan.pilot(), *plan.cells(self.arms(plan), range(plan.study.curve.replications)))
        ]

    @staticmethod
    def arms(plan: Plan) -> tuple[str, ...]:
        """Arms that the value of joint data and its steps need at one point."""
        own = () if plan.study.silo == "best_single" else (plan.study.silo,)
        return tuple(dict.fromkeys((*FACTORS, "stacked", "joint", *own)))


def curves(settings: Settings[ValueStudy]) -> Curves:
    """Points of both curves; none where nothing is drawn."""
    if not settings.plot.enabled:
        return Curves()
    base, grid = Plan(settings), settings.study.curve
    match = {
        rate: base.at(f"source.profile.match_rate={rate:g}", "profile", match_rate=rate)
        for rate in grid.match_rate
    }
    heat = {
        (q, d): base.at(
            f"response.redundancy={q:g} response.interaction={d:g}", "response", redundancy=q, interaction=d
        )
        for q in grid.redundancy
        for d in grid.interaction
    }
    return Curves(match, heat)


def unit(scenario: Scenario) -> tuple[float, str]:
    """Bid requests that money is stated for, and the name of that unit."""
    if scenario.name.startswith("theory"):
        return 1.0, f"{scenario.currency} per request"
    return 1e6, f"{scenario.currency} per million bid requests"


def best_single(pilot: Found) -> str:
    """The single source with the higher mean profit on the pilot; the first of the two where they are equal."""
    profit = dict.fromkeys(FACTORS, 0.0)
    for cell, result in pilot:
        profit[cell.arm] += sum(row["profit"] for row in result.rows if row["focal"])
    return max(profit, key=lambda arm: profit[arm])

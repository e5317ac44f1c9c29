"""The study ``value``: which cells it needs, and what they say once they are there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from experiments.cells import Cell, CellResult
from experiments.errors import BadInput
from experiments.runner import Ledger
from experiments.settings import Settings, ValueStudy
from experiments.studies.arms import ARMS
from sim.scenario import Scenario

if TYPE_CHECKING:
    import pandas as pd

SINGLES = ("profile", "context")
"""The single sources that the ladder compares."""

PILOT = tuple(range(1_000_000, 1_000_004))
"""Replications on which the better single source is chosen; no estimate uses them."""

WIDTH_PILOT = tuple(range(2_000_000, 2_000_010))
"""Replications that fix, where a half-width is wanted, how many there must be; no estimate uses them: an interval over
replications that have decided on their own number covers less often than it says (.93 for .95)."""

STUDY_COLUMNS = ("study_point", "arm", "replication", "seed")
Grid = tuple[float, float]
Found = Sequence[tuple[Cell, CellResult]]


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
        return self.cells(SINGLES, PILOT)

    def width_pilot(self) -> list[Cell]:
        """Joint, and what it is compared with, on the replications that fix the number of replications."""
        silo = self.study.silo
        return self.cells(("joint", *(SINGLES if silo == "best_single" else (silo,))), WIDTH_PILOT)

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
        return tuple(dict.fromkeys((*SINGLES, "stacked", "joint", *own)))


def check(settings: Settings[ValueStudy]) -> None:
    """Refuse a market that has nothing to join, or nobody to join it.

    Raises:
        BadInput: a source is missing, or there is no bidder.
    """
    if not settings.scenario.bidders.count:
        raise BadInput("bidders.count = 0: the study value needs a bidder that holds the data")
    if absent := [name for name in SINGLES if name not in settings.scenario.source]:
        raise BadInput(
            [f"source.{name}: not there, and the study value compares with and without it" for name in absent]
        )


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


def table(found: Found) -> pd.DataFrame:
    """One row a cell and bidder, in the order of the cells."""
    return _frame(found, lambda result: result.rows)


def timeseries(found: Found) -> pd.DataFrame:
    """One row a cell, bidder and hour."""
    return _frame(found, lambda result: result.timeseries)


def best_single(pilot: Found) -> str:
    """The single source with the higher mean profit on the pilot; the first of the two where they are equal."""
    profit: dict[str, float] = dict.fromkeys(SINGLES, 0.0)
    for cell, result in pilot:
        profit[cell.arm] += sum(row["profit"] for row in result.rows if row["focal"])
    return max(profit, key=lambda arm: profit[arm])


def replications(settings: Settings[ValueStudy], ledger: Ledger) -> int:
    """How many replications there must be: as configured, or as a pilot shows for the wanted half-width."""
    study = settings.study
    if study.half_width is None:
        return study.replications
    from experiments.estimate import required_replications
    from experiments.estimate.ladder import PROFIT
    from experiments.estimate.metrics import outcomes

    plan = Plan(settings)
    silo = best_single(ledger.of(plan.pilot())) if study.silo == "best_single" else study.silo
    found = ledger.of(plan.width_pilot())
    if not found:
        return len(WIDTH_PILOT)
    profit = outcomes(table(found), unit_scale=unit(settings.scenario)[0])[PROFIT].unstack("arm")
    pairs = (profit["joint"] - profit[silo]).dropna() if {"joint", silo} <= set(profit) else ()
    needed = required_replications(pairs, study.half_width) if len(pairs) > 1 else len(WIDTH_PILOT)
    return min(needed, study.max_replications)


Key = TypeVar("Key")


def at_points(plans: Mapping[Key, Plan], ledger: Ledger) -> tuple[dict[Key, pd.DataFrame], dict[Key, str]]:
    """Cells of each point of a curve, and its better single source; points with failed cells are left out."""
    cells, single = {}, {}
    for key, plan in plans.items():
        wanted = plan.cells(Curves.arms(plan), range(plan.study.curve.replications))
        found = ledger.of(wanted)
        if len(found) == len(wanted):
            cells[key] = table(found)
            single[key] = best_single(ledger.of(plan.pilot()))
    return cells, single


def _frame(found: Found, rows: Callable[[CellResult], list[dict[str, Any]]]) -> pd.DataFrame:
    import pandas as pd

    records = [
        {
            "study_point": cell.point,
            "arm": cell.arm,
            "replication": cell.replication,
            "seed": cell.seed,
            **row,
        }
        for cell, result in found
        for row in rows(result)
    ]
    return pd.DataFrame(records, columns=None if records else list(STUDY_COLUMNS))

"""The points of a study's curves and of its map: the same study in a slightly different market."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from ...cells.cell import Cell
from ...config.changes import Changes, as_overrides, fewer, varied
from ...config.settings import Settings
from ...config.value_settings import Swept, ValueStudy
from ...errors import BadInput
from ...storage.cell_results import StudyState, table
from ..cell_plans import Plan, best_single
from . import learning as value_learning

if TYPE_CHECKING:
    import pandas as pd

    from ...estimate.curves import Reading

SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Match rates that the value of joint data is followed over unless something else is asked for."""

Grid = tuple[float, float]
Key = TypeVar("Key")


@dataclass(frozen=True)
class Spot:
    """One point of a curve: its line, the swept value, and the study there."""

    line: str
    value: Any
    plan: Plan


@dataclass(frozen=True)
class Curve:
    """What is swept, and its points in order; ``alone`` where no other curve is over the same key."""

    swept: Swept
    spots: tuple[Spot, ...]
    alone: bool = True

    @property
    def name(self) -> str:
        """What tells it from other curves over the same key."""
        return "" if self.alone else self.swept.title


def curves(settings: Settings[ValueStudy]) -> list[Curve]:
    """The curves that the settings ask for.

    Raises:
        BadInput: keys or values that make no market, and curves of one name.
    """
    found, problems = [], []
    wanted = swept_of(settings)
    for number, swept in enumerate(wanted):
        try:
            spots = tuple(_spots(settings, swept, f"study.curves[{number}]"))
            found.append(Curve(swept, spots, sum(other.over == swept.over for other in wanted) == 1))
        except BadInput as error:
            problems += error.problems
    titles = [swept.title for swept in wanted]
    problems += [
        f"study.curves: two are called {title}; give each a name of its own"
        for title in dict.fromkeys(titles)
        if titles.count(title) > 1
    ]
    if problems:
        raise BadInput(problems)
    return found


def swept_of(settings: Settings[ValueStudy]) -> tuple[Swept, ...]:
    """What is to be swept: as asked for, or the first source's match rate; where values are learned and exact, the amount of data."""
    asked = settings.study.curves
    if asked is None:
        first = list(settings.scenario.source)[:1]
        asked = tuple(Swept(over=f"source.{name}.match_rate", values=SHARES) for name in first)
    return asked + value_learning.swept(settings)


def map_of(settings: Settings[ValueStudy]) -> dict[Grid, Plan]:
    """The study at each redundancy and interaction."""
    grid = settings.study.curve
    return {
        (q, d): point(settings, {"response.redundancy": q, "response.interaction": d}, "study.curve")
        for q in grid.redundancy
        for d in grid.interaction
    }


def point(settings: Settings[ValueStudy], changes: Changes, place: str) -> Plan:
    """The study at one point: fewer requests, unless their number is what changes, and these keys changed."""
    return Plan(
        varied(settings, {**fewer(settings, settings.study.curve.requests), **changes}, place=place),
        as_overrides(changes),
    )


def cells(plan: Plan) -> list[Cell]:
    """What the value of joint data and its steps need at one point, pilots included."""
    return [*plan.pilot(), *plan.cells(plan.compared, range(plan.study.curve.replications))]


def at_points(
    plans: Mapping[Key, Plan], ledger: StudyState
) -> tuple[dict[Key, pd.DataFrame], dict[Key, str]]:
    """Cells of each point, and its better single source; points with failed cells are left out."""
    found, single = {}, {}
    for key, plan in plans.items():
        wanted = plan.cells(plan.compared, range(plan.study.curve.replications))
        there = ledger.of(wanted)
        if len(there) == len(wanted):
            found[key] = table(there)
            single[key] = best_single(ledger.of(plan.pilot()), plan.sources)
    return found, single


def readings(curve: Curve, ledger: StudyState) -> list[Reading]:
    """What was found at each point of a curve; points with failed cells are left out."""
    from ...estimate.curves import Reading

    found, single = at_points({number: spot.plan for number, spot in enumerate(curve.spots)}, ledger)
    return [
        Reading(
            over=curve.swept.over,
            line=curve.spots[number].line,
            x=curve.spots[number].value,
            cells=rows,
            best_single=single[number],
            name=curve.name,
        )
        for number, rows in found.items()
    ]


def _spots(settings: Settings[ValueStudy], swept: Swept, place: str) -> Iterator[Spot]:
    for line, own in (swept.lines or {"": {}}).items():
        for value in swept.values:
            plan = point(settings, {**swept.set, **own, swept.over: value}, place)
            yield Spot(line, value, plan)

"""The points of a study's curves and of its map: the same study in a slightly different market."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, TypeVar

import pandas as pd

from ...cells.cell_lists import Cells, joined
from ...config.bidder_checks import sources_read
from ...config.changes import Changes, as_overrides, fewer, varied
from ...config.settings import Settings
from ...config.value_settings import Swept, ValueSettings
from ...errors import BadInput
from ...estimate.curves import Reading, curve_table, heat_table
from ...estimate.ladder import LOST, PROFIT, VALUE
from ...estimate.sides import Sides
from ...report.plots.curve import draw_lost
from ...report.plots.figure import Figure
from ...report.plots.heat import draw_heat
from ...report.wording.learning import threshold_sentences
from ..base import MarketPart, Row
from ..business.money import break_even_rows, with_break_even
from ..cell_plans import CellPlan
from . import learning

SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Match rates that the value of joint data is followed over unless something else is asked for."""

Key = TypeVar("Key")


@dataclass(frozen=True)
class Spot:
    """One point of a curve: its line, the swept value, and the study there."""

    line: str
    value: Any
    plan: CellPlan


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


class CurvePoints(MarketPart[ValueSettings]):
    """A part that compares arms at some points."""

    def points(self) -> list[CellPlan]:
        """Return the study at each point."""
        raise NotImplementedError

    def plans(self) -> Iterator[tuple[CellPlan, tuple[str, ...]]]:
        """Yield each point with what is compared there."""
        yield from ((plan, plan.compared) for plan in self.points())

    def cells(self) -> Cells:
        """Return what the value of joint data and its steps need at each point, pilots included."""
        return joined(
            part
            for plan in self.points()
            for part in (plan.pilot(), plan.cells(plan.compared, plan.replications))
        )

    def found(self, plans: Mapping[Key, CellPlan]) -> dict[Key, tuple[pd.DataFrame, Sides]]:
        """Return the rows of each point, and what joint data are compared with; points with failed cells are left out."""
        tables = {
            key: self.state.complete(plan.cells(plan.compared, plan.replications))
            for key, plan in plans.items()
        }
        return {key: (rows, plans[key].sides()) for key, rows in tables.items() if rows is not None}


class Curves(CurvePoints):
    """What joining is worth over the values of some keys.

    Raises:
        BadInput: keys or values that make no market, and curves of one name.
    """

    def __init__(self, plan: CellPlan) -> None:
        super().__init__(plan)
        self.curves = curves(plan)

    @staticmethod
    def is_wanted(settings: Settings[ValueSettings]) -> bool:
        """Return whether curves are drawn, or break-evens looked for."""
        return bool(settings.plot.enabled or settings.money.requests_per_month is not None)

    def points(self) -> list[CellPlan]:
        """Return the study at each point of each curve."""
        return [spot.plan for curve in self.curves for spot in curve.spots]

    def rows(self, cells: pd.DataFrame) -> Iterator[Row]:  # noqa: ARG002
        """Yield the break-evens of curves over a match rate or a latency, and the size of log from which joining pays."""
        for readings in self._readings:
            yield from break_even_rows(self.settings, readings)
        for _, curve in self._values:
            yield from learning.threshold(curve)

    def sentences(self, summary: pd.DataFrame) -> Iterator[str]:
        """Yield from which size of log on joining is shown to pay."""
        yield from threshold_sentences(summary)

    def tables(self, summary: pd.DataFrame) -> Mapping[str, pd.DataFrame]:  # noqa: ARG002
        """Return every curve, a row a point, line, estimand and metric, with its name in ``curve``."""
        found = [rows.assign(curve=curve.swept.title) for curve, rows in self._values]
        found += [rows.assign(curve=title) for title, rows in self._costs]
        return {"curves": pd.concat(found, ignore_index=True)} if found else {}

    def figures(self, summary: pd.DataFrame) -> Iterator[Figure]:
        """Yield the value, and the revenue that is lost, along each curve; and what learning costs."""
        money, label = self.unit.name, self._silo
        for curve, rows in self._values:
            value = rows[(rows["estimand"] == VALUE) & (rows["metric"] == PROFIT)]
            value = with_break_even(value, summary, curve.name)
            yield Figure(curve.swept.title, value, partial(learning.draw_value, unit=money, silo=label))
            if len(lost := rows[rows["metric"] == LOST]):
                yield Figure(f"{curve.swept.title}_revenue_lost", lost, partial(draw_lost, silo=label))
        for title, cost in self._costs:
            yield Figure(title, cost, partial(learning.draw, unit=money))

    @cached_property
    def _silo(self) -> str:
        """What joint is compared with at the points, as plots print it."""
        return silos_of(reading.sides for readings in self._readings for reading in readings)

    @cached_property
    def _readings(self) -> list[list[Reading]]:
        """What was found at each point of each curve."""
        return [
            [
                Reading(
                    over=curve.swept.over,
                    line=curve.spots[number].line,
                    x=curve.spots[number].value,
                    cells=rows,
                    sides=sides,
                    name=curve.name,
                )
                for number, (rows, sides) in self.found(
                    {number: spot.plan for number, spot in enumerate(curve.spots)}
                ).items()
            ]
            for curve in self.curves
        ]

    @cached_property
    def _values(self) -> list[tuple[Curve, pd.DataFrame]]:
        """Each curve of which a point is left, with its rows."""
        scale, money = self.unit
        return [
            (curve, curve_table(found, unit_scale=scale, unit=money))
            for curve, found in zip(self.curves, self._readings, strict=True)
            if found
        ]

    @cached_property
    def _costs(self) -> list[tuple[str, pd.DataFrame]]:
        """Title and rows of what learning costs, along each curve over the amount of data that holds both valuations."""
        found = (
            (f"cost_of_{curve.swept.title}", learning.cost_curve(points, self.settings))
            for curve, points in zip(self.curves, self._readings, strict=True)
        )
        return [(title, cost) for title, cost in found if cost is not None and len(cost)]


class Map(CurvePoints):
    """The two steps over redundancy and interaction."""

    def __init__(self, plan: CellPlan) -> None:
        super().__init__(plan)
        grid = plan.study.point
        self._map = {
            (q, d): point(plan, {"response.redundancy": q, "response.interaction": d}, "study.point")
            for q in grid.redundancy
            for d in grid.interaction
        }

    @staticmethod
    def is_wanted(settings: Settings[ValueSettings]) -> bool:
        """Return whether it is drawn, and the two steps are there to be drawn."""
        return bool(settings.plot.enabled) and not sources_read(settings.scenario)

    def points(self) -> list[CellPlan]:
        """Return the study at each redundancy and interaction."""
        return list(self._map.values())

    def figures(self, summary: pd.DataFrame) -> Iterator[Figure]:  # noqa: ARG002
        """Yield the heat map."""
        if found := self.found(self._map):
            scale, money = self.unit
            sides = {key: there for key, (_, there) in found.items()}
            grid = {key: rows for key, (rows, _) in found.items()}
            heat = heat_table(grid, sides, unit_scale=scale)
            is_logit = self.settings.scenario.response.family == "logit"
            of_axis = "log-odds" if is_logit else "currency per impression"
            silo = silos_of(sides.values())
            draw = partial(draw_heat, unit=money, silo=silo, interaction_unit=of_axis)
            yield Figure("redundancy_interaction", heat, draw)


def curves(ladder: CellPlan) -> list[Curve]:
    """Return the curves that the settings of the ladder ask for.

    Raises:
        BadInput: keys or values that make no market, and curves of one name.
    """
    found, problems = [], []
    wanted = swept_of(ladder.settings)
    for number, swept in enumerate(wanted):
        try:
            spots = tuple(_spots(ladder, swept, f"study.curves[{number}]"))
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


def silos_of(sides: Iterable[Sides]) -> str:
    """Return what joint is compared with, as plots print it; where it is chosen at each point, all that were."""
    return " or ".join(dict.fromkeys(each.label(each.silo) for each in sides))


def swept_of(settings: Settings[ValueSettings]) -> tuple[Swept, ...]:
    """Return what is swept: as configured, or the first source's match rate; with both valuations also the amount of data."""
    asked = settings.study.curves
    if asked is None:
        first = list(settings.scenario.source)[:1]
        asked = tuple(Swept(over=f"source.{name}.match_rate", values=SHARES) for name in first)
    return tuple(asked) + learning.swept(settings)


def point(ladder: CellPlan, changes: Changes, place: str) -> CellPlan:
    """Return the study at one point: fewer requests, unless their number is what changes, and these keys changed."""
    smaller = fewer(ladder.settings, ladder.study.point.requests)
    there = varied(ladder.settings, {**smaller, **changes}, place=place)
    return CellPlan(there, ladder.state, as_overrides(changes))


def _spots(ladder: CellPlan, swept: Swept, place: str) -> Iterator[Spot]:
    for line, own in (swept.lines or {"": {}}).items():
        for value in swept.values:
            plan = point(ladder, {**swept.set, **own, swept.over: value}, place)
            yield Spot(line, value, plan)

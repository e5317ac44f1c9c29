"""The study `value` at every level of collaboration: what each is worth net, which is best, which a CIO chooses."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ...cells.arms import bidder_names
from ...cells.cell import Cell, holders_of
from ...cells.replications import PILOT
from ...config.changes import as_overrides, fewer, varied
from ...config.settings import Settings
from ...config.value_settings import ValueSettings
from ...estimate import collaboration_levels as estimate
from ...estimate.collaboration_levels import Level
from ...estimate.intervals import Estimate, mean_interval, paired_difference
from ...estimate.ladder import PROFIT, row_of
from ...estimate.metrics import at_point, metric_table
from ...estimate.multiple import critical_value
from ...estimate.sums import group_means
from ...report.plots.figure import Figure
from ...report.plots.money import draw_levels
from ...report.wording import collaboration_levels as words
from ..base import MarketPart, Row
from ..cell_plans import CellPlan
from .money import UNITS, terms_at

Change = tuple["pd.Series[float]", "pd.Series[float]"]
"""Profit and cost of data per request that joint has beyond the silo, a value a replication each."""


@dataclass(frozen=True)
class Readings:
    """What was found at the levels of one mapping: on the pilots, and on the replications that are estimated from."""

    pilots: list[Level]
    levels: list[Level]

    def at(self, level: float) -> Level:
        """The estimates' one of this level."""
        return next(one for one in self.levels if one.level == level)


class Levels(MarketPart[ValueSettings]):
    """The study at every level along every shape: joint at each, the silo at the lowest, where its pilots choose it.

    Raises:
        BadInput: fewer requests make no market.
    """

    def __init__(self, plan: CellPlan) -> None:
        super().__init__(plan)
        settings = plan.settings
        collaboration, requests = settings.collaboration, settings.study.point.requests
        assert collaboration is not None  # noqa: S101 - only then it is wanted
        self._collaboration = collaboration
        small = varied(settings, fewer(settings, requests), place="study.point.requests")
        self._steps: dict[str, list[CellPlan]] = {shape: [] for shape in collaboration.shapes}
        for shape, steps in self._steps.items():
            for level in collaboration.levels:
                there = small.model_copy(update={"collaboration": collaboration.at(level, shape)})
                name = as_overrides({"collaboration.shape": shape, "collaboration.level": level})
                steps.append(CellPlan(there, plan.state, name))

    @staticmethod
    def is_wanted(settings: Settings[ValueSettings]) -> bool:
        """Return whether the settings describe a collaboration."""
        return settings.collaboration is not None

    def cells(self) -> list[Cell]:
        """Return all levels, on the pilots too."""
        return [
            cell
            for steps in self._steps.values()
            for number, plan in enumerate(steps)
            for cell in plan.cells(_arms(number, plan), [*PILOT, *plan.replications])
        ]

    def rows(self, cells: pd.DataFrame) -> Iterator[Row]:
        """Yield by mapping the best level and what it nets; of the plan's own mapping also what the CIO chooses."""
        found = self._readings()
        for (shape, cost), there in found.items():
            arm = named(shape, cost)
            chosen = estimate.choice(there.pilots, there.levels)
            best = there.at(chosen.level)
            yield self._row("best_level", arm, "level", chosen.estimate)
            yield self._row("best_level_net_value", arm, "npv", estimate.net_value(best))
            if (shape, cost) == (self._collaboration.shape, self._collaboration.cost):
                yield from self._own_rows(arm, there, best)
        yield from self._staying_out(at_point(cells, self.plan.study_point))

    def sentences(self, summary: pd.DataFrame) -> Iterator[str]:
        """Yield the best level, how far that hangs on the mapping, and the CIO's level."""
        yield from words.sentences(summary, self.settings)

    def tables(self, summary: pd.DataFrame) -> Mapping[str, pd.DataFrame]:  # noqa: ARG002
        """Return the net value over the horizon at each level along each mapping; a band holds along a whole line."""
        found = self._readings()
        lines = [
            row for (shape, cost), there in found.items() for row in self._line(shape, cost, there.levels)
        ]
        return {"levels": pd.DataFrame(lines)} if found else {}

    def figures(self, summary: pd.DataFrame) -> Iterator[Figure]:
        """Yield the net value over the level."""
        for name, table in self.tables(summary).items():
            yield Figure(name, table, draw_levels)

    def _readings(self) -> dict[tuple[str, str], Readings]:
        """What was found by shape and cost, the plan's own first; without shapes of which a cell failed."""
        plan, by_shape = self._collaboration, {}
        for shape, steps in self._steps.items():
            sides = [_changes(steps, which) for which in (PILOT, steps[0].replications)]
            if all(sides):
                by_shape[shape] = sides
        own = (plan.shape, plan.cost)
        mappings = [own, *((s, c) for s in plan.shapes for c in plan.costs if (s, c) != own)]
        return {
            (shape, cost): Readings(*(self._levels(shape, cost, side) for side in by_shape[shape]))
            for shape, cost in mappings
            if shape in by_shape
        }

    def _levels(self, shape: str, cost: str, changes: Sequence[Change]) -> list[Level]:
        plan, found = self._collaboration, []
        for level, change in zip(plan.levels, changes, strict=True):
            terms = terms_at(self.settings.money, plan.at(level, shape, cost))
            if terms is not None:
                found.append(Level(level, terms, *change))
        return found

    def _own_rows(self, arm: str, there: Readings, best: Level) -> Iterator[Row]:
        volume = estimate.break_even_volume(there.levels)
        yield self._row("best_level_payback", arm, "payback_month", estimate.payback(best))
        yield self._row("break_even_volume", arm, "requests_per_month", volume)
        yield self._row("credit_needed", arm, "credit", estimate.credit_needed(there.levels, best.level))
        for credit in self._collaboration.credited:
            picked = estimate.choice(there.pilots, there.levels, credit)
            left = estimate.left_on_the_table(best, there.at(picked.level))
            yield self._row("cio_level", f"credited {credit:g}", "level", picked.estimate)
            yield self._row("left_on_the_table", f"credited {credit:g}", "npv", left)

    def _staying_out(self, ladder: pd.DataFrame) -> Iterator[Row]:
        """What joining by some firms does to the profit of each of the others, whose departments stay apart."""
        study, bidders = self.settings.study, self.settings.scenario.bidders.count
        holders = holders_of(study.who, bidders)
        out = bidder_names(bidders)[holders:]
        if not out:
            return
        scale, money = self.unit
        theirs = ladder[ladder["advertiser"].isin(out)]
        per = theirs["profit"] * scale / theirs["requests"]
        mean = group_means(per.groupby([theirs["arm"], theirs["replication"]]))
        silo = self.plan.sides().arm
        if not {"joint", silo} <= set(mean.index.get_level_values("arm")):
            return
        found = paired_difference(mean["joint"], mean[silo])
        arm = f"{holders} of {bidders} join"
        yield row_of("loss_from_staying_out", arm, PROFIT, money, found)
        yield row_of("profit_of_the_others", arm, PROFIT, money, mean_interval(mean[silo]))

    def _line(self, shape: str, cost: str, levels: Sequence[Level]) -> Iterator[Row]:
        nets = [one.benefit - one.cost for one in levels]
        together = np.array([net.to_numpy(dtype=np.float64) for net in nets], dtype=np.float64).T
        reach = critical_value(together) if len(together) > 1 else math.nan
        for one, net in zip(levels, nets, strict=True):
            value = mean_interval(net)
            edge = reach * value.standard_error
            yield {
                "x": one.level, "estimate": value.estimate, "ci_low": value.ci_low, "ci_high": value.ci_high,
                "metric": "npv", "estimand": "net_value_by_level", "line": named(shape, cost), "over": "collaboration.level", "shape": shape, "cost": cost,
                "band_low": value.estimate - edge, "band_high": value.estimate + edge,
                "unit": self.settings.scenario.currency, "n_replications": value.n,
                "benefit": float(one.benefit.mean()), "integration": one.cost, "delivered_after_months": one.terms.delay_months,
            }  # fmt: skip

    def _row(self, estimand: str, arm: str, metric: str, value: Estimate) -> Row:
        unit = UNITS[metric].format(currency=self.settings.scenario.currency)
        return row_of(estimand, arm, metric, unit, value)


def named(shape: str, cost: str) -> str:
    """Return how ``summary.csv`` writes a mapping."""
    return f"shape {shape}, cost {cost}"


def _arms(number: int, plan: CellPlan) -> tuple[str, ...]:
    return ("joint",) if number else ("joint", *plan.siloed)


def _changes(steps: Sequence[CellPlan], replications: Sequence[int]) -> list[Change]:
    """What joined data bring and cost at each level of one shape; empty where cells failed."""
    tables = [
        plan.state.complete(plan.cells(_arms(number, plan), replications))
        for number, plan in enumerate(steps)
    ]
    wanted = (PROFIT, "data_cost")
    found = [metric_table(table, unit_scale=1.0, wanted=wanted) for table in tables if table is not None]
    if len(found) < len(tables):
        return []
    base: Any = found[0].xs(steps[0].sides().arm, level="arm")
    joint: list[Any] = [rows.xs("joint", level="arm") for rows in found]
    return [(rows[PROFIT] - base[PROFIT], _data_cost(rows) - _data_cost(base)) for rows in joint]


def _data_cost(rows: pd.DataFrame) -> pd.Series[float]:
    return rows["data_cost"] if "data_cost" in rows else pd.Series(0.0, rows.index)

"""The study `value` at every level of collaboration: what each is worth net, which is best, which a CIO chooses."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...cells.arms import bidder_names
from ...cells.cell import Cell
from ...config.changes import as_overrides, fewer, varied
from ...config.settings import Settings
from ...config.value_settings import ValueStudy
from ...storage.cell_results import Ledger, table
from ..cell_plans import PILOT, Plan, unit
from .money import terms_at

if TYPE_CHECKING:
    import pandas as pd

    from ...estimate.collaboration_levels import Level
    from ...estimate.intervals import Estimate

UNITS = {
    "level": "share of full collaboration",
    "npv": "{currency}",
    "payback_month": "months",
    "credit": "share of the value",
    "requests_per_month": "bid requests per month",
}


@dataclass(frozen=True)
class Step:
    """One level along one shape, and the study there."""

    shape: str
    level: float
    plan: Plan


def steps(settings: Settings[ValueStudy]) -> list[Step]:
    """Every level along every shape; none where nothing is said of collaboration.

    Raises:
        BadInput: fewer requests make no market.
    """
    plan = settings.collaboration
    if plan is None:
        return []
    small = varied(settings, fewer(settings, settings.study.curve.requests), place="study.curve.requests")
    found = []
    for shape in plan.shapes:
        for level in plan.levels:
            there = small.model_copy(update={"collaboration": plan.at(level, shape)})
            name = as_overrides({"collaboration.shape": shape, "collaboration.level": level})
            found.append(Step(shape, level, Plan(there, name)))
    return found


def cells(found: Sequence[Step]) -> list[Cell]:
    """Joint at each level, the silo at the lowest, on the pilots too."""
    return [
        cell for step in found for cell in step.plan.cells(_arms(step, found), [*PILOT, *_replications(step)])
    ]


def mappings(settings: Settings[ValueStudy]) -> list[tuple[str, str]]:
    """Every shape with every cost, the plan's own first."""
    plan = settings.collaboration
    if plan is None:
        return []
    own = (plan.shape, plan.cost)
    return [own, *((s, c) for s in plan.shapes for c in plan.costs if (s, c) != own)]


@dataclass(frozen=True)
class Readings:
    """What was found at the levels of one mapping: on the pilots, and on the replications that are estimated from."""

    pilots: list[Level]
    levels: list[Level]

    def at(self, level: float) -> Level:
        """The estimates' one of this level."""
        return next(one for one in self.levels if one.level == level)


def readings(
    settings: Settings[ValueStudy], found: Sequence[Step], ledger: Ledger
) -> dict[tuple[str, str], Readings]:
    """By shape and cost; without those of which a cell failed."""
    by_shape: dict[str, tuple[list[Any], list[Any]]] = {}
    for shape in dict.fromkeys(step.shape for step in found):
        own = [step for step in found if step.shape == shape]
        sides = [_per_request(own, ledger, PILOT), _per_request(own, ledger, _replications(own[0]))]
        if all(sides):
            by_shape[shape] = sides[0], sides[1]
    return {
        (shape, cost): Readings(*(_levels(settings, shape, cost, side) for side in by_shape[shape]))
        for shape, cost in mappings(settings)
        if shape in by_shape
    }


def _levels(settings: Settings[ValueStudy], shape: str, cost: str, changes: list[Any]) -> list[Level]:
    from ...estimate.collaboration_levels import Level

    plan = settings.collaboration
    found = []
    for level, (value, data_cost) in zip(plan.levels, changes, strict=True) if plan else ():
        terms = terms_at(settings.money, plan.at(level, shape, cost)) if plan else None
        if terms is not None:
            found.append(Level(level, terms, value, data_cost))
    return found


def _per_request(own: Sequence[Step], ledger: Ledger, replications: Sequence[int]) -> list[Any]:
    """What joined data bring per request beyond the silo, and cost, at each level; a value a replication each."""
    import pandas as pd

    from ...estimate.ladder import PROFIT
    from ...estimate.metrics import outcomes

    silo = own[0].plan.study.silo
    tables = []
    for step in own:
        wanted = step.plan.cells(_arms(step, own), replications)
        there = ledger.of(wanted)
        if len(there) < len(wanted):
            return []
        tables.append(outcomes(table(there), unit_scale=1.0))
    base = tables[0].xs(silo, level="arm")
    found = []
    for rows in tables:
        joint = rows.xs("joint", level="arm")
        costs = [
            side["data_cost"] if "data_cost" in side else pd.Series(0.0, joint.index)
            for side in (joint, base)
        ]
        found.append((joint[PROFIT] - base[PROFIT], costs[0] - costs[1]))
    return found


def _arms(step: Step, found: Sequence[Step]) -> tuple[str, ...]:
    return ("joint", step.plan.study.silo) if step.level == found[0].level else ("joint",)


def _replications(step: Step) -> range:
    return range(step.plan.study.curve.replications)


def rows(
    settings: Settings[ValueStudy], found: Mapping[tuple[str, str], Readings]
) -> Iterator[dict[str, Any]]:
    """For ``summary.csv``: by mapping the best level and what it nets; of the plan's own also what the CIO chooses."""
    from ...estimate import collaboration_levels as estimate
    from ...estimate.ladder import row_of

    plan, own = settings.collaboration, next(iter(mappings(settings)), None)
    if plan is None:
        return

    def row(estimand: str, arm: str, metric: str, value: Estimate) -> dict[str, Any]:
        return row_of(estimand, arm, metric, UNITS[metric].format(currency=settings.scenario.currency), value)

    for mapping, there in found.items():
        arm = named(*mapping)
        chosen = estimate.choice(there.pilots, there.levels)
        best = there.at(chosen.level)
        yield row("best_level", arm, "level", chosen.estimate)
        yield row("best_level_net_value", arm, "npv", estimate.net_value(best))
        if mapping != own:
            continue
        yield row("best_level_payback", arm, "payback_month", estimate.payback(best))
        yield row("break_even_volume", arm, "requests_per_month", estimate.break_even_volume(there.levels))
        yield row("credit_needed", arm, "credit", estimate.credit_needed(there.levels, best.level))
        for credit in plan.credited:
            picked = estimate.choice(there.pilots, there.levels, credit)
            left = estimate.left_on_the_table(best, there.at(picked.level))
            yield row("cio_level", f"credited {credit:g}", "level", picked.estimate)
            yield row("left_on_the_table", f"credited {credit:g}", "npv", left)


def staying_out(settings: Settings[ValueStudy], ladder: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """What joining by some firms does to the profit of each of the others, whose houses stay apart.

    Args:
        settings: the study's; nothing comes of it where nothing is said of collaboration, or nobody stays out.
        ladder: the cells.
    """
    from ...estimate import mean_interval, paired_difference
    from ...estimate.ladder import PROFIT, row_of
    from ...estimate.sums import group_means

    bidders, who = settings.scenario.bidders.count, settings.study.who
    holders = {"unilateral": 1, "universal": bidders}.get(str(who)) or int(who)
    out = bidder_names(bidders)[holders:]
    if settings.collaboration is None or not out:
        return
    scale, money = unit(settings)
    theirs = ladder[ladder["advertiser"].isin(out)]
    per = theirs["profit"] * scale / theirs["requests"]
    mean = group_means(per.groupby([theirs["arm"], theirs["replication"]]))
    if not {"joint", settings.study.silo} <= set(mean.index.get_level_values("arm")):
        return
    found = paired_difference(mean["joint"], mean[settings.study.silo])
    arm = f"{holders} of {bidders} join"
    yield row_of("loss_from_staying_out", arm, PROFIT, money, found)
    yield row_of("profit_of_the_others", arm, PROFIT, money, mean_interval(mean[settings.study.silo]))


def named(shape: str, cost: str) -> str:
    """How ``summary.csv`` writes a mapping."""
    return f"shape {shape}, cost {cost}"


def level_table(settings: Settings[ValueStudy], found: Mapping[tuple[str, str], Readings]) -> pd.DataFrame:
    """Net value over the tenure at each level along each mapping; ``band_low``, ``band_high`` hold along a whole line."""
    import numpy as np
    import pandas as pd

    from ...estimate.intervals import mean_interval
    from ...estimate.multiple import critical_value

    lines = []
    for (shape, cost), there in found.items():
        nets = [one.benefit - one.cost for one in there.levels]
        together = np.array([net.to_numpy(dtype=np.float64) for net in nets], dtype=np.float64).T
        reach = critical_value(together) if len(together) > 1 else math.nan
        for one, net in zip(there.levels, nets, strict=True):
            value = mean_interval(net)
            edge = reach * value.standard_error
            lines.append({
                "x": one.level, "estimate": value.estimate, "ci_low": value.ci_low, "ci_high": value.ci_high,
                "metric": "npv", "estimand": "net_value_by_level", "line": named(shape, cost), "over": "collaboration.level", "shape": shape, "cost": cost,
                "band_low": value.estimate - edge, "band_high": value.estimate + edge,
                "unit": settings.scenario.currency, "n_replications": value.n,
                "benefit": float(one.benefit.mean()), "integration": one.cost, "delivered_after_months": one.terms.delay_months,
            })  # fmt: skip
    return pd.DataFrame(lines)

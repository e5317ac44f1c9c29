"""What to know before believing a study `value`: what it could have shown, what was a near thing, what spoils it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from jointbid.sim.allowance import Allowance
from jointbid.sim.response import truth
from jointbid.sim.scenario import Scenario

from ...config.bidder_checks import values_itself
from ...config.learnable import AUTO, learns_beside, why_not_beside
from ...config.settings import Settings
from ...config.value_settings import ValueSettings
from ...estimate.intervals import Estimate, paired_difference
from ...estimate.metrics import USED_UP
from ...estimate.sides import BEST_SILO, Sides
from ...report.numbers import number
from ...storage.cell_results import CellResults, table
from ..inert import paces
from ..tuning.tuned_parameter import Tuned
from ..tuning.tuned_policies import Retuned

FEW_SALES = 200
"""From fewer conversions a learned valuation has little but their chance to learn from."""


def power(value: Estimate, unit: str) -> Iterator[str]:
    """What a study of this size would have shown."""
    if math.isfinite(value.detectable) and value.detectable > 0:
        yield (
            f"With {value.n} replications a value of joint data of at least {number(value.detectable)} {unit} would have been "
            "shown with 80 % power."
        )


def width(value: Estimate, wanted: float | None, most: int) -> Iterator[str]:
    """Where a half-width was asked for: whether the interval that is printed has it."""
    if wanted is None or not value.has_interval:
        return
    half = (value.ci_high - value.ci_low) / 2
    if half > wanted:
        why = (
            f"study.max_replications = {most} are too few"
            if value.n >= most
            else "these replications differ more than the pilot's did"
        )
        yield (
            f"The interval reaches {number(half)} to either side, and study.half_width = {wanted:g} was wanted: {why}."
        )


def near_tie(pilot: CellResults, sides: Sides) -> Iterator[str]:
    """Where the pilots do not show that the silo that was chosen is the better one."""
    rows = table(pilot)
    if rows.empty:
        return
    focal = rows[rows["focal"].astype(bool)]
    profit = focal.pivot_table(index="replication", columns="arm", values="profit", aggfunc="sum", sort=False)
    kind = "silo" if sides.silo == BEST_SILO else "single source"
    for other in sides.others:
        both = {sides.arm, other} <= set(profit)
        if both and paired_difference(profit[sides.arm], profit[other]).finding != "positive":
            yield (
                f"The better {kind} was a near thing: {sides.label(sides.arm)} over {sides.label(other)}, no difference shown on "
                f"{len(profit)} pilot replications. Its choice is part of the interval."
            )


def reading(settings: Settings[ValueSettings], sources: Sequence[str]) -> Iterator[str]:
    """Where the strategy reads sources itself: what of the ladder cannot be, and is left out."""
    if sources:
        yield (
            f"The strategy {settings.scenario.bidders.strategy.name} reads {', '.join(sources)} itself, beside the scores: no arm stands for "
            "scores that are joined without the data (stacked, summed), and the value is not divided into steps."
        )


def tuned(settings: Settings[ValueSettings], found: Retuned) -> Iterator[str]:
    """What the policies were retuned to, and how much one bidder could still gain by another of the tried values."""
    if not found.at or settings.study.tune is None:
        return
    scale, money = settings.unit

    def left(one: Tuned) -> float:
        """The most that one bidder of an arm could gain, in the unit."""
        return scale * max(side.regret for side in one.sides) / (one.cell.scenario.supply.requests or 1)

    def remaining(there: Mapping[str, Tuned]) -> float:
        return max(map(left, there.values()))

    ladder = found.at[""]
    elsewhere = [remaining(there) for point, there in found.at.items() if point]
    further = f"; at {len(elsewhere)} further points at most {number(max(elsewhere))}" if elsewhere else ""
    if settings.study.tune.values is None:
        whose = "all bidders" if settings.study.rivals == "adapted" else "the focal bidder"
        by = f"its best curve ({', '.join(f'{arm} {number(left(one))}' for arm, one in ladder.items())})"
        said = f"of {whose} in every arm, fitted to the prices met on pilots"
    else:
        whose = (
            "of the holders, then of the others" if settings.study.rivals == "adapted" else "of the holders"
        )
        by = "another of the tried values"
        values = [
            f"{arm} {', '.join(f'{side.value:g}' for side in one.sides)}" for arm, one in ladder.items()
        ]
        said = f"{whose}, retuned on pilots: {'; '.join(values)}"
    yield (
        f"{settings.study.tune.parameter} {said}. Remaining regret: one bidder could gain "
        f"at most {number(remaining(ladder))} {money} by {by}{further}."
    )


def of_settings(settings: Settings[ValueSettings]) -> Iterator[str]:
    """What in the settings spoils the study."""
    study = settings.study
    if values_itself(settings.scenario):
        return
    if study.valuation == "bayes" and study.learned_beside == AUTO and (why := why_not_beside(settings)):
        yield f"No learned values beside the exact ones (study.learned_beside=auto): {why}."
    if study.valuation != "bayes" or learns_beside(settings):
        requests = settings.study.train_requests
        sales = sales_to_learn_from(settings.scenario, requests)
        if sales < FEW_SALES:
            yield (
                f"study.train_requests = {requests}: such a log holds some {sales:.3g} conversions; a "
                f"learned valuation has little to learn from in fewer than {FEW_SALES}"
            )


def budget(summary: pd.DataFrame, settings: Settings[ValueSettings]) -> Iterator[str]:
    """Yield what part of a budget was spent by a strategy that does not pace it."""
    scenario, bidders = settings.scenario, settings.scenario.bidders
    rows = summary[(summary["estimand"] == "utility") & (summary["metric"] == "spend")]
    requests = scenario.supply.requests
    if not requests or rows.empty:
        return
    total = Allowance(scenario, bidders.terms, bidders.budget, requests).total
    if not 0 < total < math.inf or paces(bidders.strategy, scenario):
        return
    keys = {"bidders.budget": bidders.budget, "bidders.terms.daily_budget": bidders.terms.daily_budget}
    named = " and ".join(key for key, limit in keys.items() if limit is not None)
    spent = rows.set_index("arm")["estimate"] * requests / settings.unit.scale / total
    used = [str(arm) for arm in spent.index[spent >= USED_UP]]
    arms = ", ".join(used) if len(used) < len(spent) else "every arm"
    if used:
        yield (
            f"{named} with strategy {bidders.strategy.name}, which does not pace: {arms} spent at least "
            f"{100 * USED_UP:g} % of it, and after the last of it better data change nothing; strategy=adaptive_pacing "
            "spends evenly"
        )
    elif math.isfinite(most := float(spent.max())):
        days = "" if bidders.terms.daily_budget is None else " over all days"
        yield f"{named} = {total:g}{days}: no arm spent more than {number(100 * most)} % of it on average"


def sales_to_learn_from(scenario: Scenario, requests: int) -> float:
    """Conversions in a log of this number of impressions; inf where values are learned from something else."""
    if scenario.response.conversion is None:
        return math.inf
    world = truth(scenario)
    return float((world.law * world.conversion).sum()) * requests

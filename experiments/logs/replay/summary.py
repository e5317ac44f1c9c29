"""The table of estimates of a replay: every arm's outcome, and what separates the arms, with paired intervals."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jointbid.sim.scenario import MICROS

from ...estimate.ladder import SAME_REQUEST, STEPS, SUMMARY_COLUMNS, VALUE
from ...estimate.sides import BEST_SILO, BEST_SINGLE, ON_ONE_REQUEST, Sides, Weights
from ..log_table import Roles
from .bids import BROUGHT
from .bootstrap import ratio, resample, with_interval
from .outcomes import SPLIT_BUDGET, ReplayOutcome
from .plan import PER, ReplayPlan, Requests

Floats = NDArray[np.float64]


def arms(roles: Roles) -> tuple[str, ...]:
    """Return the arms of a log with these columns, in the order in which they are shown."""
    joins = [arm for arm in roles.silos if arm not in (*roles.sources, "joint")]
    together = (*joins, BEST_SILO, "stacked", "joint", SPLIT_BUDGET, "summed")
    return ("none", *roles.sources, BEST_SINGLE, *together)


JOINT_MODEL, PENALTY = "joint_model_step", "double_counting_penalty"

Variant = tuple[str, float]
"""A variant of the tags, and a budget share."""
Total = tuple[str, float, str, str]
"""A point, an arm, and what is totalled over the rows that it wins."""
REQUESTS: Total = ("", 0.0, "", "requests")
Totals = Callable[[str, str], Floats]
"""The total over the rows that an arm wins, by (arm, what is totalled)."""
Values = tuple[Floats, ...]
"""A value; where a silo was chosen, also those over the silos that were not."""
Row = tuple[str, str, str, str, Values]
"""Estimand, arm, metric, unit, values."""


def summarise(
    plan: ReplayPlan, requests: Requests, outcomes: Sequence[ReplayOutcome], sides: Mapping[Variant, Sides]
) -> pd.DataFrame:
    """Return the estimates, in the columns of `summary.csv` and `tags`, `budget_share`.

    Args:
        plan: resamples, seed.
        requests: the log.
        outcomes: of every arm, budget, variant and split.
        sides: what joint data are compared with, at each variant and budget.
    """
    splits: list[dict[Total, Floats]] = []
    for outcome in outcomes:
        if outcome.split == len(splits):
            splits.append({REQUESTS: requests.weights})
        splits[outcome.split] |= _columns(plan, requests, outcome)
    settings, log = plan.settings, requests.log
    totals = resample(splits, settings.bootstrap, plan.seed, requests.blocks.numbers)
    units, rows = requests.blocks.count(len(requests.log)), []
    for (tags, share), there in sides.items():

        def total(arm: str, what: str, at: Variant = (tags, share), there: Sides = there) -> Floats:
            return totals[*at, there.chosen.get(arm, arm), what]

        about = totals[REQUESTS], log.currency, log.what
        estimates = [*_arm_rows(total, *about, arms(log.roles)), *_difference_rows(total, *about, there)]
        rows += [(*row[:4], *_ends(row[4], units), tags, share) for row in estimates]
    columns = [name for name in SUMMARY_COLUMNS if name != "n_replications"]
    made = pd.DataFrame(rows, columns=[*columns, "tags", "budget_share"])
    return made.assign(n_replications=settings.bootstrap)[[*SUMMARY_COLUMNS, "tags", "budget_share"]]


def _columns(plan: ReplayPlan, requests: Requests, outcome: ReplayOutcome) -> dict[Total, Floats]:
    """Return what is totalled of an outcome: spend and profit (currency), clicks and impressions won."""
    won, clicks = outcome.won, requests.clicks * requests.weights
    columns = {
        "spend": outcome.spend(requests) / MICROS,
        "focal_profit": profit_column(plan, requests, outcome) / MICROS,
        "clicks": won * clicks,
        "wins": won * requests.weights,
    }
    return {(outcome.tags, outcome.share, outcome.arm, what): column for what, column in columns.items()}


def profit_column(plan: ReplayPlan, requests: Requests, outcome: ReplayOutcome) -> Floats:
    """Return what each row adds to the profit of an arm, and to its resamples: micros, shape (rows,)."""
    won, clicks = outcome.won, requests.clicks * requests.weights
    if outcome.paid is not None:  # a click's worth is given, or the unit
        return np.asarray(won * clicks * requests.values - outcome.paid)
    if plan.settings.value_per_click is not None:
        return won * requests.profit
    share = _won_share(requests, won * clicks)
    if BROUGHT in requests.log.frame:  # a click is worth what clicks brought, which is resampled, too
        brought = requests.weights * requests.log.frame[BROUGHT].to_numpy()
        return np.asarray(won * requests.profit + share * (brought - clicks * requests.values))
    return np.asarray((won - share) * requests.profit)


def _won_share(requests: Requests, clicks_won: Floats) -> Floats:
    """Return the share of its campaign's clicks that the arm wins, for each row; shape (rows,).

    Where a click is worth the campaign's cost per click in this log, a resample has another worth. To first order, its profit is
    the total of (won - this share) x the row's profit, as more clicks make each of them worth less. Over the log itself a
    campaign's profits add up to 0, so that no estimate changes. With a fixed worth the intervals of profits would be nearly
    twice too wide: the number of clicks that happened would count in full.
    """
    campaign = requests.log.frame["campaign"]
    sums = pd.DataFrame({"won": clicks_won, "all": requests.clicks * requests.weights}).groupby(
        campaign.to_numpy()
    )
    won, total = (sums[name].transform("sum").to_numpy(np.float64) for name in ("won", "all"))
    return np.divide(won, total, out=np.zeros(len(won)), where=total > 0)


def _ends(values: Values, units: int) -> tuple[float, float, float]:
    """Return the value and its interval, of which the choice of a silo is part: see `jointbid.experiments.estimate.intervals.least`."""
    (value, low, high), *others = (with_interval(total, units) for total in values)
    return value, min([low, *(other[1] for other in others)]), high


def _arm_rows(
    total: Totals, requests: Floats, currency: str, what: str, names: Sequence[str]
) -> Iterator[Row]:
    """Yield what each arm earns, pays and wins."""
    money = f"{currency} per million {what}"
    for arm in names:
        spend, clicks, wins = (total(arm, of) for of in ("spend", "clicks", "wins"))
        yield "utility", arm, "focal_profit", money, (total(arm, "focal_profit") / requests * PER,)
        yield "utility", arm, "spend", money, (spend / requests * PER,)
        yield "utility", arm, "clicks", f"clicks per million {what}", (clicks / requests * PER,)
        yield "utility", arm, "ecpc", f"{currency} per click", (ratio(spend, clicks),)
        yield "utility", arm, "win_rate", f"share of {what}", (wins / requests,)


def _difference_rows(
    total: Totals, requests: Floats, currency: str, what: str, sides: Sides
) -> Iterator[Row]:
    """Yield the value of joint data, its steps, and the penalty of counting twice."""
    money = f"{currency} per million {what}"
    weights: dict[str, Weights] = {VALUE: sides.weights}
    if sides.silo not in ON_ONE_REQUEST and not sides.is_same_data:
        weights[SAME_REQUEST] = {"stacked": 1, sides.silo: -1}
    weights |= {name: STEPS[name] for name in (JOINT_MODEL, PENALTY)}

    def gain(of: Weights, metric: str = "focal_profit") -> Floats:
        return np.sum([total(arm, metric) * weight for arm, weight in of.items()], axis=0)

    for estimand, of in weights.items():
        named = sides.named if estimand == VALUE else sides.comparison(of)
        each = list(sides.alternatives(of))
        yield estimand, named, "focal_profit", money, tuple(gain(one) / requests * PER for one in each)
        if estimand != PENALTY:
            silos = [sides.silo, *sides.others][: len(each)]
            percent = (
                ratio(gain(one), total(silo, "focal_profit")) * 100.0
                for one, silo in zip(each, silos, strict=True)
            )
            yield estimand, named, "focal_profit_pct", "%", tuple(percent)
    clicks = gain(sides.weights, "clicks") / requests * PER
    yield VALUE, sides.named, "clicks", f"clicks per million {what}", (clicks,)

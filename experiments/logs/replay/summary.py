"""The table of estimates of a replay: every arm's outcome, and what separates the arms, with paired intervals."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jointbid.sim.scenario import MICROS

from ...estimate.ladder import SUMMARY_COLUMNS, silo_label
from .bootstrap import ratio, resample, with_interval
from .outcomes import SPLIT_BUDGET, Outcome
from .plan import Plan, Requests

Floats = NDArray[np.float64]
_CLICKS = "clicks per million bid requests"


def arms(sources: Sequence[str]) -> tuple[str, ...]:
    """Return the arms of a log with columns of these sources, in the order in which they are shown."""
    return ("none", *sources, "best_single", "stacked", "joint", SPLIT_BUDGET, "summed")


PER = 1e6
"""Money and clicks are stated for this number of bid requests of the full log."""
STEPS = {"same_request_step": ("stacked", "best_single"), "joint_model_step": ("joint", "stacked")}
PENALTY = {"double_counting_penalty": ("stacked", "summed")}

Point = tuple[str, float]
"""A variant of the tags, and a budget share."""
Total = tuple[str, float, str, str]
"""A point, an arm, and what is totalled over the rows that it wins."""
REQUESTS: Total = ("", 0.0, "", "requests")
Totals = Callable[[str, str], Floats]
"""The total over the rows that an arm wins, by (arm, what is totalled)."""
Row = tuple[str, str, str, str, Floats]
"""Estimand, arm, metric, unit, value."""


def summarise(
    plan: Plan, requests: Requests, outcomes: Sequence[Outcome], best: Mapping[Point, str]
) -> pd.DataFrame:
    """Return the estimates, in the columns of `summary.csv` and `tags`, `budget_share`.

    Args:
        plan: resamples, seed, silo.
        requests: the log.
        outcomes: of every arm, budget, variant and split.
        best: the better single source of each variant and budget.
    """
    splits: list[dict[Total, Floats]] = []
    for outcome in outcomes:
        if outcome.split == len(splits):
            splits.append({REQUESTS: requests.weights})
        splits[outcome.split] |= _columns(requests, outcome)
    settings, log = plan.settings, requests.log
    totals = resample(splits, settings.bootstrap, plan.seed, requests.blocks.numbers)
    rows = []
    for (tags, share), source in best.items():

        def total(arm: str, what: str, at: Point = (tags, share), source: str = source) -> Floats:
            return totals[*at, source if arm == "best_single" else arm, what]

        estimates = [*_arm_rows(total, totals[REQUESTS], log.currency, arms(log.roles.sources))]
        estimates += _difference_rows(total, totals[REQUESTS], log.currency, plan.silo, source)
        rows += [(*row[:4], *with_interval(row[4]), tags, share) for row in estimates]
    columns = [name for name in SUMMARY_COLUMNS if name != "n_replications"]
    made = pd.DataFrame(rows, columns=[*columns, "tags", "budget_share"])
    return made.assign(n_replications=settings.bootstrap)[[*SUMMARY_COLUMNS, "tags", "budget_share"]]


def _columns(requests: Requests, outcome: Outcome) -> dict[Total, Floats]:
    """Return what is totalled of an outcome: spend and profit (currency), clicks and impressions won."""
    won = outcome.won
    columns = {
        "spend": won * requests.cost / MICROS,
        "focal_profit": won * requests.profit / MICROS,
        "clicks": won * requests.clicks * requests.weights,
        "wins": won * requests.weights,
    }
    return {(outcome.tags, outcome.share, outcome.arm, what): column for what, column in columns.items()}


def _arm_rows(total: Totals, requests: Floats, currency: str, names: Sequence[str]) -> Iterator[Row]:
    """Yield what each arm earns, pays and wins."""
    money = f"{currency} per million bid requests"
    for arm in names:
        spend, clicks, wins = (total(arm, what) for what in ("spend", "clicks", "wins"))
        yield "utility", arm, "focal_profit", money, total(arm, "focal_profit") / requests * PER
        yield "utility", arm, "spend", money, spend / requests * PER
        yield "utility", arm, "clicks", _CLICKS, clicks / requests * PER
        yield "utility", arm, "ecpc", f"{currency} per click", ratio(spend, clicks)
        yield "utility", arm, "win_rate", "share of bid requests", wins / requests


def _difference_rows(total: Totals, requests: Floats, currency: str, silo: str, source: str) -> Iterator[Row]:
    """Yield the value of joint data, its steps, and the penalty of counting twice."""
    money = f"{currency} per million bid requests"
    joint = {"value_of_joint_data": ("joint", silo)}
    for estimand, (more, less) in {**joint, **STEPS, **PENALTY}.items():
        sides = f"{more} - {silo_label(less, source)}"
        gain = total(more, "focal_profit") - total(less, "focal_profit")
        yield estimand, sides, "focal_profit", money, gain / requests * PER
        if estimand not in PENALTY:
            percent = ratio(gain, total(silo, "focal_profit")) * 100.0
            yield estimand, sides, "focal_profit_pct", "%", percent
    clicks = total("joint", "clicks") - total(silo, "clicks")
    sides = f"joint - {silo_label(silo, source)}"
    yield "value_of_joint_data", sides, "clicks", _CLICKS, clicks / requests * PER

"""The table of estimates of a replay: every arm's outcome, and what separates the arms, with paired intervals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jointbid.sim.scenario import MICROS

from ...estimate.ladder import SUMMARY_COLUMNS, silo_label
from .bootstrap import Resampled, percent_over, resample
from .outcomes import SPLIT_BUDGET, Outcome
from .plan import Plan, Requests


def arms(sources: Sequence[str]) -> tuple[str, ...]:
    """The arms of a log with columns of these sources, in the order in which they are shown."""
    return ("none", *sources, "best_single", "stacked", "joint", SPLIT_BUDGET, "summed")


PER = 1e6
"""Money and clicks are stated for so many bid requests of the full log."""
STEPS = {"same_request_step": ("stacked", "best_single"), "joint_model_step": ("joint", "stacked")}
PENALTY = {"double_counting_penalty": ("stacked", "summed")}
_CLICKS = "clicks per million bid requests"

Row = dict[str, object]
Point = tuple[str, float]
"""A variant of the tags, and a budget share."""


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
    splits: list[dict[str, NDArray[np.float64]]] = []
    for outcome in outcomes:
        if outcome.split == len(splits):
            splits.append({"requests": requests.weights})
        splits[outcome.split] |= _columns(requests, outcome)
    settings = plan.settings
    totals = resample(splits, settings.bootstrap, plan.seed, requests.blocks.numbers)
    rows = [
        {**row, "tags": tags, "budget_share": share}
        for (tags, share), source in best.items()
        for row in _rows(
            _reader(totals, tags, share, source),
            totals["requests"],
            requests.log.currency,
            plan.silo,
            source,
            arms(requests.log.roles.sources),
        )
    ]
    columns = [*SUMMARY_COLUMNS, "tags", "budget_share"]
    return pd.DataFrame(rows).assign(n_replications=settings.bootstrap)[columns]


def _columns(requests: Requests, outcome: Outcome) -> dict[str, NDArray[np.float64]]:
    """What is totalled of an outcome: spend and profit (currency), clicks and impressions won."""
    won = outcome.won
    columns = {
        "spend": won * requests.cost / MICROS,
        "focal_profit": won * requests.profit / MICROS,
        "clicks": won * requests.clicks * requests.weights,
        "wins": won * requests.weights,
    }
    return {_name(outcome.tags, outcome.share, outcome.arm, what): column for what, column in columns.items()}


def _name(tags: str, share: float, arm: str, what: str) -> str:
    return f"{tags}|{share}|{arm}|{what}"


def _reader(
    totals: Mapping[str, Resampled], tags: str, share: float, source: str
) -> Callable[[str, str], Resampled]:
    """Return a function (arm, what) -> total; `best_single` is another name of its source."""
    return lambda arm, what: totals[_name(tags, share, source if arm == "best_single" else arm, what)]


def _rows(
    total: Callable[[str, str], Resampled],
    requests: Resampled,
    currency: str,
    silo: str,
    source: str,
    names: Sequence[str],
) -> list[Row]:
    """Estimates of one variant of the tags under one budget."""
    money = f"{currency} per million bid requests"
    rows = []
    for arm in names:
        spend, clicks, wins = (total(arm, what) for what in ("spend", "clicks", "wins"))
        rows += [
            _row("utility", arm, "focal_profit", money, total(arm, "focal_profit") / requests * PER),
            _row("utility", arm, "spend", money, spend / requests * PER),
            _row("utility", arm, "clicks", _CLICKS, clicks / requests * PER),
            _row("utility", arm, "ecpc", f"{currency} per click", spend / clicks),
            _row("utility", arm, "win_rate", "share of bid requests", wins / requests),
        ]
    for estimand, (more, less) in {"value_of_joint_data": ("joint", silo), **STEPS, **PENALTY}.items():
        sides = f"{more} - {silo_label(less, source)}"
        gain = total(more, "focal_profit") - total(less, "focal_profit")
        rows.append(_row(estimand, sides, "focal_profit", money, gain / requests * PER))
        if estimand not in PENALTY:
            percent = percent_over(gain, total(silo, "focal_profit"))
            rows.append(_row(estimand, sides, "focal_profit_pct", "%", percent))
    clicks = total("joint", "clicks") - total(silo, "clicks")
    sides = f"joint - {silo_label(silo, source)}"
    return [*rows, _row("value_of_joint_data", sides, "clicks", _CLICKS, clicks / requests * PER)]


def _row(estimand: str, arm: str, metric: str, unit: str, value: Resampled) -> Row:
    low, high = value.interval
    made = {"estimand": estimand, "arm": arm, "metric": metric, "unit": unit, "estimate": value.point}
    return {**made, "ci_low": low, "ci_high": high}

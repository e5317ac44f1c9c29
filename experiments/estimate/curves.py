"""Tables behind the curves and heat maps: one value-of-joint-data estimate at each point of a sweep."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from .intervals import combined, mean_interval, percent_values
from .ladder import (
    LOST,
    MARKET_METRICS,
    PROFIT,
    arms_by_replication,
    decomposition_weights,
    joint_decomposition,
)
from .metrics import unit_of
from .multiple import critical_value

CURVE_COLUMNS = (
    "x", "estimate", "ci_low", "ci_high", "metric", "estimand", "line", "over", "band_low", "band_high", "unit",
    "n_replications", "best_single",
)  # fmt: skip
HEAT_COLUMNS = (
    "redundancy",
    "interaction",
    "same_request_step",
    "same_request_low",
    "same_request_high",
    "joint_model_step",
    "joint_model_low",
    "joint_model_high",
)


@dataclass(frozen=True)
class Reading:
    """What was found at one point of a curve.

    Attributes:
        over: the key that is swept.
        line: which of several lines the point is on; empty where there is one.
        x: the value there: a number, or a name such as that of a mechanism.
        cells: the point's rows, at least those of the arms `joint` and the silo.
        best_single: the better single source there.
        name: of the curve, where several are over one key.
    """

    over: str
    line: str
    x: Any
    cells: pd.DataFrame
    best_single: str
    name: str = ""


def curve_table(
    readings: Sequence[Reading],
    *,
    silo: str = "best_single",
    unit_scale: float = 1e6,
    unit: str = "currency per million bid requests",
) -> pd.DataFrame:
    """Along each line the value of joint data, its steps, what it changes for the market, and the profit of both its arms.

    Args:
        readings: the points; all have the same replications, or none is shared.
        silo: the arm that joint data is compared with.
        unit_scale: bid requests that money is stated for.
        unit: what that makes the unit of money.

    Returns:
        Columns `CURVE_COLUMNS`, a row a line, estimand, metric and point, in the order of the readings. Each interval
        covers its own point 95 times in 100; the band from `band_low` to `band_high` covers the whole line so often.
    """
    rows: list[dict[str, Any]] = []
    for line in dict.fromkeys(reading.line for reading in readings):
        own = [reading for reading in readings if reading.line == line]
        samples = [_samples(reading, silo, unit_scale) for reading in own]
        for estimand, metric in dict.fromkeys(key for sample in samples for key in sample):
            at = [
                (r, s[estimand, metric]) for r, s in zip(own, samples, strict=True) if (estimand, metric) in s
            ]
            rows += line_rows(at, line=line, estimand=estimand, metric=metric, unit=unit)
    return pd.DataFrame(rows, columns=list(CURVE_COLUMNS))


def line_rows(
    points: Sequence[tuple[Reading, pd.Series]], *, line: str, estimand: str, metric: str, unit: str
) -> list[dict[str, Any]]:
    """Rows of one line: each point with its values, one a replication, its interval and the line's band."""
    reach = _reach([values for _, values in points]) if points else math.nan
    return [_row(reading, line, estimand, metric, unit, values, reach) for reading, values in points]


def _samples(reading: Reading, silo: str, unit_scale: float) -> dict[tuple[str, str], pd.Series]:
    """One value a replication of each estimand and metric at a point."""
    wide = arms_by_replication(
        reading.cells, reading.best_single, unit_scale=unit_scale, wanted=(PROFIT, *MARKET_METRICS)
    )
    found = {
        (name, PROFIT): combined(wide[PROFIT], weights)
        for name, weights in decomposition_weights(wide[PROFIT], silo).items()
    }
    found |= {
        ("value_of_joint_data", metric): combined(wide[metric], {"joint": 1.0, silo: -1.0})
        for metric in MARKET_METRICS
        if metric in wide
    }
    if "welfare" in wide:  # against a landscape it is the focal advertiser's payments alone
        lost = percent_values(wide["revenue"][silo], wide["revenue"]["joint"])
        found |= {("value_of_joint_data", LOST): lost} if len(lost) else {}
    return found | {
        (f"utility of {arm}", PROFIT): wide[PROFIT][arm].dropna() for arm in dict.fromkeys((silo, "joint"))
    }


def _reach(samples: Sequence[pd.Series]) -> float:
    """Standard errors from a point to the edge of its band; nan where there are no pairs of replications."""
    together = pd.concat(samples, axis=1).dropna().to_numpy(dtype=float)
    return critical_value(together) if len(together) > 1 else math.nan


def _row(
    reading: Reading, line: str, estimand: str, metric: str, unit: str, values: pd.Series, reach: float
) -> dict[str, Any]:
    found = mean_interval(values)
    edge = reach * found.standard_error
    return {
        "x": reading.x,
        "estimate": found.estimate,
        "ci_low": found.ci_low,
        "ci_high": found.ci_high,
        "metric": metric,
        "estimand": estimand,
        "line": line,
        "over": reading.over,
        "band_low": found.estimate - edge,
        "band_high": found.estimate + edge,
        "unit": unit_of(metric, unit),
        "n_replications": found.n,
        "best_single": reading.best_single,
    }


def heat_table(
    points: Mapping[tuple[float, float], pd.DataFrame],
    *,
    best_single: str | Mapping[tuple[float, float], str],
    unit_scale: float = 1e6,
) -> pd.DataFrame:
    """Both steps of the value of joint data at each (redundancy, interaction).

    Args:
        points: cells at each point, at least those of the arms `joint`, `stacked` and the better single source.
        best_single: that source, one for all points or one for each.
        unit_scale: bid requests that money is stated for.

    Returns:
        Columns `HEAT_COLUMNS`, sorted by redundancy, then interaction.
    """
    rows = []
    for (redundancy, interaction), cells in sorted(points.items()):
        single = best_single if isinstance(best_single, str) else best_single[redundancy, interaction]
        profit = arms_by_replication(cells, single, unit_scale=unit_scale, wanted=(PROFIT,))[PROFIT]
        found = {name: estimate for name, _, estimate in joint_decomposition(profit, "best_single")}
        steps = (found["same_request_step"], found["joint_model_step"])
        rows.append((redundancy, interaction, *(v for s in steps for v in (s.estimate, s.ci_low, s.ci_high))))
    return pd.DataFrame(rows, columns=list(HEAT_COLUMNS))

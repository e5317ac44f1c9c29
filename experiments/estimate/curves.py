"""Tables behind the curves and heat maps: one value-of-joint-data estimate at each point of a sweep."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from .intervals import Estimate, combined, least, mean_interval, percent_values
from .ladder import (
    LOST,
    PROFIT,
    SAME_REQUEST,
    VALUE,
    arms_by_replication,
    decomposition_weights,
    joint_decomposition,
)
from .metrics import MARKET_METRICS, unit_of
from .multiple import critical_value
from .sides import Sides, Weights

CURVE_COLUMNS = (
    "x", "estimate", "ci_low", "ci_high", "metric", "estimand", "line", "over", "band_low", "band_high", "unit",
    "n_replications", "silo",
)  # fmt: skip
Samples = tuple[pd.Series, ...]
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


NOTHING = Estimate(math.nan, math.nan, math.nan, 0)


@dataclass(frozen=True)
class Reading:
    """What was found at one point of a curve.

    Attributes:
        over: the key that is swept.
        line: which of several lines the point is on; empty where there is one.
        x: the value there: a number, or a name such as that of a mechanism.
        cells: the point's rows, at least those of the arms `joint` and the silo.
        sides: what joint data are compared with there.
        name: of the curve, where several are over one key.
    """

    over: str
    line: str
    x: Any
    cells: pd.DataFrame
    sides: Sides
    name: str = ""


def curve_table(
    readings: Sequence[Reading], *, unit_scale: float = 1e6, unit: str = "currency per million bid requests"
) -> pd.DataFrame:
    """Along each line the value of joint data, its steps, what it changes for the market, and the profit of both its arms.

    Args:
        readings: the points; all have the same replications, or none is shared.
        unit_scale: bid requests that money is stated for.
        unit: what that makes the unit of money.

    Returns:
        Columns `CURVE_COLUMNS`, a row a line, estimand, metric and point, in the order of the readings. Each interval
        covers its own point 95 times in 100; the band from `band_low` to `band_high` covers the whole line so often.
    """
    rows: list[dict[str, Any]] = []
    for line in dict.fromkeys(reading.line for reading in readings):
        own = [reading for reading in readings if reading.line == line]
        samples = [_samples(reading, unit_scale) for reading in own]
        for key in dict.fromkeys(key for sample in samples for key in sample):
            at = [(r, s[key]) for r, s in zip(own, samples, strict=True) if key in s]
            rows += line_rows(at, line=line, estimand=key[0], metric=key[1], unit=unit)
    return pd.DataFrame(rows, columns=list(CURVE_COLUMNS))


def line_rows(
    points: Sequence[tuple[Reading, Samples]], *, line: str, estimand: str, metric: str, unit: str
) -> list[dict[str, Any]]:
    """Rows of one line: each point with its values, one a replication, its interval and the line's band.

    A point's first values are its own; any others are over silos that were not chosen: see `least`.
    """
    reach = _reach([values[0] for _, values in points]) if points else math.nan
    return [_row(reading, line, estimand, metric, unit, values, reach) for reading, values in points]


def _samples(reading: Reading, unit_scale: float) -> dict[tuple[str, str], Samples]:
    """One value a replication of each estimand and metric at a point; over each silo where one was chosen."""
    sides = reading.sides
    wide = arms_by_replication(reading.cells, sides, unit_scale=unit_scale, wanted=(PROFIT, *MARKET_METRICS))

    def over_each(weights: Weights) -> Samples:
        there = [one for one in sides.alternatives(weights) if set(one) <= set(wide[PROFIT])]
        return tuple(combined(wide[PROFIT], one) for one in there)

    weights = decomposition_weights(wide[PROFIT], sides)
    found: dict[tuple[str, str], Samples] = {(name, PROFIT): over_each(of) for name, of in weights.items()}
    found |= {
        (VALUE, metric): (combined(wide[metric], sides.weights),)
        for metric in MARKET_METRICS
        if metric in wide
    }
    if "welfare" in wide and not sides.is_same_data:
        lost = percent_values(wide["revenue"][sides.silo], wide["revenue"]["joint"])
        found |= {(VALUE, LOST): (lost,)} if len(lost) else {}
    return found | {
        (f"utility of {arm}", PROFIT): (wide[PROFIT][arm].dropna(),)
        for arm in dict.fromkeys((sides.silo, "joint"))
    }


def _reach(samples: Sequence[pd.Series]) -> float:
    """Standard errors from a point to the edge of its band; nan where there are no pairs of replications."""
    together = pd.concat(samples, axis=1).dropna().to_numpy(dtype=float)
    return critical_value(together) if len(together) > 1 else math.nan


def _row(
    reading: Reading,
    line: str,
    estimand: str,
    metric: str,
    unit: str,
    values: Sequence[pd.Series],
    reach: float,
) -> dict[str, Any]:
    each = [mean_interval(one) for one in values]
    found, band = least(each), least([_widened(one, reach) for one in each])
    return {
        "x": reading.x,
        "estimate": found.estimate,
        "ci_low": found.ci_low,
        "ci_high": found.ci_high,
        "metric": metric,
        "estimand": estimand,
        "line": line,
        "over": reading.over,
        "band_low": band.ci_low,
        "band_high": band.ci_high,
        "unit": unit_of(metric, unit),
        "n_replications": found.n,
        "silo": reading.sides.arm,
    }


def _widened(found: Estimate, reach: float) -> Estimate:
    """Return the estimate with ends ``reach`` standard errors away."""
    edge = reach * found.standard_error
    return replace(found, ci_low=found.estimate - edge, ci_high=found.estimate + edge)


def heat_table(
    points: Mapping[tuple[float, float], pd.DataFrame],
    sides: Sides | Mapping[tuple[float, float], Sides],
    *,
    unit_scale: float = 1e6,
) -> pd.DataFrame:
    """Both steps of the value of joint data at each (redundancy, interaction).

    Args:
        points: cells at each point, at least those of the arms `joint`, `stacked` and the silo.
        sides: what joint data are compared with, one for all points or one for each.
        unit_scale: bid requests that money is stated for.

    Returns:
        Columns `HEAT_COLUMNS`, sorted by redundancy, then interaction.
    """
    rows = []
    for (redundancy, interaction), cells in sorted(points.items()):
        there = sides if isinstance(sides, Sides) else sides[redundancy, interaction]
        profit = arms_by_replication(cells, there, unit_scale=unit_scale, wanted=(PROFIT,))[PROFIT]
        found = dict(joint_decomposition(profit, there))
        steps = [found.get(name, NOTHING) for name in (SAME_REQUEST, "joint_model_step")]
        rows.append((redundancy, interaction, *(v for s in steps for v in (s.estimate, s.ci_low, s.ci_high))))
    return pd.DataFrame(rows, columns=list(HEAT_COLUMNS))

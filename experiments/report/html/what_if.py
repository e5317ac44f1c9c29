"""The box in which a reader tries volumes and costs: what the page needs to work out net value, payback and break-even by itself.

The script repeats ``jointbid.experiments.estimate.money``, and tests/browser/test_pages.py compares the two: with N requests a month,
v what joining is worth and c what it costs in data per request, l further look-ups per request at p per thousand, M a month and K
once, a month brings N (v - c - l p / 1000) - M. The interval is Student's, of v - c - l p / 1000 over replications, so the page gets
means, variances and the covariance. Along the curve over a match rate it gets the points of each replication, between which the
script draws straight lines, as the command line does. The value itself is shown with the interval that the study states, which holds
the choice of the silo too.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ...estimate.intervals import t_quantile
from ...estimate.ladder import PROFIT, VALUE
from ...estimate.money import GRID, per_request
from ...estimate.sides import Sides
from ..folders.study import StudyFolder

ENDS = ("estimate", "ci_low", "ci_high")

INPUTS = (
    ("requests", "Bid requests a month", "requests_per_month", 100e6),
    ("once", "Cost of joining, once", "integration_once", 0.0),
    ("monthly", "Cost a month", "integration_monthly", 0.0),
    ("lookup", "Further price of a thousand look-ups", "", 0.0),
    ("horizon", "Horizon in months", "horizon_months", 60),
)
"""Field, its label, the key of ``money`` that it begins with, and what it begins with where that is not set."""


@dataclass(frozen=True)
class WhatIf:
    """The box.

    Attributes:
        inputs: field, label and first value of each.
        currency: of all money.
        source: whose match rate the curve is over; empty without one.
        rates: its points.
        data: what the script computes with, as JSON.
    """

    inputs: tuple[tuple[str, str, float], ...]
    currency: str
    source: str
    rates: tuple[float, ...]
    data: str


def what_if(study: StudyFolder) -> WhatIf | None:
    """Return the box of a study of joint data on simulated markets; None where it has no such value, or plans of its own."""
    config, plans = study.config, ("collaboration", "first_party")
    if study.verb != "value" or study.is_log or any(config.get(plan) for plan in plans) or study.cells.empty:
        return None
    try:
        profit, cost, lookups = per_request(study.cells[study.cells["study_point"] == ""], study.sides)
    except (KeyError, ValueError):  # an arm of the comparison is missing
        return None
    if len(profit) < 2:
        return None
    money = config.get("money", {})
    beside = float(money.get("fees_monthly") or 0)
    inputs = [(name, label, float(money.get(key) or other)) for name, label, key, other in INPUTS]
    inputs = [(name, label, value + beside * (name == "monthly")) for name, label, value in inputs]
    source, points = _curve(study)
    data = {
        **_moments(profit - cost, lookups),
        **_stated(study),
        "discount": float(money.get("discount_rate") or 0),
        "grid": GRID,
        "points": points,
    }
    currency = str(config.get("scenario", {}).get("currency", ""))
    return WhatIf(tuple(inputs), currency, source, tuple(one["x"] for one in points), json.dumps(data))


def _moments(value: pd.Series[float], lookups: pd.Series[float]) -> dict[str, Any]:
    both = np.cov(value, lookups, ddof=1)
    n = len(value)
    return {
        "value": float(value.mean()),
        "lookups": float(lookups.mean()),
        "variances": [float(both[0, 0]), float(both[0, 1]), float(both[1, 1])],
        "reach": t_quantile(n - 1) / math.sqrt(n),
    }


def _stated(study: StudyFolder) -> dict[str, Any]:
    """Return the value as the study states it, with its ends and its unit."""
    rows = study.summary[(study.summary["estimand"] == VALUE) & (study.summary["metric"] == PROFIT)]
    ends = rows[list(ENDS)].astype(float).iloc[0].tolist() if len(rows) else []
    return {"stated": ends, "per_name": str(rows["unit"].iloc[0]) if len(rows) else ""}


def _curve(study: StudyFolder) -> tuple[str, list[dict[str, Any]]]:
    """Return the source whose match rate the study's first such curve is over, and by point what its replications gave per request."""
    table = study.tables.get("curves")
    if table is None or "over" not in table or "silo" not in table:
        return "", []
    wanted = (table["estimand"] == VALUE) & (table["metric"] == PROFIT) & table["line"].isna()
    own = table[wanted & table["over"].astype(str).str.fullmatch(r"source\.\w+\.match_rate")]
    own = own[own["over"] == own["over"].iloc[0]].sort_values("x") if len(own) else own
    found = []
    for row in own.to_dict("records"):
        at = study.cells["study_point"].isin({f"{row['over']}={row['x']:g}", f"{row['over']}={row['x']}"})
        try:
            stated = [float(row[end]) for end in ENDS]
            replications = _replications(study.cells[at], str(row["silo"]))
            found.append({"x": float(row["x"]), "stated": stated, **replications})
        except (KeyError, ValueError):  # a point of other keys too, or without its cells
            return "", []
    return (str(own["over"].iloc[0]).split(".")[1], found) if len(found) > 1 else ("", [])


def _replications(cells: pd.DataFrame, silo: str) -> dict[str, list[float]]:
    """Return what joint less the silo earns after the cost of data, and its further look-ups, per request in each replication."""
    profit, cost, lookups = per_request(cells, Sides(silo=silo))
    if len(profit) < 2:
        raise ValueError("one replication has no interval")
    return {
        "net": (profit - cost).tolist(),
        "lookups": lookups.tolist(),
        "reach": [t_quantile(len(profit) - 1)],
    }

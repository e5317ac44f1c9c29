"""The box in which a reader tries volumes and costs: what the page needs to work out net value, payback and break-even by itself.

The script repeats ``jointbid.experiments.estimate.money``: with N requests a month, v what joining is worth and c what it costs in data
per request, l further look-ups per request at p per thousand, M a month and K once, a month brings N (v - c - l p / 1000) - M. The
interval is Student's, of v - c - l p / 1000 over replications, so the page gets means, variances and the covariance.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ...estimate.intervals import combined, t_quantile
from ...estimate.ladder import PROFIT, VALUE, arms_by_replication
from .study import Study

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
        data: what the script reckons with, as JSON.
    """

    inputs: tuple[tuple[str, str, float], ...]
    currency: str
    source: str
    rates: tuple[float, ...]
    data: str


def what_if(study: Study) -> WhatIf | None:
    """Return the box of a study of joint data on simulated markets; None where it has no such value, or plans of its own."""
    config, plans = study.config, ("collaboration", "first_party")
    if study.verb != "value" or study.is_log or any(config.get(plan) for plan in plans) or study.cells.empty:
        return None
    sides = study.sides
    try:
        wide = arms_by_replication(study.cells[study.cells["study_point"] == ""], sides, unit_scale=1.0)
        profit = combined(wide[PROFIT], sides.weights)
    except (KeyError, ValueError):  # an arm of the comparison is missing
        return None
    if len(profit) < 2:
        return None
    zero = 0.0 * profit
    cost, lookups = (
        combined(wide[name], sides.weights).reindex(profit.index) if name in wide else zero
        for name in ("data_cost", "lookups")
    )
    money = config.get("money", {})
    beside = float(money.get("fees_monthly") or 0)
    inputs = [(name, label, float(money.get(key) or other)) for name, label, key, other in INPUTS]
    inputs = [(name, label, value + beside * (name == "monthly")) for name, label, value in inputs]
    points = _curve(study) if not cost.any() else pd.DataFrame()
    data = {
        **_moments(profit - cost, lookups),
        "per": study.per,
        "per_name": _unit(study),
        "discount": float(money.get("discount_rate") or 0),
        "rates": [[float(row["x"]), *(float(row[end]) / study.per for end in ("estimate", "ci_low", "ci_high"))] for row in points.to_dict("records")],
    }  # fmt: skip
    rates = tuple(float(x) for x in points["x"]) if len(points) else ()
    source = str(points["over"].iloc[0]).split(".")[1] if len(points) else ""
    currency = str(config.get("scenario", {}).get("currency", ""))
    return WhatIf(tuple(inputs), currency, source, rates, json.dumps(data))


def _moments(value: pd.Series[float], lookups: pd.Series[float]) -> dict[str, Any]:
    both = np.cov(value, lookups, ddof=1)
    n = len(value)
    return {
        "value": float(value.mean()),
        "lookups": float(lookups.mean()),
        "variances": [float(both[0, 0]), float(both[0, 1]), float(both[1, 1])],
        "reach": t_quantile(n - 1) / math.sqrt(n),
    }


def _unit(study: Study) -> str:
    rows = study.summary[(study.summary["estimand"] == VALUE) & (study.summary["metric"] == PROFIT)]
    return str(rows["unit"].iloc[0]) if len(rows) else ""


def _curve(study: Study) -> pd.DataFrame:
    """Return the points of the curve over a match rate, where the study has one."""
    table = study.tables.get("curves")
    if table is None or "over" not in table:
        return pd.DataFrame()
    wanted = (table["estimand"] == VALUE) & (table["metric"] == PROFIT) & table["line"].isna()
    own = table[wanted & table["over"].str.fullmatch(r"source\.\w+\.match_rate")]
    return own[own["over"] == own["over"].iloc[0]].sort_values("x") if len(own) > 1 else pd.DataFrame()

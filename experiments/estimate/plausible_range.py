"""The range of the value of joint data over markets drawn from the stated ranges: what is not known, beside the simulation error."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pandas as pd

from .intervals import Estimate
from .ladder import PROFIT, summary_row

RANGE = "range_over_worlds"
QUANTILES = {"p10": 0.1, "p50": 0.5, "p90": 0.9}
"""The ``arm`` of each row, and the share of worlds below it."""
PERCENT = f"{PROFIT}_pct"


def range_rows(worlds: pd.DataFrame, unit: str) -> Iterator[dict[str, object]]:
    """Yield quantiles of the columns ``value`` and ``percent`` over the worlds, between their order statistics.

    They have no interval of their own. A percentage is left out where some world's silo has no profit.
    """
    for metric, column in ((PROFIT, "value"), (PERCENT, "percent")):
        values = worlds[column].to_numpy(dtype=float)
        if not np.isfinite(values).all():
            continue
        for name, share in QUANTILES.items():
            found = Estimate(float(np.quantile(values, share)), math.nan, math.nan, len(values))
            yield summary_row(RANGE, name, metric, unit, found)

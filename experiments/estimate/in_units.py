"""The value of joint data in the units that a marketer reads: per bid requests, per impressions bought, in percent, per month."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import pandas as pd

from .intervals import Estimate, combined, least, mean_interval, percent_difference, ratio
from .ladder import PROFIT
from .metrics import metric_table

IN_UNITS = "value_in_units"
THOUSAND = 1e3


def in_units(
    cells: pd.DataFrame, silos: Sequence[str], *, per: float, requests_per_month: float | None
) -> Iterator[tuple[str, Estimate]]:
    """Yield the name of each unit, with profit of joint less that of the silo in it.

    Args:
        cells: rows of ``cells.parquet`` of one market.
        silos: the arm that joint data are compared with; then those over which it was preferred, whose choice is part of the interval.
        per: the number of bid requests of ``per_requests``.
        requests_per_month: the volume; None: no row for the month.

    Yields:
        ``per_requests``; ``per_thousand_bought``, per thousand impressions that the joint bidder buys (absent where it buys none);
        ``percent_of_silo`` (absent where the silo's profit is not positive); and ``per_month``.
    """
    table = metric_table(cells, unit_scale=1.0, wanted=(PROFIT, "win_rate"))
    profit, bought = (table[name].unstack("arm") for name in (PROFIT, "win_rate"))
    silos = [silo for silo in silos if silo in profit]
    differences = [combined(profit, {"joint": 1.0, silo: -1.0}) for silo in silos]
    value = least([mean_interval(one) for one in differences])
    yield "per_requests", value.times(per)
    further = {
        "per_thousand_bought": least(
            [ratio(THOUSAND * one, bought["joint"].reindex(one.index)) for one in differences]
        ),
        "percent_of_silo": least([percent_difference(profit["joint"], profit[silo]) for silo in silos]),
    }
    yield from ((name, found) for name, found in further.items() if not math.isnan(found.estimate))
    if requests_per_month is not None:
        yield "per_month", value.times(requests_per_month)

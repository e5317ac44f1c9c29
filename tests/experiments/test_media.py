"""What media money buys: counted by hand from the cells, and said of the same budget only where the budget binds."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from jointbid.experiments.estimate.media import MEDIA, SAME_BUDGET, media
from jointbid.experiments.report.wording.media import UNITS, media_line

NAMES = {"silo": "best_silo (cmo)", "named": "joint - best_silo (cmo)"}


def cells(*, left):
    """Three replications of two arms that spend 10 of 10 + `left`; joint gets 10.9, 11 and 11.1 clicks, the silo 10."""
    rows = [
        {
            "study_point": "", "arm": arm, "replication": i, "bidder": "focal", "focal": True, "requests": 1000,
            "wins": 100, "spend": 10.0, "profit": 2.0 * clicks - 10, "revenue": np.nan, "welfare": np.nan,
            "clicks_expected": clicks, "budget_left": left,
        }
        for arm, all_clicks in (("joint", (10.9, 11.0, 11.1)), ("cmo", (10.0, 10.0, 10.0)))
        for i, clicks in enumerate(all_clicks)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def found(table, volume=None):
    rows = list(media(table, ["cmo"], requests_per_month=volume, **NAMES))
    return {(estimand, arm, metric): estimate for estimand, arm, metric, estimate in rows}


def summary(rows):
    return pd.DataFrame(
        [
            {"estimand": key[0], "arm": key[1], "metric": key[2], "unit": UNITS[key[2]], "estimate": one.estimate,
             "ci_low": one.ci_low, "ci_high": one.ci_high, "n_replications": one.n}
            for key, one in rows.items()
        ]
    )  # fmt: skip


def test_clicks_price_return_and_month():
    rows = found(cells(left=0.0), volume=1e6)
    assert rows[MEDIA, "joint", "clicks_per_100"].estimate == pytest.approx(100 * 33 / 30)
    assert rows[MEDIA, "joint", "price_of_clicks"].estimate == pytest.approx(30 / 33)
    assert rows[MEDIA, "best_silo (cmo)", "return_on_spend"].estimate == pytest.approx(2 * 30 / 30)
    assert rows[MEDIA, "joint", "clicks_per_month"].estimate == pytest.approx(1e6 * 11 / 1000)
    assert rows[MEDIA, "joint", "spend_per_month"].estimate == pytest.approx(1e6 * 10 / 1000)
    assert {key[2] for key in rows} <= set(UNITS)


def test_the_same_budget_is_compared_pair_by_pair_where_both_spend_it():
    rows = found(cells(left=0.1))
    more = rows[SAME_BUDGET, NAMES["named"], "clicks_pct"]
    assert more.estimate == pytest.approx(10.0)
    assert more.ci_low < 10 < more.ci_high
    (line,) = media_line(summary(rows), NAMES["silo"], "CNY", None)
    assert line.startswith(
        "Per 100 CNY of media joint data buy 110 clicks at 0.909 CNY each and bring back 2.20 CNY"
    )
    assert "; at the same budget 10.0 % (" in line
    assert line.count("\n") == 0


@pytest.mark.parametrize("left", [1.0, np.inf])
def test_nothing_is_said_of_the_same_budget_where_money_is_left(left):
    rows = found(cells(left=left))
    assert not any(key[0] == SAME_BUDGET for key in rows)
    (line,) = media_line(summary(rows), NAMES["silo"], "CNY", None)
    assert "more clicks" not in line
    assert "scenario=campaign" in line


def test_where_nothing_is_counted_there_is_no_line():
    table = cells(left=0.0).assign(clicks_expected=0.0)
    assert found(table) == {}
    assert list(media_line(summary(found(cells(left=0.0))).iloc[:0], NAMES["silo"], "CNY", None)) == []

"""The cleaned CSV of the iPinYou log (2013, seasons 2 and 3): 20 columns, clicks all kept, non-clicks sampled.

Source: Zhang, Yuan, Wang & Shen (2014), "Real-time bidding benchmarking with iPinYou dataset", arXiv:1407.7073. Prices
are fen CPM: 1 fen CPM is CNY .01 for a thousand impressions, so 10 micros for one. Only impressions that the
advertiser won are logged: the market price is what it paid, second price, and prices above its own bid are censored.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from experiments.logs.delimited import Account, Column, read_chunks
from experiments.logs.table import LogTable, Roles, RowCount

MICROS_PER_FEN_CPM = 10
_HOUR_US = 3_600_000_000
_PRICE_MAX = 1e9
_FLOOR_EDGES = (-1, 0, 5, 20, 50, 80, 120)
"""Upper ends of the floor's buckets in fen CPM, fixed beforehand so that no row shapes them; 0 is "no floor"."""

ROLES = Roles(
    profile=("usertag", "region", "city", "useragent"),
    context=(
        "weekday",
        "hour",
        "adexchange",
        "domain",
        "slotid",
        "slotwidth",
        "slotheight",
        "slotvisibility",
        "slotformat",
        "floor_bucket",
    ),
    ad=("advertiser", "creative"),
    lists=frozenset({"usertag"}),
)

_MADE = ("floor_bucket",)
_NUMERIC = {
    "click": Column("click", "integer", 0, 1),
    "weekday": Column("weekday", "integer", 0, 6),
    "hour": Column("hour", "integer", 0, 23),
    "slotprice": Column("slotprice", "number", 0, _PRICE_MAX),
    "payprice": Column("payprice", "number", 0, _PRICE_MAX),
}
_TEXT = [
    name for name in ROLES.profile + ROLES.context + ROLES.ad if name not in _NUMERIC and name not in _MADE
]
COLUMNS = (*_NUMERIC.values(), *(Column(name) for name in _TEXT))
"""Columns that the file must have, in any order; others are ignored."""


def read_ipinyou_csv(path: Path, *, nonclick_weight: float, drop_bad: bool = False) -> LogTable:
    """Read the file, plain, gzip or bz2.

    Args:
        path: the file.
        nonclick_weight: how many non-clicks of the full log one row without a click stands for.
        drop_bad: leave rows out that cannot be used, and count them, instead of refusing the file.

    Raises:
        BadInput: naming file, row (the header is row 1), column and value; see `delimited.read_chunks`.
    """
    account = Account(str(path), drop_bad=drop_bad)
    frame = pd.concat([_canonical(chunk, nonclick_weight) for chunk in read_chunks(path, COLUMNS, account)])
    frame = frame.sort_values("hour_us", kind="stable", ignore_index=True)
    frame.insert(0, "time_us", _spread(frame.pop("hour_us")))
    dropped = {reason: count for reason, count in sorted(account.dropped.items()) if count}
    rows = RowCount(account.read, len(frame), dropped)
    return LogTable(frame, ROLES, rows, "CNY", str(path), _believe_prices(frame))


def _believe_prices(frame: pd.DataFrame) -> tuple[str, ...]:
    """Lower floors that stand above the price paid (in place): what was paid is the fact. Say how many."""
    odd = frame["floor_micros"] > frame["price_micros"]
    frame.loc[odd, "floor_micros"] = frame.loc[odd, "price_micros"]
    return (
        (f"{int(odd.sum())} rows paid less than their floor: their floor is taken to be the price",)
        if odd.any()
        else ()
    )


def _canonical(chunk: pd.DataFrame, nonclick_weight: float) -> pd.DataFrame:
    """Return the canonical columns and the features of one chunk."""
    floor = chunk.pop("slotprice")
    price = chunk.pop("payprice")
    buckets = np.searchsorted(_FLOOR_EDGES, floor.to_numpy(), side="left").astype(str)
    return chunk.assign(
        hour_us=(chunk["weekday"] * 24 + chunk["hour"]) * _HOUR_US,
        campaign=chunk["advertiser"],
        price_micros=np.rint(price * MICROS_PER_FEN_CPM).astype("int64"),
        floor_micros=np.rint(floor * MICROS_PER_FEN_CPM).astype("int64"),
        weight=np.where(chunk["click"] == 1, 1.0, nonclick_weight),
        floor_bucket=buckets,
        weekday=chunk["weekday"].astype(str),
        hour=chunk["hour"].astype(str),
    )


def _spread(hour_us: pd.Series) -> pd.Series:
    """Spread the rows of one hour evenly over it, in the file's order: the log keeps no minutes."""
    group = hour_us.groupby(hour_us)
    position, size = group.cumcount(), group.transform("size")
    return hour_us + position * _HOUR_US // size

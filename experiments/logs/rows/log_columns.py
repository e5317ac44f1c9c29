"""Columns of a chunk: text that is recoded by its distinct values, money, time, and the table they make; names and types of all columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from .row_audit import RowAudit

HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US
NULLS = frozenset({"", "null", "Null", "NULL", "\\N"})
"""Spellings of a missing value in the logs of 2013."""
PRICE_MAX = 1e9
"""The highest price of a log, in the log's own unit."""

TYPES = {
    "time_us": pa.int64(),
    "campaign": pa.dictionary(pa.int32(), pa.string()),
    "click": pa.int64(),
    "price_micros": pa.int64(),
    "floor_micros": pa.int64(),
    "weight": pa.float64(),
    "user": pa.string(),
    "conversion": pa.int64(),
    "known": pa.bool_(),
    "episode": pa.int64(),
    "pctr": pa.float64(),
    "bid_micros": pa.int64(),
    "propensity": pa.float64(),
    "test": pa.bool_(),
    "unpriced": pa.bool_(),
}
"""The columns of a log, beside its features: every log has the first six; `LogTable` says what they hold."""
_DEFAULTS = {"click": 0, "price_micros": 0, "floor_micros": 0, "weight": 1.0}


def chunk(columns: Mapping[str, Any]) -> pa.Table:
    """Return a chunk of a log from its columns (numpy or Arrow arrays of one length).

    Without clicks, prices or floors these are 0, and without weights each row stands for one impression.
    """
    made, rows = {}, len(columns["time_us"])
    absent = {name: np.full(rows, value) for name, value in _DEFAULTS.items() if name not in columns}
    for name, column in {**absent, **columns}.items():
        kind = TYPES.get(name)
        array = column if isinstance(column, pa.Array) else pa.array(column, kind)
        if kind is None and not pa.types.is_dictionary(array.type):
            array = array.cast(pa.string()).dictionary_encode()
        made[name] = array
    return pa.table(made)


def recode(array: pa.Array, rule: Callable[[str], str]) -> pa.DictionaryArray:
    """Return dictionary-encoded text with each distinct value put through `rule`."""
    encoded = array if pa.types.is_dictionary(array.type) else array.dictionary_encode()
    values = pa.array([rule(value) for value in encoded.dictionary.to_pylist()], pa.string())
    distinct = values.dictionary_encode()
    indices = pc.take(distinct.indices, encoded.indices)
    return pa.DictionaryArray.from_arrays(indices, distinct.dictionary)


def without_null(text: str) -> str:
    """Return the text, or the empty text for a missing value."""
    return "" if text in NULLS else text


def constant(value: str, rows: int) -> pa.DictionaryArray:
    """Return one text on all rows."""
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int32)), pa.array([value], pa.string()))


def from_codes(codes: NDArray[Any], names: list[str]) -> pa.DictionaryArray:
    """Return text by number: `names[code]` on each row; names may repeat."""
    distinct = pa.array(names, pa.string()).dictionary_encode()
    indices = pc.take(distinct.indices, pa.array(codes.astype(np.int32)))
    return pa.DictionaryArray.from_arrays(indices, distinct.dictionary)


def whole_numbers(values: NDArray[Any], most: int) -> pa.DictionaryArray:
    """Return small whole numbers from 0 to `most` as text."""
    return from_codes(values, _names(most))


@lru_cache(maxsize=16)
def _names(most: int) -> list[str]:
    return [str(i) for i in range(most + 1)]


def buckets(values: NDArray[np.float64], edges: tuple[float, ...]) -> pa.DictionaryArray:
    """Return the number of the bucket that holds each value, as text: the first whose upper end is not below it."""
    return whole_numbers(np.searchsorted(edges, values, side="left"), len(edges))


def micros(money: NDArray[np.float64], per_unit: float) -> NDArray[np.int64]:
    """Return money in whole micros."""
    return np.rint(money * per_unit).astype(np.int64)


def believe_prices(table: pa.Table, audit: RowAudit) -> pa.Table:
    """Lower floors that stand above the price paid: what was paid is the fact. The audit says how many."""
    floor, price = (np.asarray(table[name]) for name in ("floor_micros", "price_micros"))
    odd = int((floor > price).sum())
    if not odd:
        return table
    audit.notes["rows paid less than their floor: their floor is taken to be the price"] += odd
    place = table.schema.get_field_index("floor_micros")
    return table.set_column(place, "floor_micros", pa.array(np.minimum(floor, price)))


def clock17(stamp: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return times written yyyyMMddHHmmssSSS as microseconds since 1970, and which of them are no time."""
    rest, milli = np.divmod(stamp, 1000)
    parts = []
    for size in (100, 100, 100, 100, 100):
        rest, part = np.divmod(rest, size)
        parts.append(part)
    second, minute, hour, day, month = parts
    year = rest
    wrong = (
        (year < 1970)
        | (year > 9999)
        | (month < 1)
        | (month > 12)
        | (day < 1)
        | (hour > 23)
        | (minute > 59)
        | (second > 60)
    )
    safe = np.where(wrong, 1970 * 12, year * 12 + month - 1)
    first = (safe - 1970 * 12).astype("datetime64[M]")
    length = ((first + 1).astype("datetime64[D]") - first.astype("datetime64[D]")).astype(np.int64)
    wrong |= day > length
    days = first.astype("datetime64[D]").astype(np.int64) + np.where(wrong, 1, day) - 1
    clock = ((hour * 60 + minute) * 60 + second) * 1000 + milli
    return np.where(wrong, 0, days * DAY_US + clock * 1000), wrong

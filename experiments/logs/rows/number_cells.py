"""Cells as text and as numbers: by Arrow where a block is plain, by pattern where it is not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from .column import Column

_NUMBER = r"^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$"
_TRUE, _FALSE = ("true", "t", "yes", "y"), ("false", "f", "no", "n")
_WHOLE = r"^[+-]?\d{1,18}$"


def as_text(cells: pa.Array) -> pa.Array:
    """Return cells of any type as text: lists joined by commas, times as ISO 8601 to the second, nulls as empty text."""
    if pa.types.is_list(cells.type) or pa.types.is_large_list(cells.type):
        joined = [",".join(map(str, cell)) if cell is not None else "" for cell in cells.to_pylist()]
        return pa.array(joined, pa.string())
    if pa.types.is_timestamp(cells.type):
        moments = cells.cast(pa.timestamp("us", tz=cells.type.tz), safe=False)
        cells = pc.strftime(moments.cast(pa.timestamp("us")), format="%Y-%m-%dT%H:%M:%S")
    return pc.fill_null(cells.cast(pa.string()), "")


def numbers_of(cells: pa.Array, column: Column) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Return the cells as numbers (int64 or float64), and which of them break the column's rule."""
    values, wrong, missing = _plain(cells, column) or _from_text(cells, column)
    with np.errstate(invalid="ignore"):
        good = np.isfinite(values) & (values >= column.low) & (values <= column.high)
    if missing.any():
        values = np.where(missing, np.asarray(column.default).astype(values.dtype), values)
    return values, (wrong | ~good) & ~missing


Numbers = tuple[NDArray[Any], NDArray[np.bool_], NDArray[np.bool_]]
"""Values, and which cells hold no number, and which are missing."""


def _plain(cells: pa.Array, column: Column) -> Numbers | None:
    """Numbers that need no parsing; None for text, gaps, and fractions in a column of whole numbers."""
    whole = pa.types.is_integer(cells.type)
    if cells.null_count or not (whole or (pa.types.is_floating(cells.type) and not column.is_whole)):
        return None
    try:
        values = np.asarray(cells.cast(pa.int64() if column.is_whole else pa.float64()))
    except pa.ArrowInvalid:
        return None
    none = np.zeros(len(values), dtype=bool)
    return values, none, none


def _from_text(cells: pa.Array, column: Column) -> Numbers:
    text, missing = as_text(cells), np.zeros(len(cells), dtype=bool)
    if column.missing:
        is_missing = pc.or_(
            pc.is_null(cells), pc.is_in(text, value_set=pa.array(column.missing, pa.string()))
        )
        text, missing = pc.if_else(is_missing, "0", text), np.asarray(is_missing)
    if column.kind == "flag":
        text = _flags(text)
    values, wrong = _at_once(text, column) or _by_pattern(text, whole=column.is_whole)
    return values, wrong, missing


def _flags(text: pa.Array) -> pa.Array:
    """Words for true and false as 1 and 0; other cells as they are."""
    word = pc.utf8_lower(pc.utf8_trim_whitespace(text))
    for number, words in (("1", _TRUE), ("0", _FALSE)):
        word = pc.if_else(pc.is_in(word, value_set=pa.array(words, pa.string())), number, word)
    return word


def _at_once(text: pa.Array, column: Column) -> tuple[NDArray[Any], NDArray[np.bool_]] | None:
    """All cells as numbers; None where one of them may be none (Arrow reads 0x10 as 16)."""
    if pc.any(pc.match_substring(text, "x", ignore_case=True)).as_py():
        return None
    try:
        values = np.asarray(text.cast(pa.int64() if column.is_whole else pa.float64()))
    except pa.ArrowInvalid:
        return None
    return values, np.zeros(len(values), dtype=bool)


def _by_pattern(text: pa.Array, *, whole: bool) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Numbers of a column in which some cell is odd: 0 and wrong where it is no number."""
    plain = np.asarray(pc.match_substring_regex(text, _NUMBER))
    values = np.asarray(pc.if_else(pa.array(plain), text, "0").cast(pa.float64()))
    if not whole:
        return values, ~plain
    digits = pc.match_substring_regex(text, _WHOLE)
    exact = np.asarray(pc.utf8_ltrim(pc.if_else(digits, text, "0"), characters="+").cast(pa.int64()))
    with np.errstate(invalid="ignore"):
        rounded = plain & np.isfinite(values) & (np.abs(values) < 2**53) & (values == np.rint(values))
    inside = np.where(rounded, values, 0).astype(np.int64)
    is_exact = np.asarray(digits)
    return np.where(is_exact, exact, inside), ~(is_exact | rounded)

"""What a column of a log must hold, and its cells as text and as numbers: by Arrow, or by pattern where a block is not plain."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

_NUMBER = r"^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$"
_TRUE = ("true", "t", "yes", "y", "on", "won", "win", "ja", "j", "oui", "o", "si", "s\u00ed")
_FALSE = ("false", "f", "no", "n", "off", "lost", "loss", "lose", "nein", "nee", "non")
_COMMA = re.compile(r"[+-]?[\d.]*,\d+")
Decimal = Literal[".", ","]
"""The mark before the fraction of a number."""
_GROUP = "' \u00a0\u202f"
"""Marks between thousands, beside the one of point and comma that is not before the fraction."""
COUNTED = "; a row of several impressions must be two rows: one with a 1 and the clicks as its weight, one with a 0 and the other impressions as its weight"
_SIGNS = " \u00a0$\u20ac\u00a3\u00a5"
_WITH_COMMA = rf"^\s*[+-]?(?:\d{{1,3}}(?:[.{_GROUP}]\d{{3}})+|\d*)(?:,\d*)?(?:[eE][+-]?\d+)?\s*$"
_GROUPED = rf"^\s*[+-]?\d{{1,3}}(?:(?:[{_GROUP}]\d{{3}})+(?:\.\d*)?|(?:,\d{{3}})+\.\d+)\s*$"
_WITH_UNIT = re.compile(r"(?=.*[^\d.,+\s-])[^\d.,+-]*[\d.,]*\d[^\d.,+-]*")
_WHOLE = r"^[+-]?\d{1,18}$"


class CellReader(Protocol):
    """Reads cells that are neither text nor plain numbers, such as times."""

    def read(self, cells: pa.Array) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Return the values, and which cells have none; shape (rows,) each."""

    def rule(self, cell: str) -> str:
        """Return what the cell should have been, in words."""


@dataclass(frozen=True)
class Column:
    """What a column of the file must hold. `low` and `high` bound numbers, both included.

    Kinds: `text`, `id` (text that hardly repeats), `integer`, `number`, `flag` (0 or 1, also written true or false, t
    or f, yes or no, on or off, won or lost; where `filled`, any cell that is not missing is a 1), `time` (read by `reader`). Where `lenient`, text that is not UTF-8 is kept
    with its odd bytes escaped; elsewhere the row is bad. `missing` are spellings of a missing number; they are read as
    `default`. `role` is the key under which the values are found in `Rows`, where it is not the name: so one column of
    a file can be read in two ways. `decimal` is the mark before the fraction of a number that is text. Marks between thousands
    are left out, but a comma only where a point follows.
    """

    name: str
    kind: Literal["text", "id", "integer", "number", "flag", "time"] = "text"
    low: float = -np.inf
    high: float = np.inf
    lenient: bool = False
    missing: tuple[str, ...] = ()
    default: float = 0.0
    role: str = ""
    reader: CellReader | None = None
    filled: bool = False
    decimal: Decimal = "."

    @property
    def key(self) -> str:
        """The name of the values in `Rows`."""
        return self.role or self.name

    @property
    def is_text(self) -> bool:
        """Whether cells stay text."""
        return self.kind in {"text", "id"}

    @property
    def is_whole(self) -> bool:
        """Whether cells are whole numbers."""
        return self.kind in {"integer", "flag"}

    @property
    def allowed(self) -> str:
        """The rule in words, for messages."""
        if self.kind == "flag":
            return "0 or 1 (or true or false, t or f, yes or no)"
        noun = {"integer": "a whole number", "number": "a finite number"}.get(self.kind, "text in UTF-8")
        return f"{noun} from {self.low:g} to {self.high:g}" if np.isfinite(self.low) else noun

    def rule(self, cell: str) -> str:
        """Return the rule in words for one cell that breaks it."""
        if self.reader:
            return self.reader.rule(cell)
        if self.kind == "flag" and self.role and not cell.strip().lstrip("-").isdecimal():
            return f"{self.allowed}; if any entry is a 1 and an empty cell a 0, say filled: [{self.name}] in the mapping"
        if self.kind == "flag" and re.fullmatch(r"\s*\d+(\.0+)?\s*", cell):
            return f"{self.allowed}{COUNTED}"
        if self.kind == "number" and self.decimal == "." and _COMMA.fullmatch(cell.strip()):
            return f"{self.allowed} (with a comma before the fraction: say decimal: ',' in the mapping)"
        if self.kind == "number" and self.decimal == "," and "." in cell:
            return f"{self.allowed} (decimal is ',': a point stands between groups of three digits)"
        if self.kind == "number" and _WITH_UNIT.fullmatch(cell.strip()):
            return f"{self.allowed} (write it without a currency or unit)"
        return self.allowed


def flag(name: str, missing: tuple[str, ...] = (), role: str = "") -> Column:
    """Return a column of 0 and 1."""
    return Column(name, "flag", 0, 1, missing=missing, role=role)


def as_text(cells: pa.Array, decimal: str = ".") -> pa.Array:
    """Return cells of any type as text: lists joined by commas, times as ISO 8601 to the second, nulls as empty text.

    What the file has as numbers gets the mark `decimal` before its fraction, as the text of its column has.
    """
    if pa.types.is_list(cells.type) or pa.types.is_large_list(cells.type):
        joined = [",".join(map(str, cell)) if cell is not None else "" for cell in cells.to_pylist()]
        return pa.array(joined, pa.string())
    if pa.types.is_timestamp(cells.type):
        moments = cells.cast(pa.timestamp("us", tz=cells.type.tz), safe=False)
        cells = pc.strftime(moments.cast(pa.timestamp("us")), format="%Y-%m-%dT%H:%M:%S")
    mark = decimal if pa.types.is_floating(cells.type) or pa.types.is_decimal(cells.type) else "."
    if pa.types.is_floating(cells.type):  # 1234567890123 and not 1.234567890123e+12, where all are whole
        with contextlib.suppress(pa.ArrowInvalid):
            cells = cells.cast(pa.int64())
    text = pc.fill_null(cells.cast(pa.string()), "")
    return text if mark == "." else pc.replace_substring(text, ".", mark)


def with_points(text: pa.Array) -> pa.Array:
    """Return numbers that have a comma before their fraction with a point there; what is no such number is none afterwards."""
    points = pc.replace_substring(pc.replace_substring_regex(text, f"[.{_GROUP}]", ""), ",", ".")
    return pc.if_else(
        pc.match_substring_regex(text, _WITH_COMMA), points, pc.replace_substring(text, ".", ",")
    )


def number_in(text: str, decimal: Decimal) -> float | None:
    """Return the number in one cell, without marks between thousands and a currency's sign; None where there is none."""
    plain = text.strip(_SIGNS)
    if decimal == ",":
        plain = re.sub(f"[.{_GROUP}]", "", plain).replace(",", ".")
    elif re.fullmatch(_GROUPED, plain):
        plain = re.sub(f"[,{_GROUP}]", "", plain)
    try:
        return float(plain)
    except ValueError:
        return None


def numbers_of(cells: pa.Array, column: Column) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Return the cells as numbers (int64 or float64), and which of them break the column's rule."""
    if column.filled:
        held = ~np.asarray(_is_missing(cells, as_text(cells), column))
        return held.astype(np.int64), np.zeros(len(held), dtype=bool)
    values, wrong, missing = _plain(cells, column) or _from_text(cells, column)
    with np.errstate(invalid="ignore"):
        good = np.isfinite(values) & (values >= column.low) & (values <= column.high)
    if missing.any():
        values = np.where(missing, np.asarray(column.default).astype(values.dtype), values)
    return values, (wrong | ~good) & ~missing


Numbers = tuple[NDArray[Any], NDArray[np.bool_], NDArray[np.bool_]]
"""Values, and which cells hold no number, and which are missing."""


def _plain(cells: pa.Array, column: Column) -> Numbers | None:
    """Return numbers that need no parsing; None for text, gaps, and fractions in a column of whole numbers."""
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
    text, missing = as_text(cells, column.decimal), np.zeros(len(cells), dtype=bool)
    if column.missing:
        is_missing = _is_missing(cells, text, column)
        text, missing = pc.if_else(is_missing, "0", text), np.asarray(is_missing)
    if column.kind == "flag":
        text = _flags(text)
    if column.decimal == ",":
        text = with_points(text)
    values, wrong = _at_once(text, column) or _by_pattern(text, whole=column.is_whole)
    return values, wrong, missing


def _is_missing(cells: pa.Array, text: pa.Array, column: Column) -> pa.Array:
    return pc.or_(pc.is_null(cells), pc.is_in(text, value_set=pa.array(column.missing, pa.string())))


def _flags(text: pa.Array) -> pa.Array:
    """Words for true and false as 1 and 0; other cells as they are."""
    word = pc.utf8_lower(pc.utf8_trim_whitespace(text))
    for number, words in (("1", _TRUE), ("0", _FALSE)):
        word = pc.if_else(pc.is_in(word, value_set=pa.array(words, pa.string())), number, word)
    return word


def _at_once(text: pa.Array, column: Column) -> tuple[NDArray[Any], NDArray[np.bool_]] | None:
    """Return all cells as numbers; None where one of them may be no number (Arrow reads 0x10 as the whole number 16)."""
    if column.is_whole and any(pc.any(pc.match_substring(text, x)).as_py() for x in "xX"):
        return None
    try:
        values = np.asarray(text.cast(pa.int64() if column.is_whole else pa.float64()))
    except pa.ArrowInvalid:
        return None
    return values, np.zeros(len(values), dtype=bool)


def _by_pattern(text: pa.Array, *, whole: bool) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Return numbers of a column in which some cell is odd: 0 and wrong where it is no number."""
    ungrouped = pc.replace_substring_regex(text, f"[,{_GROUP}]", "")
    text = pc.if_else(pc.match_substring_regex(text, _GROUPED), ungrouped, pc.utf8_trim_whitespace(text))
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

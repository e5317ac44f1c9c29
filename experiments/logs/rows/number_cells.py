"""What cells of a column must hold, and cells of text as numbers: by Arrow where a block is plain, by pattern where it is not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

_NUMBER = r"^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$"
_WHOLE = r"^[+-]?\d{1,18}$"


@dataclass(frozen=True)
class Column:
    """What a column of the file must hold. `low` and `high` bound numbers, both included.

    Kinds: `text`, `id` (text that hardly repeats), `integer`, `number`. Where `lenient`, text that is not UTF-8 is kept
    with its odd bytes escaped; elsewhere the row is bad. `missing` are what numbers may be written as where there is
    none; they are read as `default`.
    """

    name: str
    kind: Literal["text", "id", "integer", "number"] = "text"
    low: float = -np.inf
    high: float = np.inf
    lenient: bool = False
    missing: tuple[str, ...] = ()
    default: float = 0.0

    @property
    def is_text(self) -> bool:
        """Whether cells stay text."""
        return self.kind in {"text", "id"}

    @property
    def allowed(self) -> str:
        """The rule in words, for messages."""
        noun = {"integer": "a whole number", "number": "a finite number"}.get(self.kind, "text")
        return f"{noun} from {self.low:g} to {self.high:g}" if np.isfinite(self.low) else noun


def numbers_of(text: pa.Array, column: Column) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Return the cells as numbers (int64 or float64), and which of them break the column's rule."""
    if column.missing:
        gone = pc.is_in(text, value_set=pa.array(column.missing, pa.string()))
        text = pc.if_else(gone, f"{column.default:.17g}", text)
    values, wrong = _at_once(text, column) or _by_pattern(text, whole=column.kind == "integer")
    with np.errstate(invalid="ignore"):
        good = np.isfinite(values) & (values >= column.low) & (values <= column.high)
    return values, wrong | ~good


def _at_once(text: pa.Array, column: Column) -> tuple[NDArray[Any], NDArray[np.bool_]] | None:
    """All cells as numbers; None where one of them may be none (Arrow reads 0x10 as 16)."""
    if pc.any(pc.match_substring(text, "x", ignore_case=True)).as_py():
        return None
    try:
        values = np.asarray(text.cast(pa.int64() if column.kind == "integer" else pa.float64()))
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

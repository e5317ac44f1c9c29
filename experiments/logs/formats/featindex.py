"""`featindex.txt`: what the feature numbers of a yzx file stand for, and so which source owns them.

A line is `place:value`, a tab, the number. Two dialects are in use. make-ipinyou-data (wnzhang) counts the place in the columns
of its log: click 0, weekday 1, hour 2, bidid 3 and so on. Its forks (Atomu2014, rk2900 with DLF and drsa) count it in their list
of features: weekday 0, hour 1, IP 2. The values tell which it is: no dialect is right under which a weekday is above 6.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ...errors import BadInput
from ..log_table import Roles
from ..rows import log_columns as make
from ..rows.compression import head
from ..rows.log_columns import NULLS
from .ipinyou import LOG_COLUMNS, ROLES

_POSITIONS = (
    "weekday", "hour", "IP", "region", "city", "adexchange", "domain", "slotid", "slotwidth", "slotheight",
    "slotvisibility", "slotformat", "creative", "advertiser", "useragent", "slotprice",
)  # fmt: skip
DIALECTS = {"columns of the log": LOG_COLUMNS, "positions in the list of features": _POSITIONS}
_NO_FEATURE = {"click", "bidid", "timestamp", "logtype", "ipinyouid"}
"""Columns of the log that are never features: a place that names one belongs to the other dialect."""
_NUMBER = re.compile(r"\d{1,9}")
_RULES = {
    "weekday": re.compile(r"[0-6]"),
    "hour": re.compile(r"[01]?\d|2[0-3]"),
    "IP": re.compile(r"\d{1,3}(\.(\d{1,3}|\*)){3}"),
    "slotwidth": _NUMBER,
    "slotheight": _NUMBER,
    "region": _NUMBER,
    "city": _NUMBER,
    "adexchange": _NUMBER,
}
"""What the values of a column look like."""
_REST, _TRUNCATE = "other", "truncate"
_MOST = 10**8


@dataclass(frozen=True)
class Entry:
    """A line of the file: its text, the place (None without one) and the value in it, and the feature's number."""

    row: int
    text: str
    place: int | None
    value: str
    number: int


@dataclass(frozen=True)
class FeatureIndex:
    """What the feature numbers stand for: `column[number]`, an index of `names` (-1 for others), and `value[number]`.

    `listed[number]` says whether the file has the number at all.
    """

    names: tuple[str, ...]
    column: NDArray[np.int64]
    value: list[str]
    listed: NDArray[np.bool_]
    dialect: str

    @classmethod
    def read(cls, path: Path) -> FeatureIndex:
        """Read a `featindex.txt`.

        Raises:
            BadInput: a line that is not `place:value`, a tab, a number; values that fit no dialect.
        """
        entries = _entries(path)
        dialect = _dialect(path, entries)
        columns = DIALECTS[dialect]
        numbers = Counter(entry.number for entry in entries)
        for entry in entries:
            if numbers[entry.number] > 1:
                raise BadInput(
                    f"{path}, row {entry.row}, column 'index': {entry.number} is given to {numbers[entry.number]} features; "
                    "each needs a number of its own"
                )
        known = {
            entry.number: (columns[entry.place], entry.value) for entry in entries if entry.place is not None
        }
        there = {name for name, _ in known.values()}
        names = tuple(name for name in (*ROLES.features, "slotprice") if name in there)
        size = max(numbers, default=0) + 1
        column, values = np.full(size, -1, dtype=np.int64), [""] * size
        for index, (name, value) in known.items():
            column[index] = names.index(name) if name in names else -1
            values[index] = "" if value in NULLS else value
        listed = np.isin(np.arange(size), list(numbers))
        return cls(names, column, values, listed, dialect)

    @property
    def roles(self) -> Roles:
        """Who owns the columns, as in the other iPinYou forms; the floor's bucket is the context's."""
        groups = {
            group: tuple(name for name in ROLES.of(group) if name in self.names)
            for group in ("profile", "context", "ad")
        }
        floor = ("slotprice",) if "slotprice" in self.names else ()
        return Roles(
            groups["profile"], groups["context"] + floor, groups["ad"], ROLES.lists & set(self.names)
        )

    def unlisted(self, number: NDArray[np.int64]) -> int:
        """Return how many of these feature numbers the file does not have."""
        inside = number < len(self.listed)
        return int((~inside).sum() + (~self.listed[number[inside]]).sum())

    def text(self, lists: pa.ListArray, number: NDArray[np.int64]) -> dict[str, Any]:
        """Return the columns of some rows from their feature numbers."""
        begin = np.asarray(lists.offsets)
        row = np.repeat(np.arange(len(lists)), np.diff(begin))
        column = np.where(
            number < len(self.column), self.column[np.minimum(number, len(self.column) - 1)], -1
        )
        values, found = np.array(self.value, dtype=object), {}
        for place, name in enumerate(self.names):
            mine = column == place
            if name in self.roles.lists:
                offsets = np.concatenate([[0], np.cumsum(np.bincount(row[mine], minlength=len(lists)))])
                tags = pa.array(values[number[mine]], pa.string())
                found[name] = pc.binary_join(
                    pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), tags), ","
                )
                continue
            code = np.full(len(lists), -1, dtype=np.int64)
            code[row[mine]] = number[mine]
            held, inverse = np.unique(code, return_inverse=True)
            found[name] = make.from_codes(
                inverse, ["" if number < 0 else self.value[number] for number in held]
            )
        return found


def _entries(path: Path) -> list[Entry]:
    found = []
    head(path)  # says what the file is where it is no text
    for row, line in enumerate(path.read_text("utf-8-sig", errors="backslashreplace").splitlines(), 1):
        text, _, number = line.rpartition("\t")
        if not line.strip():
            continue
        if not number.strip().isdecimal() or int(number) > _MOST:
            raise BadInput(
                f"{path}, row {row}, column 'index': {number!r:.80} is not a whole number from 0 to {_MOST}"
            )
        place, _, value = text.partition(":")
        found.append(Entry(row, text, int(place) if place.isdecimal() else None, value, int(number)))
    return found


def _dialect(path: Path, entries: Sequence[Entry]) -> str:
    """Return the dialect whose columns fit all values; make-ipinyou-data's, which alone has a feature `truncate`, where both do.

    Raises:
        BadInput: none does.
    """
    misfits: dict[str, str] = {}
    for dialect, columns in DIALECTS.items():
        marks = {_TRUNCATE: columns is LOG_COLUMNS}
        misfit = next((entry for entry in entries if not marks.get(entry.text, _fits(entry, columns))), None)
        if misfit is None:
            return dialect
        named = misfit.place is not None and misfit.place < len(columns)
        column = f"column {columns[misfit.place or 0]}" if named else "no column"
        misfits[dialect] = f"row {misfit.row}, {misfit.text[:60]!r}, is of {column}"
    shown = "; ".join(f"by {dialect}, {what}" for dialect, what in misfits.items())
    raise BadInput(
        f"{path}: fits neither way of numbering the features ({shown}); correct the file, or move it away to read all features "
        "as context"
    )


def _fits(entry: Entry, columns: Sequence[str]) -> bool:
    if entry.place is None:
        return True
    if entry.place >= len(columns):
        return False
    name = columns[entry.place]
    if entry.value in NULLS or entry.value == _REST:
        return name != "click"
    rule = _RULES.get(name)
    return name not in _NO_FEATURE and (rule is None or bool(rule.fullmatch(entry.value)))

"""Times of a log: the ways in which they are written, and which cells hold no time."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from .column import Column, numbers_of
from .columns import clock17

COUNTS_US = {"s": 1e6, "ms": 1e3, "us": 1.0, "ns": 1e-3, "h": 3.6e9}
"""Microseconds in one of each unit in which times are counted."""
DIGITS = ("yyMMddHH", "yyyyMMdd", "yyyyMMddHH", "yyyyMMddHHmm", "yyyyMMddHHmmss", "yyyyMMddHHmmssSSS")
"""Times written as digits alone."""
FIRST_US, LAST_US = 946_684_800e6, 4_102_444_800e6
"""The years from 2000 to 2099: a count since 1970 that lies outside is of another unit, or counts from elsewhere."""
_JUDGED = 50
_EPOCH = ("s", "ms", "us", "ns")
_NUMBER = Column("", "number", 0)
_REWRITTEN = (
    (r"\s*(?:UTC|GMT|)\s*$", ""),
    (r"^\s+", ""),
    (r"(\d)\s*(Z|[+-]\d\d:?(?:\d\d)?)Z?$", r"\1\2"),
    (r"^(\d{4})/(\d\d)/(\d\d)", r"\1-\2-\3"),
    (r"(\.\d{6})\d+", r"\1"),
)
"""Usual spellings that differ from ISO 8601, and what they are read as: those of BigQuery, Go, pandas."""
_LOOKS_ISO = re.compile(r"^\d{4}-\d\d-\d\d(?!\d)|^\d{8}(?:T\d{2,}|$)")

Times = tuple[NDArray[np.int64], NDArray[np.bool_]]
"""Microseconds, and which cells hold no time; shape (rows,) each."""


class Clock:
    """Reads the times of one log.

    A count of seconds (or ms, us, ns) may be since 1970 or since the log's own start. The first block of rows decides: where
    most of its counts fall into the years from 2000 to 2099 under some unit, all are since 1970. The same holds for dates: where most
    are of these years, one of 1970 is wrong.

    Attributes:
        unit: `iso`, one of `COUNTS_US` or of `DIGITS`.
        since_1970: whether counts are since 1970; None before the first row.
    """

    def __init__(self, unit: str) -> None:
        self.unit = unit
        self.since_1970: bool | None = None
        self._digits = ""

    def read(self, cells: pa.Array) -> Times:
        """Return the times in microseconds, and which cells hold no time; shape (rows,) each."""
        if pa.types.is_timestamp(cells.type) or pa.types.is_date(cells.type):
            moments = cells.cast(pa.timestamp("us", tz=getattr(cells.type, "tz", None)), safe=False)
            time_us = np.asarray(pc.fill_null(moments.cast(pa.int64()), -1))
            return self._placed(time_us, time_us < 0)
        if self.unit == "iso":
            return self._placed(*_iso(pc.fill_null(cells.cast(pa.string()), "")))
        if self.unit in DIGITS:
            text = pc.utf8_trim_whitespace(pc.fill_null(cells.cast(pa.string()), ""))
            return self._placed(*_digits(text, self.unit))
        if pa.types.is_integer(cells.type) or pa.types.is_floating(cells.type):
            count = np.asarray(pc.fill_null(cells.cast(pa.float64(), safe=False), np.nan))
            wrong = ~(np.isfinite(count) & (count >= 0))
        else:
            count, wrong = numbers_of(pc.fill_null(cells.cast(pa.string()), ""), _NUMBER)
        return self._counted(np.where(wrong, 0.0, count), wrong)

    def _counted(self, count: NDArray[np.float64], wrong: NDArray[np.bool_]) -> Times:
        units = {*_EPOCH, self.unit}
        if self.since_1970 is None and not wrong.all():
            self._digits = _digits_of(count[~wrong][:_JUDGED])
        fitting = np.logical_or.reduce([_is_recent(count * COUNTS_US[unit]) for unit in units])
        return self._placed(count * COUNTS_US[self.unit], wrong, fitting)

    def _placed(
        self, time_us: NDArray[Any], wrong: NDArray[np.bool_], recent: NDArray[np.bool_] | None = None
    ) -> Times:
        """Return times since 1970 or since the log's own start, as most of the first ones that are `recent` decide."""
        if self.since_1970 is None and not wrong.all():
            judged = (_is_recent(time_us) if recent is None else recent)[~wrong]
            self.since_1970 = bool(2 * judged.sum() > len(judged))
        wrong = wrong | (~_is_recent(time_us) if self.since_1970 else time_us >= LAST_US)
        return np.where(wrong, 0, time_us).astype(np.int64), wrong

    @property
    def notes(self) -> tuple[str, ...]:
        """What the times leave open, in sentences."""
        said = []
        if self.since_1970 is False and self.unit in _EPOCH:
            said.append(
                f"times ({self.unit}) lie within 1970 to 1999: taken as counted from the log's own start"
            )
        if self._digits:
            said.append(f"times ({self.unit}) could also be dates: if they are, say unit: {self._digits}")
        return tuple(said)

    def rule(self, cell: str) -> str:
        """Return what the cell should have been, with the unit under which it is a time."""
        said = f"a time ({self.unit})"
        if self.since_1970:
            said += " from 2000 to 2099"
        text = cell.strip()
        for unit in (*_EPOCH, *DIGITS, "iso"):
            moment = _moment(text, unit) if unit != self.unit else None
            if moment is not None:
                return f"{said}; as {unit} it is {moment:%Y-%m-%d %H:%M:%S}: say unit: {unit}"
        return said


def _digits_of(count: NDArray[np.float64]) -> str:
    """Return the first of `DIGITS` by which all of these counts are dates from 2000 to 2099; empty where no way fits."""
    text = [f"{number:.0f}" for number in count.tolist()]
    fits = (unit for unit in DIGITS if all(_moment(cell, unit) is not None for cell in text))
    return next(fits, "")


def _is_recent(time_us: NDArray[Any]) -> NDArray[np.bool_]:
    recent: NDArray[np.bool_] = (time_us >= FIRST_US) & (time_us < LAST_US)
    return recent


def _moment(text: str, unit: str) -> datetime | None:
    """Return the time that a cell holds under a unit, if it is one from 2000 to 2099."""
    time_us, wrong = Clock(unit).read(pa.array([text], pa.string()))
    if wrong[0] or not _is_recent(time_us)[0]:
        return None
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(time_us[0]))


def _digits(text: pa.Array, unit: str) -> Times:
    """Return times written as digits in the order of `unit`."""
    plain = np.asarray(pc.match_substring_regex(text, rf"^\d{{{len(unit)}}}$"))
    stamp = np.asarray(pc.if_else(pa.array(plain), text, "0").cast(pa.int64()))
    if unit.startswith("yyM"):
        stamp, unit = stamp + 20 * 10 ** len(unit), "yy" + unit
    time_us, wrong = clock17(stamp * 10 ** (17 - len(unit)))
    return time_us, wrong | ~plain


def _iso(text: pa.Array) -> Times:
    """ISO 8601 times in microseconds since 1970 (UTC where no zone is given), and which cells hold no time."""
    values = _at_once(text)
    for pattern, spelling in _REWRITTEN:
        if values is not None:
            break
        text = pc.replace_substring_regex(text, pattern, spelling)
        values = _at_once(text)
    if values is None:
        values = np.array([_one(cell) for cell in text.to_pylist()], dtype=np.int64)
    return values, values < 0


def _at_once(text: pa.Array) -> NDArray[np.int64] | None:
    """Return all times in microseconds; None where a cell is written in another way than the first, or holds no time."""
    try:
        times: Any = text.cast(pa.timestamp("us", tz="UTC") if _is_zoned(text) else pa.timestamp("us"))
    except pa.ArrowInvalid:
        return None
    return np.asarray(times.cast(pa.int64()))


def _one(cell: str) -> int:
    """Return one time in microseconds since 1970; -1 where the cell holds no time."""
    if not _LOOKS_ISO.match(cell):
        return -1
    try:
        moment = datetime.fromisoformat(cell)
    except ValueError:
        return -1
    seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return round(seconds * 1_000_000)


def _is_zoned(text: pa.Array) -> bool:
    return bool(len(text)) and bool(
        pc.match_substring_regex(text[:1], r":\d\d(\.\d+)?(Z|[+-]\d\d(:?\d\d)?)$")[0].as_py()
    )

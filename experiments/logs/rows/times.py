"""Times of a log: the ways in which they are written, and which cells hold no time."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from .column_rules import Column, numbers_of
from .log_columns import clock17

COUNTS_US = {"s": 1e6, "ms": 1e3, "us": 1.0, "ns": 1e-3, "min": 6e7, "h": 3.6e9, "d": 8.64e10}
"""Microseconds in one of each unit in which times are counted."""
DIGITS = ("yyMMddHH", "yyyyMMdd", "yyyyMMddHH", "yyyyMMddHHmm", "yyyyMMddHHmmss", "yyyyMMddHHmmssSSS")
"""Times written as digits alone."""
AUTO = "auto"
UNITS = (AUTO, "iso", *COUNTS_US, *DIGITS)
"""Ways in which a time may be written; a pattern of strptime, as in `%d/%m/%Y %H:%M`, is another."""
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
_COUNT = re.compile(r"\d+(\.\d*)?([eE]\+?\d+)?")
_PATTERNS = tuple(
    f"{day}{clock}"
    for day in ("%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y")
    for clock in ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p", ", %H:%M", ", %H:%M:%S")
)
"""Spellings of spreadsheets and CRMs, which are named where one fits."""
_LOOKS_ISO = re.compile(r"^\d{4}-\d\d-\d\d(?!\d)|^\d{8}(?:T\d{2,}|$)")

Times = tuple[NDArray[np.int64], NDArray[np.bool_]]
"""Microseconds, and which cells hold no time; shape (rows,) each."""


class Clock:
    """Reads the times of one log.

    A count of seconds (or ms, us, ns) may be since 1970 or since the log's own start. The first block of rows decides: where
    most of its counts fall into the years from 2000 to 2099 under some unit, all are since 1970. The same holds for dates: where most
    are of these years, one of 1970 is wrong.

    Attributes:
        unit: `iso`, one of `COUNTS_US` or of `DIGITS`, a pattern of strptime; `auto` becomes one of the first three with the
            first block of rows.
        since_1970: whether counts are since 1970; None before the first row.
    """

    def __init__(self, unit: str) -> None:
        self.unit = unit
        self.since_1970: bool | None = None
        self._digits = ""
        self._guessed = ""

    def read(self, cells: pa.Array) -> Times:
        """Return the times in microseconds, and which cells hold no time; shape (rows,) each."""
        if self.unit == AUTO and len(cells):
            self.unit = unit_of(cells)
            self._guessed = "" if self.unit == "iso" else self.unit
        if pa.types.is_timestamp(cells.type) or pa.types.is_date(cells.type):
            moments = cells.cast(pa.timestamp("us", tz=getattr(cells.type, "tz", None)), safe=False)
            time_us = np.asarray(pc.fill_null(moments.cast(pa.int64()), -1))
            return self._placed(time_us, time_us < 0)
        if self.unit == "iso":
            return self._placed(*_iso(pc.fill_null(cells.cast(pa.string()), "")))
        if "%" in self.unit:
            return self._placed(*_by_pattern(pc.fill_null(cells.cast(pa.string()), ""), self.unit))
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
        if self._guessed:
            said.append(
                f"times are read as {self._guessed} (another unit: say time: {{column: ..., unit: ...}})"
            )
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
        if self.unit == "iso" and text.replace(".", "", 1).isdecimal():
            said += "; if it counts from the log's own start, say unit: s, ms, us, min, h or d"
        elif self.unit == "iso" and re.search(r"\d", text):
            fitting = [f"'{one}'" for one in _PATTERNS if _moment(text, one) is not None]
            said += "; other spellings are read by a pattern, as in unit: " + (
                " or unit: ".join(fitting) or "'%d/%m/%Y %H:%M'"
            )
        return said


def unit_of(cells: pa.Array) -> str:
    """Return the unit of a column's first cells: dates in digits, or the count since 1970 that falls into 2000 to 2099; else `iso`."""
    if pa.types.is_timestamp(cells.type) or pa.types.is_date(cells.type):
        return "iso"
    held = [cell for cell in cells[:1_000].to_pylist() if cell is not None and str(cell).strip()][:_JUDGED]
    text = [f"{cell:.0f}" if isinstance(cell, float) else str(cell).strip() for cell in held]
    if not text or not all(_COUNT.fullmatch(cell) for cell in text):
        return "iso"
    # Eight digits may be both a day and an hour of a year written with two digits: the day is the more frequent one.
    for unit in ("yyyyMMdd", *DIGITS):
        if all(_moment(cell, unit) is not None for cell in text):
            return unit
    fitting = {unit: sum(_moment(cell, unit) is not None for cell in text) for unit in _EPOCH}
    best = max(fitting, key=lambda unit: fitting[unit])
    return best if 2 * fitting[best] > len(text) else "iso"


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


def _by_pattern(text: pa.Array, pattern: str) -> Times:
    """Return times written by a pattern of strptime, in UTC where it has no zone."""
    found = pd.to_datetime(
        pd.Series(text.to_pylist(), dtype=object).str.strip(), format=pattern, errors="coerce", utc=True
    )
    wrong = found.isna().to_numpy()
    moments = found.dt.tz_localize(None).to_numpy().astype("datetime64[us]").astype(np.int64)
    return np.where(wrong, -1, moments), wrong


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


class HourOfDay:
    """Reads hours of the day: a number from 0 to 23, or a clock as in 10:15 or 10:15:30; as microseconds from midnight."""

    def read(self, cells: pa.Array) -> Times:
        """Return the microseconds, and which cells hold no hour; shape (rows,) each."""
        if pa.types.is_time(cells.type):
            since = np.asarray(pc.fill_null(cells.cast(pa.time64("us")).cast(pa.int64()), -1))
            return np.maximum(since, 0), since < 0
        text = pc.utf8_trim_whitespace(pc.fill_null(cells.cast(pa.string()), ""))
        text = pc.replace_substring_regex(text, r"^(\d{1,2})(\.0+)?$", r"\1:00:00")
        text = pc.replace_substring_regex(text, r"^(\d{1,2}:\d{2})$", r"\1:00")
        parts = pc.extract_regex(text, r"^(?P<h>\d{1,2}):(?P<m>\d{2}):(?P<s>\d{2})")
        found = np.asarray(parts.is_valid())
        hour, minute, second = (_whole(pc.struct_field(parts, name)) for name in ("h", "m", "s"))
        wrong = ~found | (hour > 23) | (minute > 59) | (second > 59)
        return np.where(wrong, 0, ((hour * 60 + minute) * 60 + second) * 1_000_000), wrong

    def rule(self, cell: str) -> str:  # noqa: ARG002 - the rule is the same for all cells
        """Return what the cell should have been, in words."""
        return "an hour of the day: 0 to 23, or a clock as in 10:15:30"


class Weekday:
    """Reads weekdays as numbers from 0 to 6: numbers from 0 to 7 (0 and 7 are the same day), or English names."""

    def read(self, cells: pa.Array) -> Times:
        """Return the numbers, and which cells hold no weekday; shape (rows,) each."""
        text = pc.utf8_lower(pc.utf8_trim_whitespace(pc.fill_null(cells.cast(pa.string()), "")))
        for number, name in enumerate(("sun", "mon", "tue", "wed", "thu", "fri", "sat")):
            text = pc.replace_substring_regex(text, rf"^{name}([a-z]*day)?$", str(number))
        found = np.asarray(pc.match_substring_regex(text, r"^[0-7](\.0+)?$"))
        return np.where(found, _whole(pc.utf8_slice_codeunits(text, 0, 1)), 0) % 7, ~found

    def rule(self, cell: str) -> str:  # noqa: ARG002 - the rule is the same for all cells
        """Return what the cell should have been, in words."""
        return "a weekday: 0 to 7, or as in mon or Monday"


def _whole(text: pa.Array) -> NDArray[np.int64]:
    """Return digits as numbers, 0 where there are none."""
    plain = pc.fill_null(pc.match_substring_regex(text, r"^\d+$"), False)
    return np.asarray(pc.if_else(plain, text, "0").cast(pa.int64()))

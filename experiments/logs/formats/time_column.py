"""The time of a mapped log: one column, a day and an hour in two columns, or a weekday and an hour."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator, model_validator

from jointbid.sim.scenario import Model

from ..rows.checked_rows import Rows
from ..rows.column_rules import Column
from ..rows.log_columns import DAY_US
from ..rows.times import AUTO, UNITS, Clock, HourOfDay, Weekday

Name = Annotated[str, Field(min_length=1)]
WEEKLY = "weekdays and hours: all rows are of one week, which begins with the weekday of the first row"


class TimeColumn(Model):
    """Which columns are the time, and how it is written.

    `column` is in `unit`: a count of s, ms, us, ns, min, h or d; `iso`; digits as in `yyyyMMddHH`; a pattern of strptime; or
    `auto`, which is read off the first rows. With `hour`, a column of hours of the day (0 to 23, or clocks as in 10:15), `column` is
    the day. `weekday` and `hour` alone are a time within one week.
    """

    column: Name | None = None
    unit: str = AUTO
    hour: Name | None = None
    weekday: Name | None = None

    @field_validator("unit")
    @classmethod
    def _is_known(cls, unit: str) -> str:
        if unit not in UNITS and "%" not in unit:
            raise ValueError(f"must be one of {', '.join(UNITS)}, or a pattern as in %d/%m/%Y %H:%M")
        return unit

    @model_validator(mode="after")
    def _is_one_time(self) -> TimeColumn:
        if (self.column is None) == (self.weekday is None):
            raise ValueError("needs column (a time or a day), or weekday and hour")
        if self.weekday is not None and self.hour is None:
            raise ValueError("weekday needs hour: a column of hours of the day")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of its columns."""
        return tuple(name for name in (self.column, self.weekday, self.hour) if name is not None)


class RowTimes:
    """Reads the times of one log's rows."""

    def __init__(self, time: TimeColumn) -> None:
        """Take what the mapping says of the time."""
        self._time, self.clock = time, Clock(time.unit)
        self._first: int | None = None

    @property
    def wanted(self) -> list[Column]:
        """The columns to read."""
        time = self._time
        found = [Column(time.column, "time", role="@time", reader=self.clock)] if time.column else []
        found += [Column(time.weekday, "time", role="@weekday", reader=Weekday())] if time.weekday else []
        return found + ([Column(time.hour, "time", role="@hour", reader=HourOfDay())] if time.hour else [])

    def time_us(self, rows: Rows) -> NDArray[np.int64]:
        """Return the times in microseconds; shape (rows,)."""
        time = self._time
        if time.weekday is None:
            since: NDArray[np.int64] = rows["@time"]
            return since // DAY_US * DAY_US + rows["@hour"] if time.hour else since
        day = rows["@weekday"]
        if self._first is None and len(day):
            self._first = int(day[0])
        return np.asarray((day - (self._first or 0)) % 7 * DAY_US + rows["@hour"])

    @property
    def notes(self) -> Sequence[str]:
        """What the times leave open, in sentences."""
        return self.clock.notes

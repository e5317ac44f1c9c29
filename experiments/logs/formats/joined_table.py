"""What a mapping says of a table that is joined to the log, and the fields that it has in common with that of the log."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from jointbid.sim.scenario import Model

from ..rows.column_rules import Decimal
from .time_column import Name, TimeColumn

Cell = str | int | float | bool | None
Filter = Annotated[str | dict[Name, Cell | list[Cell]], Field(min_length=1)]


def _as_time(value: Any) -> Any:
    return {"column": value} if isinstance(value, str) else value


def _as_key(value: Any) -> Any:
    """One name, several names, or log columns with those of the table."""
    if isinstance(value, str):
        return {value: value}
    return {name: name for name in value} if isinstance(value, list) else value


def _names(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Fit = Literal["exact", "trim", "number", "case", "sha256", "md5"]
"""How keys are compared: as they are; without space around them; without leading zeros and `.0`, too; in one case; or one side being the hash of the other's."""
Stamp = Annotated[TimeColumn, BeforeValidator(_as_time)]
Names = Annotated[tuple[Name, ...], BeforeValidator(_names)]
OUTCOMES = ("clicks", "conversions")
"""Tables of these names hold outcomes: a row found is one."""


class OwnedColumns(Model):
    """Feature columns by who owns them: the person, the page, earlier touchpoints, the ad."""

    profile: Names = ()
    context: Names = ()
    history: Names = ()
    ad: Names = ()

    @property
    def features(self) -> tuple[str, ...]:
        """All of these columns."""
        return (*self.profile, *self.context, *self.history, *self.ad)


class JoinedTable(OwnedColumns):
    """A table that is joined to the log by a key.

    `path` is a file or a folder, relative to the mapping. `key` is a column that both sides have, or {log column: table column};
    several columns are one key together. `profile`, `context`, `history` and `ad` are columns taken over, by who owns them. A row counts from
    its `valid_from` on: of several rows of a key the last one before the log's row is taken. In the tables `clicks` and `conversions` a
    row found is an outcome, with its `time` and `value` (in the mapping's currency) where there are columns for them. With `within_h` an
    outcome counts up to that many hours after the log's row; rows younger than that at the table's last outcome are left out. `decimal` is the mapping's where it is not given.
    `filter` keeps some of its rows, and `header` names its columns where the file does not, as in the mapping.
    """

    path: Name
    key: Annotated[dict[Name, Name], BeforeValidator(_as_key), Field(min_length=1)]
    valid_from: Stamp | None = None
    time: Stamp | None = None
    value: Name | None = None
    within_h: Annotated[float, Field(gt=0, le=87_600)] | None = None
    fit: Fit = "exact"
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    decimal: Decimal | None = None
    header: tuple[Name, ...] | None = None
    filter: Filter | None = None

    @property
    def stamp(self) -> TimeColumn | None:
        """The time of a row: from when on it counts, or of the outcome."""
        return self.valid_from or self.time

    @property
    def others(self) -> frozenset[str]:
        """The columns that are no features: times and values."""
        times = [name for stamp in (self.valid_from, self.time) if stamp for name in stamp.columns]
        return frozenset((*times, *([self.value] if self.value else ())))

    @property
    def is_of_people(self) -> bool:
        """Whether its key is a person's: a profile and a history are."""
        return bool(self.profile or self.history)

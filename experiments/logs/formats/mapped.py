"""Any text, JSON-lines or Parquet file, read by a mapping."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ..log_table import Reader, impressions
from ..rows import columns as make
from ..rows.checked_rows import Rows
from ..rows.column import Column, flag
from ..rows.columns import PRICE_MAX
from ..rows.compression import first_lines, order_of
from ..rows.delimited import Form, headed, read_rows
from ..rows.parquet import read_parquet
from ..rows.row_audit import RowAudit
from ..rows.separators import by_width
from ..rows.times import Clock
from .click_price_pctr import ROW_US, campaign_of
from .json_lines import read_json
from .mapping import PER_UNIT, Mapping

_JUDGED = 50
"""Number of first lines off which the separator is read, where the file has no header."""
_CALENDAR = {"hour": 23, "weekday": 7}
"""The highest value of features so called; weekdays are counted from 0 to 6 or from 1 to 7."""
_OPTIONAL: dict[str, tuple[Literal["integer", "number", "flag"], float, float]] = {
    "floor": ("number", 0, PRICE_MAX),
    "bid": ("number", 0, PRICE_MAX),
    "conversion": ("flag", 0, 1),
    "known": ("flag", 0, 1),
    "weight": ("number", 1e-9, 1e9),
    "pctr": ("number", 0, 1),
    "episode": ("integer", -(2**53), 2**53),
}
"""Columns of numbers that a mapping may name: kind and bounds."""
_WITH_GAPS = {"floor", "bid", "conversion", "known"}
"""Those in which a cell may be missing."""
Kind = Literal["text", "json", "parquet"]


_SAME_PEOPLE = "user ids stand in more than one file: they are taken for the same people"
_MOST_IDS = 1_000_000


@dataclass
class Repeated:
    """Finds ids that stand in more than one file, among the first million."""

    _file_of: dict[str, str] = field(default_factory=dict)
    _found: set[str] = field(default_factory=set)

    def add(self, file: str, ids: pa.Array) -> int:
        """Take the ids of some rows; return the number of those that are seen in a second file for the first time."""
        before = len(self._found)
        for name in ids.unique().to_pylist():
            known = name in self._file_of or len(self._file_of) < _MOST_IDS
            if name and known and self._file_of.setdefault(name, file) != file:
                self._found.add(name)
        return len(self._found) - before


@dataclass(frozen=True)
class Mapped:
    """Reader of files described by a mapping, all of one `kind`."""

    files: Sequence[Path]
    mapping: Mapping
    kind: Kind
    nonclick_weight: float
    carried: tuple[str, ...] = ()
    """Columns that are keys of other tables, handed on as `@key NAME`."""
    clocks: list[Clock] = field(default_factory=list)
    """The clock of the last reading."""

    @property
    def clock(self) -> Clock | None:
        """The clock of the last reading, which knows whether times are dates."""
        return self.clocks[-1] if self.clocks else None

    @property
    def reader(self) -> Reader:
        """As the mapping says; facts are on what it leaves out."""
        m = self.mapping
        facts = [] if m.time else ["the mapping names no time: rows come every tenth of a second"]
        facts += [] if m.floor else ["the mapping names no floor: floors are 0"]
        facts += [] if m.time else order_of(self.files)
        return Reader(
            m.roles, self.chunks, tuple(facts), m.currency, m.full_information,
            keeps_time=m.time is not None, unsold_at_0=True, mapped=True,
        )  # fmt: skip

    @property
    def wanted(self) -> list[Column]:
        """Every column of the files that the mapping names."""
        return self._columns(None)

    def chunks(self, audit: RowAudit) -> Iterator[pa.Table]:
        """See `Reader`."""
        clock = Clock(self.mapping.time.unit) if self.mapping.time else None
        self.clocks[:] = [clock] if clock else []
        wanted, seen, people = self._columns(clock), 0, Repeated()
        for file in self.files:
            for block in self._rows(file, wanted, audit):
                rows = self._usable(block, audit)
                if self.mapping.user and len(self.files) > 1:
                    audit.notes[_SAME_PEOPLE] += people.add(str(file), rows["@user"])
                known = self._known(rows, audit)
                if known is not None:
                    rows.columns["@known"] = known
                time_us = rows["@time"] if clock else (seen + np.arange(len(rows))) * ROW_US
                seen += len(rows)
                yield self._chunk(file, rows, time_us)
                if clock:
                    audit.notes.update(dict.fromkeys(clock.notes, len(rows)))

    def _rows(self, file: Path, wanted: Sequence[Column], audit: RowAudit) -> Iterator[Rows]:
        if self.kind == "parquet":
            return read_parquet(file, wanted, audit)
        if self.kind == "json":
            return read_json(file, wanted, audit)
        return read_rows(file, wanted, audit, self._form(file, wanted))

    def _form(self, file: Path, wanted: Sequence[Column]) -> Form:
        """Return the form; the separator is the mapping's, or else read off the file."""
        m = self.mapping
        if m.delimiter is not None:
            return Form(m.delimiter, m.header, m.quoted)
        if m.header is None:
            return headed(file, wanted, quoted=m.quoted)
        lines = [line for line in first_lines(file, _JUDGED) if line]
        return Form(by_width(lines, len(m.header), quoted=m.quoted), m.header, m.quoted)

    def _columns(self, clock: Clock | None) -> list[Column]:
        """The columns that the mapping names, each with the rule and the key of its role; features have their names as keys."""
        m, missing = self.mapping, self.mapping.missing
        # An auction that was lost may have no price.
        unpriced = missing if m.full_information or m.known else ()
        price = Column(m.price, "number", 0, PRICE_MAX, missing=unpriced, default=np.nan, role="@price")
        found = [price, *([flag(m.click, role="@click")] if m.click else [])]
        found += [Column(name, "id", lenient=True, role=f"@key {name}") for name in self.carried]
        for role, (kind, low, high) in _OPTIONAL.items():
            gaps = missing if role in _WITH_GAPS else ()
            if name := getattr(m, role):
                found.append(Column(name, kind, low, high, missing=gaps, role=f"@{role}"))
        if m.time:
            found.append(Column(m.time.column, "time", role="@time", reader=clock))
        found += [Column(m.user, "id", lenient=True, role="@user")] if m.user else []
        found += [Column(m.campaign, lenient=True, role="@campaign")] if m.campaign else []
        return found + [Column(name, lenient=True) for name in self.mapping.roles.features]

    def _usable(self, rows: Rows, audit: RowAudit) -> Rows:
        """Return the rows without those won without a price, or with an hour or weekday that no clock has."""
        m = self.mapping
        if m.known:
            wrong = np.isnan(rows["@price"]) & (rows["@known"] == 1)
            rows = rows.reject(wrong, audit, m.price, rows["@price"], "the price of an auction that was won")
        for name in self.mapping.roles.features:
            most = _CALENDAR.get(name.casefold())
            if most is None or (m.time and name == m.time.column):
                continue
            cells = rows[name].cast(pa.string())
            number = pc.if_else(pc.match_substring_regex(cells, r"^\d{1,9}$"), cells, "0").cast(pa.int64())
            wrong = np.asarray(pc.greater(number, most))
            rows = rows.reject(wrong, audit, name, cells, f"a whole number from 0 to {most}")
        return rows

    def _known(self, rows: Rows, audit: RowAudit) -> NDArray[np.bool_] | None:
        """Return which rows' outcomes were seen; None where the log does not say."""
        m = self.mapping
        if m.known:
            return np.asarray(rows["@known"] == 1)
        if not m.bid:
            return None
        lost = np.isnan(rows["@price"]) | ((rows["@bid"] > 0) & (rows["@price"] >= rows["@bid"]))
        if m.full_information:
            return np.asarray(~lost)
        audit.notes[
            "rows cost more than was bid, as auctions do that were lost: if they were, say full_information: true in the "
            "mapping (and known: COLUMN, 1 where the outcome was seen)"
        ] += int((lost & (rows["@price"] > rows["@bid"])).sum())
        return None

    def _chunk(self, file: Path, rows: Rows, time_us: NDArray[np.int64]) -> pa.Table:
        m, n = self.mapping, len(rows)
        click = rows["@click"] if m.click else np.zeros(n, dtype=np.int64)
        scale, gone = PER_UNIT[m.price_unit], frozenset(m.missing)
        clean: Any = lambda text: "" if text in gone else text  # noqa: E731 - one word for one rule
        split: Any = lambda text: clean(text).replace(m.list_separator, ",")  # noqa: E731
        table: dict[str, Any] = {
            "time_us": time_us,
            "campaign": make.recode(rows["@campaign"], clean)
            if m.campaign
            else make.constant(campaign_of(file), n),
            "click": click,
            "price_micros": make.micros(np.nan_to_num(rows["@price"]), scale),
            "floor_micros": make.micros(rows["@floor"], scale) if m.floor else np.zeros(n, dtype=np.int64),
            "weight": rows["@weight"] if m.weight else impressions(click, self.nonclick_weight),
        }
        table |= {
            name: make.recode(rows[name], split if name in m.lists else clean)
            for name in self.mapping.roles.features
        }
        if m.bid:
            table["bid_micros"] = make.micros(rows["@bid"], scale)
        if m.user:
            table["user"] = make.recode(rows["@user"], clean).cast(pa.string())
        if "@known" in rows.columns:
            table["known"] = rows["@known"]
        for name, column in {"conversion": m.conversion, "episode": m.episode, "pctr": m.pctr}.items():
            if column:
                table[name] = rows[f"@{name}"]
        made = make.chunk(table)
        for name in self.carried:  # plain text: hardly a key comes twice
            made = made.append_column(f"@key {name}", rows[f"@key {name}"])
        return made

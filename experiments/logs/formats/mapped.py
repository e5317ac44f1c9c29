"""Any text, JSON-lines or Parquet file, read by a mapping."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ..log_table import Reader, impressions
from ..rows import log_columns as make
from ..rows.checked_rows import Rows
from ..rows.column_rules import COUNTED, Column, flag
from ..rows.conditions import Condition, only_for
from ..rows.delimited import Form, form_of
from ..rows.files import order_of
from ..rows.log_columns import PRICE_MAX
from ..rows.repeated_ids import RepeatedIds
from ..rows.row_audit import RowAudit
from ..rows.times import Clock
from .any_file import rows_of
from .click_price_pctr import ROW_US, campaign_of
from .feature_text import feature_rule, without_gaps
from .mapping import PER_UNIT, Mapping
from .time_column import WEEKLY, RowTimes

_CALENDAR = {"hour": 23, "weekday": 7}
"""The highest value of features so called; weekdays are counted from 0 to 6 or from 1 to 7."""
OPTIONAL: dict[str, tuple[Literal["integer", "number", "flag"], float, float]] = {
    "floor": ("number", 0, PRICE_MAX),
    "bid": ("number", 0, PRICE_MAX),
    "conversion": ("flag", 0, 1),
    "known": ("flag", 0, 1),
    "weight": ("number", 1e-9, 1e9),
    "pctr": ("number", 0, 1),
    "episode": ("integer", -(2**53), 2**53),
    "propensity": ("number", 1e-9, 1),
}
"""Columns of numbers that a mapping may name: kind and bounds."""
_WITH_GAPS = {"floor", "bid", "conversion", "known"}
"""Those in which a cell may be missing."""
_HANDED_ON = ("click", "weight", "user", "known", "conversion", "episode", "pctr", "propensity")
"""Roles whose values are the log's column of that name."""


_TAKEN_FOR_ONE = {
    "user": "user ids stand in more than one file: they are taken for the same people (ids_per_file: true keeps them apart)",
    "episode": "episode ids stand in more than one file: they are taken for the same episodes (ids_per_file: true keeps them apart)",
}
WEIGHTED = f"rows with a click have a weight above 1, and count as that many clicks: if the weight is the row's number of impressions, clicks are too many{COUNTED}"
NO_PRICE = "the mapping names no price: a landscape stands in for it (study.replay.landscapes)"


@dataclass(frozen=True)
class Mapped:
    """Reader of files described by a mapping; rows for which `keep` does not hold are left out."""

    files: Sequence[Path]
    mapping: Mapping
    nonclick_weight: float
    keep: Condition | None = None
    facts: tuple[str, ...] = ()
    carried: tuple[str, ...] = ()
    """Columns that are keys of other tables, handed on as `@key NAME`."""
    times: list[RowTimes] = field(default_factory=list)
    """The times of the last reading."""

    @property
    def clock(self) -> Clock | None:
        """The clock of the last reading, which knows whether times are dates."""
        return self.times[-1].clock if self.times else None

    @property
    def reader(self) -> Reader:
        """As the mapping says; facts are on what it leaves out."""
        m = self.mapping
        facts = [] if m.time else ["the mapping names no time: rows come every tenth of a second"]
        facts += [WEEKLY] if m.time and m.time.weekday else []
        facts += [] if m.price else [NO_PRICE]
        facts += [] if m.floor else ["the mapping names no floor: floors are 0"]
        facts += [] if m.time else order_of(self.files)
        return Reader(
            m.roles, (*self.facts, *facts), m.currency, m.full_information, chunks=self.chunks,
            keeps_time=m.time is not None, unsold_at_0=m.price is not None, mapped=True, has_prices=m.price is not None,
        )  # fmt: skip

    @property
    def _campaign(self) -> str:
        """The campaign of a log that names none: one, as its files are parts of an export."""
        place = Path(os.path.commonpath(self.files))
        return campaign_of(next(one for one in (place, *place.parents) if "=" not in one.name))

    @property
    def wanted(self) -> list[Column]:
        """Every column of the files that the mapping names."""
        return self._columns(None)

    def chunks(self, audit: RowAudit) -> Iterator[pa.Table]:
        """See `Reader`."""
        times = RowTimes(self.mapping.time) if self.mapping.time else None
        self.times[:] = [times] if times else []
        wanted, seen = self._columns(times), 0
        ids = {role: RepeatedIds() for role in _TAKEN_FOR_ONE if getattr(self.mapping, role)}
        for place, file in enumerate(self.files):
            for block in rows_of(file, wanted, audit, partial(self.form, file), self.keep):
                rows = self._usable(block, audit)
                if self.mapping.user:
                    rows.columns["@user"] = make.recode(rows["@user"], self._known_person).cast(pa.string())
                for role, repeated in ids.items() if len(self.files) > 1 else ():
                    if self.mapping.ids_per_file:
                        rows.columns[f"@{role}"] = _apart(rows[f"@{role}"], place)
                    else:
                        audit.notes[_TAKEN_FOR_ONE[role]] += repeated.add(str(file), rows[f"@{role}"])
                if self.mapping.click and self.mapping.weight:
                    audit.notes[WEIGHTED] += int(((rows["@click"] == 1) & (rows["@weight"] > 1)).sum())
                known = self._known(rows, audit)
                if known is not None:
                    rows.columns["@known"] = known
                time_us = times.time_us(rows) if times else (seen + np.arange(len(rows))) * ROW_US
                seen += len(rows)
                yield self._chunk(rows, time_us)
                if times:
                    audit.notes.update(dict.fromkeys(times.notes, len(rows)))

    def form(self, file: Path) -> Form:
        """Return how a text file is laid out; its separator is the mapping's, or else read off the file."""
        m = self.mapping
        return form_of(file, self.wanted, m.delimiter, m.header, quoted=m.quoted)

    def _columns(self, times: RowTimes | None) -> list[Column]:
        """The columns that the mapping names, each with the rule and the key of its role; features have their names as keys."""
        m, missing = self.mapping, self.mapping.missing
        # An auction that was lost may have no price.
        unpriced = missing if m.full_information or m.known else ()
        found = [self._flag(m.click, "@click")] if m.click else []
        found += [Column(name, "id", lenient=True, role=f"@key {name}") for name in self.carried]
        if m.price:
            price = Column(m.price, "number", 0, PRICE_MAX, missing=unpriced, default=np.nan, role="@price")
            found = [replace(price, decimal=m.decimal), *found]
        for role, (kind, low, high) in OPTIONAL.items():
            gaps = missing if role in _WITH_GAPS else ()
            if name := getattr(m, role):
                one = Column(name, kind, low, high, missing=gaps, role=f"@{role}", decimal=m.decimal)
                found.append(self._flag(name, one.role) if name in m.filled else one)
        found += times.wanted if times else []
        found += [Column(m.user, "id", lenient=True, role="@user")] if m.user else []
        found += [Column(m.campaign, lenient=True, role="@campaign")] if m.campaign else []
        found += [Column(name, lenient=True, decimal=m.decimal) for name in m.roles.features]
        return found + only_for(self.keep, found, m.decimal)

    def _flag(self, name: str, role: str) -> Column:
        filled = name in self.mapping.filled
        return replace(flag(name, self.mapping.missing if filled else (), role), filled=filled)

    def _usable(self, rows: Rows, audit: RowAudit) -> Rows:
        """Return the rows without those won without a price, or with an hour or weekday that no clock has."""
        m = self.mapping
        if m.known and m.price:
            wrong = np.isnan(rows["@price"]) & (rows["@known"] == 1)
            rows = rows.reject(wrong, audit, m.price, rows["@price"], "the price of an auction that was won")
        for name in self.mapping.roles.features:
            most = _CALENDAR.get(name.casefold())
            if most is None or (m.time and name in m.time.columns):
                continue
            cells = rows[name].cast(pa.string())
            number = pc.if_else(pc.match_substring_regex(cells, r"^\d{1,9}$"), cells, "0").cast(pa.int64())
            wrong = np.asarray(pc.greater(number, most))
            rows = rows.reject(wrong, audit, name, cells, f"a whole number from 0 to {most}")
        return rows

    def _known_person(self, text: str) -> str:
        return "" if text.strip() in self.mapping.keyless else text

    def _known(self, rows: Rows, audit: RowAudit) -> NDArray[np.bool_] | None:
        """Return which rows' outcomes were seen; None where the log does not say."""
        m = self.mapping
        if m.known:
            return np.asarray(rows["@known"] == 1)
        if not m.bid or not m.price:
            return None
        lost = np.isnan(rows["@price"]) | ((rows["@bid"] > 0) & (rows["@price"] >= rows["@bid"]))
        if m.full_information:
            return np.asarray(~lost)
        audit.notes[
            "rows cost more than was bid, as auctions do that were lost: if they were, say full_information: true in the "
            "mapping (and known: COLUMN, 1 where the outcome was seen)"
        ] += int((lost & (rows["@price"] > rows["@bid"])).sum())
        return None

    def _chunk(self, rows: Rows, time_us: NDArray[np.int64]) -> pa.Table:
        m, clean = self.mapping, without_gaps(self.mapping.missing)
        named = make.recode(rows["@campaign"], clean) if m.campaign else None
        table: dict[str, Any] = {
            "time_us": time_us,
            "campaign": make.constant(self._campaign, len(rows)) if named is None else named,
        }
        table |= {role: rows[f"@{role}"] for role in _HANDED_ON if f"@{role}" in rows.columns}
        for role in ("price", "floor", "bid"):
            if getattr(m, role):
                table[f"{role}_micros"] = make.micros(np.nan_to_num(rows[f"@{role}"]), PER_UNIT[m.price_unit])
        if m.click and not m.weight:
            table["weight"] = impressions(rows["@click"], self.nonclick_weight)
        for name in m.roles.features:
            table[name] = make.recode(rows[name], feature_rule(m, name, m.decimal))
        made = make.chunk(table)
        for name in self.carried:  # plain text: hardly a key comes twice
            made = made.append_column(f"@key {name}", rows[f"@key {name}"])
        return made


_IDS_A_FILE = 2**53


def _apart(ids: Any, place: int) -> Any:
    """Return the ids of the file at a place so that no other file has them; the missing one stays."""
    if isinstance(ids, np.ndarray):
        return ids % _IDS_A_FILE + place * _IDS_A_FILE
    return pc.if_else(pc.equal(ids, ""), "", pc.binary_join_element_wise(str(place), ids, "/"))

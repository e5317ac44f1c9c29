"""Reads a log with its tables joined: block by block, each row once and in the log's order."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from jointbid.sim.scenario import MICROS

from ....errors import BadInput
from ...log_table import Reader, impressions
from ...rows.read_ahead import read_ahead
from ...rows.row_audit import RowAudit
from ..joined_table import OUTCOMES
from ..mapped import Mapped
from .keys import may_be_placeholder, plain_text, refuse_rounded
from .store import TableStore
from .tables import check_file

ALL_CLICKED = 100
"""A log of at least this many rows, all of them clicked, is taken for a mistake."""
BLOCK_ROWS = 1_000_000
"""Rows that are joined at a time: each join scans the table once."""
PLACEHOLDER = (
    "rows were looked up, on many of which stands one and the same key of a person: if it stands for people who are not known "
    "(0, unknown), say no_key: [its text] in the mapping"
)
PERSON, AT, KEY = "user", "join_time_us", "@key "


def key_column(table: str) -> str:
    """Return the column of a log that holds the numbers of its keys into a table."""
    return f"key of {table}"


@dataclass(frozen=True)
class Block:
    """Some joined rows.

    Attributes:
        table: the columns of a log.
        numbers: of the keys, shape (rows,), by `key_column` of each table.
        found: by table what it holds for each row.
        text: the keys themselves, by column of the log; never to be handed on.
        people: the number of each row's person; None where no key is a person's.
    """

    table: pa.Table
    numbers: dict[str, NDArray[np.int64]]
    found: dict[str, dict[str, Any]]
    text: dict[str, pa.ChunkedArray]
    people: NDArray[np.int64] | None


@dataclass
class Joined:
    """Reader of a log with tables.

    Attributes:
        log: reads the log itself.
        store: the tables.
    """

    log: Mapped
    store: TableStore

    @property
    def reader(self) -> Reader:
        """As the mapping says of the log and of its tables."""
        mapping = self.store.mapping
        return replace(self.log.reader, roles=mapping.all_roles, chunks=self.chunks, joins=self.store)

    def chunks(self, audit: RowAudit) -> Iterator[pa.Table]:
        """See `Reader`; tables are read first, once.

        Raises:
            BadInput: a table of records of which no row of the log finds one.
        """
        found: dict[str, int] = dict.fromkeys(self.store.mapping.tables, 0)
        rows = 0
        for block in self.blocks(audit):
            rows += len(block.table)
            for name in found:
                found[name] += int(block.found[name]["found"].sum())
            yield block.table
        for name, number in found.items():
            if rows and not number and name not in OUTCOMES:
                raise BadInput(self._no_match(name, rows))
            if name == "clicks" and number == rows >= ALL_CLICKED:
                raise BadInput(
                    f"tables.clicks: each of {rows:,} rows of the log finds a row in it, and so was clicked: if it has rows without a click, "
                    f"too, say which of them are clicks, as in filter: {{clicked: 1}} (or {{event_type: click}})"
                )
            what = "an outcome in" if name in OUTCOMES else "a record in"
            audit.notes[
                f"rows were looked up in table {name}; {number / max(rows, 1):.3g} of them have {what} it"
            ] = rows

    def _no_match(self, name: str, rows: int) -> str:
        pairs = self.store.mapping.tables[name].key.items()
        keys = ", ".join(own if own == other else f"{own} (there {other})" for own, other in pairs)
        return (
            f"tables.{name}: none of {rows:,} rows of the log finds a record by {keys}: there is nothing to join; name the right columns (key), "
            "or how keys are compared (fit: jointbid log join shows which form fits), or leave the table out"
        )

    def blocks(self, audit: RowAudit) -> Iterator[Block]:
        """Yield the joined rows with what was found for them."""
        audit.private = True
        for file in self.log.files:
            check_file(str(file), file, self.log.wanted, self.log.form)
        for part in read_ahead(self._parts(audit), self.store.load):
            yield from self._joined(part, audit)

    def _parts(self, audit: RowAudit) -> Generator[pa.Table, None, None]:
        """Yield the rows of the log alone, about `BLOCK_ROWS` at a time."""
        held: list[pa.Table] = []
        for part in self.log.chunks(audit):
            held.append(part)
            if sum(map(len, held)) >= BLOCK_ROWS:
                yield _as_one(held)
                held = []
        if held:
            yield _as_one(held)

    def _joined(self, together: pa.Table, audit: RowAudit) -> Iterator[Block]:
        """Yield some rows with the columns of all tables, their keys as numbers; nothing where all of them are too young."""
        mapping = self.store.mapping
        for name in mapping.tables:
            self._check_clock(name)
            if (until := self.store.complete_until_us(name)) is not None:
                old = together.filter(pc.less_equal(together["time_us"], until))
                audit.dropped[f"too young for tables.{name}.within_h"] += len(together) - len(old)
                together = _as_one([old])
        if not len(together):
            return
        text = {name: together[KEY + name].cast(pa.string()) for name in self.log.carried}
        for name, cells in text.items():
            refuse_rounded(f"the log, column {name!r}", plain_text(cells))
        wanted: list[tuple[str, tuple[str, ...], Any]] = [
            (key_column(name), tuple(table.key), table.fit) for name, table in mapping.tables.items()
        ]
        if mapping.person:
            fits = (table.fit for table in mapping.tables.values() if tuple(table.key) == mapping.person)
            wanted.append((PERSON, mapping.person, next(fits, "exact")))
        numbers = self.store.database.numbers(text, wanted)
        columns = {
            name: together[name]
            for name in together.column_names
            if not name.startswith(KEY) and name != PERSON
        }
        at_us, found = np.asarray(columns["time_us"]), dict[str, dict[str, Any]]()
        for name in mapping.tables:
            key = numbers[key_column(name)]
            found[name] = self.store.look_up(name, key, at_us)
            self._take(name, found[name], columns)
            columns[key_column(name)] = pa.array(key)
        columns[AT] = pa.array(at_us)
        people = numbers[PERSON] if mapping.person else None
        if people is not None:
            audit.notes[PLACEHOLDER] += len(people) if may_be_placeholder(people) else 0
            columns[PERSON] = pc.if_else(pa.array(people == 0), "", pa.array(people).cast(pa.string()))
        yield Block(pa.table(columns), numbers, found, text, people)

    def _take(self, name: str, found: dict[str, Any], columns: dict[str, Any]) -> None:
        """Put what a table holds into the columns of the log."""
        mapping = self.store.mapping
        if name == "clicks":
            click = found["found"].astype(np.int64)
            columns["click"] = pa.array(click)
            if not mapping.weight:
                columns["weight"] = pa.array(impressions(click, self.log.nonclick_weight))
        elif name == "conversions":
            columns["conversion"] = pa.array(found["found"].astype(np.int64))
        else:
            columns |= {feature: found[feature] for feature in mapping.tables[name].features}
        if "value" in found:
            before = np.asarray(columns["value_micros"]) if "value_micros" in columns else 0.0
            columns["value_micros"] = pa.array(before + found["value"] * MICROS)

    def _check_clock(self, name: str) -> None:
        """Raise `BadInput` where the log's times cannot be compared with a table's."""
        table, loaded = self.store.mapping.tables[name], self.store.loaded[name]
        clock = self.log.clock
        what = "valid_from" if table.valid_from else "within_h" if table.within_h else None
        if what and clock is not None and clock.since_1970 is False and loaded.since_1970:
            raise BadInput(
                f"tables.{name}.{what}: its times are dates, but those of the log count from the log's own start, and cannot be "
                f"compared; say another unit of the log's time, or leave {what} out"
            )


def _as_one(parts: list[pa.Table]) -> pa.Table:
    """Return parts of a log as one; columns without keys, which are text, in one piece."""
    together = pa.concat_tables(parts).unify_dictionaries()
    columns = dict(zip(together.column_names, together.columns, strict=True))
    return pa.table(
        {name: cells if name.startswith(KEY) else cells.combine_chunks() for name, cells in columns.items()}
    )

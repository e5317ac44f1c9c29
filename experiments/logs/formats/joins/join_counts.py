"""What joining tables to a log gives, before anything is learned: keys on both sides, coverage over time and by click."""

# ruff: noqa: S608 - statements are made of our own names; what users write goes in as parameters
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ...log_table import RowCount
from ...rows.row_audit import RowAudit
from ..joined_table import OUTCOMES, Fit
from .keys import FITS, NO_KEY, plain_text
from .loading import Loaded
from .reader import Joined, key_column

STRETCHES = 8
"""Parts of the log's time of which coverage is counted."""
_BIN_US = 3_600_000_000


@dataclass
class TableCounts:
    """What one table gives.

    Attributes:
        loaded: the table itself.
        is_outcome: whether it holds clicks or conversions.
        rows: of the log: with a record, all.
        without_key: rows of the log.
        keys: distinct ones of the log: with a record, all.
        never_met: keys of the table that no row of the log has.
        early: rows whose key has records from later on alone.
        fits: unmatched keys of the log that fit in another form, by that form.
        clicks: weighted rows of the log: [without record, with record] x [no click, click].
        click_keys: distinct keys of the log in these cells.
        coverage: by stretch of time: (begin, end, rows with a record, rows, keys).
        since_export: whether it has no `valid_from`.
    """

    loaded: Loaded
    is_outcome: bool
    rows: list[int] = field(default_factory=lambda: [0, 0])
    without_key: int = 0
    keys: list[int] = field(default_factory=lambda: [0, 0])
    never_met: int = 0
    early: int = 0
    fits: dict[Fit, int] = field(default_factory=dict)
    clicks: NDArray[np.float64] = field(default_factory=lambda: np.zeros((2, 2)))
    click_keys: NDArray[np.int64] = field(default_factory=lambda: np.zeros((2, 2), dtype=np.int64))
    coverage: list[tuple[int, int, int, int, int]] = field(default_factory=list)
    since_export: bool = False


@dataclass
class JoinCounts:
    """What joining gives: of the log and of each table.

    Attributes:
        log: rows read, used, dropped and why.
        persons: distinct ones in the log; None where no key is a person's.
        tables: by name.
        notes: what else was decided on the way.
    """

    log: RowCount
    persons: int | None
    tables: dict[str, TableCounts]
    notes: tuple[str, ...] = ()


def count_joins(joined: Joined, audit: RowAudit) -> JoinCounts:
    """Read the log once, look every row up in every table, and count.

    Args:
        joined: the reader, whose store keeps keys in every form.
        audit: of the log's rows, which are dropped where they cannot be used.
    """
    store, mapping = joined.store, joined.store.mapping
    store.load()
    database = store.database
    found = {
        name: TableCounts(
            store.loaded[name], name in OUTCOMES,
            since_export=name not in OUTCOMES and mapping.tables[name].valid_from is None,
        )
        for name in mapping.tables
    }  # fmt: skip
    for i in range(len(mapping.tables)):
        others = ", ".join(f"k_{fit} BIGINT" for fit in FITS)
        database.run(f"CREATE TABLE seen{i} (hour BIGINT, k BIGINT, found BOOLEAN, click BIGINT, n BIGINT)")
        database.run(f"CREATE TABLE lost{i} ({others})")
    database.run("CREATE TABLE persons (k BIGINT)")
    for block in joined.blocks(audit):
        for i, name in enumerate(mapping.tables):
            _add(joined, i, name, found[name], block)
        if mapping.person:
            person = pa.table({"k": block.people})
            database.run("INSERT INTO persons SELECT DISTINCT k FROM block WHERE k <> 0", person)
        audit.used += len(block.table)
    audit.finish()
    for i, name in enumerate(mapping.tables):
        _finish(joined, i, name, found[name])
    persons = database.count("SELECT count(DISTINCT k) FROM persons") if mapping.person else None
    return JoinCounts(RowCount(audit.read, audit.used, audit.reasons), persons, found, audit.sentences)


def _add(joined: Joined, i: int, name: str, into: TableCounts, block: Any) -> None:
    table, database = joined.store.mapping.tables[name], joined.store.database
    key = block.numbers[key_column(name)]
    held, time_us = block.found[name], np.asarray(block.table["time_us"])
    is_found = held["found"]
    into.rows[0] += int(is_found.sum())
    into.rows[1] += len(key)
    into.without_key += int((key == NO_KEY).sum())
    into.early += int(held["early"].sum())
    click, weight = np.asarray(block.table["click"]), np.asarray(block.table["weight"])
    np.add.at(into.clicks, (is_found.astype(int), click), weight)
    seen = pa.table({"hour": time_us // _BIN_US, "k": key, "found": is_found, "click": click})
    database.run(f"INSERT INTO seen{i} SELECT hour, k, found, click, count(*) FROM block GROUP BY ALL", seen)
    gone = pa.array(~is_found & ~held["early"] & (key != NO_KEY))
    if pc.any(gone).as_py():
        columns = {one: plain_text(block.text[one]).filter(gone) for one in table.key}
        numbers = pa.table(database.numbers(columns, [(f"k_{fit}", tuple(table.key), fit) for fit in FITS]))
        database.run(f"INSERT INTO lost{i} SELECT DISTINCT * FROM block", numbers)


def _finish(joined: Joined, i: int, name: str, into: TableCounts) -> None:
    store, table, database = joined.store, joined.store.mapping.tables[name], joined.store.database
    place, own = store.place(name), f"k_{table.fit}"
    into.keys = [
        database.count(f"SELECT count(DISTINCT k) FROM seen{i} WHERE found"),
        database.count(f"SELECT count(DISTINCT k) FROM seen{i} WHERE k <> 0"),
    ]
    cells = database.run(f"SELECT found::INT, click, count(DISTINCT k) FROM seen{i} GROUP BY ALL")
    for there, click, keys in cells:
        into.click_keys[there, click] = keys
    met = f"SELECT k FROM seen{i}"
    into.never_met = database.count(f"SELECT count(DISTINCT {own}) FROM {place} WHERE {own} NOT IN ({met})")
    for fit in FITS:
        if fit not in {table.fit, "exact"}:
            into.fits[fit] = database.count(
                f"SELECT count(DISTINCT {own}) FROM lost{i} WHERE k_{fit} <> 0 AND k_{fit} IN (SELECT k_{fit} FROM {place})"
            )
    first, end_of_all = database.run(f"SELECT min(hour), max(hour) + 1 FROM seen{i}")[0]
    edges = np.unique(np.linspace(int(first), int(end_of_all), STRETCHES + 1).astype(np.int64))
    for begin, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        within = f"FROM seen{i} WHERE hour >= {begin} AND hour < {end}"
        there, rows, keys = database.run(
            f"SELECT coalesce(sum(n) FILTER (WHERE found), 0), coalesce(sum(n), 0), count(DISTINCT k) {within}"
        )[0]
        into.coverage.append((begin * _BIN_US, end * _BIN_US, int(there), int(rows), int(keys)))
    database.run(f"DROP TABLE seen{i}")
    database.run(f"DROP TABLE lost{i}")

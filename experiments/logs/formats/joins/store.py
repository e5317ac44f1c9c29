"""The tables of a mapping in DuckDB, keyed by salted hashes, and what they hold for given keys and times.

DuckDB keeps to its memory limit and moves the rest to a temporary folder, which is removed with the store; only hashes and feature
values ever lie there.
"""

# ruff: noqa: S608 - statements are made of our own names; what users write goes in as parameters
from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ....errors import BadInput
from ...log_table import RowCount
from ...rows import columns as make
from ...rows.checked_rows import Rows
from ..mapping import OUTCOMES
from ..mapping import Mapping as LogMapping
from .keys import FITS, hashed, plain_text, text_list
from .tables import TableRows, as_numbers

THREADS = 2
NO_KEY_GIVEN, REPEATS = "without a key", "repeat the key of another row"
SAME_OUTCOME = "repeat another row's key, time and value"
Keys = NDArray[np.int64]


@dataclass
class Loaded:
    """What a table held.

    Attributes:
        rows: read, used, dropped and why.
        keys: distinct ones.
        repeated: keys with more than one row (of one moment, where rows have a `valid_from`).
        unlike: those among them whose rows differ.
        versions: the most rows of one key that follow each other in time.
        since_1970: whether its times are dates.
    """

    rows: RowCount
    keys: int
    repeated: int
    unlike: int
    versions: int
    since_1970: bool | None


@dataclass
class TableStore:
    """The tables of one mapping, loaded.

    Attributes:
        mapping: of the log and its tables.
        folder: from which their paths count.
        salt: of the keys.
        memory_gb: the limit of DuckDB's memory.
        drop_bad: leave out rows that cannot be used.
        forms: keep the keys in every form, to find those that fit in another one.
        loaded: by table.
    """

    mapping: LogMapping
    folder: Path
    salt: str
    memory_gb: float = 1.5
    drop_bad: bool = False
    forms: bool = False
    loaded: dict[str, Loaded] = field(default_factory=dict)

    @cached_property
    def database(self) -> Any:
        """The database in memory, its overflow in a folder of its own that goes with the store."""
        import duckdb

        folder = tempfile.mkdtemp(prefix="jointbid-join-")
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        limits: dict[str, Any] = {
            "memory_limit": f"{self.memory_gb:g}GB",
            "temp_directory": folder,
            "threads": THREADS,
        }
        return duckdb.connect(":memory:", config=limits)

    def load(self) -> None:
        """Read every table, once.

        Raises:
            BadInput: a table that cannot be used.
        """
        for i, name in enumerate(self.mapping.tables):
            if name not in self.loaded:
                self.loaded[name] = self._load(name, f"t{i}")

    def place(self, name: str) -> str:
        """Return what a table is called in the database."""
        return f"t{list(self.mapping.tables).index(name)}"

    def _load(self, name: str, place: str) -> Loaded:
        table, source = (
            self.mapping.tables[name],
            TableRows.of(name, self.mapping, self.folder, drop_bad=self.drop_bad),
        )
        fits = FITS if self.forms else (table.fit,)
        stamped, valued = bool(table.valid_from or table.time), bool(table.value)
        forms = [f"k_{fit} BIGINT" for fit in fits]
        own = [*(["moment BIGINT"] if stamped else []), *(["value DOUBLE"] if valued else [])]
        features = [f"f{i} VARCHAR" for i in range(len(table.features))]
        self.run(f"CREATE TABLE {place} ({', '.join(['line BIGINT', *forms, *own, *features])})")
        line = 0
        for rows in source.rows():
            block = self._block(
                rows, len(table.key), stamped=stamped, valued=valued, features=table.features, first=line
            )
            line += len(rows)
            keys = [f"raw{i}" for i in range(len(table.key))]
            numbers = ", ".join(hashed(keys, fit, self.missing) for fit in fits)
            rest = ", ".join(
                column for column in block.column_names if not column.startswith(("raw", "line"))
            )
            self.ingest(
                f"INSERT INTO {place} SELECT line, {numbers}{', ' if rest else ''}{rest} FROM block", block
            )
        source.audit.used = line
        return self._tidy(name, place, source)

    def _block(
        self, rows: Rows, keys: int, *, stamped: bool, valued: bool, features: Sequence[str], first: int
    ) -> pa.Table:
        gone, split = frozenset(self.mapping.missing), self.mapping.list_separator

        def plain(text: str) -> str:
            return "" if text in gone else text

        def several(text: str) -> str:
            return plain(text).replace(split, ",")

        columns: dict[str, Any] = {"line": np.arange(first, first + len(rows))}
        columns |= {f"raw{i}": plain_text(rows[f"@key {i}"]) for i in range(keys)}
        columns |= {"moment": np.asarray(rows["@at"], dtype=np.int64)} if stamped else {}
        columns |= {"value": as_numbers(rows, "@value")} if valued else {}
        columns |= {
            f"f{i}": make.recode(rows[name], several if name in self.mapping.lists else plain).cast(
                pa.string()
            )
            for i, name in enumerate(features)
        }
        return pa.table(columns)

    def _tidy(self, name: str, place: str, source: TableRows) -> Loaded:
        """Leave one row a key (and moment), and return what was there."""
        table, audit = self.mapping.tables[name], source.audit
        key = f"k_{table.fit}"
        audit.dropped[NO_KEY_GIVEN] += self.count(f"SELECT count(*) FROM {place} WHERE {key} = 0")
        self.run(f"DELETE FROM {place} WHERE {key} = 0")
        unit = f"{key}, moment" if table.valid_from else key
        held = [*(["moment"] if table.time else []), *(["value"] if table.value else [])]
        held += [f"f{i}" for i in range(len(table.features))]
        self.run(
            f"CREATE TABLE again AS SELECT {unit}, max(line) AS last FROM {place} GROUP BY {unit} HAVING count(*) > 1"
        )
        repeated = self.count(f"SELECT count(DISTINCT {key}) FROM again")
        different = f"count(DISTINCT ({', '.join(held)})) > 1" if held else "false"
        differ = self.count(
            f"SELECT count(DISTINCT {key}) FROM (SELECT {unit} FROM {place} JOIN again USING ({unit}) GROUP BY {unit} HAVING {different})"
        )
        if name in OUTCOMES:
            reason, gone = (
                SAME_OUTCOME,
                self._one_outcome(place, key, table.time is not None, table.value is not None),
            )
        else:
            also = " AND t.moment = again.moment" if table.valid_from else ""
            reason = REPEATS
            gone = self._deleted(
                f"DELETE FROM {place} t USING again WHERE t.{key} = again.{key}{also} AND t.line < again.last"
            )
        self.run("DROP TABLE again")
        audit.dropped[reason] += gone
        dropped = audit.reasons
        used = audit.read - sum(dropped.values())
        keys, versions = self.run(
            f"SELECT count(*), coalesce(max(n), 0) FROM (SELECT count(*) AS n FROM {place} GROUP BY {key})"
        )[0]
        since = source.clock.since_1970 if source.clock else None
        return Loaded(RowCount(audit.read, used, dropped), keys, repeated, differ, versions, since)

    def _one_outcome(self, place: str, key: str, stamped: bool, valued: bool) -> int:
        """Leave a row a key with its number of outcomes, the first time and the sum of values; return the rows that were doubled."""
        columns = [key, *(["moment"] if stamped else []), *(["value"] if valued else [])]
        before = self.count(f"SELECT count(*) FROM {place}")
        forms = [f"k_{fit}" for fit in FITS if self.forms and f"k_{fit}" != key]
        rest = "".join(f", any_value({form}) AS {form}" for form in forms)
        if stamped:
            self.run(
                f"CREATE TABLE once AS SELECT {', '.join(columns)}, min(line) AS line{rest} FROM {place} GROUP BY {', '.join(columns)}"
            )
            self.run(f"DROP TABLE {place}")
            self.run(f"ALTER TABLE once RENAME TO {place}")
        gone = before - self.count(f"SELECT count(*) FROM {place}")
        own = (", min(moment) AS moment" if stamped else "") + (", sum(value) AS value" if valued else "")
        self.run(f"CREATE TABLE summed AS SELECT {key}, count(*) AS n{own}{rest} FROM {place} GROUP BY {key}")
        self.run(f"DROP TABLE {place}")
        self.run(f"ALTER TABLE summed RENAME TO {place}")
        return gone

    @property
    def missing(self) -> str:
        """The spellings of a missing key, as SQL."""
        return text_list({*self.mapping.missing, ""})

    def numbers(
        self, columns: Mapping[str, pa.Array], fits: Sequence[tuple[str, tuple[str, ...], Any]]
    ) -> pa.Table:
        """Return the numbers of the log's keys, a column for each of `fits`: (name, the key's columns, fit).

        Args:
            columns: text of each row, by name.
            fits: what is wanted.
        """
        names = {name: f"c{i}" for i, name in enumerate(columns)}
        block = pa.table(
            {"rn": np.arange(len(next(iter(columns.values()))))}
            | {names[name]: cells for name, cells in columns.items()}
        )
        wanted = ", ".join(
            f'{hashed([names[one] for one in key], fit, self.missing)} AS "{name}"' for name, key, fit in fits
        )
        found: pa.Table = self.ingest(f"SELECT {wanted} FROM block ORDER BY rn", block, result=True)
        return found

    def look_up(self, name: str, keys: Keys, at_us: Keys | None = None) -> dict[str, Any]:
        """Return what a table holds for keys, at most a row each: `found` (bool), `early`, and its columns by name.

        Args:
            name: of the table.
            keys: numbers as of `numbers`, shape (rows,).
            at_us: the time at which it is looked up, for a table with `valid_from`; shape (rows,).

        Returns:
            Features as dictionary-encoded text, empty where nothing is found; `n`, `moment` and `value` of outcomes, 0 there; `early`: whether the key has
            rows from later on alone.
        """
        table, place = self.mapping.tables[name], self.place(name)
        features = [f"f{i}" for i in range(len(table.features))]
        key = f"k_{table.fit}"
        if name in OUTCOMES:
            taken = ["n", *(["moment"] if table.time else []), *(["value"] if table.value else [])]
        else:
            taken = features
        block = pa.table(
            {"rn": np.arange(len(keys)), "k": keys} | ({"now": at_us} if table.valid_from else {})
        )
        columns = ", ".join(f"t.{column}" for column in taken)
        near = f"WITH near AS MATERIALIZED (SELECT * FROM {place} WHERE {key} IN (SELECT k FROM block))"
        if table.valid_from:
            sql = (
                f"{near} SELECT t.{key} IS NOT NULL AS found, {columns}, block.k IN (SELECT {key} FROM near) AS known "
                f"FROM block ASOF LEFT JOIN near t ON block.k = t.{key} AND block.now >= t.moment ORDER BY rn"
            )
        else:
            sql = (
                f"{near} SELECT t.{key} IS NOT NULL AS found, {columns} "
                f"FROM block LEFT JOIN near t ON block.k = t.{key} ORDER BY rn"
            )
        held: pa.Table = self.ingest(sql, block, result=True)
        if len(held) != len(keys):
            raise AssertionError(f"the join with {name} gave {len(held)} rows for {len(keys)}")
        found = np.asarray(held["found"].combine_chunks().fill_null(False))
        answer: dict[str, Any] = {"found": found, "early": np.zeros(len(keys), dtype=bool)}
        if table.valid_from:
            answer["early"] = np.asarray(held["known"].combine_chunks().fill_null(False)) & ~found
        for place_of, column in enumerate(taken):
            cells = held[column].combine_chunks()
            if name in OUTCOMES:
                answer[column] = np.asarray(cells.cast(pa.float64()).fill_null(0.0))
            else:
                answer[table.features[place_of]] = cells.cast(pa.string()).fill_null("").dictionary_encode()
        return answer

    def ingest(self, sql: str, block: pa.Table, *, result: bool = False) -> Any:
        """Run SQL over an Arrow table that it calls `block`; return its rows as an Arrow table, where asked for.

        Raises:
            BadInput: no room in the temporary folder, or less memory than a join needs.
        """
        self.database.register("block", block)
        try:
            given = {"salt": self.salt} if "$salt" in sql else {}
            return self.run(sql, given, result=result)
        finally:
            self.database.unregister("block")

    def run(self, sql: str, given: Mapping[str, Any] | None = None, *, result: bool = False) -> Any:
        """Run one statement to its end; return its rows, as an Arrow table where `result` is set.

        Raises:
            BadInput: as `ingest`.
        """
        import duckdb

        try:
            if result:
                return self.database.sql(sql, params=given or None).to_arrow_table()
            return self.database.execute(sql, given or None).fetchall()
        except (duckdb.OutOfMemoryException, duckdb.IOException) as error:
            text = " ".join(str(error).split())[:200]
            raise BadInput(
                f"supply.join_memory_gb = {self.memory_gb:g}: the join of the tables does not fit ({text}); give more memory, or room in "
                f"the temporary folder ({tempfile.gettempdir()}; TMPDIR sets another)"
            ) from None

    def count(self, sql: str) -> int:
        """Return the number that a statement counts."""
        return int(self.run(sql)[0][0])

    def _deleted(self, sql: str) -> int:
        return self.count(sql)

"""Loads a table into the database, one row a key (and moment) or the outcomes of each key, and counts what was there."""

# ruff: noqa: S608 - statements are made of our own names; what users write goes in as parameters
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from ...log_table import RowCount
from ...rows import log_columns as make
from ...rows.checked_rows import Rows
from ..feature_text import feature_rule
from ..joined_table import OUTCOMES, Fit
from .database import JoinDatabase
from .keys import plain_text, refuse_rounded
from .tables import TableRows

NO_KEY_GIVEN, REPEATS = "without a key", "repeat the key of another row"
MOST_VERSIONS = 8
"""With more rows of one key, each with a time of its own, the last one before a time is searched for, not met by a join over all of them."""
SAME_OUTCOME = "repeat another row's key, time and value"


@dataclass(frozen=True)
class Loaded:
    """What a table held.

    Attributes:
        rows: read, used, dropped and why.
        keys: distinct ones.
        repeated: keys with more than one row (of one moment, where rows have a `valid_from`).
        unlike: those among them whose rows differ.
        has_until: whether each row says, as `until`, when the next one of its key follows it.
        since_1970: whether its times are dates.
        words: by feature its values in the order of their codes, the empty one first.
        last_us: the last moment; None without times.
    """

    rows: RowCount
    keys: int
    repeated: int
    unlike: int
    has_until: bool
    since_1970: bool | None
    words: Sequence[pa.Array]
    last_us: int | None


class Loader:
    """Loads one table of a mapping.

    Args:
        database: into which.
        source: reads the table.
        place: what it is called in the database.
        fits: the forms in which its keys are kept.
    """

    def __init__(self, database: JoinDatabase, source: TableRows, place: str, fits: Sequence[Fit]) -> None:
        self._db, self._source, self._place, self._fits = database, source, place, fits
        self._table = source.table
        self._key = f"k_{self._table.fit}"
        self._is_outcome = source.name in OUTCOMES
        self._stamped = ["moment"] if self._table.stamp else []
        self._valued = ["value"] if self._table.value else []
        self._features = [f"f{i}" for i in range(len(self._table.features))]
        self._codes: list[dict[str, int]] = [{"": 0} for _ in self._features]

    def load(self) -> Loaded:
        """Read all of it.

        Raises:
            BadInput: a table that cannot be used.
        """
        kinds = {"moment": "BIGINT", "value": "DOUBLE"}
        own = [*self._stamped, *self._valued, *self._features]
        columns = ["line BIGINT", *(f"k_{fit} BIGINT" for fit in self._fits)]
        columns += [f"{name} {kinds.get(name, 'INTEGER')}" for name in own]
        self._db.run(f"CREATE TABLE {self._place} ({', '.join(columns)})")
        raw = [f"raw{i}" for i in range(len(self._table.key))]
        taken = ", ".join(["line", *(self._db.hash_of(raw, fit) for fit in self._fits), *own])
        line = 0
        for rows in self._source.rows():
            self._db.run(f"INSERT INTO {self._place} SELECT {taken} FROM block", self._block(rows, line))
            line += len(rows)
        self._source.audit.used = line
        return self._tidy()

    def _block(self, rows: Rows, first: int) -> pa.Table:
        columns: dict[str, Any] = {"line": np.arange(first, first + len(rows))}
        for i, name in enumerate(self._table.key.values()):
            columns[f"raw{i}"] = plain_text(rows[f"@key {i}"])
            refuse_rounded(f"tables.{self._source.name}, column {name!r}", columns[f"raw{i}"])
        columns |= {"moment": np.asarray(rows["@at"], dtype=np.int64)} if self._stamped else {}
        columns |= {"value": rows["@value"]} if self._valued else {}
        for i, name in enumerate(self._table.features):
            rule = feature_rule(self._source.mapping, name, self._source.decimal)
            columns[f"f{i}"] = self._coded(i, make.recode(rows[name], rule))
        return pa.table(columns)

    def _coded(self, number: int, held: pa.DictionaryArray) -> Any:
        """Return the codes of a feature's cells; new values get the next ones."""
        codes = self._codes[number]
        of_block = [codes.setdefault(word, len(codes)) for word in held.dictionary.to_pylist()]
        return np.asarray([*of_block, 0], dtype=np.int32)[np.asarray(held.indices.fill_null(len(of_block)))]

    def _tidy(self) -> Loaded:
        """Leave one row a key (and moment), or the outcomes of a key, and return what was there."""
        db, place, key, audit = self._db, self._place, self._key, self._source.audit
        audit.dropped[NO_KEY_GIVEN] += db.count(f"DELETE FROM {place} WHERE {key} = 0")
        last_us = db.run(f"SELECT max(moment) FROM {place}")[0][0] if self._stamped else None
        keys, versions = self._keys()
        repeated, differ = self._repeated() if versions > 1 else (0, 0)
        if self._is_outcome:
            audit.dropped[SAME_OUTCOME] += self._once() if versions > 1 else 0
            self._summed()
        if repeated:
            keys, versions = self._keys()
        has_until = bool(self._table.valid_from) and versions <= MOST_VERSIONS
        if has_until:
            self._until(versions)
        dropped = audit.reasons
        used = audit.read - sum(dropped.values())
        since = self._source.clock.since_1970 if self._source.clock else None
        words = [pa.array(list(codes), pa.string()) for codes in self._codes]
        return Loaded(
            RowCount(audit.read, used, dropped), keys, repeated, differ, has_until, since, words, last_us
        )

    def _keys(self) -> tuple[int, int]:
        """Return the number of keys, and of the most rows that one has."""
        keys, most = self._db.run(
            f"SELECT count(*), coalesce(max(n), 0) FROM (SELECT count(*) AS n FROM {self._place} GROUP BY {self._key})"
        )[0]
        return int(keys), int(most)

    def _repeated(self) -> tuple[int, int]:
        """Leave, but of outcomes, the last row of each key (and moment); return how many keys had more of them, and how many unlike ones."""
        db, place, key = self._db, self._place, self._key
        unit = f"{key}, moment" if self._table.valid_from else key
        db.run(
            f"CREATE TABLE again AS SELECT {unit}, max(line) AS last FROM {place} GROUP BY {unit} HAVING count(*) > 1"
        )
        repeated = db.count(f"SELECT count(DISTINCT {key}) FROM again")
        differ = 0
        held = [*(["moment"] if self._table.time else []), *self._valued, *self._features]
        if repeated and held:
            differ = db.count(
                f"SELECT count(DISTINCT {key}) FROM (SELECT {unit} FROM {place} JOIN again USING ({unit}) GROUP BY {unit} "
                f"HAVING count(DISTINCT ({', '.join(held)})) > 1)"
            )
        if repeated and not self._is_outcome:
            also = " AND t.moment = again.moment" if self._table.valid_from else ""
            self._source.audit.dropped[REPEATS] += db.count(
                f"DELETE FROM {place} t USING again WHERE t.{key} = again.{key}{also} AND t.line < again.last"
            )
        db.run("DROP TABLE again")
        return repeated, differ

    def _until(self, versions: int) -> None:
        """Add to each row the moment at which the next one of its key follows it."""
        never = "9223372036854775807"
        window = f"OVER (PARTITION BY {self._key} ORDER BY moment)"
        until = f"lead(moment, 1, {never}) {window}" if versions > 1 else never
        self._replace(f"SELECT *, {until} AS until FROM {self._place}")

    def _once(self) -> int:
        """Leave each outcome once, where outcomes have times; return the rows that were doubled."""
        if not self._stamped:
            return 0
        db, place = self._db, self._place
        same = ", ".join([self._key, *self._stamped, *self._valued])
        before = db.count(f"SELECT count(*) FROM {place}")
        self._replace(f"SELECT {same}, min(line) AS line{self._other_forms} FROM {place} GROUP BY {same}")
        return before - db.count(f"SELECT count(*) FROM {place}")

    def _summed(self) -> None:
        """Leave of outcomes that count whenever they come a row a key: their number, the first time and the sum of values."""
        if self._table.within_h:
            return
        own = (", min(moment) AS moment" if self._stamped else "") + (
            ", sum(value) AS value" if self._valued else ""
        )
        self._replace(
            f"SELECT {self._key}, count(*) AS n{own}{self._other_forms} FROM {self._place} GROUP BY {self._key}"
        )

    @property
    def _other_forms(self) -> str:
        return "".join(f", any_value(k_{fit}) AS k_{fit}" for fit in self._fits if f"k_{fit}" != self._key)

    def _replace(self, sql: str) -> None:
        """Put the rows of a query in the table's place."""
        self._db.run(f"CREATE TABLE made AS {sql}")
        self._db.run(f"DROP TABLE {self._place}")
        self._db.run(f"ALTER TABLE made RENAME TO {self._place}")

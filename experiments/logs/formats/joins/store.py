"""The tables of a mapping in DuckDB, keyed by salted hashes, and what they hold for given keys and times."""

# ruff: noqa: S608 - statements are made of our own names; what users write goes in as parameters
from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..joined_table import OUTCOMES
from ..mapping import Mapping as LogMapping
from .database import ROW, JoinDatabase
from .keys import FITS
from .loading import Loaded, Loader
from .tables import TableRows

HOUR_US = 3_600_000_000
Keys = NDArray[np.int64]


@dataclass
class TableStore:
    """The tables of one mapping, loaded.

    Attributes:
        mapping: of the log and its tables.
        folder: from which their paths count.
        salt: of the keys.
        memory_gb: the limit of DuckDB's memory.
        drop_bad: leave out rows that cannot be used.
        forms: keep the keys in every form, to find those that fit in another one; and count the rows that are too early.
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
    def database(self) -> JoinDatabase:
        """Where they are."""
        return JoinDatabase(self.salt, self.mapping.keyless, self.memory_gb)

    def load(self) -> None:
        """Read every table, once.

        Raises:
            BadInput: a table that cannot be used.
        """
        for name, table in self.mapping.tables.items():
            if name not in self.loaded:
                source = TableRows(name, self.mapping, self.folder, self.drop_bad)
                fits = FITS if self.forms else (table.fit,)
                self.loaded[name] = Loader(self.database, source, self.place(name), fits).load()

    def place(self, name: str) -> str:
        """Return what a table is called in the database."""
        return f"t{list(self.mapping.tables).index(name)}"

    def complete_until_us(self, name: str) -> int | None:
        """Return the moment up to which a row of the log has all outcomes of a table that count; None where it has no `within_h`."""
        within, last_us = self.mapping.tables[name].within_h, self.loaded[name].last_us
        return None if within is None or last_us is None else last_us - round(within * HOUR_US)

    def look_up(self, name: str, keys: Keys, at_us: Keys | None = None) -> dict[str, Any]:
        """Return what a table holds for keys, at most a row each: `found` (bool), `early`, and its columns by name.

        Args:
            name: of the table.
            keys: numbers as of `JoinDatabase.numbers`, shape (rows,).
            at_us: the time at which it is looked up, for a table with `valid_from` or `within_h`; shape (rows,).

        Returns:
            Features as dictionary-encoded text, empty where nothing is found; `n`, `moment` and `value` of outcomes, 0
            there; `early`: whether the key has rows from later on alone, where that may be counted.
        """
        table, loaded = self.mapping.tables[name], self.loaded[name]
        key, rows = f"k_{table.fit}", len(keys)
        columns: dict[str, Any] = {ROW: np.arange(rows), "k": keys}
        columns |= {"now": at_us} if table.valid_from or table.within_h else {}
        block = pa.table(columns)
        features = [f"f{i}" for i in range(len(table.features))]
        outcomes = ["n", *(["moment"] if table.time else []), *(["value"] if table.value else [])]
        taken = outcomes if name in OUTCOMES else features
        columns_of = ", ".join(f"t.{column}" for column in taken)
        pairs = f"FROM block JOIN {self.place(name)} t ON block.k = t.{key}"
        early = np.zeros(rows, dtype=bool)
        if table.within_h:
            sums = {
                "n": "count(*) AS n",
                "moment": "min(t.moment) AS moment",
                "value": "sum(t.value) AS value",
            }
            sql = (
                f"SELECT {ROW}, {', '.join(sums[column] for column in taken)} {pairs} "
                f"AND t.moment BETWEEN block.now AND block.now + {round(table.within_h * HOUR_US)} GROUP BY {ROW}"
            )
        elif not table.valid_from:
            sql = f"SELECT {ROW}, {columns_of} {pairs}"
        elif loaded.has_until:
            sql = f"SELECT {ROW}, {columns_of} {pairs} AND block.now >= t.moment AND block.now < t.until"
        else:
            near = f"WITH near AS MATERIALIZED (SELECT * FROM {self.place(name)} WHERE {key} IN (SELECT k FROM block))"
            sql = f"{near} SELECT {ROW}, {columns_of} FROM block ASOF JOIN near t ON block.k = t.{key} AND block.now >= t.moment"
        held: pa.Table = self.database.run(sql, block, result=True)
        found, place = np.zeros(rows, dtype=bool), np.asarray(held[ROW])
        found[place] = True
        if int(found.sum()) != len(held):
            raise AssertionError(f"the join with {name} gave {len(held)} rows for {int(found.sum())}")
        if self.forms and table.valid_from:
            known = f"SELECT {ROW} FROM block WHERE k IN (SELECT {key} FROM {self.place(name)})"
            early[np.asarray(self.database.run(known, block, result=True)[ROW])] = True
            early &= ~found
        answer: dict[str, Any] = {"found": found, "early": early}
        for number, column in enumerate(taken):
            if name in OUTCOMES:
                answer[column] = _spread(held[column].cast(pa.float64()), place, rows, np.float64)
            else:
                codes = _spread(held[column], place, rows, np.int32)
                answer[table.features[number]] = pa.DictionaryArray.from_arrays(
                    pa.array(codes), loaded.words[number]
                )
        return answer


def _spread(cells: Any, place: Keys, rows: int, kind: Any) -> NDArray[Any]:
    """Return cells at their rows, and 0 at the others; shape (rows,)."""
    spread = np.zeros(rows, dtype=kind)
    spread[place] = np.asarray(cells)
    return spread

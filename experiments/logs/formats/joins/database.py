"""A DuckDB database in memory that keeps to a limit and moves the rest to a temporary folder, and key numbers made in it.

Only hashes and codes of feature values ever lie in the folder, which is removed with the database.
"""

# ruff: noqa: S608 - statements are made of our own names; what users write goes in as parameters
from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ....errors import BadInput
from ..joined_table import Fit
from .keys import BETWEEN, hashed

THREADS = 2
ROW = "rn"
"""The column that numbers the rows of a block."""


@dataclass
class JoinDatabase:
    """The database of one study.

    Attributes:
        salt: of the keys.
        missing: the spellings of a missing key.
        memory_gb: the limit of DuckDB's memory.
    """

    salt: str
    missing: Collection[str]
    memory_gb: float = 1.5

    @cached_property
    def _connection(self) -> Any:
        import duckdb

        folder = tempfile.mkdtemp(prefix="jointbid-join-")
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        limits: dict[str, Any] = {
            "memory_limit": f"{self.memory_gb:g}GB",
            "temp_directory": folder,
            "threads": THREADS,
        }
        return duckdb.connect(":memory:", config=limits)

    def run(self, sql: str, block: pa.Table | None = None, *, result: bool = False) -> Any:
        """Run one statement to its end, over an Arrow table that it calls `block`; return its rows, as an Arrow table where `result` is set.

        Raises:
            BadInput: no room in the temporary folder, or less memory than a join needs.
        """
        import duckdb

        given = {"salt": self.salt + BETWEEN} if "$salt" in sql else None
        if block is not None:
            self._connection.register("block", block)
        try:
            if result:
                return self._connection.sql(sql, params=given).to_arrow_table()
            return self._connection.execute(sql, given).fetchall()
        except (duckdb.OutOfMemoryException, duckdb.IOException) as error:
            text = " ".join(str(error).split())[:200]
            raise BadInput(
                f"supply.join_memory_gb = {self.memory_gb:g}: the join of the tables does not fit ({text}); give more memory, or room in "
                f"the temporary folder ({tempfile.gettempdir()}; TMPDIR sets another)"
            ) from None
        finally:
            if block is not None:
                self._connection.unregister("block")

    def count(self, sql: str) -> int:
        """Return the number that a statement counts."""
        return int(self.run(sql)[0][0])

    def hash_of(self, columns: Sequence[str], fit: Fit) -> str:
        """Return SQL for the number of a key of text columns; 0 where one of them is missing."""
        return hashed(columns, fit, {*self.missing, ""})

    def numbers(
        self, columns: Mapping[str, pa.Array], fits: Sequence[tuple[str, tuple[str, ...], Fit]]
    ) -> dict[str, NDArray[np.int64]]:
        """Return the numbers of keys, shape (rows,), by name for each of `fits`: (name, the key's columns, fit); equal ones are hashed once.

        Args:
            columns: text of each row, by name.
            fits: what is wanted.
        """
        own = {name: f"c{i}" for i, name in enumerate(columns)}
        distinct = {(key, fit): f"h{i}" for i, (_, key, fit) in enumerate(fits)}
        rows = len(next(iter(columns.values())))
        block = pa.table({ROW: np.arange(rows)} | {own[name]: cells for name, cells in columns.items()})
        wanted = (
            f"{self.hash_of([own[one] for one in key], fit)} AS {h}" for (key, fit), h in distinct.items()
        )
        held = self.run(f"SELECT {ROW}, {', '.join(wanted)} FROM block", block, result=True)
        place = np.asarray(held[ROW])
        found = {}
        for key, h in distinct.items():
            found[key] = np.empty(rows, dtype=np.int64)
            found[key][place] = np.asarray(held[h])
        return {name: found[key, fit] for name, key, fit in fits}

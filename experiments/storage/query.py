"""SQL over the tables of all studies of a results folder."""

from __future__ import annotations

import glob
import re
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import BadInput
from .catalogue import Entry, scan
from .names import POINTS, SWEEPS

if TYPE_CHECKING:
    import duckdb

VIEWS = ("studies", "summary", "cells", "timeseries", POINTS)
"""Tables of a query: a row a study; the rows of these files of all studies; a row a point of each sweep."""

WHERE_FROM = ("study", "scenario", "hash", "seed", "status", "started", "version", "command", "folder")
"""Columns of the study that are added to every table, unless it has one of that name."""


def query(results: Path, sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Return the columns and rows of a query over the views.

    Raises:
        BadInput: DuckDB refuses the query; its reason in a line.
    """
    import duckdb

    entries = scan(results)
    with duckdb.connect() as database:
        try:
            _studies(database, entries)
            for view in VIEWS[1:]:
                if re.search(rf"\b{view}\b", sql, re.IGNORECASE):
                    _view(database, view, results, entries)
            answer = database.sql(sql)
            return ([], []) if answer is None else (list(answer.columns), answer.fetchall())
        except duckdb.Error as error:
            reason = " ".join(str(error).split("\nLINE ")[0].split()).removesuffix("!").strip()
            raise BadInput(f"results query: {reason}; there is: {', '.join(VIEWS)}") from None


def _studies(database: duckdb.DuckDBPyConnection, entries: list[Entry]) -> None:
    import pandas as pd

    columns = list(Entry.__dataclass_fields__)
    table = pd.DataFrame([asdict(entry) for entry in entries], columns=columns)
    types = {"seed": "BIGINT", "wall_seconds": "DOUBLE", "auctions": "BIGINT"}
    database.register("entries", table)
    cast = ", ".join(f"CAST({name} AS {types.get(name, 'VARCHAR')}) AS {name}" for name in columns)
    database.execute(f"CREATE TABLE studies AS SELECT {cast} FROM entries")  # noqa: S608 - our own names


def _view(database: duckdb.DuckDBPyConnection, view: str, results: Path, entries: list[Entry]) -> None:
    """Create the view of one kind of file of all studies, with the columns ``WHERE_FROM``."""
    files = _files(view, results, entries)
    if not files:
        database.execute(f"CREATE VIEW {view} AS SELECT * FROM studies WHERE false")  # noqa: S608
        return
    listed = "[" + ", ".join("'" + glob.escape(str(file)).replace("'", "''") + "'" for file in files) + "]"
    source = f"read_parquet({listed}, union_by_name=true, filename='_file')"
    own = [row[0] for row in database.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()]  # noqa: S608
    further = ", ".join(f"s.{name}" for name in WHERE_FROM if name not in own)
    where = "regexp_replace(t._file, '/[^/]*$', '')"
    key = "regexp_extract(t.folder, '[^/]*/[^/]*$') = regexp_extract(s.folder, '[^/]*/[^/]*$')"
    join = f"LEFT JOIN studies s ON {key}" if view == POINTS else f"JOIN studies s ON s.folder = {where}"
    sweep = f", regexp_extract({where}, '[^/]*$') AS sweep" if view == POINTS else ""
    database.execute(
        f"CREATE VIEW {view} AS SELECT t.* EXCLUDE (_file){sweep}, {further} FROM {source} t {join}"  # noqa: S608
    )


def _files(view: str, results: Path, entries: list[Entry]) -> list[Path]:
    of_sweeps = (results / SWEEPS).glob(f"*/{POINTS}.parquet")
    found = of_sweeps if view == POINTS else (Path(entry.folder) / f"{view}.parquet" for entry in entries)
    return [file for file in found if _is_parquet(file)]


def _is_parquet(file: Path) -> bool:
    """Return whether the file begins and ends as Parquet does: a damaged file must not stop a query over thousands."""
    try:
        with file.open("rb") as content:
            head = content.read(4)
            content.seek(-4, 2)
            return head == content.read(4) == b"PAR1"
    except OSError:
        return False

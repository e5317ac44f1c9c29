"""The catalogue of a results folder: its studies and their states, and SQL over the tables of all of them."""

from __future__ import annotations

import glob
import re
from collections.abc import Iterator, Mapping
from contextlib import nullcontext, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..cells.cell import code_version
from ..errors import BadInput
from .journal import SUFFIX
from .lock import FolderLocked, locked
from .ownership import CELLS, LOCK, MARK, contents, is_marked
from .study_folder import POINTS, SWEEPS, Folder

if TYPE_CHECKING:
    import duckdb

NAME = re.compile(r"^(?P<scenario>.+)-(?P<hash>[0-9a-f]{12})$")
"""The name of a study's folder."""

VIEWS = ("studies", "summary", "cells", "timeseries", POINTS)
"""Tables of a query: a row a study; the rows of these files of all studies; a row a point of each sweep."""

WHERE_FROM = ("study", "scenario", "hash", "seed", "status", "started", "version", "command", "folder")
"""Columns of the study that are added to every table, unless it has one of that name."""


MANIFEST_COLUMNS = ("seed", "started", "wall_seconds", "auctions", "code", "command")
"""Facts of a study that its manifest has under the same names."""


@dataclass(frozen=True)
class Entry:
    """One study.

    Attributes:
        status: ``done``, ``failed``; ``running`` while a command works on it, ``stopped`` where one was killed; ``damaged``
            where a file of a finished one is gone.
        version: of jointbid.
        code: version of the code that computed its cells.
    """

    study: str
    scenario: str
    hash: str
    status: str
    seed: int | None
    started: str | None
    wall_seconds: float | None
    auctions: int | None
    version: str | None
    code: str | None
    command: str | None
    folder: str


def scan(results: Path) -> list[Entry]:
    """Return every study below a results folder, oldest first.

    Raises:
        BadInput: there is no such folder.
    """
    if not results.is_dir():
        raise BadInput(f"results_dir = {results}: no such folder; studies make it")
    found = [
        _entry(folder, name)
        for folder in sorted(results.glob("*/*"))
        if folder.parent.name != SWEEPS and (name := NAME.match(folder.name)) and _is_study(folder)
    ]
    return sorted(found, key=lambda entry: (entry.started or "", entry.folder))


def _is_study(folder: Path) -> bool:
    """Return whether jointbid wrote the folder: it has the mark, or a manifest with its name."""
    about = Folder(folder).read_json("manifest.json")
    return is_marked(folder) or (about.get("study"), about.get("hash")) == (
        folder.parent.name,
        folder.name[-12:],
    )


def _entry(path: Path, name: re.Match[str]) -> Entry:
    folder = Folder(path)
    about = folder.read_json("manifest.json")
    return Entry(
        study=path.parent.name,
        scenario=str(about.get("scenario") or name["scenario"]),
        hash=name["hash"],
        status=_status(folder, about),
        version=(about.get("versions") or {}).get("jointbid"),
        folder=str(path),
        **{key: about.get(key) for key in MANIFEST_COLUMNS},
    )


def _status(folder: Folder, about: Mapping[str, Any]) -> str:
    status = str(folder.read_json("status.json").get("status", "stopped"))
    if status == "running" and not folder.is_locked:
        return "stopped"
    if status == "done" and not all((folder.path / name).is_file() for name in about.get("files") or {}):
        return "damaged"
    return status


# -- SQL --------------------------------------------------------------------------------------------------------------


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


# -- clean ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Waste:
    """Files of one study that may be deleted.

    Attributes:
        why: the reason.
        folder: the study's folder.
        files: files to delete, all of them written by jointbid.
        folders: folders that are then empty.
        kept: files in the folder that jointbid did not write.
    """

    why: str
    folder: Path
    files: tuple[Path, ...]
    folders: tuple[Path, ...] = ()
    kept: tuple[Path, ...] = ()

    @property
    def size(self) -> int:
        """Size of the files in bytes."""
        return sum(file.stat().st_size for file in self.files if file.is_file())


def waste(results: Path, *, finished: bool = False) -> Iterator[Waste]:
    """Yield what is unfinished, damaged or of other code; finished studies of other code only with ``finished``.

    Only folders count that have jointbid's mark with their own name (``jointbid.experiments.storage.ownership``).
    """
    for entry in scan(results):
        folder = Folder(Path(entry.folder))
        is_link = folder.path.is_symlink() or folder.path.parent.is_symlink()
        if folder.is_locked or is_link or not is_marked(folder.path):
            continue
        files = folder.read_json("manifest.json").get("files") or {}
        if entry.status in {"stopped", "failed", "running"}:
            yield _whole(f"unfinished ({entry.status})", folder.path)
        elif entry.status == "damaged" or (changed := folder.changed(files)):
            gone = "" if entry.status == "damaged" else f" ({', '.join(changed)})"
            yield _whole(f"damaged{gone}", folder.path)
        elif finished and entry.code not in {None, code_version()}:
            yield _whole("finished, of other code", folder.path)
        elif old := _left_over(folder.path):
            yield Waste("cells of other code; the tables stay", folder.path, tuple(old))


def _whole(why: str, folder: Path) -> Waste:
    found = contents(folder)
    return Waste(why, folder, found.own, (*found.folders, folder), found.foreign)


def _left_over(folder: Path) -> list[Path]:
    """Return cells of other code, and files that were never finished."""
    old = {file for file in (folder / CELLS).glob(f"*{SUFFIX}") if not file.name.startswith(code_version())}
    kept = {folder / MARK, folder / LOCK}
    own = contents(folder).own
    return [file for file in own if file in old or (file.name.startswith(".") and file not in kept)]


def remove(found: Waste) -> bool:
    """Delete the files, and the folders that are then empty; return False where a command works on the study."""
    cells = found.folder / CELLS
    try:
        with locked(found.folder / LOCK, wait=False) if cells.is_dir() else nullcontext():
            for file in found.files:
                file.unlink(missing_ok=True)
    except FolderLocked:
        return False
    for folder in sorted(found.folders, reverse=True):
        with suppress(OSError):  # not empty
            folder.rmdir()
    return True

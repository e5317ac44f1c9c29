"""A study's folder: finished cells, the tables made from them, and what is known about the run.

Each task's results are one small file with a checksum, put in place atomically: a file that is half written, damaged or
of other code is never counted, and the same command again runs only what is missing.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from experiments.cells import CellResult
from experiments.errors import BadInput

if TYPE_CHECKING:
    import pandas as pd

Status = Literal["running", "done", "failed"]


class Folder:
    """The result folder of one study; made when it is first written to."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._cells = path / "cells"

    def open(self) -> None:
        """Make the folder and prove that files can be written to it.

        Raises:
            BadInput: it cannot be made or written to.
        """
        try:
            self._cells.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self._cells):
                pass
        except OSError as error:
            raise BadInput(f"results_dir: cannot write to {self.path} ({error.strerror or error})") from None

    # -- finished cells -------------------------------------------------------------------------------------------

    def finished(self, keys: Iterable[str]) -> dict[str, CellResult]:
        """Results of those cells that are there, whole and undamaged."""
        wanted = set(keys)
        found: dict[str, CellResult] = {}
        for file in sorted(self._cells.glob("*.json")):
            with suppress(OSError, ValueError, KeyError, TypeError):
                found.update(_read_cells(file, wanted))
        return found

    def keep(self, results: Mapping[str, CellResult]) -> None:
        """Put the results of one task in place, all or none."""
        body = json.dumps(
            {key: [_columns(r.rows), _columns(r.timeseries), r.auctions] for key, r in results.items()}
        )
        name = hashlib.blake2b(" ".join(sorted(results)).encode(), digest_size=10).hexdigest()
        self._replace(f"cells/{name}.json", f"{_checksum(body)}\n{body}\n")

    # -- everything else ------------------------------------------------------------------------------------------

    def status(self, status: Status) -> None:
        """Say how the study stands."""
        self.write_json("status.json", {"status": status})

    def is_done(self) -> bool:
        """Whether the study was finished once."""
        return bool(self.read_json("status.json").get("status") == "done")

    def read_json(self, name: str) -> dict[str, Any]:
        """What a JSON file holds; nothing where there is none."""
        with suppress(OSError, ValueError):
            content = json.loads((self.path / name).read_text("utf-8"))
            if isinstance(content, dict):
                return content
        return {}

    def write_json(self, name: str, content: Any) -> None:
        """Write a JSON file atomically."""
        self._replace(name, json.dumps(content, indent=2) + "\n")

    def write_text(self, name: str, content: str) -> None:
        """Write a text file atomically."""
        self._replace(name, content)

    def write_lines(self, name: str, records: Sequence[Mapping[str, Any]]) -> None:
        """Write a JSON-lines file atomically; where there is nothing to write there is no file."""
        if records:
            self._replace(name, "".join(json.dumps(record) + "\n" for record in records))
        else:
            (self.path / name).unlink(missing_ok=True)

    def write_table(self, name: str, table: pd.DataFrame) -> None:
        """Write a table atomically, as Parquet or CSV by its suffix."""
        target = self.path / name
        partial = _beside(target)
        if target.suffix == ".csv":
            table.to_csv(partial, index=False)
        else:
            table.to_parquet(partial, index=False)
        partial.replace(target)

    def _replace(self, name: str, content: str) -> None:
        target = self.path / name
        partial = _beside(target)
        partial.write_text(content, "utf-8")
        partial.replace(target)


def _beside(target: Path) -> Path:
    return target.with_name(f".{target.name}.{os.getpid()}")


def _checksum(body: str) -> str:
    return hashlib.blake2b(body.encode(), digest_size=16).hexdigest()


def _read_cells(file: Path, wanted: set[str]) -> dict[str, CellResult]:
    checksum, body = file.read_text("utf-8").split("\n", 1)
    if checksum != _checksum(body.rstrip("\n")):
        raise ValueError(f"{file} is damaged")
    return {
        key: CellResult(_rows(rows), _rows(timeseries), auctions)
        for key, (rows, timeseries, auctions) in json.loads(body).items()
        if key in wanted
    }


def _columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    return {name: [row[name] for row in rows] for name in rows[0]} if rows else {}


def _rows(columns: Mapping[str, list[Any]]) -> list[dict[str, Any]]:
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]

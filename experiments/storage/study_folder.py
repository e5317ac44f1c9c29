"""A study's folder: finished cells, the tables made from them, and facts about the run.

Finished cells are in ``cells/`` (``jointbid.experiments.storage.journal``): lines that are half written, damaged or
of other code do not count, and the same command again runs only missing cells. Every other file is put in place whole, or not at all.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ..errors import refused
from .journal import Segments
from .lock import is_locked, locked
from .names import MANIFEST, STATUS
from .ownership import record

if TYPE_CHECKING:
    import pandas as pd

Status = Literal["running", "done", "failed", "stopped"]
LOCK = ".lock"
PROBE_BYTES = 1 << 16
"""Free space without which no study is begun."""


class Folder:
    """The result folder of one study; made when it is first written to.

    Attributes:
        path: of the folder.
        cells: the finished cells.
        checksums: of the files that were written, by name.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.cells = Segments(path / "cells")
        self.checksums: dict[str, str] = {}

    @contextmanager
    def locked(self, *, wait: bool = True) -> Iterator[None]:
        """Make the folder and lock it while the block runs; an error leaves no status ``running``.

        Raises:
            BadInput: it cannot be made or written to.
            FolderLocked: another command has the lock, and ``wait`` is False.
        """
        cells = self.path / "cells"
        with refused(f"results_dir: cannot write to {self.path}"):
            cells.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=cells) as probe:
                if not self.is_done():  # what is finished can be read on a full disk
                    probe.write(bytes(PROBE_BYTES))
        with locked(cells / LOCK, wait=wait):
            try:
                record(self.path, STATUS, MANIFEST)
                yield
            except BaseException as error:
                if self.read_json(STATUS).get("status") == "running":
                    self._end("stopped" if isinstance(error, KeyboardInterrupt) else "failed")
                raise
            finally:
                self.cells.close()

    @property
    def is_locked(self) -> bool:
        """Whether a command works in the folder."""
        return is_locked(self.path / "cells" / LOCK)

    def status(self, status: Status) -> None:
        """Write the state of the study to ``status.json``."""
        self.write_json(STATUS, {"status": status})

    def is_done(self) -> bool:
        """Return whether the study is finished."""
        return bool(self.read_json(STATUS).get("status") == "done")

    def changed(self, checksums: Mapping[str, str]) -> list[str]:
        """Return which of these files are gone or changed since they were written."""
        return [name for name, checksum in checksums.items() if _checksum(self.path / name) != checksum]

    def _end(self, status: Status) -> None:
        try:
            self.status(status)
        except OSError:  # a full disk: where the old status stands there is room for the new one
            with suppress(OSError), (self.path / STATUS).open("r+b") as file:
                size = os.fstat(file.fileno()).st_size
                file.write(json.dumps({"status": status}).encode().ljust(size - 1) + b"\n")

    def read_json(self, name: str) -> dict[str, Any]:
        """Return the content of a JSON file; empty where the file is absent or damaged."""
        with suppress(OSError, ValueError):
            content = json.loads((self.path / name).read_text("utf-8"))
            if isinstance(content, dict):
                return content
        return {}

    def write_json(self, name: str, content: Any) -> None:
        """Write a JSON file atomically."""
        self.write_text(name, json.dumps(content, indent=2) + "\n")

    def write_text(self, name: str, content: str) -> None:
        """Write a text file atomically."""
        with self._beside(self.path / name) as partial:
            partial.write_text(content, "utf-8")

    def add_line(self, name: str, line: Mapping[str, Any]) -> None:
        """Add a line to a JSON-lines file."""
        record(self.path, name)
        with (self.path / name).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def drop(self, name: str) -> None:
        """Remove a file, where there is one."""
        (self.path / name).unlink(missing_ok=True)

    def write_table(self, name: str, table: pd.DataFrame) -> None:
        """Write a table atomically, as Parquet or CSV by its suffix."""
        target = self.path / name
        with self._beside(target) as partial:
            if target.suffix == ".csv":
                table.to_csv(partial, index=False)
            else:
                table.to_parquet(partial, index=False)

    def write_parts(self, name: str, parts: Iterable[pd.DataFrame]) -> None:
        """Write a table that comes in parts as Parquet, with one part in memory at a time; parts that are not alike are first put together."""
        import pyarrow as pa
        from pyarrow import parquet

        def arrow(part: pd.DataFrame) -> pa.Table:
            return pa.Table.from_pandas(part, preserve_index=False)

        with self._beside(self.path / name) as partial, ExitStack() as opened:
            writer: parquet.ParquetWriter | None = None
            for rows in map(arrow, parts):
                writer = writer or opened.enter_context(parquet.ParquetWriter(partial, rows.schema))
                if not rows.schema.equals(writer.schema):
                    opened.close()
                    whole = pa.concat_tables(map(arrow, parts), promote_options="permissive")
                    parquet.write_table(whole, partial)
                    break
                writer.write_table(rows)

    def read_table(self, name: str) -> pd.DataFrame:
        """Read a Parquet table by column; read at once it would be in memory twice."""
        import pandas as pd
        import pyarrow as pa
        from pyarrow import parquet

        pa.set_memory_pool(pa.system_memory_pool())  # which gives back what is freed
        with parquet.ParquetFile(self.path / name) as file:
            columns = {name: file.read([name]).to_pandas()[name] for name in file.schema_arrow.names}
        return pd.DataFrame(columns, copy=False)

    @contextmanager
    def _beside(self, target: Path) -> Iterator[Path]:
        """Yield a path to write to, which replaces the target when the block ends; after an error nothing is left of it."""
        partial = target.with_name(f".{target.name}.{os.getpid()}")
        record(self.path, str(target.relative_to(self.path)))
        try:
            yield partial
            self.checksums[str(target.relative_to(self.path))] = _checksum(partial)
            partial.replace(target)
        except BaseException:
            with suppress(OSError):
                partial.unlink(missing_ok=True)
            raise


def _checksum(path: Path) -> str:
    """Return hex digits of a file's content; empty where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "blake2b").hexdigest()[:32]
    except OSError:
        return ""

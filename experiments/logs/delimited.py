"""Streaming reader of delimited text: checks every cell it is told about, and accounts for every row.

Rows are numbered as a text editor does: the header is row 1, the first row of data is row 2.
"""

from __future__ import annotations

import bz2
import csv
import gzip
import io
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pacsv

from experiments.errors import BadInput, closest

SHOWN = 20
"""So many problems of one file are listed; the rest are counted."""
_BLOCK_BYTES = 4 << 20
_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_MAGIC: dict[bytes, Callable[..., Any]] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open}


@dataclass(frozen=True)
class Column:
    """What a column of the file must hold. `low` and `high` bound numbers, both included."""

    name: str
    kind: Literal["text", "integer", "number"] = "text"
    low: float = -np.inf
    high: float = np.inf

    @property
    def allowed(self) -> str:
        """The rule in words, for messages."""
        noun = {"text": "text", "integer": "a whole number", "number": "a finite number"}[self.kind]
        return f"{noun} from {self.low:g} to {self.high:g}" if np.isfinite(self.low) else noun


@dataclass
class Account:
    """What became of the rows of one file while it is read."""

    path: str
    drop_bad: bool = False
    read: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    problems: list[tuple[int, str]] = field(default_factory=list)
    bad: int = 0

    def complain(self, row: int, what: str, reason: str) -> None:
        """Note one unusable row: dropped under `reason` where that was asked for, a problem of the user's else."""
        if self.drop_bad:
            self.dropped[reason] += 1
            return
        self.bad += 1
        if len(self.problems) < SHOWN:
            self.problems.append((row, f"{self.path}, row {row}{what}"))

    def settle(self) -> None:
        """Raise `BadInput` when a row could not be used, or none was left."""
        if self.problems:
            more = [f"{self.path}: {self.bad - SHOWN} more rows like these"] if self.bad > SHOWN else []
            raise BadInput([text for _, text in sorted(self.problems)] + more)
        if self.read == sum(self.dropped.values()):
            why = ", ".join(f"{count} x {reason}" for reason, count in self.dropped.items() if count)
            raise BadInput(
                f"{self.path}: has a header but no rows" + (f" that can be used ({why})" if why else "")
            )


def read_chunks(path: Path, columns: Sequence[Column], account: Account) -> Iterator[pd.DataFrame]:
    """Yield the named columns of a comma-separated file with a header, chunk by chunk.

    Text stays text (an empty cell is the empty string); integers become int64 and numbers float64. Columns that are
    not asked for are skipped. Plain, gzip and bz2 files are told apart by their first bytes.

    Raises:
        BadInput: no such file, no header, missing or doubled columns, no data, a compressed file that is cut
            short; and, unless `account.drop_bad`, after the last chunk: ragged rows and cells that break a rule.
    """
    names = _header(path)
    _check_header(path, names, columns)
    ragged: list[int] = []
    seen = 0
    with _open(path) as stream:
        try:
            for batch in _batches(stream, names, columns, ragged, account):
                numbers = _row_numbers(seen, batch.num_rows, ragged)
                seen += batch.num_rows
                yield _typed(batch, numbers, columns, account)
        except (pa.ArrowInvalid, OSError, EOFError) as error:
            raise BadInput(
                f"{path}: cannot be read on after row {seen + len(ragged) + 1}: {error}"
            ) from error
    account.read = seen + len(ragged)
    account.settle()


def _open(path: Path) -> IO[bytes]:
    """Open the file for reading bytes, unpacked."""
    with path.open("rb") as raw:
        start = raw.read(3)
    for magic, opener in _MAGIC.items():
        if start.startswith(magic):
            return opener(path, "rb")
    return path.open("rb")


def _header(path: Path) -> list[str]:
    """Return the column names in the first line."""
    try:
        with _open(path) as stream:
            line = stream.readline(1 << 20)
        text = line.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}, row 1 (header): is not UTF-8 text ({error.reason})") from error
    except (OSError, EOFError) as error:
        why = (
            "no such file"
            if isinstance(error, FileNotFoundError)
            else getattr(error, "strerror", "") or error
        )
        raise BadInput(f"{path}: cannot be read: {why}") from error
    if not text.strip():
        raise BadInput(
            f"{path}: is empty; expected a header and rows" if not line else f"{path}, row 1: no header"
        )
    return next(csv.reader(io.StringIO(text)))


def _check_header(path: Path, names: Sequence[str], columns: Sequence[Column]) -> None:
    """Raise `BadInput` with every missing and doubled column."""
    wanted = [column.name for column in columns]
    spare = [name for name in names if name not in wanted]
    if len(spare) == len(names):
        raise BadInput(f"{path}, row 1 (header): has none of the columns {', '.join(wanted)}")
    problems = [
        f"{path}, row 1 (header): column {name!r} is missing{closest(name, spare)}"
        for name in wanted
        if name not in names
    ]
    problems += [
        f"{path}, row 1 (header): column {name!r} is there {count} times"
        for name, count in Counter(names).items()
        if count > 1 and name in wanted
    ]
    if problems:
        raise BadInput(problems)


def _batches(
    stream: IO[bytes], names: Sequence[str], columns: Sequence[Column], ragged: list[int], account: Account
) -> Iterator[pa.RecordBatch]:
    """Parse into batches of raw bytes; note ragged rows in `ragged` and in the account."""

    def skip(row: pacsv.InvalidRow) -> str:
        ragged.append(row.number)
        what = f": {row.actual_columns} cells where the header has {row.expected_columns}: {row.text[:80]!r}"
        account.complain(row.number, what, "ragged row")
        return "skip"

    # Doubled names that nobody asked for must not stop the parser: rename by position.
    unique = [name if names.index(name) == i else f"{name}#{i}" for i, name in enumerate(names)]
    wanted = [column.name for column in columns]
    try:
        yield from pacsv.open_csv(
            stream,
            pacsv.ReadOptions(use_threads=False, block_size=_BLOCK_BYTES, column_names=unique, skip_rows=1),
            pacsv.ParseOptions(ignore_empty_lines=False, invalid_row_handler=skip),
            pacsv.ConvertOptions(
                include_columns=wanted,
                column_types=dict.fromkeys(unique, pa.binary()),
                strings_can_be_null=False,
            ),
        )
    except pa.ArrowInvalid as error:
        # A header and nothing after it.
        if "Empty CSV file" not in str(error) and "Could not skip" not in str(error):
            raise


def _row_numbers(seen: int, count: int, ragged: Sequence[int]) -> np.ndarray:
    """Return the numbers in the file (header = 1) of the `seen`-th kept row and the next `count - 1`."""
    kept = np.arange(seen, seen + count, dtype=np.int64)
    kept_before = np.asarray(ragged, dtype=np.int64) - np.arange(len(ragged)) - 2
    return kept + 2 + np.searchsorted(kept_before, kept, side="right")


def _typed(
    batch: pa.RecordBatch, numbers: np.ndarray, columns: Sequence[Column], account: Account
) -> pd.DataFrame:
    """Decode and check one batch; rows that break a rule are noted once, at their first bad cell, and left out."""
    raw = {column.name: batch.column(column.name) for column in columns}
    blank = np.logical_and.reduce([np.asarray(pa.compute.equal(cells, b"")) for cells in raw.values()])
    account.dropped["blank line"] += int(blank.sum())
    alive = ~blank
    decoded: dict[str, pd.Series] = {}
    complaints: list[tuple[int, str, str]] = []
    for column in columns:
        text, broken = _decode(raw[column.name])
        values = text if column.kind == "text" else _numbers(text, column)
        wrong = broken if column.kind == "text" else broken | values.isna().to_numpy()
        cells = text.to_numpy()
        rule = "text in UTF-8" if column.kind == "text" else column.allowed
        for i in np.flatnonzero(wrong & alive):
            what = f", column {column.name!r}: {cells[i]!r} is not {rule}"
            complaints.append((int(numbers[i]), what, f"bad {column.name}"))
        alive &= ~wrong
        decoded[column.name] = values
    for complaint in sorted(complaints):
        account.complain(*complaint)
    frame = pd.DataFrame(decoded)[alive].reset_index(drop=True)
    return frame.astype({column.name: "int64" for column in columns if column.kind == "integer"})


def _decode(cells: pa.Array) -> tuple[pd.Series, np.ndarray]:
    """Return the cells as text, and which of them are not UTF-8 (these keep a readable stand-in)."""
    try:
        return pd.Series(cells.cast(pa.string()).to_pandas(), dtype=object), np.zeros(len(cells), dtype=bool)
    except pa.ArrowInvalid:
        text = [cell.decode("utf-8", errors="backslashreplace") for cell in cells.to_pylist()]
        broken = np.array([not _is_utf8(cell) for cell in cells.to_pylist()])
        return pd.Series(text, dtype=object), broken


def _is_utf8(cell: bytes) -> bool:
    try:
        cell.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _numbers(text: pd.Series, column: Column) -> pd.Series:
    """Return the cells as numbers, NaN where a cell breaks the column's rule."""
    plain = text.where(text.str.fullmatch(_NUMBER))
    values = pd.to_numeric(plain, errors="coerce").astype("float64")
    good = np.isfinite(values) & values.between(column.low, column.high)
    if column.kind == "integer":
        good &= values == values.round()
    return values.where(good)

"""Streaming reader of delimited text.

Rows are numbered as a text editor does: the first line is row 1. Cells are parsed by Arrow; cells are read one by one
only where a column of a block has an odd one.
"""

from __future__ import annotations

import io
import re
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
from numpy.typing import NDArray

from ...errors import BadInput, closest
from .checked_rows import Rows, typed_rows
from .column_rules import Column
from .compression import BROKEN, first_lines, head, unpacked, why
from .conditions import Condition
from .partitions import partition_of, with_constants
from .row_audit import RowAudit
from .separators import by_names, by_width, cells_of
from .utf8_repair import Utf8Stream, escaped

BLOCK_BYTES = 2 << 20
WITHIN_QUOTES = "lines lie within quotes and are parts of other rows: if no cell runs over several lines, a quote too many has taken them in"
_RELEASED_S = 5.0
_PREAMBLE = 50
"""Lines in which a header is sought that is not the first."""
_LINE_END = re.compile(rb"\r\n?|\n")


@dataclass(frozen=True)
class Form:
    """How a file is laid out: the names of its columns (None: in its first line), what separates them, quoting."""

    delimiter: str = ","
    names: tuple[str, ...] | None = None
    quoted: bool = True


OddRow = Callable[[int, str], bool]
"""Takes the number and the text of a row with another number of cells; returns whether it handled the row."""


def read_rows(
    path: Path,
    columns: Sequence[Column],
    audit: RowAudit,
    form: Form,
    odd_row: OddRow | None = None,
    keep: Condition | None = None,
) -> Iterator[Rows]:
    """Yield the wanted columns of one file, block by block, those rows that are kept; `audit.read` grows with the rows seen.

    Raises:
        BadInput: no such file, no header, missing or doubled columns, a compressed file that is cut short or damaged.
            Ragged rows and cells that break a rule are recorded in `audit`.
    """
    names = list(form.names) if form.names is not None else as_asked(header(path, form), columns)
    given = {name: value for name, value in partition_of(path).items() if name not in names}
    if form.names is None:
        check_header(path, [*names, *given], columns)
    first = 1 if form.names is not None else 2
    before, ragged, seen = audit.read, _Ragged(path, audit, odd_row), 0
    try:
        with unpacked(path) as stream:
            marked = Utf8Stream(stream)
            own = [column for column in columns if column.name not in given]
            for read in _batches(marked, names, own, form, ragged):
                batch = with_constants(read, given, read.num_rows)
                numbers = _row_numbers(seen, batch.num_rows, ragged.rows, first)
                seen += batch.num_rows
                audit.read = before + seen + len(ragged.rows)
                yield typed_rows(str(path), batch, numbers, columns, audit, odd=marked.odd, keep=keep)
    except BROKEN as error:
        raise BadInput(
            f"{path}: cannot be read on after row {seen + len(ragged.rows) + first - 1}: {why(error)}"
        ) from error
    audit.read = before + seen + len(ragged.rows)
    if within := marked.lines - (first - 1 + seen + len(ragged.rows)):
        audit.notes[WITHIN_QUOTES] += within


def header(path: Path, form: Form) -> list[str]:
    """Return the column names in the first line.

    Raises:
        BadInput: no such file, nothing in it, or a first line that is no text.
    """
    try:
        text = _LINE_END.split(head(path, 1 << 20), maxsplit=1)[0].decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(
            f"{path}, row 1 (header): is not UTF-8 text ({error.reason}); save it as UTF-8 "
            "(a file of Windows: iconv -f WINDOWS-1252 -t UTF-8 OLD > NEW)"
        ) from error
    if not text.strip():
        raise BadInput(
            f"{path}: is empty; expected a header and rows"
            if not head(path, 1)
            else f"{path}, row 1: no header"
        )
    return cells_of(text, form.delimiter, quoted=form.quoted)


def as_asked(names: Sequence[str], columns: Sequence[Column]) -> list[str]:
    """Return the names, those that differ from a wanted one by their case alone written as that one."""
    found = list(names)
    for wanted in [column.name for column in columns if column.name not in names]:
        alike = [i for i, name in enumerate(found) if name.casefold() == wanted.casefold()]
        if len(alike) == 1:
            found[alike[0]] = wanted
    return found


def headed(path: Path, columns: Sequence[Column], *, quoted: bool = True) -> Form:
    """Return the form of a file with a header, its cells separated by what separates the wanted names in it."""
    first = _LINE_END.split(head(path, 1 << 20), maxsplit=1)[0].decode("utf-8-sig", "replace")
    return Form(by_names(first, [column.name for column in columns]), None, quoted)


def form_of(
    path: Path,
    columns: Sequence[Column],
    delimiter: str | None,
    names: Sequence[str] | None,
    *,
    quoted: bool = True,
) -> Form:
    """Return how a file is laid out: with `names` where it has no header; a first line that holds just these, in any order, is one all the same."""
    if names is None:
        return Form(delimiter, None, quoted) if delimiter else headed(path, columns, quoted=quoted)
    lines = [line for line in first_lines(path, _PREAMBLE) if line]
    mark = delimiter or by_width(lines, len(names), quoted=quoted)
    first = cells_of(lines[0], mark, quoted=quoted) if lines else []
    is_header = sorted(map(str.casefold, first)) == sorted(map(str.casefold, names))
    return Form(mark, None if is_header else tuple(names), quoted)


def below(path: Path, names: Sequence[str]) -> str:
    """Return a hint where a line below the first holds all names, as with a report's title above the header."""
    wanted = {name.casefold() for name in names}
    for number, line in enumerate(first_lines(path, _PREAMBLE), 1):
        if wanted <= {cell.casefold() for cell in cells_of(line, by_names(line, names))}:
            return f"; row {number} has them: take away what stands above it (tail -n +{number} OLD > NEW)"
    return ""


def check_header(path: Path, names: Sequence[str], columns: Sequence[Column]) -> None:
    """Raise `BadInput` with every missing and doubled column."""
    wanted = list(dict.fromkeys(column.name for column in columns))
    absent = [name for name in wanted if name not in names]
    if len(absent) == len(wanted) and len(wanted) > 1:
        raise BadInput(
            f"{path}, row 1 (header): has none of the columns {', '.join(wanted)}; it has {', '.join(names)[:200]}"
            + below(path, wanted)
        )
    problems = [f"column {name!r} is missing{closest(name, names)}" for name in absent]
    problems += [
        f"column {name!r} is there {names.count(name)} times" for name in wanted if names.count(name) > 1
    ]
    if problems:
        raise BadInput([f"{path}, row 1 (header): {problem}" for problem in problems])


class _Ragged:
    """Rows of another number of cells: handled by `odd_row`, or rejected."""

    def __init__(self, path: Path, audit: RowAudit, odd_row: OddRow | None) -> None:
        self.rows: list[int] = []
        self._path, self._audit, self._odd_row = str(path), audit, odd_row

    def __call__(self, row: pacsv.InvalidRow) -> str:
        self.rows.append(row.number)
        if row.text.strip() == "\\.":
            self._audit.dropped["end mark of PostgreSQL's COPY"] += 1
        elif self._odd_row is None or not self._odd_row(row.number, row.text):
            what = f": {row.actual_columns} cells where the header has {row.expected_columns}: {escaped(row.text)[:80]!r}"
            self._audit.reject(self._path, row.number, what, "ragged row")
        return "skip"


class _Feed(io.RawIOBase):
    """The stream as Arrow's thread holds it."""

    def __init__(self, stream: Utf8Stream) -> None:
        self._stream = stream

    def readable(self) -> bool:
        """Always."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Return some bytes."""
        return self._stream.read(size)


def _batches(
    stream: Utf8Stream, names: Sequence[str], columns: Sequence[Column], form: Form, ragged: _Ragged
) -> Iterator[pa.RecordBatch]:
    """Parse into batches of text.

    Arrow reads ahead on a thread of its own, which holds the stream for a moment after the last batch. A process that ends in
    that moment aborts, as the thread cannot give a Python object back any more: so its end is waited for.
    """
    # Doubled names that no column asks for must not stop the parser: rename by position.
    unique = [name if names.index(name) == i else f"{name}#{i}" for i, name in enumerate(names)]
    feed, released = _Feed(stream), threading.Event()
    weakref.finalize(feed, released.set)
    try:
        yield from pacsv.open_csv(
            feed,
            pacsv.ReadOptions(
                use_threads=False,
                block_size=BLOCK_BYTES,
                column_names=unique,
                skip_rows=int(form.names is None),
            ),
            pacsv.ParseOptions(
                delimiter=form.delimiter,
                quote_char='"' if form.quoted else False,
                ignore_empty_lines=False,
                invalid_row_handler=ragged,
            ),
            pacsv.ConvertOptions(
                include_columns=list(dict.fromkeys(column.name for column in columns)),
                column_types=dict.fromkeys(unique, pa.string()),
                strings_can_be_null=False,
            ),
        )
    except pa.ArrowInvalid as error:
        # A header and nothing after it.
        if "Empty CSV file" not in str(error) and "Could not skip" not in str(error):
            raise
    finally:
        del feed
        released.wait(_RELEASED_S)


def _row_numbers(seen: int, count: int, ragged: Sequence[int], first: int) -> NDArray[np.int64]:
    """Return the numbers in the file of the `seen`-th kept row and the next `count - 1`."""
    kept = np.arange(seen, seen + count, dtype=np.int64)
    kept_before = np.asarray(ragged, dtype=np.int64) - np.arange(len(ragged)) - first
    return kept + first + np.searchsorted(kept_before, kept, side="right")

"""Finished cells on disk: files of one driver each, a line a cell, each line with its checksum.

A line is ``checksum key content``. Lines are only ever added, so that a driver which is killed leaves at worst half a line at
the end, and no two drivers write to one file. A file's name begins with the version of the code that its cells were
computed with; those of other code are not even read.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from array import array
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ..cells.cell import CellResult, code_version
from ..cells.cell_lists import Keys

Columns = dict[str, list[Any]]
"""Rows of a cell, column by column."""
SUFFIX = ".jsonl"
CHECKSUM, KEY = 16, 20
"""Hex digits of a line's checksum, and of a cell's key."""
OFFSET_BITS = 48
ABSENT = -1
MANY_FILES = 16


class Segments:
    """The finished cells of one study.

    Attributes:
        damaged: lines that their checksum does not fit, by file; they do not count.
    """

    def __init__(self, folder: Path = Path()) -> None:
        self._folder = folder
        self._files: list[Path] = []
        self._index = _Index()
        self._own: BinaryIO | None = None
        self._open: dict[int, BinaryIO] = {}
        self.damaged: dict[str, int] = {}

    def scan(self) -> None:
        """Index the undamaged lines of this code version."""
        self.close()
        self._files, self._index, self.damaged = [], _Index(), {}
        for file in sorted(self._folder.glob(f"{code_version()}-*{SUFFIX}")):
            self._scan(file)

    def has(self, keys: Keys | Sequence[str]) -> NDArray[np.bool_]:
        """Return which of the keys are there, shape (keys,)."""
        return np.asarray(self._index.find(keys) != ABSENT)

    def read(self, keys: Keys | Sequence[str]) -> Iterator[tuple[str, CellResult]]:
        """Yield the results of the keys that are there, in the given order."""
        for key, (rows, timeseries, auctions) in self.contents(keys):
            yield key, CellResult(_rows(rows), _rows(timeseries), auctions)

    def contents(self, keys: Keys | Sequence[str]) -> Iterator[tuple[str, tuple[Columns, Columns, int]]]:
        """Yield the same as on the disk: rows and time series by column, and the number of auctions."""
        for where in map(int, self._index.find(keys)):
            if where != ABSENT:
                line = self._line(where)
                yield line[CHECKSUM + 1 :][:KEY].decode(), json.loads(line[CHECKSUM + KEY + 2 :])

    def add(self, results: Mapping[str, CellResult]) -> None:
        """Append the results of one task in one write."""
        own = self._own or self._begin()
        number, offset, lines = len(self._files) - 1, own.tell(), []
        for key, result in results.items():
            content = json.dumps([_columns(result.rows), _columns(result.timeseries), result.auctions])
            body = f"{key} {content}".encode()
            lines.append(b"%s %s\n" % (_checksum(body), body))
        try:
            _write_all(own, b"".join(lines))
        except OSError:
            self._take_back(offset)
            raise
        for key, line in zip(results, lines, strict=True):
            self._index.add(key.encode(), number << OFFSET_BITS | offset)
            offset += len(line)

    def compact(self) -> None:
        """Merge into one file where lines are damaged or repeated, or files are many."""
        if not (self.damaged or self._index.is_repeated or len(self._files) > MANY_FILES):
            return
        old, fresh_number = list(self._files), len(self._files)
        if self._own:
            self._own.close()
        fresh, offset, index = self._begin(), 0, _Index()
        try:
            for where in map(int, self._index.find(self._index.keys)):
                line = self._line(where)
                _write_all(fresh, line)
                index.add(line[CHECKSUM + 1 :][:KEY], fresh_number << OFFSET_BITS | offset)
                offset += len(line)
        except OSError:  # no room: the old files do as well
            self._take_back(0)
            self._files.pop().unlink(missing_ok=True)
            return
        self._index, self.damaged = index, {}
        for file in old:
            file.unlink(missing_ok=True)

    def close(self) -> None:
        """Close the files."""
        for file in (*self._open.values(), *([self._own] if self._own else [])):
            file.close()
        self._open, self._own = {}, None

    def _line(self, where: int) -> bytes:
        number, offset = where >> OFFSET_BITS, where & ((1 << OFFSET_BITS) - 1)
        file = self._open.get(number) or self._open.setdefault(number, self._files[number].open("rb"))
        file.seek(offset)
        return file.readline()

    def _begin(self) -> BinaryIO:
        name = f"{code_version()}-{time.time_ns():x}-{os.getpid()}{SUFFIX}"
        self._own = (self._folder / name).open("xb", buffering=0)
        self._files.append(self._folder / name)
        return self._own

    def _take_back(self, offset: int) -> None:
        """Remove a half line that a full disk has left; the next driver begins a file of its own."""
        if self._own:
            self._own.truncate(offset)
            self._own.close()
            self._own = None

    def _scan(self, file: Path) -> None:
        number, offset, bad = len(self._files), 0, 0
        self._files.append(file)
        with file.open("rb") as lines:
            for line in lines:
                checksum, body = line[:CHECKSUM], line[CHECKSUM + 1 : -1]
                if line.endswith(b"\n") and checksum == _checksum(body):
                    self._index.add(body[:KEY], number << OFFSET_BITS | offset)
                else:
                    bad += 1
                offset += len(line)
        if bad:
            self.damaged[file.name] = bad


class _Index:
    """Where the line of each key begins, in some 40 bytes a line: the number of its file, and a place there. The last line of a key counts."""

    def __init__(self) -> None:
        # A line of no cell, so that there is a first.
        self._keys, self._where = bytearray(KEY), array("q", [ABSENT])
        self._sorted: tuple[Keys, NDArray[np.int64]] | None = None

    def add(self, key: bytes, where: int) -> None:
        """Add a line."""
        self._keys += key
        self._where.append(where)
        self._sorted = None

    def find(self, keys: Keys | Sequence[str]) -> NDArray[np.int64]:
        """Return where the line of each key begins, or ``ABSENT``; shape (keys,)."""
        wanted, (known, where) = np.asarray(keys, f"S{KEY}"), self._in_order()
        place = np.searchsorted(known, wanted, side="right") - 1
        return np.where(known[place] == wanted, where[place], ABSENT)

    @property
    def keys(self) -> Keys:
        """Each key once."""
        return self._in_order()[0][1:]

    @property
    def is_repeated(self) -> bool:
        """Whether a key has several lines."""
        return len(self.keys) + 1 < len(self._where)

    def _in_order(self) -> tuple[Keys, NDArray[np.int64]]:
        """Return each key, in order, and where its last line begins."""
        if self._sorted is None:
            keys, last = np.unique(np.frombuffer(self._keys, f"S{KEY}")[::-1], return_index=True)
            self._sorted = keys, np.frombuffer(self._where, np.int64)[::-1][last]
        return self._sorted


def _write_all(file: BinaryIO, content: bytes) -> None:
    """Write all of the content: an unbuffered file may take only a part at once."""
    left = memoryview(content)
    while left:
        left = left[file.write(left) :]


def _checksum(body: bytes) -> bytes:
    return hashlib.blake2b(body, digest_size=CHECKSUM // 2).hexdigest().encode()


def _columns(rows: list[dict[str, Any]]) -> Columns:
    return {name: [row[name] for row in rows] for name in rows[0]} if rows else {}


def _rows(columns: Columns) -> list[dict[str, Any]]:
    shared = (
        [sys.intern(name) for name in values] if values and isinstance(values[0], str) else values
        for values in columns.values()
    )
    return [dict(zip(columns, values, strict=True)) for values in zip(*shared, strict=True)]

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
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from ..cells.cell import CellResult, code_version

SUFFIX = ".jsonl"
CHECKSUM, KEY = 16, 20
"""Hex digits of a line's checksum, and of a cell's key."""
OFFSET_BITS = 48
MANY_FILES = 16


class Segments:
    """The finished cells of one study.

    Attributes:
        damaged: lines that their checksum does not fit, by file; they do not count.
    """

    def __init__(self, folder: Path = Path()) -> None:
        self._folder = folder
        self._files: list[Path] = []
        self._index: dict[str, int] = {}  # key -> number of the file, and where in it the line begins
        self._repeated = False
        self._own: BinaryIO | None = None
        self._open: dict[int, BinaryIO] = {}
        self.damaged: dict[str, int] = {}

    def scan(self) -> None:
        """Index the undamaged lines of this code version."""
        self.close()
        self._files, self._index, self.damaged, self._repeated = [], {}, {}, False
        for file in sorted(self._folder.glob(f"{code_version()}-*{SUFFIX}")):
            self._scan(file)

    def __contains__(self, key: str) -> bool:
        return key in self._index

    def read(self, keys: Iterable[str]) -> Iterator[tuple[str, CellResult]]:
        """Yield the results of the keys that are there, in the given order."""
        for key in keys:
            if (where := self._index.get(key)) is not None:
                rows, timeseries, auctions = json.loads(self._line(where)[CHECKSUM + KEY + 2 :])
                yield key, CellResult(_rows(rows), _rows(timeseries), auctions)

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
            self._index[key] = number << OFFSET_BITS | offset
            offset += len(line)

    def compact(self) -> None:
        """Merge into one file where lines are damaged or repeated, or files are many."""
        if not (self.damaged or self._repeated or len(self._files) > MANY_FILES):
            return
        old, fresh_number = list(self._files), len(self._files)
        if self._own:
            self._own.close()
        fresh, offset, index = self._begin(), 0, dict[str, int]()
        try:
            for key, where in self._index.items():
                line = self._line(where)
                _write_all(fresh, line)
                index[key] = fresh_number << OFFSET_BITS | offset
                offset += len(line)
        except OSError:  # no room: the old files do as well
            self._take_back(0)
            self._files.pop().unlink(missing_ok=True)
            return
        self._index, self.damaged, self._repeated = index, {}, False
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
                    key = body[:KEY].decode()
                    self._repeated |= key in self._index
                    self._index[key] = number << OFFSET_BITS | offset
                else:
                    bad += 1
                offset += len(line)
        if bad:
            self.damaged[file.name] = bad


def _write_all(file: BinaryIO, content: bytes) -> None:
    """Write all of the content: an unbuffered file may take only a part at once."""
    left = memoryview(content)
    while left:
        left = left[file.write(left) :]


def _checksum(body: bytes) -> bytes:
    return hashlib.blake2b(body, digest_size=CHECKSUM // 2).hexdigest().encode()


def _columns(rows: list[dict[str, Any]]) -> dict[str, list[Any]]:
    return {name: [row[name] for row in rows] for name in rows[0]} if rows else {}


def _rows(columns: Mapping[str, list[Any]]) -> list[dict[str, Any]]:
    shared = (
        [sys.intern(name) for name in values] if values and isinstance(values[0], str) else values
        for values in columns.values()
    )
    return [dict(zip(columns, values, strict=True)) for values in zip(*shared, strict=True)]

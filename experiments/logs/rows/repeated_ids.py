"""Ids that stand in more than one file of a log, and so may be of one thing or of two."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
from numpy.typing import NDArray

_MOST_IDS = 1_000_000


@dataclass
class RepeatedIds:
    """Finds ids that stand in more than one file, among the first million."""

    _file_of: dict[str, str] = field(default_factory=dict)
    _found: set[str] = field(default_factory=set)

    def add(self, file: str, ids: pa.Array | NDArray[Any]) -> int:
        """Take the ids of some rows; return the number of those that are seen in a second file for the first time."""
        before = len(self._found)
        for name in map(str, pa.array(ids).unique().to_pylist()):
            known = name in self._file_of or len(self._file_of) < _MOST_IDS
            if name and known and self._file_of.setdefault(name, file) != file:
                self._found.add(name)
        return len(self._found) - before

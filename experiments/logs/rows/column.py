"""What a column of a log must hold: its kind, its bounds, and the rule in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


class CellReader(Protocol):
    """Reads cells that are neither text nor plain numbers, such as times."""

    def read(self, cells: pa.Array) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Return the values, and which cells have none; shape (rows,) each."""

    def rule(self, cell: str) -> str:
        """Return what the cell should have been, in words."""


@dataclass(frozen=True)
class Column:
    """What a column of the file must hold. `low` and `high` bound numbers, both included.

    Kinds: `text`, `id` (text that hardly repeats), `integer`, `number`, `flag` (0 or 1, also written true or false, t or f,
    yes or no), `time` (read by `reader`). Where `lenient`, text that is not UTF-8 is kept with its odd bytes escaped; elsewhere
    the row is bad. `missing` are spellings of a missing number; they are read as `default`. `role` is the key under which the
    values are found in `Rows`, where it is not the name: so one column of a file can be read in two ways.
    """

    name: str
    kind: Literal["text", "id", "integer", "number", "flag", "time"] = "text"
    low: float = -np.inf
    high: float = np.inf
    lenient: bool = False
    missing: tuple[str, ...] = ()
    default: float = 0.0
    role: str = ""
    reader: CellReader | None = None

    @property
    def key(self) -> str:
        """The name of the values in `Rows`."""
        return self.role or self.name

    @property
    def is_text(self) -> bool:
        """Whether cells stay text."""
        return self.kind in {"text", "id"}

    @property
    def is_whole(self) -> bool:
        """Whether cells are whole numbers."""
        return self.kind in {"integer", "flag"}

    @property
    def allowed(self) -> str:
        """The rule in words, for messages."""
        if self.kind == "flag":
            return "0 or 1 (or true or false, t or f, yes or no)"
        noun = {"integer": "a whole number", "number": "a finite number"}.get(self.kind, "text in UTF-8")
        return f"{noun} from {self.low:g} to {self.high:g}" if np.isfinite(self.low) else noun

    def rule(self, cell: str) -> str:
        """The rule in words for one cell that breaks it."""
        return self.reader.rule(cell) if self.reader else self.allowed


def flag(name: str, missing: tuple[str, ...] = (), role: str = "") -> Column:
    """A column of 0 and 1."""
    return Column(name, "flag", 0, 1, missing=missing, role=role)

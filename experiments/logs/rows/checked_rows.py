"""Rows of a file whose cells keep the rules of their columns; the others are rejected, each at its first bad cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from .column_rules import Column, as_text, numbers_of
from .conditions import LEFT_OUT, Condition
from .row_audit import RowAudit
from .utf8_repair import with_escaped_bytes


@dataclass(frozen=True)
class Rows:
    """Some rows of one file.

    Attributes:
        columns: by name, numbers as numpy arrays and text as Arrow arrays.
        numbers: of the rows in the file.
        file: its name, for messages.
    """

    columns: dict[str, Any]
    numbers: NDArray[np.int64]
    file: str

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, name: str) -> Any:
        return self.columns[name]

    def without(self, wrong: NDArray[np.bool_]) -> Rows:
        """Return the rows that are not wrong."""
        if not wrong.any():
            return self
        kept = np.flatnonzero(~wrong)
        columns = {name: _take(column, kept) for name, column in self.columns.items()}
        return replace(self, columns=columns, numbers=self.numbers[kept])

    def reject(
        self, wrong: NDArray[np.bool_], audit: RowAudit, name: str, cells: Any, rule: str, reason: str = ""
    ) -> Rows:
        """Record the wrong rows at their cell of the column `name`, with the rule in words; return the others."""
        for i in np.flatnonzero(wrong):
            cell = cells[int(i)]
            shown = cell.as_py()[:80] if isinstance(cell, pa.Scalar) else cell.item()
            what = f", column {name!r}: {shown!r} is not {rule}"
            audit.reject(self.file, int(self.numbers[i]), what, reason or f"bad {name}")
        return self.without(wrong)


def typed_rows(
    file: str,
    batch: pa.RecordBatch,
    numbers: NDArray[np.int64],
    columns: Sequence[Column],
    audit: RowAudit,
    *,
    odd: bool,
    keep: Condition | None = None,
) -> Rows:
    """Return the rows of a batch that are kept and hold to the columns' rules; the audit records the others, each at its first bad cell.

    Args:
        file: its name, for messages.
        batch: the columns by name, as text or as Parquet has them.
        numbers: of the rows in the file, shape (rows,).
        columns: the wanted columns.
        audit: of the log's rows.
        odd: whether there may be marked bytes in it that are not UTF-8.
        keep: rows for which it does not hold are left out, even where their cells break rules.
    """
    raw = {column.name: batch.column(column.name) for column in columns}
    alive = ~_blank(list(raw.values()))
    audit.dropped["blank line"] += int((~alive).sum())
    if keep is not None:
        kept = keep.keeps(raw)
        audit.dropped[LEFT_OUT] += int((alive & ~kept).sum())
        alive &= kept
    decoded: dict[str, Any] = {}
    complaints: list[tuple[int, str, str]] = []
    for column in columns:
        cells = raw[column.name]
        cells, broken = with_escaped_bytes(cells) if odd else (cells, np.zeros(len(cells), dtype=bool))
        if column.is_text:
            decoded[column.key], wrong = as_text(cells, column.decimal), (broken & (not column.lenient))
            audit.notes[f"cells of {column.name} are not UTF-8: odd bytes are escaped"] += int(
                (broken & column.lenient).sum()
            )
        else:
            read = column.reader.read(cells) if column.reader else numbers_of(cells, column)
            decoded[column.key], wrong = read[0], broken | read[1]
        for i in np.flatnonzero(wrong & alive):
            cell = cells[int(i)].as_py()
            shown = repr(cell[:200] if isinstance(cell, str) else cell)
            what = f", column {column.name!r}: {shown} is not {column.rule(str(cell))}"
            complaints.append((int(numbers[i]), what, f"bad {column.name}"))
        alive &= ~wrong
    for row, what, reason in sorted(complaints):
        audit.reject(file, row, what, reason)
    rows = Rows(decoded, numbers, file).without(~alive)
    for column in columns:
        if column.kind == "text":
            rows.columns[column.key] = rows[column.key].dictionary_encode()
    return rows


def _blank(columns: Sequence[pa.Array]) -> NDArray[np.bool_]:
    """Return which rows are text without any character, as blank lines are; shape (rows,)."""
    if not all(pa.types.is_string(cells.type) for cells in columns):
        return np.zeros(len(columns[0]), dtype=bool)
    return np.logical_and.reduce(
        [np.asarray(pc.fill_null(pc.equal(cells, ""), fill_value=False)) for cells in columns]
    )


def _take(column: Any, kept: NDArray[np.int64]) -> Any:
    return column[kept] if isinstance(column, np.ndarray) else column.take(pa.array(kept))

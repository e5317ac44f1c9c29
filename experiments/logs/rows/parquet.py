"""Reader of Parquet files: columns as text or plain numbers, checked as those of other files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ...errors import BadInput
from .checked_rows import Rows, typed_rows
from .column_rules import Column
from .compression import BROKEN, why
from .conditions import Condition
from .delimited import as_asked, check_header
from .partitions import partition_of, with_constants
from .row_audit import RowAudit

_BATCH = 131_072


def read_parquet(
    path: Path, columns: Sequence[Column], audit: RowAudit, keep: Condition | None = None
) -> Iterator[Rows]:
    """Yield the rows of a Parquet file, numbered from 1, that are kept; nulls are missing.

    Raises:
        BadInput: a file that is no Parquet or is damaged, or that lacks columns.
    """
    first = 1
    try:
        with pq.ParquetFile(path) as file:
            own: list[str] = file.schema_arrow.names
            asked = dict(zip(own, as_asked(own, columns), strict=True))
            given = {name: value for name, value in partition_of(path).items() if name not in asked.values()}
            check_header(path, [*as_asked(own, columns), *given], columns)
            wanted = {column.name for column in columns}
            for raw in file.iter_batches(
                batch_size=_BATCH, columns=[one for one in own if asked[one] in wanted]
            ):
                names = [asked[name] for name in raw.schema.names]
                batch = pa.RecordBatch.from_arrays([_in_utf8(cells) for cells in raw], names)
                batch = with_constants(batch, given, len(raw))
                numbers = np.arange(first, first + len(batch), dtype=np.int64)
                audit.read += len(batch)
                first += len(batch)
                yield typed_rows(str(path), batch, numbers, columns, audit, odd=False, keep=keep)
    except BROKEN as error:
        raise BadInput(f"{path}: cannot be read on after row {first - 1}: {why(error)}") from error


def parquet_names(path: Path, where: str = "") -> list[str]:
    """Return the names of the columns; messages begin with `where`, or the path.

    Raises:
        BadInput: a file that is no Parquet or is damaged.
    """
    try:
        names: list[str] = pq.read_schema(path).names
    except BROKEN as error:
        raise BadInput(f"{where or path}: cannot be read: {why(error)}") from error
    return names


def _in_utf8(cells: pa.Array) -> pa.Array:
    """Return dictionaries and wide types as plain columns; bytes that are not UTF-8 as backslash, x and two digits."""
    if pa.types.is_dictionary(cells.type):
        cells = cells.dictionary_decode()
    text = pa.types.is_string(cells.type) or pa.types.is_large_string(cells.type)
    try:
        cells.validate(full=text)
    except pa.ArrowInvalid:
        raw = cells.cast(pa.large_binary()).to_pylist()
        return pa.array(
            [None if cell is None else cell.decode("utf-8", "backslashreplace") for cell in raw], pa.string()
        )
    return cells

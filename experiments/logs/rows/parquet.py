"""Reader of Parquet files: checks every cell that is wanted, and accounts for every row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ...errors import BadInput
from .column import Column
from .compression import BROKEN, why
from .delimited import Rows, check_header
from .number_cells import numbers_of
from .row_audit import RowAudit

_BATCH = 131_072


def read_parquet(path: Path, columns: Sequence[Column], audit: RowAudit) -> Iterator[Rows]:
    """Rows of a Parquet file, numbered from 1; nulls are missing.

    Raises:
        BadInput: a file that is no Parquet or is damaged, or that lacks columns.
    """
    first = 1
    try:
        with pq.ParquetFile(path) as file:
            check_header(path, file.schema_arrow.names, columns)
            names = list(dict.fromkeys(column.name for column in columns))
            for raw in file.iter_batches(batch_size=_BATCH, columns=names):
                batch = pa.RecordBatch.from_arrays([_readable(cells) for cells in raw], raw.schema.names)
                numbers = np.arange(first, first + len(batch), dtype=np.int64)
                audit.read += len(batch)
                first += len(batch)
                yield _checked(str(path), batch, numbers, columns, audit)
    except BROKEN as error:
        raise BadInput(f"{path}: cannot be read on after row {first - 1}: {why(error)}") from error


def _readable(cells: pa.Array) -> pa.Array:
    """Text as it is; bytes in it that are not UTF-8 as a backslash, x and two digits, as they are read from other files."""
    text = pa.types.is_string(cells.type) or pa.types.is_large_string(cells.type)
    try:
        cells.validate(full=text)
    except pa.ArrowInvalid:
        raw = cells.cast(pa.large_binary()).to_pylist()
        return pa.array(
            [None if cell is None else cell.decode("utf-8", "backslashreplace") for cell in raw], pa.string()
        )
    return cells


def _checked(
    file: str, batch: pa.RecordBatch, numbers: NDArray[np.int64], columns: Sequence[Column], audit: RowAudit
) -> Rows:
    """The columns in the kinds that are wanted; rows that break a rule are noted and left out."""
    found: dict[str, Any] = {}
    bad = np.zeros(len(batch), dtype=bool)
    for column in columns:
        cells = batch.column(column.name)
        values, wrong = _values(cells, column)
        found[column.key] = values
        for i in np.flatnonzero(wrong & ~bad):
            cell = cells[int(i)].as_py()
            what = f", column {column.name!r}: {cell!r:.200} is not {column.rule(str(cell))}"
            audit.reject(file, int(numbers[i]), what, f"bad {column.name}")
        bad |= wrong
    return Rows(found, numbers).without(bad)


def _values(cells: pa.Array, column: Column) -> tuple[Any, NDArray[np.bool_]]:
    if column.is_text:
        return _text(cells)
    if pa.types.is_dictionary(cells.type):
        cells = cells.dictionary_decode()
    return column.reader.read(cells) if column.reader else _numbers(cells, column)


def _text(cells: pa.Array) -> tuple[pa.Array, NDArray[np.bool_]]:
    none = np.zeros(len(cells), dtype=bool)
    if pa.types.is_list(cells.type) or pa.types.is_large_list(cells.type):
        joined = [",".join(map(str, cell)) if cell is not None else "" for cell in cells.to_pylist()]
        return pa.array(joined, pa.string()), none
    if pa.types.is_timestamp(cells.type):
        moments = cells.cast(pa.timestamp("us", tz=cells.type.tz), safe=False)
        cells = pc.strftime(moments.cast(pa.timestamp("us")), format="%Y-%m-%dT%H:%M:%S")
    if pa.types.is_dictionary(cells.type):
        cells = cells.dictionary_decode()
    return pc.fill_null(cells.cast(pa.string()), ""), none


def _numbers(cells: pa.Array, column: Column) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    if pa.types.is_string(cells.type) or pa.types.is_large_string(cells.type):
        return numbers_of(pc.fill_null(cells.cast(pa.string()), ""), column)
    gone = np.asarray(cells.is_null())
    try:
        exact = (
            cells.cast(pa.int64())
            if column.is_whole and not pa.types.is_floating(cells.type)
            else cells.cast(pa.float64())
        )
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return np.zeros(len(cells), dtype=np.int64), np.ones(len(cells), dtype=bool)
    values = np.asarray(pc.fill_null(exact, 0))
    with np.errstate(invalid="ignore"):
        good = np.isfinite(values) & (values >= column.low) & (values <= column.high)
        if column.is_whole:
            good &= values == np.rint(values)
    default = column.default if column.missing else np.nan
    values = np.where(gone, np.nan_to_num(default), np.where(good, values, 0))
    wrong = np.where(gone, np.isnan(default), ~good)
    return (values.astype(np.int64) if column.is_whole else values.astype(np.float64)), wrong

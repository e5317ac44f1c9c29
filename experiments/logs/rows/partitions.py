"""Columns that a log's folders hold: Spark and Hive divide a table into folders `column=value`, and leave the column out of the files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote

import pyarrow as pa

_NULL = "__HIVE_DEFAULT_PARTITION__"


def partition_of(file: Path) -> dict[str, str]:
    """Return the columns that the folders of a file give, and their values."""
    parts = [part.partition("=") for part in file.parent.parts if "=" in part]
    return {name: "" if value == _NULL else unquote(value) for name, _, value in parts if name}


def with_constants(batch: pa.RecordBatch, values: Mapping[str, str], rows: int) -> pa.RecordBatch:
    """Return the batch with further columns, one value on all rows; a column of that name is replaced."""
    if not values:
        return batch
    columns = dict(zip(batch.schema.names, batch.columns, strict=True))
    columns |= {name: pa.array([value] * rows, pa.string()) for name, value in values.items()}
    return pa.RecordBatch.from_pydict(columns)

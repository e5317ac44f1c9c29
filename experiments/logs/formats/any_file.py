"""Files that a mapping or a joined table may be: what one is by its first bytes, its columns' names, and its rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal

from ...errors import BadInput
from ..rows.checked_rows import Rows
from ..rows.column_rules import Column
from ..rows.compression import PARQUET, first_lines, head
from ..rows.conditions import Condition
from ..rows.delimited import Form, header, read_rows
from ..rows.parquet import parquet_names, read_parquet
from ..rows.partitions import partition_of
from ..rows.row_audit import RowAudit
from ..rows.separators import by_count
from .json_lines import SPREAD_JSON, first_object, is_json, is_spread_json, paths_in, read_json

JUDGED = 50
"""Number of first lines off which names or the separator are read."""
Kind = Literal["text", "json", "parquet"]


def kind_of(file: Path, where: str = "") -> Kind:
    """Return what a file is; messages begin with `where`, or the file.

    Raises:
        BadInput: JSON that is not an object a line.
    """
    start = head(file)
    if is_spread_json(start):
        raise BadInput(f"{where or file}: {SPREAD_JSON}")
    return "parquet" if start.startswith(PARQUET) else "json" if is_json(start) else "text"


def names_in(file: Path, delimiter: str | None = None, *, quoted: bool = True) -> list[str]:
    """Return the names of a file's columns, or the paths in its first objects, and those that its folders give.

    Raises:
        BadInput: a file without a header.
    """
    given, kind = list(partition_of(file)), kind_of(file)
    if kind == "parquet":
        return [*parquet_names(file), *given]
    lines = [line for line in first_lines(file, JUDGED) if line.strip()]
    if kind == "json":
        found = (first_object(line.encode()) for line in lines)
        return [*dict.fromkeys(path for one in found if one for path in paths_in(one)), *given]
    separator = delimiter or by_count(lines or [""])
    return [*header(file, Form(separator, quoted=quoted and separator != "\t")), *given]


def rows_of(
    file: Path,
    columns: Sequence[Column],
    audit: RowAudit,
    form: Callable[[], Form],
    keep: Condition | None = None,
) -> Iterator[Rows]:
    """Yield the wanted columns of the rows that are kept, block by block; ``form`` says how text is laid out.

    Raises:
        BadInput: a file that cannot be read, or lacks columns.
    """
    kind = kind_of(file)
    if kind == "text":
        return read_rows(file, columns, audit, form(), keep=keep)
    return (read_parquet if kind == "parquet" else read_json)(file, columns, audit, keep)

"""Reader of JSON lines: an object a line, its values named by dotted paths, as in `site.domain` or `imp.0.bidfloor`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from ...errors import BadInput, closest
from ..rows.checked_rows import Rows, typed_rows
from ..rows.column_rules import Column
from ..rows.compression import BOM, BROKEN, unpacked, why
from ..rows.conditions import Condition
from ..rows.partitions import partition_of, with_constants
from ..rows.row_audit import RowAudit

_ROWS = 20_000
_BLOCK_BYTES = 1 << 20
SPREAD_JSON = "is JSON, but one JSON array or objects over several lines; write an object a line (JSON lines), as jq -c does"
_INDEX = re.compile(r"\[(\d+)\]")


def is_json(start: bytes) -> bool:
    """Return whether a file that begins so holds JSON lines."""
    return start.removeprefix(BOM).lstrip().startswith(b"{")


def is_spread_json(start: bytes) -> bool:
    """Return whether a file that begins so is one JSON array, or objects over several lines."""
    return bool(re.match(rb"\[\s*[\[{]|\{\s*\n", start.removeprefix(BOM).lstrip()))


def read_json(
    path: Path, columns: Sequence[Column], audit: RowAudit, keep: Condition | None = None
) -> Iterator[Rows]:
    """Yield the wanted values, block by block, a line a row, those rows that are kept; a path that is absent is an empty cell.

    Raises:
        BadInput: no such file, a damaged one, or a path that occurs in no row of the first block. Lines that are no objects
            and cells that break a rule are recorded in `audit`.
    """
    steps = {column.name: path_of(column.name) for column in columns}
    held: list[tuple[int, dict[str, Any]]] = []
    number, checked = 0, False
    try:
        for number, line in _lines(path):
            audit.read += 1
            if not line.strip():
                audit.dropped["blank line"] += 1
                continue
            found = _object(line)
            if found is None:
                what = f": {line.decode('utf-8', 'backslashreplace')[:80]!r} is not a JSON object"
                audit.reject(str(path), number, what, "row that is no JSON object")
                continue
            held.append((number, found))
            if len(held) == _ROWS:
                yield _block(path, held, columns, steps, audit, keep, check=not checked)
                held, checked = [], True
    except BROKEN as error:
        raise BadInput(f"{path}: cannot be read on after row {number}: {why(error)}") from error
    if held:
        yield _block(path, held, columns, steps, audit, keep, check=not checked)


def path_of(name: str) -> list[str]:
    """Return the steps of a dotted path; `imp[0].bidfloor` is `imp.0.bidfloor`."""
    return _INDEX.sub(r".\1", name).split(".")


def paths_in(value: Any, before: str = "") -> Iterator[str]:
    """Yield the dotted paths of an object's values."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from paths_in(inner, f"{before}.{key}" if before else key)
    elif isinstance(value, list) and any(isinstance(inner, (dict, list)) for inner in value):
        for place, inner in enumerate(value):
            yield from paths_in(inner, f"{before}.{place}")
    else:
        yield before


def first_object(start: bytes) -> dict[str, Any] | None:
    """Return the object in the first line of a file that begins so."""
    return _object(start.removeprefix(BOM).lstrip().split(b"\n", 1)[0])


def _block(
    path: Path,
    held: list[tuple[int, dict[str, Any]]],
    columns: Sequence[Column],
    steps: dict[str, list[str]],
    audit: RowAudit,
    keep: Condition | None,
    *,
    check: bool,
) -> Rows:
    found = {name: [value_at(row, way) for _, row in held] for name, way in steps.items()}
    given, absent = (
        partition_of(path),
        [name for name, values in found.items() if not any(map(_is_there, values))],
    )
    if check and (missing := [name for name in absent if name not in given]):
        known = {text: None for _, row in held[:1_000] for text in paths_in(row)}
        raise BadInput(
            _rows_within(path, held, missing)
            or [
                f"{path}: no row has {name!r}{closest(name, known)}; rows have {', '.join(known)[:300]}"
                for name in missing
            ]
        )
    cells = {
        column.name: pa.array((_text(value, column.decimal) for value in found[column.name]), pa.string())
        for column in columns
    }
    constants = {name: given[name] for name in absent if name in given}
    batch = with_constants(pa.RecordBatch.from_pydict(cells), constants, len(held))
    numbers = np.array([number for number, _ in held], dtype=np.int64)
    return typed_rows(str(path), batch, numbers, columns, audit, odd=False, keep=keep)


def _rows_within(path: Path, held: list[tuple[int, dict[str, Any]]], absent: Sequence[str]) -> str:
    """Return how to unpack a file that is one object which holds the rows in a list."""
    for name, value in held[0][1].items() if len(held) == 1 else ():
        if isinstance(value, list) and value and {*absent} <= {*paths_in(value[0])}:
            return f"{path}: is one object that holds its rows in {name!r}; write one a line (jq -c '.{name}[]' OLD > NEW)"
    return ""


def _is_there(value: Any) -> bool:
    return value is not None


def value_at(value: Any, steps: Sequence[str]) -> Any:
    """Return the value at a path, None without one; a list that is not indexed gives those of all its members."""
    for place, step in enumerate(steps):
        if isinstance(value, dict):
            whole = ".".join(steps[place:])
            if whole in value:
                return value[whole]
            value = value.get(step)
        elif isinstance(value, list) and step.isdecimal():
            value = value[int(step)] if int(step) < len(value) else None
        elif isinstance(value, list):
            inner = [value_at(member, steps[place:]) for member in value]
            return [
                one
                for found in inner
                for one in (found if isinstance(found, list) else [found])
                if one is not None
            ] or None
        else:
            return None
    return value


class _Number(str):
    """A number as it is written, with a point before its fraction."""

    __slots__ = ()


def _text(value: Any, decimal: str) -> str:
    if value is None:
        return ""
    if isinstance(value, _Number):
        return value.replace(".", decimal)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list) and not any(isinstance(member, (dict, list)) for member in value):
        return ",".join(_text(member, ".") for member in value)
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _object(line: bytes) -> dict[str, Any] | None:
    """Return the object in a line, its numbers as they are written; None where it holds none."""
    try:
        found = json.loads(line, parse_float=_Number, parse_int=_Number, parse_constant=_Number)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield the lines with their numbers from 1, without a byte-order mark."""
    rest, number = b"", 0
    with unpacked(path) as stream:
        while block := stream.read(_BLOCK_BYTES):
            *lines, rest = (rest + block).split(b"\n")
            for line in lines:
                number += 1
                yield number, line.removeprefix(BOM) if number == 1 else line
    if rest:
        yield number + 1, rest.removeprefix(BOM) if number == 0 else rest

"""The format of a file, by its name and its first bytes."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from ...errors import BadInput
from ..rows.compression import head
from ..rows.files import files_of, logs_in, raw_kind
from ..rows.parquet import parquet_names
from ..rows.partitions import partition_of
from ..rows.separators import by_count, cells_of
from .any_file import kind_of
from .auctionnet import HEADER
from .ipinyou import LOG_COLUMNS, SCHEMA, TEST_SCHEMA
from .json_lines import first_object, paths_in
from .presets import nearest, preset_of

RAW, LOG_TXT, CSV, CLICK_PRICE_PCTR, YZX, YZBX, AUCTIONNET, MAPPED, OWN = (
    "ipinyou_raw", "ipinyou_log_txt", "ipinyou_csv", "click_price_pctr", "yzx", "yzbx", "auctionnet", "mapped", "jointbid",
)  # fmt: skip
_STAMP = re.compile(r"^\d{17}$")
_NUMBER = re.compile(r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$")
_FEATURE = re.compile(r"^\d+:\S+$")
_JUDGED = 50


def detect(path: Path, *, mapped: bool = False) -> str:
    """Return the format's name.

    Args:
        path: a file, or a folder of files of one format.
        mapped: whether a mapping was given: then the format is `mapped`.

    Raises:
        BadInput: no file, an empty one, an unknown format, or files of several formats; the message says what was seen.
    """
    files = files_of(path)
    if mapped:
        return MAPPED
    if path.is_dir() and any(raw_kind(file) for file in files):
        return RAW
    formats = {file: _one(file) for file in logs_in(path) if len(files) == 1 or head(file, 64).strip()}
    if not formats:
        return _one(files[0])
    if len(set(formats.values())) > 1:
        shown = ", ".join(f"{file.name} ({name})" for file, name in list(formats.items())[:8])
        raise BadInput(
            f"{path}: holds files of several formats: {shown}; give one of them, or a folder with those of one"
        )
    return next(iter(formats.values()))


def _one(file: Path) -> str:
    """Return the format of one file."""
    kind, start = kind_of(file), head(file)
    if kind == "parquet":
        return _parquet(file)
    if kind == "json":
        if (found := first_object(start)) is None:
            raise BadInput(
                f"{file}, row 1: begins as JSON does, but its first {len(start):,} bytes hold no line that is an object"
            )
        paths = list(paths_in(found))
        if preset := preset_of(paths):
            return preset
        raise BadInput(f"{file}: JSON lines, in the first of which are {_listed(paths)}")
    lines = start.decode("utf-8", "replace").removeprefix("\ufeff").splitlines()
    filled = [line for line in lines if line.strip()][:_JUDGED]
    if not filled:
        raise BadInput(
            f"{file}: is empty; expected rows" if not start else f"{file}: holds nothing but blank lines"
        )
    return _text(file, filled)


def _parquet(file: Path) -> str:
    names = parquet_names(file)
    if {"sold_to", "seat", "bidfloor", "paid_micros"} <= set(names):
        return OWN
    if preset := preset_of([*names, *partition_of(file)]):
        return preset
    raise BadInput(f"{file}: a Parquet file with the columns {_listed(names)}")


_SAY = "say what its columns are with supply.mapping=FILE.yaml (docs/logs.md)"


def _listed(names: Sequence[str]) -> str:
    """Return names for a message, what they lack to be those of a format, and what to do."""
    return f"{', '.join(names)[:300]}; {nearest(names)}{_SAY}"


def _text(file: Path, lines: list[str]) -> str:
    mark = by_count(lines)
    cut = [cells_of(line, mark, quoted=mark != "\t") for line in lines]
    first = cut[0]
    if known := _by_header(first, mark):
        return known
    if _most(cut, _is_log_row):
        return LOG_TXT
    stamped = [row for row in cut if len(row) > 15 and _STAMP.match(row[1])]
    if len(stamped) * 2 > len(cut):
        return _raw(file, stamped)
    cells = [line.split() for line in lines]
    several = [row for row in cells if len(row) > 2] or [row for row in cells if len(row) > 1]
    if _most(several, lambda row: _numbers(row[:2])):
        if _most(several, lambda row: len(row) > 2 and bool(_FEATURE.match(row[2]))):
            return YZX
        if _most(several, lambda row: len(row) > 3 and _numbers(row[2:3]) and bool(_FEATURE.match(row[3]))):
            return YZBX
        if _most(several, lambda row: len(row) in {3, 4} and _numbers(row[2:3])):
            return CLICK_PRICE_PCTR
    if len(first) > 1:
        raise BadInput(f"{file}, row 1: a text file with the cells {_listed(first)}")
    raise BadInput(f"{file}, row 1: {lines[0][:100]!r}: unknown log format; {_SAY}")


def _by_header(cells: Sequence[str], mark: str) -> str:
    """Return the format that the cells of a header say; empty without one."""
    header = [cell.strip('"') for cell in cells]
    names = {cell.casefold() for cell in header}
    if {"click", "payprice", "bidid", "timestamp"} <= names and mark == "\t":
        return LOG_TXT
    if {"click", "payprice", "weekday", "hour"} <= names:
        return CSV
    if len({name.casefold() for name in HEADER} & names) >= 3:
        return AUCTIONNET
    return preset_of(header)


def _most(rows: Sequence[list[str]], rule: Callable[[list[str]], bool]) -> bool:
    """Return whether the rule holds for more than half of the rows."""
    return sum(map(rule, rows)) * 2 > len(rows)


def _numbers(cells: Sequence[str]) -> bool:
    return all(_NUMBER.match(cell) for cell in cells)


def _is_log_row(row: list[str]) -> bool:
    """Return whether a row is one of make-ipinyou-data's, without a header: a click, and the time in the fifth cell."""
    widths = {len(LOG_COLUMNS), len(LOG_COLUMNS) + len(TEST_SCHEMA) - len(SCHEMA)}
    return (
        len(row) in widths
        and row[0] in {"0", "1"}
        and bool(_STAMP.match(row[LOG_COLUMNS.index("timestamp")]))
    )


def _raw(file: Path, rows: list[list[str]]) -> str:
    widths = [len(row) for row in rows]
    width = max(set(widths), key=widths.count)
    if width in {len(SCHEMA), len(TEST_SCHEMA)}:
        return RAW
    if width < len(SCHEMA):
        raise BadInput(
            f"{file}: {width} columns where an impression log of iPinYou has {len(SCHEMA)}: this is a bid log (or of season 1); "
            "bid logs hold no price paid and no click, and cannot be replayed. Use the imp and clk files"
        )
    raise BadInput(
        f"{file}: {width} columns where an impression log of iPinYou has {len(SCHEMA)} (a testing set {len(TEST_SCHEMA)})"
    )

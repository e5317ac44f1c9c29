"""What a file is, told by its name and its first bytes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from ...errors import BadInput
from ..rows.compression import files_of, head, raw_kind
from ..rows.delimited import delimiter_of
from .auctionnet import HEADER
from .ipinyou import SCHEMA, TEST_SCHEMA

RAW, LOG_TXT, CSV, TRIPLES, YZX, AUCTIONNET, MAPPED, OWN = (
    "ipinyou_raw", "ipinyou_log_txt", "ipinyou_csv", "click_price_pctr", "yzx", "auctionnet", "mapped", "jointbid",
)  # fmt: skip
_STAMP = re.compile(r"^\d{17}$")
_NUMBER = re.compile(r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$")
_FEATURE = re.compile(r"^\d+:\S+$")
_JUDGED = 50
_BESIDE = {".md", ".yaml", ".yml", ".json", ".md5", ".py"}
_ABOUT = re.compile(r"^(readme|licen[sc]e|featindex\.txt|files\.md5|sha256|md5)")
PARQUET = b"PAR1"


def detect(path: Path, *, mapped: bool = False) -> str:
    """The format's name.

    Args:
        path: a file, or a folder of files of one format.
        mapped: whether a mapping was given: then it is a file for the mapping, whatever it looks like.

    Raises:
        BadInput: nothing there, nothing in it, nothing that is known, or files of several formats; it says what was seen.
    """
    files = files_of(path)
    if mapped:
        return MAPPED
    if path.is_dir() and any(raw_kind(file) for file in files):
        return RAW
    told = {file: _one(file) for file in likely(files) if len(files) == 1 or head(file, 64).strip()}
    if not told:
        return _one(files[0])
    if len(set(told.values())) > 1:
        shown = ", ".join(f"{file.name} ({name})" for file, name in list(told.items())[:8])
        raise BadInput(
            f"{path}: holds files of several formats: {shown}; give one of them, or a folder with those of one"
        )
    return next(iter(told.values()))


def likely(files: Sequence[Path]) -> list[Path]:
    """The files that are logs, and not what may lie beside them."""
    kept = [file for file in files if file.suffix not in _BESIDE and not _ABOUT.match(file.name.lower())]
    return kept or list(files[:1])


def _one(file: Path) -> str:
    """The format of one file."""
    start = head(file)
    if start.startswith(PARQUET):
        return _parquet(file)
    lines = start.decode("utf-8", "replace").removeprefix("\ufeff").splitlines()
    told = [line for line in lines if line.strip()][:_JUDGED]
    if not told:
        raise BadInput(
            f"{file}: is empty; expected rows" if not start else f"{file}: holds nothing but blank lines"
        )
    return _text(file, told)


def _parquet(file: Path) -> str:
    import pyarrow.parquet as pq

    from ..rows.compression import BROKEN, why

    try:
        names = pq.read_schema(file).names
    except BROKEN as error:
        raise BadInput(f"{file}: cannot be read: {why(error)}") from error
    if {"sold_to", "seat", "bidfloor", "paid_micros"} <= set(names):
        return OWN
    raise BadInput(f"{file}: a Parquet file with the columns {', '.join(names)[:300]}; {_SAY}")


_SAY = "say what its columns are with supply.mapping=FILE.yaml (docs/logs.md)"


def _text(file: Path, lines: list[str]) -> str:
    first = lines[0]
    tabs, commas = first.rstrip("\r").split("\t"), [cell.strip(' "') for cell in first.split(",")]
    names = {cell.strip(' "\r').casefold() for cell in first.split(delimiter_of(first))}
    if {"click", "payprice", "bidid", "timestamp"} <= names and len(tabs) > 1:
        return LOG_TXT
    if {"click", "payprice", "weekday", "hour"} <= names:
        return CSV
    if len({name.casefold() for name in HEADER} & names) >= 3:
        return AUCTIONNET
    rows = [line.rstrip("\r").split("\t") for line in lines]
    stamped = [row for row in rows if len(row) > 15 and _STAMP.match(row[1])]
    if len(stamped) * 2 > len(rows):
        return _raw(file, stamped)
    cells = [line.split() for line in lines]
    several = [row for row in cells if len(row) > 2] or [row for row in cells if len(row) > 1]
    if several and sum(all(_NUMBER.match(cell) for cell in row[:2]) for row in several) * 2 > len(several):
        if sum(len(row) > 2 and bool(_FEATURE.match(row[2])) for row in several) * 2 > len(several):
            return YZX
        if sum(len(row) in {3, 4} and bool(_NUMBER.match(row[2])) for row in several) * 2 > len(several):
            return TRIPLES
    if len(commas) > 1 or len(tabs) > 1:
        shown = ", ".join(commas if len(commas) > 1 else tabs)
        raise BadInput(f"{file}, row 1: a text file with the cells {shown[:300]}; {_SAY}")
    raise BadInput(f"{file}, row 1: {first[:100]!r} is of no format that is known; {_SAY}")


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

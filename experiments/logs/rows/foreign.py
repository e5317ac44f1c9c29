"""File formats that hold no log that can be read: each told by its first bytes, to be named in a message."""

from __future__ import annotations

_TEXT = "export it as CSV, JSON lines or Parquet"
_FOREIGN: tuple[tuple[bytes, str, str], ...] = (
    (b"Obj\x01", "an Avro file", _TEXT),
    (b"ORC", "an ORC file", _TEXT),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file", _TEXT),
    (b"SQLite format 3\x00", "an SQLite database", _TEXT),
    (b"ARROW1", "an Arrow (Feather) file", _TEXT),
    (b"FEA1", "a Feather file", _TEXT),
    (b"PARE", "an encrypted Parquet file", "decrypt it"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Excel workbook (xls)", "save the sheet as CSV"),
    (b"\x93NUMPY", "a NumPy file", _TEXT),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", "unpack it"),
    (b"Rar!\x1a\x07", "a RAR archive", "unpack it"),
    (b"%PDF-", "a PDF document", _TEXT),
    (b"version https://git-lfs", "a pointer of Git LFS and not the file", "fetch the file with git lfs pull"),
)
_MARKUP = (b"<?xml", b"<!doctype html", b"<html")
_TAR_AT = 257
_DUCKDB_AT = 8


def foreign(start: bytes) -> str:
    """What a file that begins so is, and what to do; empty where it may be a log."""
    for magic, name, advice in _FOREIGN:
        if start.startswith(magic):
            return f"is {name}; {advice}"
    if start[_TAR_AT : _TAR_AT + 5] == b"ustar":
        return "is a tar archive; unpack it, and give a file or the folder"
    if start[_DUCKDB_AT : _DUCKDB_AT + 4] == b"DUCK":
        return f"is a DuckDB database; {_TEXT}"
    if start.lstrip()[:32].lower().startswith(_MARKUP):
        return f"is an XML or HTML page; {_TEXT}"
    if start[:1] == b"\x80" and start[1:2] in {b"\x02", b"\x03", b"\x04", b"\x05"}:
        return f"is a Python pickle; {_TEXT}"
    return ""

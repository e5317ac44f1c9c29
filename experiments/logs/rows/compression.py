"""The bytes of a log's file, unpacked as its first ones say; what is no log is named."""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from ...errors import BadInput

HEAD_BYTES = 1 << 16


def _by_arrow(codec: str) -> Callable[[Path, str], IO[bytes]]:
    def opened(path: Path, _mode: str) -> IO[bytes]:
        stream: Any = pa.CompressedInputStream(pa.OSFile(str(path)), codec)
        return stream

    return opened


def _zip(path: Path, _mode: str) -> IO[bytes]:
    packed = zipfile.ZipFile(path)
    files = [
        member
        for member in packed.infolist()
        if not member.is_dir() and not _is_of_the_system(member.filename)
    ]
    if any(member.filename in {"[Content_Types].xml", "mimetype"} for member in files):
        raise OSError(
            "it is an Excel workbook, or another document of an office program; save the sheet as CSV"
        )
    if len(files) != 1:
        raise OSError(f"a zip file that holds {len(files)} files: unpack it, and give a file or the folder")
    try:
        return packed.open(files[0])
    except RuntimeError as error:  # a password, or a way of packing that Python does not know
        raise OSError(f"a zip file that cannot be unpacked ({error}): unpack it yourself") from None


def _is_of_the_system(name: str) -> bool:
    """Return whether a member of a zip file is what macOS puts beside the files."""
    return name.startswith("__MACOSX/") or name.rpartition("/")[2] == ".DS_Store"


MAGIC: dict[bytes, Callable[..., Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ": lzma.open,
    b"\x28\xb5\x2f\xfd": _by_arrow("zstd"),
    b"\x04\x22\x4d\x18": _by_arrow("lz4"),
    b"PK\x03\x04": _zip,
}
BROKEN = (pa.ArrowException, OSError, EOFError, lzma.LZMAError, zlib.error, zipfile.BadZipFile)
"""What a damaged file raises while it is read."""
UTF_16 = (b"\xff\xfe", b"\xfe\xff")
BOM = b"\xef\xbb\xbf"
PARQUET = b"PAR1"


def unpacked(path: Path) -> IO[bytes]:
    """Open the file for reading bytes, unpacked.

    Raises:
        OSError: it cannot be opened.
    """
    with path.open("rb") as raw:
        start = raw.read(8)
    for magic, opener in MAGIC.items():
        if start.startswith(magic):
            return opener(path, "rb")
    return path.open("rb")


def is_parquet(path: Path) -> bool:
    """Return whether the file, as it lies there, begins as Parquet does."""
    with path.open("rb") as raw:
        return raw.read(len(PARQUET)) == PARQUET


def head(path: Path, size: int = HEAD_BYTES) -> bytes:
    """Return the first bytes of the file, unpacked.

    Raises:
        BadInput: no such file, or one that cannot be read.
    """
    try:
        with unpacked(path) as stream:
            start = stream.read(size)
    except BROKEN as error:
        raise BadInput(f"{path}: cannot be read: {why(error)}") from error
    if start.startswith(PARQUET) and not is_parquet(path):
        raise BadInput(f"{path}: is a Parquet file that was packed; unpack it")
    if start.startswith(UTF_16):
        raise BadInput(f"{path}: is text in UTF-16; save it as UTF-8")
    if named := _foreign(start):
        raise BadInput(f"{path}: {named}")
    return start


_TEXT = "export it as CSV, JSON lines or Parquet"
_HDF = b"\x89HDF\r\n\x1a\n"
_FOREIGN: tuple[tuple[bytes, str, str], ...] = (
    (b"Obj\x01", "an Avro file", _TEXT),
    (b"ORC", "an ORC file", _TEXT),
    (_HDF, "an HDF5 file", _TEXT),
    (b"SQLite format 3\x00", "an SQLite database", _TEXT),
    (b"ARROW1", "an Arrow (Feather) file", _TEXT),
    (b"FEA1", "a Feather file", _TEXT),
    (b"PARE", "an encrypted Parquet file", "decrypt it"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Excel workbook (xls)", "save the sheet as CSV"),
    (b"\xff\x06\x00\x00sNaPpY", "packed with snappy", "pack it with gzip or zstd"),
    (b"\x1f\x9d", "packed with compress (.Z)", "pack it with gzip or zstd"),
    (b"SEQ", "a Hadoop sequence file", _TEXT),
    (b"\x93NUMPY", "a NumPy file", _TEXT),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", "unpack it"),
    (b"Rar!\x1a\x07", "a RAR archive", "unpack it"),
    (b"%PDF-", "a PDF document", _TEXT),
    (b"version https://git-lfs", "a pointer of Git LFS and not the file", "fetch the file with git lfs pull"),
    (b"-----BEGIN PGP", "encrypted with PGP", "decrypt it"),
    (b"age-encryption.org", "encrypted with age", "decrypt it"),
    (b"Salted__", "encrypted with OpenSSL", "decrypt it"),
    (b"\x1f\x8b", "packed twice", "unpack it once"),
)
_MARKUP = re.compile(rb"\s*<[!?a-zA-Z]")
_CONTROL = re.compile(rb"[\x00\x04-\x08\x0e-\x1e\x7f]")
"""Bytes that no text begins with; Hive separates cells by some of the others."""
_JUDGED_BYTES = 256
_FOREIGN_WITHIN: tuple[tuple[int, bytes, str, str], ...] = (
    (257, b"ustar", "a tar archive", "unpack it, and give a file or the folder"),
    (8, b"DUCK", "a DuckDB database", _TEXT),
    *((512 << doubled, _HDF, "an HDF5 file", _TEXT) for doubled in range(7)),
)
"""What begins after a header of another kind: of HDF5, a block of the user's own of 512, 1,024, 2,048 ... bytes."""


def _foreign(start: bytes) -> str:
    """Return what a file with these first bytes is, and what to do with it; empty where it may be a log."""
    for magic, name, advice in _FOREIGN:
        if start.startswith(magic):
            return f"is {name}; {advice}"
    for at, magic, name, advice in _FOREIGN_WITHIN:
        if start.startswith(magic, at):
            return f"is {name}; {advice}"
    if _MARKUP.match(start.removeprefix(BOM)):
        return f"is an XML or HTML page; {_TEXT}"
    if start[:1] == b"\x80" and start[1:2] in {b"\x02", b"\x03", b"\x04", b"\x05"}:
        return f"is a Python pickle; {_TEXT}"
    if not start.startswith(PARQUET) and _CONTROL.search(start[:_JUDGED_BYTES]):
        return f"is no text in UTF-8, but a binary file of no kind that is read (or UTF-16); {_TEXT}"
    return ""


def first_lines(path: Path, most: int) -> list[str]:
    """Return the first lines of a text file, unpacked, without a byte-order mark; bytes that are not UTF-8 replaced.

    Raises:
        BadInput: see `head`.
    """
    return head(path).decode("utf-8-sig", "replace").splitlines()[:most]


def why(error: BaseException) -> str:
    """Return what an error of the file system or of a codec says, in few words."""
    if isinstance(error, FileNotFoundError):
        return "no such file"
    return str(getattr(error, "strerror", "") or error or type(error).__name__)

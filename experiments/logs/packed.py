"""Files and folders of a log: what belongs to it, and its bytes, unpacked as their first bytes say."""

from __future__ import annotations

import bz2
import gzip
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from experiments.errors import BadInput

HEAD_BYTES = 1 << 16


def _zstd(path: Path, _mode: str) -> IO[bytes]:
    stream: Any = pa.CompressedInputStream(pa.OSFile(str(path)), "zstd")
    return stream


MAGIC: dict[bytes, Callable[..., Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\x28\xb5\x2f\xfd": _zstd,
}
BROKEN = (pa.ArrowException, OSError, EOFError)
"""What a damaged file raises while it is read."""


def unpacked(path: Path) -> IO[bytes]:
    """Open the file for reading bytes, unpacked.

    Raises:
        OSError: it cannot be opened.
    """
    with path.open("rb") as raw:
        start = raw.read(4)
    for magic, opener in MAGIC.items():
        if start.startswith(magic):
            return opener(path, "rb")
    return path.open("rb")


def head(path: Path, size: int = HEAD_BYTES) -> bytes:
    """The first bytes of the file, unpacked.

    Raises:
        BadInput: no such file, or one that cannot be read.
    """
    try:
        with unpacked(path) as stream:
            return stream.read(size)
    except BROKEN as error:
        raise BadInput(f"{path}: cannot be read: {why(error)}") from error


def why(error: BaseException) -> str:
    """What an error of the file system or of a codec says, in few words."""
    if isinstance(error, FileNotFoundError):
        return "no such file"
    return str(getattr(error, "strerror", "") or error or type(error).__name__)


def files_of(path: Path) -> list[Path]:
    """The file itself, or the files in the folder in the order of their names; hidden ones are not looked at.

    Raises:
        BadInput: nothing there.
    """
    if not path.is_dir():
        if not path.exists():
            raise BadInput(f"{path}: cannot be read: no such file")
        return [path]
    found = sorted(file for file in path.iterdir() if file.is_file() and not file.name.startswith("."))
    if not found:
        raise BadInput(f"{path}: cannot be read: the folder holds no files")
    return found

"""The files of a study inside its page, so that a page that is mailed alone has no dead link."""

from __future__ import annotations

import base64
import io
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

LINK_MOST = 150_000
"""Bytes of a file that has a link of its own; larger ones are in the archive alone."""
FILE_MOST, ARCHIVE_MOST = 1_500_000, 2_500_000
"""Compressed bytes of a file and of all files that the page carries."""
TYPES = {".csv": "text/csv", ".md": "text/markdown", ".yaml": "text/yaml", ".json": "application/json"}
LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""The date of all files in the archive: the same files give the same page."""


@dataclass
class Downloads:
    """What a page offers to save.

    Args:
        folder: of the study.
        names: of the files that exist, relative to it, the most wanted first.

    Attributes:
        left_out: files that are too large for a page.
    """

    folder: Path
    names: tuple[str, ...]
    anchor: ClassVar[str] = "#files"
    """Where the page has the archive."""
    left_out: list[str] = field(default_factory=list, init=False)
    archive: str = field(default="", init=False)
    size: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        content = self._zipped()
        self.size = len(content)
        self.archive = _uri("application/zip", content)

    def is_single(self, name: str) -> bool:
        """Whether a file has a link of its own."""
        file = self.folder / name
        return file.is_file() and file.stat().st_size <= LINK_MOST

    def href(self, name: str) -> str:
        """Return the address of a file: its content, or where in the page the archive is that holds it."""
        if not self.is_single(name):
            return self.anchor
        kind = TYPES.get(Path(name).suffix, "application/octet-stream")
        return _uri(kind, (self.folder / name).read_bytes())

    def _zipped(self) -> bytes:
        target, total = io.BytesIO(), 0
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
            for name in self.names:
                content = (self.folder / name).read_bytes()
                one = zipfile.ZipInfo(name, LONG_AGO)
                one.compress_type = zipfile.ZIP_DEFLATED
                size = len(content) if name.endswith(".parquet") else len(content) // 4  # about, when packed
                if size > FILE_MOST or total + size > ARCHIVE_MOST:
                    self.left_out.append(name)
                    continue
                total += size
                archive.writestr(one, content)
        return target.getvalue()


def files_of(folder: Path, first: Iterable[str]) -> tuple[str, ...]:
    """Return the files that a page carries: those named, as far as they exist, then all tables and figures."""
    tables = (*sorted(folder.glob("*.csv")), *sorted((folder / "plots").glob("*.csv")))
    figures = sorted((folder / "plots").glob("*.svg")) or sorted((folder / "plots").glob("*.png"))
    light = [name for name in first if not name.endswith(".parquet")]
    heavy = [name for name in first if name.endswith(".parquet")]
    found = [file.relative_to(folder).as_posix() for file in (*tables, *figures)]
    return tuple(name for name in dict.fromkeys((*light, *found, *heavy)) if (folder / name).is_file())


def _uri(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"

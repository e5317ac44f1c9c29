"""What may be deleted of a results folder: what is unfinished, damaged or of other code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

from ..cells.cell import code_version
from .catalogue import scan
from .journal import SUFFIX
from .lock import FolderLocked, locked
from .names import MANIFEST
from .ownership import CELLS, LOCK, MARK, contents, is_marked
from .study_folder import Folder


@dataclass(frozen=True)
class Waste:
    """Files of one study that may be deleted.

    Attributes:
        why: the reason.
        folder: the study's folder.
        files: files to delete, all of them written by jointbid.
        folders: folders that are then empty.
        kept: files in the folder that jointbid did not write.
    """

    why: str
    folder: Path
    files: tuple[Path, ...]
    folders: tuple[Path, ...] = ()
    kept: tuple[Path, ...] = ()

    @property
    def size(self) -> int:
        """Size of the files in bytes."""
        return sum(file.stat().st_size for file in self.files if file.is_file())


def waste(results: Path, *, finished: bool = False) -> Iterator[Waste]:
    """Yield what is unfinished, damaged or of other code; finished studies of other code only with ``finished``.

    Only folders count that have jointbid's mark with their own name (``jointbid.experiments.storage.ownership``).
    """
    for entry in scan(results):
        folder = Folder(Path(entry.folder))
        is_link = folder.path.is_symlink() or folder.path.parent.is_symlink()
        if folder.is_locked or is_link or not is_marked(folder.path):
            continue
        files = folder.read_json(MANIFEST).get("files") or {}
        if entry.status in {"stopped", "failed", "running"}:
            yield _whole(f"unfinished ({entry.status})", folder.path)
        elif entry.status == "damaged" or (changed := folder.changed(files)):
            gone = "" if entry.status == "damaged" else f" ({', '.join(changed)})"
            yield _whole(f"damaged{gone}", folder.path)
        elif finished and entry.code not in {None, code_version()}:
            yield _whole("finished, of other code", folder.path)
        elif old := _left_over(folder.path):
            yield Waste("cells of other code; the tables stay", folder.path, tuple(old))


def _whole(why: str, folder: Path) -> Waste:
    found = contents(folder)
    return Waste(why, folder, found.own, (*found.folders, folder), found.foreign)


def _left_over(folder: Path) -> list[Path]:
    """Return cells of other code, and files that were never finished."""
    old = {file for file in (folder / CELLS).glob(f"*{SUFFIX}") if not file.name.startswith(code_version())}
    kept = {folder / MARK, folder / LOCK}
    own = contents(folder).own
    return [file for file in own if file in old or (file.name.startswith(".") and file not in kept)]


def remove(found: Waste) -> bool:
    """Delete the files, and the folders that are then empty; return False where a command works on the study."""
    cells = found.folder / CELLS
    try:
        with locked(found.folder / LOCK, wait=False) if cells.is_dir() else nullcontext():
            for file in found.files:
                file.unlink(missing_ok=True)
    except FolderLocked:
        return False
    for folder in sorted(found.folders, reverse=True):
        with suppress(OSError):  # not empty
            folder.rmdir()
    return True

"""The files of a result folder that jointbid wrote: no others are deleted.

The file ``.jointbid`` in the folder is JSON lines: the folder that it was written for, then the name of each file, written
down before the file is. Cells need no line: their names are of a form of their own (``jointbid.experiments.storage.journal``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

MARK = ".jointbid"
CELLS, PLOTS, LOCK = "cells", "plots", "cells/.lock"
CELL_FILE = re.compile(r"cells/[0-9a-f]{20}-[0-9a-f]+-\d+\.jsonl")
UNFINISHED = re.compile(r"\.(\S+\.)?(\d+|part)")
"""The end of an unfinished file's name, after a dot and its final name."""


def record(folder: Path, *names: str) -> None:
    """Record that jointbid writes files of these names, relative to a result folder."""
    known = _names(folder)
    lines = [] if known else [json.dumps({"folder": _identity(folder)})]
    lines += [json.dumps({"file": name}) for name in dict.fromkeys(names) if name not in known]
    if lines:
        with (folder / MARK).open("a", encoding="utf-8") as file:
            file.write("".join(f"\n{line}" for line in lines) + "\n")  # the line before may be cut off


def is_marked(folder: Path) -> bool:
    """Return whether jointbid wrote this folder under its present name."""
    return any(line.get("folder") == _identity(folder) for line in _lines(folder))


@dataclass(frozen=True)
class Contents:
    """The content of a result folder: files that jointbid wrote, folders without others, and the rest."""

    own: tuple[Path, ...]
    folders: tuple[Path, ...]
    foreign: tuple[Path, ...]


def contents(folder: Path) -> Contents:
    """Sort the files of a folder. Symbolic links are not followed, and count as foreign."""
    names = _names(folder)
    own, folders, foreign = [], [], []
    for path in _walk(folder):
        if path.is_dir() and not path.is_symlink():
            folders.append(path)
        elif not path.is_symlink() and _is_own(path.relative_to(folder), names):
            own.append(path)
        else:
            foreign.append(path)
    kept = {parent for path in foreign for parent in path.parents}
    own_folders = {folder / CELLS, folder / PLOTS}
    empty = [path for path in folders if path not in kept and path in own_folders]
    others = [path for path in folders if path not in kept and path not in own_folders]
    return Contents(tuple(own), tuple(empty), (*foreign, *others))


def _is_own(name: Path, names: set[str]) -> bool:
    text = name.as_posix()
    if text in names or text in {MARK, LOCK} or CELL_FILE.fullmatch(text):
        return True
    hidden = (name.with_name(f".{Path(known).name}").as_posix() for known in names)
    return any(text.startswith(known) and UNFINISHED.fullmatch(text.removeprefix(known)) for known in hidden)


def _walk(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        yield path
        if path.is_dir() and not path.is_symlink():
            yield from _walk(path)


def _identity(folder: Path) -> str:
    """Return the study and the folder's name, which has scenario and hash."""
    whole = folder.absolute()
    return f"{whole.parent.name}/{whole.name}"


def _names(folder: Path) -> set[str]:
    return {str(line["file"]) for line in _lines(folder) if "file" in line}


def _lines(folder: Path) -> list[dict[str, object]]:
    found = []
    with suppress(OSError):
        for line in (folder / MARK).read_text("utf-8", errors="replace").splitlines():
            with suppress(ValueError):  # cut off by a full disk
                content = json.loads(line)
                found += [content] if isinstance(content, dict) else []
    return found

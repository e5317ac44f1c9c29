"""Files of a log or of a table: what a folder holds, what of it is data, and in which order it is read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from ...errors import BadInput

_SHOWN = 12
_BESIDE = {".md", ".rst", ".yaml", ".yml", ".md5", ".py", ".ipynb", ".pdf", ".png", ".jpg", ".html", ".sh"}
_ABOUT = re.compile(r"(readme|licen[sc]e|(md5|sha256)(sums?)?)(\.txt)?|featindex\.txt")


def raw_kind(file: Path) -> str:
    """Return which of the raw iPinYou logs a file is by its name: imp, clk, conv, bid; empty for other files."""
    found = re.match(r"^(imp|clk|conv|bid)[._-]", file.name.lower())
    return found[1] if found else ""


def files_of(path: Path) -> list[Path]:
    """Return the file itself, or the files in the folder: training before testing, then by name; hidden ones are left out.

    Of a folder whose folders hold raw iPinYou logs, as the data set's own does with its seasons, it is the files of these; of one
    that Spark or Hive has divided into folders `column=value`, the files of all of them; of one whose data lies in folders alone, as that of a published set with a README,
    the files of these, where all have one ending.

    Raises:
        BadInput: nothing there, or folders whose files have several endings.
    """
    if not path.is_dir():
        if not path.exists():
            what = f"a link to {path.readlink()}, which is not there" if path.is_symlink() else "no such file"
            raise BadInput(f"{path}: cannot be read: {what}")
        if not path.is_file():
            raise BadInput(
                f"{path}: is a pipe or a device, which cannot be read twice; write its rows to a file"
            )
        return [path]
    found = _inside(path)
    found += [file for folder in divided(path) for file in files_of(folder)]
    seasons = [
        _inside(folder)
        for folder in sorted(path.iterdir())
        if folder.is_dir() and "=" not in folder.name and not any(map(raw_kind, found))
    ]
    found += [file for season in seasons if any(map(raw_kind, season)) for file in season]
    found = found if any(map(_is_data, found)) else _of_folders(path) or found
    if not found:
        raise BadInput(f"{path}: cannot be read: the folder holds no files")
    return found


def logs_in(path: Path, *, mapped: bool = False) -> list[Path]:
    """Return the files that are data, and not what may lie beside them; JSON is data where there is a mapping for it.

    Raises:
        BadInput: see `files_of`.
    """
    found = files_of(path)
    return [file for file in found if _is_data(file) and (mapped or file.suffix != ".json")] or found[:1]


def _is_data(file: Path) -> bool:
    return file.suffix.lower() not in _BESIDE and not _ABOUT.fullmatch(file.name.lower())


def _of_folders(path: Path) -> list[Path]:
    """Return the files of a folder's folders, at any depth, folder by folder.

    Raises:
        BadInput: they have several endings.
    """
    found = list(filter(_is_data, _below(path)))
    endings = sorted({file.suffix or "none" for file in found})
    if len(endings) > 1:
        raise BadInput(
            f"{path}: holds folders, whose files are of several kinds ({', '.join(endings[:_SHOWN])}); "
            "name one of them, or a folder whose files are of one form"
        )
    return found


def _below(path: Path) -> list[Path]:
    """Return the files of the folders in a folder, at any depth."""
    inner = sorted(
        (one for one in path.iterdir() if one.is_dir() and not one.name.startswith((".", "_"))), key=_place
    )
    return [file for folder in inner for file in (*_inside(folder), *_below(folder))]


def divided(folder: Path) -> list[Path]:
    """Return the folders `column=value` in a folder, by the values, numbers by their size."""
    return sorted((inner for inner in folder.iterdir() if inner.is_dir() and "=" in inner.name), key=_place)


def _inside(folder: Path) -> list[Path]:
    return sorted(
        (file for file in folder.iterdir() if file.is_file() and not file.name.startswith((".", "_"))),
        key=_place,
    )


SPLITS = {"train": 0, "training": 0, "val": 1, "valid": 1, "validation": 1, "dev": 1, "test": 2, "testing": 2}
"""Words in a file's name that say which part of a split log it is, by their order."""


def split_of(name: str) -> int:
    """Return the part of a split log that a name says: 0 training (or none), 1 validation, 2 test."""
    return next((SPLITS[word] for word in re.split(r"[\W\d_]+", name.lower()) if word in SPLITS), 0)


def _place(file: Path) -> tuple[int, list[tuple[bool, int, str]], str]:
    """Return the order of files: by the part of the split, then by name, numbers in it by their size."""
    parts = re.findall(r"\d+|\D+", file.name)
    natural = [(not part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in parts]
    return split_of(file.name), natural, file.name


def order_of(files: Sequence[Path]) -> tuple[str, ...]:
    """Return the order in which the files of a log without times are laid, in words."""
    if len(files) < 2:
        return ()
    shown = ", ".join(file.name for file in files[:_SHOWN]) + (", ..." if len(files) > _SHOWN else "")
    return (f"the log keeps no time: its files are laid one after the other: {shown}",)

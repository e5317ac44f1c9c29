"""The catalogue of a results folder: its studies and their states."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import BadInput
from .names import MANIFEST, STATUS, SWEEPS
from .ownership import is_marked
from .study_folder import Folder

if TYPE_CHECKING:
    pass

NAME = re.compile(r"^(?P<scenario>.+)-(?P<hash>[0-9a-f]{12})$")
"""The name of a study's folder."""

MANIFEST_COLUMNS = ("seed", "started", "wall_seconds", "auctions", "code", "command")
"""Facts of a study that its manifest has under the same names."""


@dataclass(frozen=True)
class Entry:
    """One study.

    Attributes:
        status: ``done``, ``failed``; ``running`` while a command works on it, ``stopped`` where one was stopped or killed; ``damaged``
            where a file of a finished one is gone.
        version: of jointbid.
        code: version of the code that computed its cells.
    """

    study: str
    scenario: str
    hash: str
    status: str
    seed: int | None
    started: str | None
    wall_seconds: float | None
    auctions: int | None
    version: str | None
    code: str | None
    command: str | None
    folder: str


def scan(results: Path) -> list[Entry]:
    """Return every study below a results folder, oldest first.

    Raises:
        BadInput: there is no such folder.
    """
    if not results.is_dir():
        raise BadInput(f"results_dir = {results}: no such folder; studies make it")
    found = [
        _entry(folder, name)
        for folder in sorted(results.glob("*/*"))
        if folder.parent.name != SWEEPS and (name := NAME.match(folder.name)) and _is_study(folder)
    ]
    return sorted(found, key=lambda entry: (entry.started or "", entry.folder))


def _is_study(folder: Path) -> bool:
    """Return whether jointbid wrote the folder: it has the mark, or a manifest with its name."""
    about = Folder(folder).read_json(MANIFEST)
    return is_marked(folder) or (about.get("study"), about.get("hash")) == (
        folder.parent.name,
        folder.name[-12:],
    )


def _entry(path: Path, name: re.Match[str]) -> Entry:
    folder = Folder(path)
    about = folder.read_json(MANIFEST)
    return Entry(
        study=path.parent.name,
        scenario=str(about.get("scenario") or name["scenario"]),
        hash=name["hash"],
        status=_status(folder, about),
        version=(about.get("versions") or {}).get("jointbid"),
        folder=str(path),
        **{key: about.get(key) for key in MANIFEST_COLUMNS},
    )


def _status(folder: Folder, about: Mapping[str, Any]) -> str:
    status = str(folder.read_json(STATUS).get("status", "stopped"))
    if status == "running" and not folder.is_locked:
        return "stopped"
    if status == "done" and not all((folder.path / name).is_file() for name in about.get("files") or {}):
        return "damaged"
    return status

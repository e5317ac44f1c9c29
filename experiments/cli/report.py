"""`jointbid report DIR ...`: the page of a study, made anew from what lies in its folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..errors import BadInput, path_of, refused
from ..report import tables
from ..report.folders.study import studies_in
from ..report.html.page import write_report
from .parser import Options


def main(options: Options) -> int:
    """Write the report of each study, and say where it is."""
    if not options.words:
        raise BadInput(f"report: needs the folder of a study; usage: {options.usage}")
    for folder in folders(options.words):
        with refused(f"{folder}: cannot be written to"):
            page = write_report(folder)
        tables.show(tables.linked("", page))
    return 0


def folders(arguments: Sequence[str]) -> list[Path]:
    """Return the folders of the studies that the arguments name, or hold.

    Raises:
        BadInput: no folder, or one without any study.
    """
    found, problems = [], []
    for word in arguments:
        path = path_of("report", word)
        studies = studies_in(path) if path.is_dir() else []
        found += [study.folder for study in studies]
        if not path.is_dir():
            problems.append(f"{word}: no such folder")
        elif not studies:
            problems.append(f"{word}: no study's folder, and none lies in it (there is no manifest.json)")
    if problems:
        raise BadInput(problems)
    return list(dict.fromkeys(found))

"""The folder of one run, written in one place: of a simulation, of a log's replay, of the table of strategies."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from ..config.points import Point
from ..errors import reported
from ..report.html.page import write_report
from ..report.plots.figure import Figure
from ..report.plots.letters import names_in, report_missing
from ..storage.cell_results import StudyState
from ..storage.names import CONFIG, MANIFEST
from ..storage.study_folder import Folder
from .manifest import manifest

Played = TypeVar("Played")


@dataclass(frozen=True)
class RunFiles:
    """What a run leaves in its folder.

    Attributes:
        tables: by file name; a name without a suffix is written as CSV and as Parquet.
        auctions: the number of auctions played.
        about: further keys of `manifest.json`.
        ran: the number of cells or replays run.
        figures: the plots; drawn after the tables are written, and only where plots are enabled.
        has_page: whether `report.html` is written.
    """

    tables: Mapping[str, pd.DataFrame]
    auctions: int
    about: Mapping[str, Any] = field(default_factory=dict)
    ran: int = 1
    figures: Iterable[Figure] = ()
    has_page: bool = False


def write_run(point: Point, play: Callable[[], tuple[Played, RunFiles]], path: Path | None = None) -> Played:
    """Lock the folder (`path`, or the point's), play, and write configuration, tables, plots, manifest and status.

    Returns what `play` does beside the files.

    Raises:
        BadInput: a folder that cannot be written to, or what `play` refuses.
    """
    folder, started = Folder(path or point.folder), time.time()
    with folder.locked():
        folder.status("running")
        played, files = play()
        folder.write_text(CONFIG, point.yaml)
        for name, table in files.tables.items():
            for file in [name] if Path(name).suffix else [f"{name}.csv", f"{name}.parquet"]:
                folder.write_table(file, table)
        _draw(point, folder.path / "plots", files)
        state = StudyState(folder.cells, ran=files.ran, auctions=files.auctions)
        folder.write_json(MANIFEST, manifest(point, started, state) | dict(files.about))
        folder.status("done")
        if files.has_page:
            write_report(folder.path)
    return played


def _draw(point: Point, folder: Path, files: RunFiles) -> None:
    """Draw the plots; one that fails is reported, and the others are drawn."""
    look = point.settings.plot
    if not look.enabled:
        return
    with reported("plots"):
        for figure in files.figures:
            report_missing([point.settings.scenario.name, *names_in(figure.table)])
            with reported(f"plots/{figure.name}"):
                figure.write(folder, look.style, look.format)

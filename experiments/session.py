"""From a validated point to a folder full of answers: run what is missing, estimate, write, and say where."""

from __future__ import annotations

import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.cells import Cell
from experiments.config import Point, digest
from experiments.executor import cores
from experiments.runner import Ledger, complete, table, timeseries
from experiments.store import Folder
from experiments.studies.base import Said, Study
from experiments.versions import PACKAGES, version

if TYPE_CHECKING:
    import pandas as pd

SUMMARY, CELLS, SERIES = "summary.parquet", "cells.parquet", "timeseries.parquet"


@dataclass
class Answer:
    """What a study found, for people to be shown.

    Attributes:
        folder: where everything is.
        summary: the rows of ``summary.csv``; None where failed cells left too little.
        said: the verdict, and what goes with it.
        failures: the lines of ``failures.jsonl``.
        ran: cells that this command ran; the others were there.
    """

    folder: Path
    summary: pd.DataFrame | None = None
    said: Said = Said()  # noqa: RUF009 - frozen
    failures: list[dict[str, Any]] = field(default_factory=list)
    ran: int = 0


def answer(point: Point, study: Study) -> Answer:
    """Answer a study at one point; where all is there, it is only read.

    Raises:
        BadInput: settings that make no such study, a strategy that does not bid, a folder that cannot be written to.
    """
    study.check()
    folder, ledger, started = Folder(point.folder), Ledger(), time.time()
    with recorded(folder):
        cells = _cells(point, study, folder, ledger)
        content = digest([point.settings.plot.model_dump(), *sorted(cell.key for cell in cells)])
        found = Answer(point.folder, failures=ledger.failures, ran=ledger.ran)
        if folder.read_json("manifest.json").get("content") == content and folder.is_done():
            found.summary = _read(point.folder)
        if found.summary is not None:
            found.said = study.say(found.summary, ledger)
            return found
        _write(found, point, study, folder, ledger, cells)
        about = {**manifest(point, started, ledger), **study.about(ledger), "content": content}
        folder.write_json("manifest.json", about)
        folder.status("failed" if ledger.failures else "done")
    return found


def _cells(point: Point, study: Study, folder: Folder, ledger: Ledger) -> list[Cell]:
    """Complete every stage; the cells that are estimated from, each once."""
    cells: dict[str, Cell] = {}
    for stage in study.stages(ledger):
        complete(stage, ledger, folder, point, study.work)
        for cell in stage:
            if not cell.is_pilot:
                cells.setdefault(cell.key, cell)  # what the ladder and a curve share is the ladder's
    return list(cells.values())


def _write(
    answer: Answer, point: Point, study: Study, folder: Folder, ledger: Ledger, cells: list[Cell]
) -> None:
    folder.write_text("config.yaml", point.yaml)
    found = ledger.of(cells)
    rows = table(found)
    folder.write_table(CELLS, rows)
    folder.write_table(SERIES, timeseries(found))
    folder.write_lines("failures.jsonl", ledger.failures)
    try:
        summary = answer.summary = study.summary(rows, ledger)
    except ValueError:
        if not ledger.failures:
            raise
        return
    answer.said = study.say(summary, ledger)
    folder.write_table("summary.csv", summary)
    folder.write_table(SUMMARY, summary)
    for name, further in study.tables(summary, ledger).items():
        folder.write_table(f"{name}.csv", further)
    if point.settings.plot.enabled:
        from experiments import plots

        for figure in study.figures(summary, ledger):
            plots.save(figure.draw(), figure.table, point.folder / "plots", figure.name)


def _read(folder: Path) -> pd.DataFrame | None:
    """The summary that is there already; None where a table is gone or damaged, and must be written again."""
    import pandas as pd

    try:
        for name in (CELLS, SERIES):
            pd.read_parquet(folder / name, columns=["arm"])
        pd.read_csv(folder / "summary.csv", usecols=["estimand"])
        return pd.read_parquet(folder / SUMMARY)
    except (OSError, ValueError):  # pyarrow's and pandas' own errors are ValueErrors
        return None


@contextmanager
def recorded(folder: Folder) -> Iterator[None]:
    """Open the folder, and leave no status that says ``running`` when the work ends by an error or Ctrl-C."""
    folder.open()
    try:
        yield
    except BaseException:
        if folder.read_json("status.json").get("status") == "running":
            folder.status("failed")
        raise


def manifest(point: Point, started: float, ledger: Ledger) -> dict[str, Any]:
    """Where the numbers come from: versions, seed, command, time and work."""
    wall = time.time() - started
    return {
        "command": point.command,
        "seed": point.settings.seed,
        "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(started)),
        "wall_seconds": round(wall, 3),
        "auctions": ledger.auctions,
        "auctions_per_second": round(ledger.auctions / max(wall, 1e-9)),
        "cells_run": ledger.ran,
        "cells_kept": ledger.kept,
        "cores": cores(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "versions": {name: version(name) for name in PACKAGES} | _plugin_version(point),
    }


def _plugin_version(point: Point) -> dict[str, str]:
    """Of the package that brings the strategy; nothing where it is built in."""
    from strategies.plugins import plugins

    entry = plugins().get(point.settings.scenario.bidders.strategy.name)
    return {entry.dist.name: entry.dist.version} if entry and entry.dist else {}

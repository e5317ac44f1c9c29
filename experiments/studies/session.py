"""From a validated point to a folder full of answers: run what is missing, estimate, write, and say where."""

from __future__ import annotations

import platform
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..cells.cell import Cell, CellResult, code_version
from ..cells.versions import PACKAGES, version
from ..config.points import Point, digest
from ..errors import BadInput, closest
from ..execution import Chore, cores
from ..execution.drawing import reported
from ..execution.scheduler import FAILURES, Driver, FailedFast, Finish, Stage
from ..execution.scheduler import Study as OnItsWay
from ..storage.cell_results import Ledger, TimeSeries, table
from ..storage.study_folder import Folder
from .base import Said, Study

if TYPE_CHECKING:
    import pandas as pd

SUMMARY, CELLS, SERIES = "summary.parquet", "cells.parquet", "timeseries.parquet"
REPORT = "report.html"
SUMMARISING = ("experiments/estimate", "experiments/studies", "experiments/report")
"""The folders that make summary, plots and page of the cells: what they made is kept only while they are unchanged."""


@dataclass
class Answer:
    """What a study found, for people to be shown.

    Attributes:
        folder: where everything is.
        summary: the rows of ``summary.csv``; None where failed cells left too little.
        said: the verdict, and what goes with it.
        failures: the lines of ``failures.jsonl``.
        ran: the number of cells that this command ran.
        kept: the number of cells that were there already.
    """

    folder: Path
    summary: pd.DataFrame | None = None
    said: Said = Said()  # noqa: RUF009 - frozen
    failures: list[dict[str, Any]] = field(default_factory=list)
    ran: int = 0
    kept: int = 0


Progress = OnItsWay[Answer]


def answer(point: Point, study: Study) -> Answer:
    """Answer one study at one point; where all is there, it is only read."""
    found: list[Answer] = []
    answer_all([point], lambda _: study, lambda _, answer: found.append(answer))
    return found[0]


def answer_all(
    points: Collection[Point], study_of: Callable[[Point], Study], deliver: Callable[[Point, Answer], None]
) -> None:
    """Answer a study at each point, all of them in one pool, and hand each answer over when it is there.

    Raises:
        BadInput: settings that make no such study, a strategy that does not bid, a folder that cannot be written to.
        FailedFast: a cell failed, and ``executor.fail_fast`` is set; the answers of the studies that failed are handed over.
    """
    first = next(iter(points))
    begun: dict[Path, tuple[Point, Ledger]] = {}

    def start(point: Point, wait: bool) -> Progress:
        ledger = Ledger()
        begun[point.folder] = point, ledger
        return _answering(point, study_of(point), ledger, wait=wait)

    def done(point: Point, answer: Answer) -> None:
        del begun[point.folder]
        deliver(point, answer)

    try:
        Driver(start, done, first.settings.executor, pool_first=not Folder(first.folder).is_done()).run(
            points
        )
    except FailedFast:
        for point, ledger in begun.values():
            if ledger.failures:
                deliver(
                    point, Answer(point.folder, failures=ledger.failures, ran=ledger.ran, kept=ledger.kept)
                )
        raise


def alone(point: Point, study: Study, name: str) -> CellResult:
    """Run one cell of a study, here; nothing is written.

    Raises:
        BadInput: the study has no such cell.
    """
    study.check()
    names: list[str] = []
    with closing(Folder(point.folder).cells) as cells:
        cells.scan()
        for stage in study.stages(Ledger(cells)):
            for cell in stage:
                if str(cell) == name:
                    return study.work(cell)
                names.append(str(cell))
    raise BadInput(f"--cell {name!r}: this study has no such cell{closest(name, names)}")


def _answering(point: Point, study: Study, ledger: Ledger, *, wait: bool) -> Progress:
    """The study on its way to its answer: yields the cells that are missing."""
    study.check()
    folder, started = Folder(point.folder), time.time()
    with folder.held(wait=wait):
        _look(folder, ledger)
        cells: dict[str, Cell] = {}
        for stage in study.stages(ledger):
            distinct = {
                cell.key: cell for cell in reversed(stage)
            }  # what the ladder and a curve share is the ladder's
            missing = [cell for key, cell in reversed(distinct.items()) if key not in folder.cells]
            ledger.kept += len(distinct) - len(missing)
            if missing:
                folder.status("running")
                yield Stage(missing, study.work, point, folder, ledger)
            for cell in stage:
                if not cell.is_pilot:
                    cells.setdefault(cell.key, cell)
        shown = [part.model_dump() for part in (point.settings.plot, point.settings.report)]
        content = digest([code_version(SUMMARISING), *shown, *sorted(cells)])
        known = folder.read_json("manifest.json")
        found = Answer(point.folder, failures=ledger.failures, ran=ledger.ran, kept=ledger.kept)
        if known.get("content") == content and folder.is_done():
            found.summary = _read(folder, known.get("files"))
        if found.summary is not None:
            found.said = study.say(found.summary, ledger)
            if not (point.folder / REPORT).is_file():
                yield Finish([Chore(partial(report, point.folder), REPORT)])
            return found
        folder.status("running")
        _write(found, point, study, folder, ledger, list(cells.values()))
        files = dict(folder.checksums)
        about = {**study.about(ledger), "verdict": found.said.verdict, "notes": found.said.notes}
        folder.write_json("manifest.json", manifest(point, started, ledger) | about)
        for drawing in _drawings(found.summary, point, study, ledger):
            yield Finish([drawing], ahead=True)  # the next is worked out while this one is drawn
        yield Finish()
        about |= {"content": content, "files": files}
        folder.write_json("manifest.json", manifest(point, started, ledger) | about)
        folder.status("failed" if ledger.failures else "done")
        yield Finish([Chore(partial(_page, point.folder), REPORT)])
        folder.cells.compact()
    return found


def _further(folder: Path) -> None:
    """Draw what the tables of any study allow."""
    from ..report.html import draw_further

    draw_further(folder)


def report(folder: Path) -> Path:
    """Write the page that is mailed on, and the plots that it lacks; made from the folder's files, so they come first."""
    from ..report.html import write_report

    return write_report(folder)


def _page(folder: Path) -> Path:
    """Write the page of a study whose plots have just been drawn."""
    from ..report.html import write_page

    return write_page(folder)


def _drawings(summary: pd.DataFrame | None, point: Point, study: Study, ledger: Ledger) -> Iterator[Chore]:
    """The plots that the tables of any study allow, and the study's own, each by itself."""
    look = point.settings.plot
    if summary is None or not look.enabled:
        return
    from ..report.plots.letters import names_in, report_missing

    report_missing([point.settings.scenario.name, *names_in(summary)])
    yield Chore(partial(_further, point.folder), "plots")
    with reported("plots"):
        for figure in study.figures(summary, ledger):
            draw = partial(figure.write, point.folder / "plots", look.style, tuple(look.format))
            yield Chore(draw, f"plots/{figure.name}")


def _look(folder: Folder, ledger: Ledger) -> None:
    """Find the finished cells, and say what does not count."""
    folder.cells.scan()
    ledger.finished = folder.cells
    for file, lines in folder.cells.damaged.items():
        cells = "1 cell" if lines == 1 else f"{lines} cells"
        sys.stderr.write(
            f"{folder.path / 'cells' / file}: {cells} half-written or damaged: not counted, and run again\n"
        )


def _write(
    answer: Answer, point: Point, study: Study, folder: Folder, ledger: Ledger, cells: list[Cell]
) -> None:
    folder.checksums.clear()
    folder.write_text("config.yaml", point.yaml)
    found = ledger.of(cells)
    rows = table(found)
    folder.write_table(CELLS, rows)
    folder.write_parts(SERIES, TimeSeries(found))
    if not ledger.failures:
        folder.drop(FAILURES)
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


def _read(folder: Folder, checksums: Mapping[str, str] | None) -> pd.DataFrame | None:
    """The summary that is there already; None where a file is gone or damaged, and must be written again."""
    import pandas as pd

    if not checksums or SUMMARY not in checksums:
        return None
    if changed := folder.changed(checksums):
        sys.stderr.write(f"{folder.path}: {', '.join(changed)} gone or damaged: written again\n")
        return None
    return pd.read_parquet(folder.path / SUMMARY)


def manifest(point: Point, started: float, ledger: Ledger) -> dict[str, Any]:
    """Where the numbers come from: versions, seed, command, time and work."""
    wall = time.time() - started
    return {
        "study": point.verb,
        "scenario": point.settings.scenario.name,
        "hash": point.folder.name[-12:],
        "code": code_version(),
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
    from jointbid.strategies.plugins import plugins

    entry = plugins().get(point.settings.scenario.bidders.strategy.name)
    return {entry.dist.name: entry.dist.version} if entry and entry.dist else {}

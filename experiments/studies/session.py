"""From a validated point to a folder of results: run the cells that are missing, estimate, and write every file."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Collection, Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..cells.cell import CellResult, code_version
from ..cells.cell_lists import Cells, are_first, chosen, estimated_from, keyed, keys_of
from ..config.points import Point, digest
from ..errors import BadInput, closest, reported
from ..execution.scheduler import Driver, FailedFast
from ..execution.stages import Finish, Stage, StudyRun
from ..execution.tasks import SideTask
from ..report.html.page import write_report
from ..report.html.pictures import draw_further
from ..report.plots.letters import names_in, report_missing
from ..report.remote_bidders import remote_notes
from ..storage.cell_results import Rows, StudyState
from ..storage.names import CONFIG, FAILURES, MANIFEST, REPORT, SUMMARY_CSV
from ..storage.study_folder import Folder
from .base import Findings, Study
from .inert import inert
from .manifest import manifest

SUMMARY, CELLS, SERIES = "summary.parquet", "cells.parquet", "timeseries.parquet"
MOST_PAGES = 60
"""With more studies than this a page is made on demand (`jointbid report`): it takes longer than many a study's cells."""
SUMMARISING = ("experiments/estimate", "experiments/studies", "experiments/report")
"""The folders that make summary, plots and page of the cells: what they made is kept only while they are unchanged."""


@dataclass(frozen=True)
class StudyResult:
    """What a study found.

    Attributes:
        folder: where everything is.
        summary: the rows of ``summary.csv``; None where failed cells left too little.
        findings: the verdict, with notes and tables.
        failures: the lines of ``failures.jsonl``.
        ran: the number of cells that this command ran.
        kept: the number of cells that were there already.
    """

    folder: Path
    summary: pd.DataFrame | None = None
    findings: Findings = field(default_factory=Findings)
    failures: list[dict[str, Any]] = field(default_factory=list)
    ran: int = 0
    kept: int = 0


def run_study(point: Point, kind: type[Study]) -> StudyResult:
    """Run one study at one point; where all is there, it is only read."""
    found: list[StudyResult] = []
    run_studies([point], kind, lambda _, result: found.append(result))
    return found[0]


def run_studies(
    points: Collection[Point], kind: type[Study], deliver: Callable[[Point, StudyResult], None]
) -> None:
    """Run a study at each point, all of them in one pool, and deliver each result when it is there.

    Raises:
        BadInput: settings that make no such study, a strategy that does not bid, a folder that cannot be written to.
        FailedFast: a cell failed, and ``executor.fail_fast`` is set; the results of the studies that failed are delivered.
    """
    first, has_page = next(iter(points)), len(points) <= MOST_PAGES
    begun: dict[Path, tuple[Point, StudyState]] = {}

    def start(point: Point, wait: bool) -> StudyRun[StudyResult]:
        folder = Folder(point.folder)
        study = kind(point.settings, StudyState(folder.cells))
        begun[point.folder] = point, study.state
        return _running(point, study, folder, wait=wait, has_page=has_page)

    def done(point: Point, result: StudyResult) -> None:
        del begun[point.folder]
        deliver(point, result)

    pool_first = not Folder(first.folder).is_done()
    try:
        Driver(start, done, first.settings.executor, pool_first=pool_first).run(points)
    except FailedFast:
        for point, state in begun.values():
            if state.failures:
                deliver(
                    point, StudyResult(point.folder, None, Findings(), state.failures, state.ran, state.kept)
                )
        raise


def run_one_cell(point: Point, kind: type[Study], name: str) -> CellResult:
    """Run one cell of a study in this process, and write nothing.

    Raises:
        BadInput: the study has no such cell.
    """
    names: list[str] = []
    with closing(Folder(point.folder).cells) as cells:
        study = kind(point.settings, StudyState(cells))
        study.check()
        cells.scan()
        for cell in chain.from_iterable(study.stages()):
            if str(cell) == name:
                return study.work(cell)
            names.append(str(cell))
    raise BadInput(f"--cell {name!r}: this study has no such cell{closest(name, names)}")


def _running(
    point: Point, study: Study, folder: Folder, *, wait: bool, has_page: bool
) -> StudyRun[StudyResult]:
    """Yield the cells that are missing, then the plots and the page, and return the result; without ``has_page`` an old page goes."""
    study.check()
    state, started = study.state, time.time()
    with folder.locked(wait=wait):
        _scan(folder)
        cells = yield from _play(study, point, folder)
        shown = [part.model_dump() for part in (point.settings.plot, point.settings.report)]
        content = digest([code_version(SUMMARISING), *shown, np.sort(keys_of(cells)).tobytes().decode()])
        known = folder.read_json(MANIFEST)
        is_known = known.get("content") == content and folder.is_done()
        summary = _read(folder, known.get("files")) if is_known else None
        if summary is not None:
            inertia: tuple[str, ...] = tuple(known.get("inert", ()))
            notes = tuple(note for note in known["notes"] if note not in inertia)
            if point.command != known["command"]:  # another command for the same settings
                inertia = tuple(inert(point, study, cells, summary))
            findings = replace(study.summarise(summary), notes=(*notes, *inertia))
            if has_page and not (point.folder / REPORT).is_file():
                yield Finish([SideTask(partial(write_report, point.folder), REPORT)])
            return StudyResult(point.folder, summary, findings, state.failures, state.ran, state.kept)
        folder.status("running")
        summary, findings = _write(point, study, folder, cells)
        files = dict(folder.checksums)
        inertia = () if summary is None else tuple(inert(point, study, cells, summary))
        findings = replace(findings, notes=(*findings.notes, *inertia))
        about = {**study.about(), "verdict": findings.verdict, "notes": findings.notes, "inert": inertia}
        folder.write_json(MANIFEST, manifest(point, started, state) | about)
        for drawing in _drawings(summary, point, study):
            yield Finish([drawing], ahead=True)  # the next is worked out while this one is drawn
        yield Finish()
        about |= {"content": content, "files": files}
        folder.write_json(MANIFEST, manifest(point, started, state) | about)
        folder.status("failed" if state.failures else "done")
        if has_page:
            yield Finish([SideTask(partial(write_report, point.folder, draw=False), REPORT)])
        else:
            folder.drop(REPORT)
        folder.cells.compact()
    return StudyResult(point.folder, summary, findings, state.failures, state.ran, state.kept)


def _play(study: Study, point: Point, folder: Folder) -> Generator[Stage, None, Cells]:
    """Yield the cells of each stage that are missing, and return all that are no pilots, each once."""
    stages: list[Cells] = []
    for stage in map(keyed, study.stages()):
        distinct = chosen(stage, are_first(keys_of(stage)))  # the ladder's where a curve shares it
        missing = chosen(distinct, ~folder.cells.has(keys_of(distinct)))
        study.state.kept += len(distinct) - len(missing)
        if missing:
            folder.status("running")
            yield Stage(missing, study.work, point, folder, study.state)
        stages.append(distinct)
    return estimated_from(stages)


def _drawings(summary: pd.DataFrame | None, point: Point, study: Study) -> Iterator[SideTask]:
    """Yield the plots that the tables of any study allow, and the study's own, each by itself."""
    look = point.settings.plot
    if summary is None or not look.enabled:
        return
    report_missing([point.settings.scenario.name, *names_in(summary)])
    yield SideTask(partial(draw_further, point.folder), "plots")
    with reported("plots"):
        for figure in chain.from_iterable(part.figures(summary) for part in study.parts):
            draw = partial(figure.write, point.folder / "plots", look.style, tuple(look.format))
            yield SideTask(draw, f"plots/{figure.name}")


def _scan(folder: Folder) -> None:
    """Find the finished cells, and report those that are damaged."""
    folder.cells.scan()
    for file, lines in folder.cells.damaged.items():
        cells = "1 cell" if lines == 1 else f"{lines} cells"
        sys.stderr.write(
            f"{folder.path / 'cells' / file}: {cells} half-written or damaged: not counted, and run again\n"
        )


def _write(point: Point, study: Study, folder: Folder, cells: Cells) -> tuple[pd.DataFrame | None, Findings]:
    """Write the tables, and return the summary with what it means; None where failed cells left too little."""
    folder.checksums.clear()
    folder.write_text(CONFIG, point.yaml)
    found = study.state.of(cells)
    folder.write_parts(CELLS, Rows(found))
    folder.write_parts(SERIES, Rows(found, "timeseries"))
    rows = folder.read_table(CELLS)
    if not study.state.failures:
        folder.drop(FAILURES)
    elif rows.empty:
        return None, Findings()
    try:
        summary = study.summary(rows)
    except ValueError:
        if not study.state.failures:
            raise
        return None, Findings()
    findings = study.summarise(summary)
    folder.write_table(SUMMARY_CSV, summary)
    folder.write_table(SUMMARY, summary)
    for part in study.parts:
        for name, further in part.tables(summary).items():
            folder.write_table(f"{name}.csv", further)
        for name, document in part.documents(summary).items():
            folder.write_json(f"{name}.json", document)
    return summary, replace(findings, notes=(*findings.notes, *remote_notes(point.settings, rows)))


def _read(folder: Folder, checksums: Mapping[str, str] | None) -> pd.DataFrame | None:
    """The summary that is there already; None where a file is gone or damaged, and must be written again."""
    if not checksums or SUMMARY not in checksums:
        return None
    if changed := folder.changed(checksums):
        sys.stderr.write(f"{folder.path}: {', '.join(changed)} gone or damaged: written again\n")
        return None
    return pd.read_parquet(folder.path / SUMMARY)

"""`jointbid value` and its like: a study of one market, or of every point of a sweep."""

from __future__ import annotations

import sys
import traceback
from contextlib import suppress
from typing import TYPE_CHECKING

from ..config.points import Point, Points, load
from ..config.studies import STUDIES
from ..config.text import quoted
from ..errors import BadInput
from ..storage.names import FAILURES, REPORT
from ..studies.registry import run_points, study_class
from .output import fitted
from .parser import Options

if TYPE_CHECKING:
    from ..studies.session import StudyResult

MANY = 100
"""From this number of studies on a message says that each draws its plots."""
SHOWN = 5
"""Failed cells shown; the file has all."""


def main(options: Options) -> int:
    """Run the study at each point, and show what it found; 1 where a cell failed."""
    from ..execution.scheduler import FailedFast
    from ..execution.worker import compile_early

    elsewhere = any(word.startswith(("executor=", "executor.name=")) for word in options.words)
    if not options.cfg:
        compile_early(in_workers=not (elsewhere or options.cell))
    todo = points(options)
    if todo is None:
        return 0
    if options.cell is not None:
        return _one_cell(todo[0], options.cell)
    failed: list[StudyResult] = []
    try:
        (_sweep if len(todo) > 1 else _single)(todo, failed)
    except FailedFast as stop:
        sys.stderr.write(f"{stop}; what is done is kept\n")
    for result in failed[:SHOWN]:
        _show_failures(result)
    if len(failed) > SHOWN:
        sys.stderr.write(
            f"... {len(failed) - SHOWN:,} more studies have failed cells; each has its {FAILURES}\n"
        )
    return int(bool(failed))


def points(options: Options) -> Points | None:
    """Return the points to run; None where `--cfg` is given, and the resolved configuration printed."""
    if options.cfg not in {None, "job"}:
        raise BadInput(f"--cfg {options.cfg}: must be job")
    found = load(options.verb, _with_names(options), multirun=options.multirun, config_dir=options.config_dir)
    if options.cfg:
        sys.stdout.write("---\n".join(point.yaml for point in found))
        return None
    if options.cell is not None and len(found) > 1:
        raise BadInput("--cell: one cell of one study; not of a sweep (-m)")
    return found


def _with_names(options: Options) -> list[str]:
    """Return the overrides, with words that are names alone under the key that the verb has for them."""
    key = STUDIES[options.verb].names
    names = [word for word in options.words if "=" not in word] if key else []
    words = [word for word in options.words if word not in names]
    return [*words, *([f"{key}=[{','.join(map(quoted, names))}]"] if names else [])]


def helped(options: Options) -> int:
    """Print a study verb's options and the keys that are used most, each with its value; or what is asked of single keys."""
    from .help import explain, show_common

    (point,) = load(options.verb, config_dir=options.config_dir)
    if options.words:
        return explain(options.verb, options.words)
    about = STUDIES[options.verb]
    question = fitted(f"{about.question[0].upper()}{about.question[1:]}\n\n") if about.question else ""
    sys.stdout.write(f"{question}{options.help}\n")
    show_common(options.verb, point.settings)
    return 0


def _single(todo: Points, failed: list[StudyResult]) -> None:
    results: list[StudyResult] = []
    try:
        run_points(todo, lambda _, result: results.append(result))
    finally:  # the bars are gone now
        for result in results:
            failed.extend([result] if result.failures else [])
            _show(result)


def _sweep(todo: Points, failed: list[StudyResult]) -> None:
    from ..execution.scheduler import FailedFast
    from ..report import tables
    from ..report.sweep import Sweep
    from ..report.sweep_tables import WHOLE, findings, sweep_table
    from ..studies.session import MOST_PAGES

    if len(todo) >= MANY and todo[0].settings.plot.enabled:
        sys.stderr.write(
            f"each of {len(todo):,} studies draws its plots, which takes seconds; plot.enabled=false does without\n"
        )
    headline = study_class(todo[0].verb).headline
    sweep, said, cells = Sweep(todo, headline), dict[str, str](), [0, 0]

    def deliver(point: Point, result: StudyResult) -> None:
        sweep.add(point, result.summary, failed=bool(result.failures))
        cells[:] = cells[0] + result.kept, cells[1] + result.ran
        failed.extend([result] if result.failures else [])
        if len(todo) <= WHOLE:
            said[point.label] = " ".join(result.findings.verdict)

    try:
        run_points(todo, deliver)
    except (KeyboardInterrupt, FailedFast):
        with suppress(OSError):
            sweep.write()
        raise
    rows, shown = sweep.write(), todo if len(todo) <= WHOLE else ()
    tables.show(*(f"{point.label}: {said[point.label]}" for point in shown if said[point.label]))
    tables.show(sweep_table(rows, list(todo[0].swept), headline), findings(rows, headline))
    for point in shown:
        sys.stdout.write(f"Results: {point.folder}  {point.label}\n")
    on_demand = (
        ""
        if len(todo) <= MOST_PAGES
        else "Page of a point: jointbid report FOLDER (points.csv has the folders)\n"
    )
    sys.stdout.write(
        f"\nCells: {cells[0]:,} kept, {cells[1]:,} run\nAll points: {sweep.folder / 'points.csv'}\n{on_demand}"
    )


def _one_cell(point: Point, cell: str) -> int:
    """Repeat one cell, in this process, and show its rows; an error is shown with its traceback."""
    from ..studies.session import run_one_cell

    try:
        result = run_one_cell(point, study_class(point.verb), cell)
    except BadInput:
        raise
    except Exception:  # noqa: BLE001 - a strategy may do anything; that is what is looked at
        traceback.print_exc()
        return 1
    for row in result.rows:
        sys.stdout.write("".join(f"{name:26} {value}\n" for name, value in row.items()) + "\n")
    return 0


def _show(result: StudyResult) -> None:
    from ..report import tables

    tables.show(*result.findings.shown, *result.findings.notes)
    sys.stdout.write(f"\nCells: {result.kept:,} kept, {result.ran:,} run\n\n")
    tables.show(*result.findings.verdict)
    sys.stdout.write(f"\nResults: {result.folder}\n")
    if (page := result.folder / REPORT).is_file():
        tables.show(tables.linked("Report: ", page))


def _show_failures(result: StudyResult) -> None:
    for failure in result.failures[:SHOWN]:
        where = " ".join(f"{key}={value}" for key, value in failure["cell"].items() if value != "")
        error = failure["error"].splitlines()[0]
        sys.stderr.write(f"failed: {where}: {error}\n  alone: {failure['command']}\n")
    cells = "1 cell" if len(result.failures) == 1 else f"{len(result.failures)} cells"
    sys.stderr.write(f"{cells} failed, listed with tracebacks in {result.folder / FAILURES}\n")

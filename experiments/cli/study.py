"""`jointbid value` and its like: a study of one market, or of every point of a sweep."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from ..config.points import Point, Points
from ..studies.registry import study_class
from .parser import Options
from .study_arguments import helped, points

if TYPE_CHECKING:
    from ..studies.session import Answer

__all__ = ["helped", "main"]

FAILURES = "failures.jsonl"
MANY = 100
"""From this number of studies on a message says that each draws its plots."""
SHOWN = 5
"""Failed cells shown; the file has all."""


def main(options: Options) -> int:
    """Run the study at each point, and show what it found; 1 where a cell failed."""
    from ..execution.scheduler import FailedFast

    todo = points(options)
    if todo is None:
        return 0
    if options.cell is not None:
        return _alone(todo[0], options.cell)
    failed: list[Answer] = []
    try:
        (_sweep if len(todo) > 1 else _single)(todo, failed)
    except FailedFast as stop:
        sys.stderr.write(f"{stop}; what is done is kept\n")
    for answer in failed[:SHOWN]:
        _show_failures(answer)
    if len(failed) > SHOWN:
        sys.stderr.write(
            f"... {len(failed) - SHOWN:,} more studies have failed cells; each has its {FAILURES}\n"
        )
    return int(bool(failed))


def _single(todo: Points, failed: list[Answer]) -> None:
    answers: list[Answer] = []
    try:
        _answer_all(todo, lambda _, answer: answers.append(answer))
    finally:  # the bars are gone now
        for answer in answers:
            failed.extend([answer] if answer.failures else [])
            _show(answer)


def _sweep(todo: Points, failed: list[Answer]) -> None:
    from ..execution.scheduler import FailedFast
    from ..report import tables
    from ..report.sweep import Sweep
    from ..report.sweep_tables import WHOLE, findings, sweep_table

    if len(todo) >= MANY and todo[0].settings.plot.enabled:
        sys.stderr.write(
            f"each of {len(todo):,} studies draws its plots, which takes seconds; plot.enabled=false does without\n"
        )
    headline = study_class(todo[0].verb).headline
    sweep, said, cells = Sweep(todo, headline), dict[str, str](), [0, 0]

    def deliver(point: Point, answer: Answer) -> None:
        sweep.add(point, answer.summary, failed=bool(answer.failures))
        cells[:] = cells[0] + answer.kept, cells[1] + answer.ran
        failed.extend([answer] if answer.failures else [])
        if len(todo) <= WHOLE:
            said[point.label] = " ".join(answer.said.verdict)

    try:
        _answer_all(todo, deliver)
    except (KeyboardInterrupt, FailedFast):
        with suppress(OSError):
            sweep.write()
        raise
    rows, shown = sweep.write(), todo if len(todo) <= WHOLE else ()
    tables.show(*(f"{point.label}: {said[point.label]}" for point in shown if said[point.label]))
    tables.show(sweep_table(rows, list(todo[0].swept), headline), findings(rows, headline))
    for point in shown:
        sys.stdout.write(f"Results: {point.folder}  {point.label}\n")
    sys.stdout.write(
        f"\nCells: {cells[0]:,} kept, {cells[1]:,} run\nAll points: {sweep.folder / 'points.csv'}\n"
    )


def _answer_all(todo: Points, deliver: Callable[[Point, Answer], None]) -> None:
    """Logs one after the other, for each takes all cores; everything else in one pool."""
    from ..studies.session import answer_all

    for point in todo.of_kind("log"):
        from ..studies.replay.value import value

        deliver(point, value(point))
    if simulated := todo.of_kind("synthetic"):
        answer_all(simulated, lambda point: study_class(point.verb)(point.settings), deliver)


def _alone(point: Point, cell: str) -> int:
    """Repeat one cell, in this process, and show its rows; an error is shown with its traceback."""
    import traceback

    from ..errors import BadInput
    from ..studies.session import alone

    try:
        result = alone(point, study_class(point.verb)(point.settings), cell)
    except BadInput:
        raise
    except Exception:  # noqa: BLE001 - a strategy may do anything; that is what is looked at
        traceback.print_exc()
        return 1
    for row in result.rows:
        sys.stdout.write("".join(f"{name:26} {value}\n" for name, value in row.items()) + "\n")
    return 0


def _show(answer: Answer) -> None:
    from ..report import tables

    tables.show(*answer.said.shown, *answer.said.notes, *answer.said.verdict)
    sys.stdout.write(f"\nCells: {answer.kept:,} kept, {answer.ran:,} run\nResults: {answer.folder}\n")


def _show_failures(answer: Answer) -> None:
    for failure in answer.failures[:SHOWN]:
        where = " ".join(f"{key}={value}" for key, value in failure["cell"].items() if value != "")
        error = failure["error"].splitlines()[0]
        sys.stderr.write(f"failed: {where}: {error}\n  alone: {failure['command']}\n")
    if answer.failures:
        count = len(answer.failures)
        cells = "1 cell" if count == 1 else f"{count} cells"
        sys.stderr.write(f"{cells} failed, listed with tracebacks in {answer.folder / 'failures.jsonl'}\n")

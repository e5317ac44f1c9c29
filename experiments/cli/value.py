"""`jointbid value`: the study of one market, or of every point of a sweep."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from experiments.cli.options import points
from experiments.config import Point

if TYPE_CHECKING:
    from rich.table import Table

    from experiments.session import Answer

VERB = "value"
ABOUT = "what is it worth to join the two houses' data on each bid request?"


def main(arguments: Sequence[str]) -> int:
    """Run the study at each point, and show what it found; 1 where a cell failed."""
    todo = points(VERB, ABOUT, arguments)
    answers = []
    for number, point in enumerate(todo, 1):
        if len(todo) > 1:
            sys.stderr.write(f"[{number}/{len(todo)}] {point.label}\n")
        answer = _answer(point)
        answers.append(answer)
        if len(todo) == 1:
            _show(point, answer)
    if len(todo) > 1:
        _show_sweep(todo, answers)
    for answer in answers:
        _show_failures(answer)
    return int(any(answer.failures for answer in answers))


def _answer(point: Point) -> Answer:
    if point.settings.scenario.supply.kind == "log":
        from experiments.log_session import value

        return value(point)
    from experiments.session import value as study
    from experiments.studies.arms import run_cell

    return study(point, run_cell)


def _show(point: Point, answer: Answer) -> None:
    from experiments import tables

    if answer.summary is not None and not answer.shown:
        about = {"best_single": answer.best_single, "silo": point.settings.study.silo}
        tables.show(
            tables.ladder_table(answer.summary, **about), tables.estimand_table(answer.summary, **about)
        )
    tables.show(*answer.shown, *answer.notes, *answer.verdict)
    sys.stdout.write(f"\nResults: {answer.folder}\n")


def _show_sweep(todo: Sequence[Point], answers: Sequence[Answer]) -> None:
    from experiments import tables

    for point, answer in zip(todo, answers, strict=True):
        for sentence in answer.verdict:
            tables.show(f"{point.label}: {sentence}")
    tables.show(sweep_table(todo, answers))


def sweep_table(todo: Sequence[Point], answers: Sequence[Answer]) -> Table:
    """One row a point: value of joint data with its interval, the two steps, the folder."""
    from rich.table import Table

    from experiments.estimate import lookup
    from experiments.verdict import interval, number

    table = Table(
        "point",
        "value of joint data",
        "95 % interval",
        "same-request step",
        "joint-model step",
        "unit",
        "folder",
    )
    for point, answer in zip(todo, answers, strict=True):
        cells = ["-"] * 5
        if answer.summary is not None:
            rows = answer.summary
            found = [
                lookup(rows, name)
                for name in ("value_of_joint_data", "same_request_step", "joint_model_step")
            ]
            joint = found[0]
            cells = [number(e.estimate) if e else "-" for e in found]
            cells.insert(1, interval(joint) if joint and joint.has_interval else "-")
            unit = rows.loc[rows["estimand"] == "value_of_joint_data", "unit"]
            cells.append(str(unit.iloc[0]) if len(unit) else "-")
        table.add_row(point.label, *cells, str(answer.folder))
    return table


def _show_failures(answer: Answer) -> None:
    for failure in answer.failures:
        where = " ".join(f"{key}={value}" for key, value in failure["cell"].items() if value != "")
        sys.stderr.write(f"failed: {where}: {failure['error']}\n  alone: {failure['command']}\n")
    if answer.failures:
        sys.stderr.write(f"{len(answer.failures)} cells failed: {answer.folder / 'failures.jsonl'}\n")

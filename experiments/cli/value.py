"""`jointbid value`: the study of one market, or of every point of a sweep."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from experiments.cli.options import points
from experiments.config import Point

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table

    from experiments.session import Answer

VERB = "value"
SHOWN = 5
"""Failed cells shown; the file has all."""
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

    labels = [point.label for point in todo]
    tables.show(
        *(
            f"{label}: {said}"
            for label, answer in zip(labels, answers, strict=True)
            for said in answer.verdict
        )
    )
    tables.show(sweep_table([point.swept for point in todo], [answer.summary for answer in answers]))
    for label, answer in zip(labels, answers, strict=True):
        sys.stdout.write(f"Results: {answer.folder}  {label}\n")


def sweep_table(swept: Sequence[Mapping[str, str]], summaries: Sequence[pd.DataFrame | None]) -> Table:
    """One row a point: the swept values, the value of joint data with its interval, and its two steps."""
    from rich import box
    from rich.table import Table

    from experiments.estimate import lookup
    from experiments.verdict import interval, number

    money = [_unit(summary) for summary in summaries]
    same = len(set(money)) == 1
    title = "Value of joint data" + (f", {money[0]}" if same else "")
    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left")
    for key in swept[0]:
        table.add_column(key.removeprefix("source.").replace(".", ".\n"))
    for head in ("value", "95 % interval", "%", "same-request step", "joint-model step"):
        table.add_column(head, justify="right")
    if not same:
        table.add_column("unit")
    for values, summary, unit in zip(swept, summaries, money, strict=True):
        cells = ["-"] * 5
        if summary is not None:
            rows = _headline(summary)
            found = [lookup(rows, estimand, metric) for estimand, metric in SWEPT]
            value, percent, *steps = ("-" if e is None else number(e.estimate) for e in found)
            joint = found[0]
            cells = [value, interval(joint) if joint and joint.has_interval else "-", percent, *steps]
        table.add_row(*values.values(), *cells, *([] if same else [unit]))
    return table


def _headline(summary: pd.DataFrame) -> pd.DataFrame:
    """Of a log, what stands for it in a sweep: all tags, no budget limit."""
    if "budget_share" not in summary:
        return summary
    return summary[(summary["tags"] == "all") & (summary["budget_share"] == float("inf"))]


SWEPT = (
    ("value_of_joint_data", "focal_profit"),
    ("value_of_joint_data", "focal_profit_pct"),
    ("same_request_step", "focal_profit"),
    ("joint_model_step", "focal_profit"),
)


def _unit(summary: pd.DataFrame | None) -> str:
    """Of money in a summary."""
    if summary is None:
        return "-"
    return str(summary.loc[summary["metric"] == "focal_profit", "unit"].iloc[0])


def _show_failures(answer: Answer) -> None:
    for failure in answer.failures[:SHOWN]:
        where = " ".join(f"{key}={value}" for key, value in failure["cell"].items() if value != "")
        error = failure["error"].splitlines()[0]
        sys.stderr.write(f"failed: {where}: {error}\n  alone: {failure['command']}\n")
    if answer.failures:
        count = len(answer.failures)
        cells = "1 cell" if count == 1 else f"{count} cells"
        sys.stderr.write(f"{cells} failed, listed with tracebacks in {answer.folder / 'failures.jsonl'}\n")

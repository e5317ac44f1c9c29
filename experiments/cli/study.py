"""`jointbid value` and its like: a study of one market, or of every point of a sweep."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from experiments.cli.options import points
from experiments.config import Point
from experiments.studies import study_class

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table

    from experiments.session import Answer

SHOWN = 5
"""Failed cells shown; the file has all."""

ABOUT = {
    "value": "what is it worth to join the two houses' data on each bid request?",
    "tournament": "which strategy earns most against the others, with the same data, budgets and requests?",
}
"""Verb -> the question that its study answers."""


def main(arguments: Sequence[str], verb: str) -> int:
    """Run the study at each point, and show what it found; 1 where a cell failed."""
    todo = points(verb, ABOUT[verb], arguments)
    answers = []
    for number, point in enumerate(todo, 1):
        if len(todo) > 1:
            sys.stderr.write(f"[{number}/{len(todo)}] {point.label}\n")
        answer = _answer(point)
        answers.append(answer)
        if len(todo) == 1:
            _show(answer)
    if len(todo) > 1:
        _show_sweep(todo, answers)
    for answer in answers:
        _show_failures(answer)
    return int(any(answer.failures for answer in answers))


def _answer(point: Point) -> Answer:
    if point.settings.scenario.supply.kind == "log":
        from experiments.log_session import value

        return value(point)
    from experiments.session import answer

    return answer(point, study_class(point.verb)(point.settings))


def _show(answer: Answer) -> None:
    from experiments import tables

    tables.show(*answer.said.shown, *answer.said.notes, *answer.said.verdict)
    sys.stdout.write(f"\nResults: {answer.folder}\n")


def _show_sweep(todo: Sequence[Point], answers: Sequence[Answer]) -> None:
    from experiments import tables

    labels = [point.label for point in todo]
    tables.show(
        *(
            f"{label}: {said}"
            for label, answer in zip(labels, answers, strict=True)
            for said in answer.said.verdict
        )
    )
    headline = study_class(todo[0].verb).headline
    summaries = [answer.summary for answer in answers]
    tables.show(sweep_table([point.swept for point in todo], summaries, headline))
    for label, answer in zip(labels, answers, strict=True):
        sys.stdout.write(f"Results: {answer.folder}  {label}\n")


def sweep_table(
    swept: Sequence[Mapping[str, str]],
    summaries: Sequence[pd.DataFrame | None],
    headline: Mapping[str, tuple[str, str]],
) -> Table:
    """One row a point: the swept values, then the study's headline figures, the first of them with its interval."""
    from rich import box
    from rich.table import Table

    from experiments.estimate import lookup
    from experiments.verdict import interval, number

    money = [_unit(summary, next(iter(headline.values()))) for summary in summaries]
    same = len(set(money)) == 1
    first, *others = headline
    title = headline[first][0].replace("_", " ").capitalize() + (f", {money[0]}" if same else "")
    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left")
    for key in swept[0]:
        table.add_column(key.removeprefix("source.").replace(".", ".\n"))
    for head in (first, "95 % interval", *others):
        table.add_column(head, justify="right")
    if not same:
        table.add_column("unit")
    for values, summary, unit in zip(swept, summaries, money, strict=True):
        cells = ["-"] * (1 + len(headline))
        if summary is not None:
            rows = _headline(summary)
            found = [lookup(rows, estimand, metric) for estimand, metric in headline.values()]
            main, *rest = ("-" if e is None else number(e.estimate) for e in found)
            lead = found[0]
            cells = [main, interval(lead) if lead and lead.has_interval else "-", *rest]
        table.add_row(*values.values(), *cells, *([] if same else [unit]))
    return table


def _headline(summary: pd.DataFrame) -> pd.DataFrame:
    """Of a log, what stands for it in a sweep: all tags, no budget limit."""
    if "budget_share" not in summary:
        return summary
    return summary[(summary["tags"] == "all") & (summary["budget_share"] == float("inf"))]


def _unit(summary: pd.DataFrame | None, of: tuple[str, str]) -> str:
    """Of the figure that stands for a study, by its estimand and metric."""
    if summary is None:
        return "-"
    rows = summary[(summary["estimand"] == of[0]) & (summary["metric"] == of[1])]
    return str(rows["unit"].iloc[0]) if len(rows) else "-"


def _show_failures(answer: Answer) -> None:
    for failure in answer.failures[:SHOWN]:
        where = " ".join(f"{key}={value}" for key, value in failure["cell"].items() if value != "")
        error = failure["error"].splitlines()[0]
        sys.stderr.write(f"failed: {where}: {error}\n  alone: {failure['command']}\n")
    if answer.failures:
        count = len(answer.failures)
        cells = "1 cell" if count == 1 else f"{count} cells"
        sys.stderr.write(f"{cells} failed, listed with tracebacks in {answer.folder / 'failures.jsonl'}\n")

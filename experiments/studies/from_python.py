"""A study from Python: what the command line runs, and its tables as pandas frames."""

from __future__ import annotations

import inspect
import os
import shlex
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd

from jointbid.strategies.strategy_files import end_import

from ..config.points import Points, load
from ..config.studies import STUDIES
from ..config.text import quoted, word
from ..errors import BadInput, RunFailed, closest
from ..execution.scheduler import FailedFast
from ..report.folders.study import HasSummary, load_study
from .registry import run_points

RUN = "run"


@dataclass(frozen=True)
class StudyTables(HasSummary):
    """What a study found, in memory.

    Attributes:
        verb: the study, as on the command line.
        command: the command that does the same.
        summary: the rows of ``summary.csv``: estimates with their intervals. Empty for ``run``.
        cells: one row an arm, replication and bidder.
        timeseries: one row an arm, replication, bidder and hour.
        tables: further tables by name; of ``run`` ``bidders`` and ``calendar`` too.
        sentences: the verdict.
        notes: what must be known to believe it.
        failures: cells that failed, each with its error and the command that repeats it.
        manifest: versions, seed, command and time.
        path: the folder with all files; None where none was asked for.
    """

    verb: str
    command: str
    summary: pd.DataFrame
    cells: pd.DataFrame
    timeseries: pd.DataFrame
    tables: Mapping[str, pd.DataFrame]
    sentences: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    failures: tuple[Mapping[str, Any], ...] = ()
    manifest: Mapping[str, Any] = field(default_factory=dict)
    path: Path | None = None

    def __repr__(self) -> str:
        names = ", ".join(["summary", "cells", "timeseries", *self.tables])
        return "\n".join([f"{self.command}", *self.sentences, f"tables: {names}"])

    def _repr_html_(self) -> str:
        """Return the sentences and the leading table, as notebooks show them."""
        leading = self.summary if len(self.summary) else self.tables.get("bidders", self.cells)
        text = "".join(f"<p>{escape(line)}</p>" for line in (*self.sentences, *self.notes))
        return f"<div>{text}{leading.to_html(index=False, max_rows=30)}</div>"


def study(
    verb: str = "value",
    *overrides: str | Iterable[str],
    scenario: str | None = None,
    strategy: object = None,
    folder: str | os.PathLike[str] | None = None,
    **settings: Any,
) -> StudyTables:
    """Run a study, as ``jointbid VERB`` does, and return its tables.

    Args:
        verb: ``value``, ``tournament``, ``benchmark``, ``run`` and so on.
        overrides: texts as on the command line, ``"supply.requests=2000"``, or lists of them.
        scenario: a scenario's name.
        strategy: a name, ``"FILE.py:CLASS"``, a class that is written in a file, or ``{"name": "linear", "gain": 0.5}``; a list of
            these are the strategies that play against each other.
        folder: the results folder to keep everything in, where the same study resumes; None: nothing is kept, and no plot drawn.
        settings: further keys with their values, dots written as two underscores: ``supply__requests=2000``,
            ``study__replications=5``; or a mapping, ``**{"supply.requests": 2000}``.

    Raises:
        BadInput: every problem with the settings.
        RunFailed: no cell was completed.
    """
    end_import()
    if verb not in STUDIES:
        raise BadInput(f"study {verb!r}: must be one of {', '.join(STUDIES)}{closest(verb, STUDIES)}")
    if scenario is not None and not isinstance(scenario, str):
        raise BadInput(
            f"scenario: {type(scenario).__name__}; must be a scenario's name, as cells are kept by it; overrides change it"
        )
    flat = [text for one in overrides for text in ([one] if isinstance(one, str) else one)]
    texts = [f"scenario={scenario}"] if scenario else []
    texts += _of_strategy(verb, strategy)
    texts += [f"{key.replace('__', '.')}={_text(value)}" for key, value in settings.items()]
    if folder is not None:
        return _done(verb, [*texts, *flat, f"results_dir={_text(os.fspath(folder))}"], Path(folder))
    drawn = [] if any("plot.enabled=" in text for text in (*texts, *flat)) else ["plot.enabled=false"]
    with tempfile.TemporaryDirectory(prefix="jointbid-") as place:
        return _done(verb, [*texts, *flat, *drawn, f"results_dir={_text(place)}"], None)


def _done(verb: str, texts: Sequence[str], folder: Path | None) -> StudyTables:
    """Run the one point, and read what it left."""
    points = load(verb, texts)
    _play(points)
    (point,) = points
    left = load_study(point.folder)
    manifest, tables = dict(left.manifest), dict(left.tables)
    bidders = point.folder / "bidders.parquet"
    if bidders.is_file():
        tables = {"bidders": pd.read_parquet(bidders), **tables}
    failures = tuple(left.failures)
    if failures and not len(left.summary):
        raise RunFailed(f"{verb}: no estimate, as cells failed: {failures[0]['error'].splitlines()[0]}")
    shown = [text for text in texts if folder or not text.startswith("results_dir=")]
    return StudyTables(
        verb=verb,
        command=shlex.join(["jointbid", verb, *shown]),
        summary=left.summary,
        cells=left.cells,
        timeseries=left.timeseries,
        tables=tables,
        sentences=tuple(map(str, manifest.get("verdict", ()))),
        notes=tuple(map(str, manifest.get("notes", ()))),
        failures=failures,
        manifest=manifest,
        path=point.folder if folder else None,
    )


def _play(points: Points) -> None:
    point = points[0]
    if point.verb == RUN:
        from .replay.run import run_log
        from .run import run

        (run_log if point.settings.scenario.supply.kind == "log" else run)(point)
        return
    try:
        run_points(points, lambda *_: None)
    except FailedFast as stop:
        raise RunFailed(str(stop)) from None


def _of_strategy(verb: str, strategy: object) -> list[str]:
    """Return the override that names the strategy, or the strategies."""
    if strategy is None:
        return []
    if isinstance(strategy, list | tuple):
        return [f"study.strategies={_text([_named(one) for one in strategy])}"]
    if verb != RUN and "strategies" in STUDIES[verb].model.model_fields:
        return [f"study.strategies={_text([_named(strategy)])}"]
    return [f"bidders.strategy={_text(_named(strategy))}"]


def _named(strategy: object) -> object:
    """Return a strategy's name, or its mapping; of a class ``FILE.py:CLASS``."""
    if isinstance(strategy, str | Mapping):
        return strategy
    if isinstance(strategy, type):
        try:
            file = Path(inspect.getfile(strategy))
        except (OSError, TypeError):
            file = Path()
        if file.suffix == ".py" and file.is_file() and strategy.__qualname__ == strategy.__name__:
            here = file.resolve()
            is_below = here.is_relative_to(Path.cwd())
            return f"{here.relative_to(Path.cwd()) if is_below else here}:{strategy.__name__}"
        raise BadInput(
            f"strategy: the class {strategy.__name__} is not written in a file, and other processes must find it; "
            f"write it to one (in a notebook: %%writefile mine.py), and give 'mine.py:{strategy.__name__}'"
        )
    raise BadInput(
        f"strategy: {type(strategy).__name__}; must be a name, 'FILE.py:CLASS', a class, or {{'name': ..., parameter: value}}; "
        "a study makes its own instances"
    )


def _text(value: object) -> str:
    """Return a value in the grammar of overrides."""
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{key}:{_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, str | os.PathLike):
        return quoted(os.fspath(value))
    if isinstance(value, Iterable):
        return "[" + ",".join(map(_text, value)) + "]"
    return word(value)

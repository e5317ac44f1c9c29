"""Result files of the benchmark, read and laid beside each other: scores, ranks and paired differences over all of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from jointbid.sim.paths import expand

from ..cells.lattice import NONE
from ..errors import BadInput
from ..estimate.benchmark import BOUND, Scores

FILE = "benchmark.json"
SAME = ("suite", "split", "replications", "requests")
"""What two results must have in common."""
TOLERANCE = 1e-6
"""Relative; yardsticks that differ by more are of code that computes other numbers."""


@dataclass(frozen=True)
class ResultFile:
    """One result: where it lies, and its content."""

    path: Path
    content: dict[str, Any]

    @property
    def name(self) -> str:
        """What tables call it: the folder of a ``benchmark.json``, else the file."""
        return self.path.parent.name if self.path.name == FILE else self.path.stem


def is_result(word: str) -> bool:
    """Return whether a word of the command line is a result file, or the folder of one."""
    path = expand(word)
    return path.suffix == ".json" or (path / FILE).is_file()


def read(word: str) -> ResultFile:
    """Return a result file.

    Raises:
        BadInput: no such file, or one that is no result of the benchmark.
    """
    path = expand(word)
    path = path / FILE if path.is_dir() else path
    try:
        content = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file") from None
    except (OSError, ValueError) as error:
        raise BadInput(f"{path}: cannot be read as JSON ({error})") from None
    if not isinstance(content, dict) or not {"suite", "markets", "yardsticks", "strategies"} <= set(content):
        raise BadInput(f"{path}: no result of jointbid benchmark")
    return ResultFile(path, content)


def merged(files: Sequence[ResultFile]) -> tuple[Scores, list[str]]:
    """Return the scores of the strategies of all files, and notes on what they differ in.

    Two files with one strategy name it after the file as well, unless its numbers are the same.

    Raises:
        BadInput: files of other suites, markets, seeds or replications, which cannot be compared.
    """
    first, notes = files[0], list[str]()
    problems = [line for other in files[1:] for line in _unlike(first, other)]
    if problems:
        raise BadInput(problems)
    for other in files[1:]:
        if other.content.get("code") != first.content.get("code"):
            notes.append(f"{other.path}: of other code than {first.path}; the yardsticks are the same")
    utilities: dict[str, dict[str, pd.Series]] = {}
    names: list[str] = []
    for file in files:
        for label, found in file.content["strategies"].items():
            own = {game: _column(values) for game, values in found["utilities"].items()}
            name = label
            if label in names:
                before = {game: table[label] for game, table in utilities.items() if label in table}
                if before.keys() == own.keys() and all(before[game].equals(own[game]) for game in own):
                    continue
                name = f"{label} ({file.name})"
            names.append(name)
            for game, values in own.items():
                utilities.setdefault(game, {})[name] = values
    games = [f"{market}/{kind}" for market in first.content["markets"] for kind in ("joint", "silo")]
    yardsticks = {
        market: pd.DataFrame({column: _column(rows[column]) for column in (NONE, BOUND)})
        for market, rows in first.content["yardsticks"].items()
    }
    return Scores(
        {game: pd.DataFrame(utilities.get(game, {})) for game in games}, yardsticks, tuple(names)
    ), notes


def table_of(files: Sequence[ResultFile]) -> pd.DataFrame:
    """Return a row a file and strategy: versions and addresses."""
    return pd.DataFrame(
        [
            {
                "file": str(file.path),
                "strategy": label,
                "suite": file.content["suite"],
                "suite_address": file.content.get("address", ""),
                "jointbid": file.content.get("jointbid", ""),
                "code": file.content.get("code", ""),
                "package": found.get("package", ""),
                "strategy_address": found.get("address", ""),
                "parameters": json.dumps(found.get("parameters", {}), sort_keys=True),
                "is_complete": file.content.get("is_complete", False),
            }
            for file in files
            for label, found in file.content["strategies"].items()
        ]
    )


def _unlike(first: ResultFile, other: ResultFile) -> list[str]:
    a, b = first.content, other.content
    lines = [
        f"{other.path}: {key} = {b.get(key)}, where {first.path} has {a.get(key)}; they cannot be compared"
        for key in SAME
        if a.get(key) != b.get(key)
    ]
    if lines:
        return lines
    if a["markets"] != b["markets"]:
        different = [
            name
            for name in {**a["markets"], **b["markets"]}
            if a["markets"].get(name) != b["markets"].get(name)
        ]
        return [
            f"{other.path}: other markets than {first.path} ({', '.join(different)}); they cannot be compared"
        ]
    for market, rows in a["yardsticks"].items():
        for column in (NONE, BOUND):
            one, two = _column(rows[column]), _column(b["yardsticks"][market][column])
            if not one.index.equals(two.index) or ((one - two).abs() > TOLERANCE * one.abs()).any():
                why = "as jointbid's own code gives other numbers there; run the older one again"
                return [f"{other.path}: the yardsticks of {market} are not those of {first.path}, {why}"]
    return []


def _column(values: dict[str, float]) -> pd.Series:
    return pd.Series({int(row): value for row, value in values.items()}, dtype="float64").sort_index()

"""Strategies as tables, plots and sentences name them: those of files without the folder, where that tells them apart."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator

import pandas as pd

IN_FOLDER = re.compile(r".*?[/\\](?P<short>[^/\\]+\.py:.*)")
COLUMNS = ("strategy", "opponent", "best_response", "first", "second")
"""Columns that hold strategies."""


def short_names(labels: Iterable[str]) -> dict[str, str]:
    """Return for each label what to call it: ``mine.py:Saver(kp=3)`` of ``a/b/mine.py:Saver(kp=3)``, unless two would share it."""
    short = {
        label: found["short"] if (found := IN_FOLDER.fullmatch(label)) else label
        for label in dict.fromkeys(labels)
    }
    times = Counter(short.values())
    return {label: name if times[name] == 1 else label for label, name in short.items()}


def with_short_names(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table with short names in each column that holds strategies."""
    columns = [name for name in COLUMNS if name in table]
    names = short_names(str(label) for column in columns for label in table[column].dropna())
    return table.assign(**{column: table[column].map(names) for column in columns})


def notes(labels: Iterable[str]) -> Iterator[str]:
    """Yield a line for each strategy that is named without its folder."""
    yield from (f"{name} is {label}" for label, name in short_names(labels).items() if name != label)

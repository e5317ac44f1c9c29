"""A plot that a study yields: its name, the tidy table behind it, and the function that draws it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ...errors import reported
from ...storage.ownership import record
from .matplotlib_types import Figure as Drawing
from .style import look, save


@dataclass(frozen=True)
class Figure:
    """A plot by its name in ``plots/``, with the tidy table behind it.

    ``draw`` receives the table when the plot is written, which another process may do: a module's function, or a partial of one.
    """

    name: str
    table: pd.DataFrame
    draw: Callable[[pd.DataFrame], Drawing]

    def write(self, folder: Path, style: str | None, formats: Sequence[str]) -> None:
        """Draw it, and save it with its table; see ``jointbid.experiments.report.plots.save``."""
        record(folder.parent, *(f"{folder.name}/{self.name}.{ending}" for ending in (*formats, "csv")))
        with look(style):
            save(self.draw(self.table), self.table, folder, self.name, formats)


def draw_all(figures: Iterable[Figure], folder: Path, style: str | None, formats: Sequence[str]) -> None:
    """Draw the plots into a folder; one that fails is reported, and the others are drawn."""
    with reported("plots"):
        for figure in figures:
            with reported(f"plots/{figure.name}"):
                figure.write(folder, style, formats)

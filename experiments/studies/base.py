"""What a study is: a question asked of one market, by cells that are simulated and what is then made of them.

The driver (``experiments.session``) runs whatever cells a study yields, writes every file and says where it is; a study
only knows which cells it needs and what they mean. A new study is one class and a line in ``experiments.studies.STUDIES``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from experiments.cells import Cell, CellResult
from experiments.found import Ledger
from experiments.ownership import record
from experiments.settings import Settings

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure as Drawing


@dataclass(frozen=True)
class Figure:
    """A plot by its name in ``plots/``, with the tidy table behind it.

    ``draw`` is called when the plot is written, which another process may do: a module's function, or a partial of one.
    """

    name: str
    table: pd.DataFrame
    draw: Callable[[], Drawing]

    def write(self, folder: Path, style: str | None, formats: Sequence[str]) -> None:
        """Draw it, and save it with its table; see ``experiments.plots.save``."""
        from experiments import plots

        record(folder.parent, *(f"{folder.name}/{self.name}.{ending}" for ending in (*formats, "csv")))
        with plots.look(style):
            plots.save(self.draw(), self.table, folder, self.name, formats)


@dataclass(frozen=True)
class Said:
    """What people are told: tables for the terminal, notes, and the verdict in sentences that respect the intervals."""

    verdict: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    shown: tuple[Any, ...] = ()


class Study:
    """One study at one point; ``settings`` are the point's. What is decided on pilots is looked up in the ledger."""

    headline: ClassVar[Mapping[str, tuple[str, str]]] = {}
    """What stands for the study in a table of many: head -> (estimand, metric) of ``summary.csv``."""

    def __init__(self, settings: Settings[Any]) -> None:
        self.settings = settings

    def check(self) -> None:
        """Refuse settings that make no study of this kind.

        Raises:
            BadInput: with every problem.
        """

    @staticmethod
    def work(cell: Cell) -> CellResult:
        """Simulate one cell; another process may do it, so it is a function of the cell alone."""
        from experiments.studies.arms import run_cell

        return run_cell(cell)

    def stages(self, ledger: Ledger) -> Iterator[list[Cell]]:
        """The cells that are needed, stage by stage: after each yield the ledger has the results of what was yielded."""
        raise NotImplementedError

    def summary(self, cells: pd.DataFrame, ledger: Ledger) -> pd.DataFrame:
        """The rows of ``summary.csv``.

        Args:
            cells: the rows of ``cells.parquet``; what failed is missing.
            ledger: results of every cell, pilots included.

        Raises:
            ValueError: failed cells left too little to estimate anything.
        """
        raise NotImplementedError

    def say(self, summary: pd.DataFrame, ledger: Ledger) -> Said:
        """What the summary means."""
        raise NotImplementedError

    def tables(self, summary: pd.DataFrame, ledger: Ledger) -> Mapping[str, pd.DataFrame]:  # noqa: ARG002
        """Further tables by name, each written as ``<name>.csv``."""
        return {}

    def figures(self, summary: pd.DataFrame, ledger: Ledger) -> Iterator[Figure]:  # noqa: ARG002
        """The plots."""
        yield from ()

    def about(self, ledger: Ledger) -> Mapping[str, Any]:  # noqa: ARG002
        """What the manifest also says."""
        return {}

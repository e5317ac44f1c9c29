"""What a study is: a question asked of one market, by cells that are simulated and what is then made of them.

The driver (``jointbid.experiments.studies.session``) runs whatever cells a study yields, writes every file and says where it is; a study
only knows which cells it needs and what they mean. A new study is one class and a line in ``jointbid.experiments.studies.registry.STUDIES``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from ..cells.cell import Cell, CellResult
from ..config.settings import Settings
from ..storage.cell_results import StudyState

if TYPE_CHECKING:
    import pandas as pd

    from ..report.plots.figure import Figure


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
        from ..cells.bidders import run_cell

        return run_cell(cell)

    def stages(self, ledger: StudyState) -> Iterator[list[Cell]]:
        """The cells that are needed, stage by stage: after each yield the ledger has the results of what was yielded."""
        raise NotImplementedError

    def summary(self, cells: pd.DataFrame, ledger: StudyState) -> pd.DataFrame:
        """The rows of ``summary.csv``.

        Args:
            cells: the rows of ``cells.parquet``; what failed is missing.
            ledger: results of every cell, pilots included.

        Raises:
            ValueError: failed cells left too little to estimate anything.
        """
        raise NotImplementedError

    def say(self, summary: pd.DataFrame, ledger: StudyState) -> Said:
        """What the summary means."""
        raise NotImplementedError

    def tables(self, summary: pd.DataFrame, ledger: StudyState) -> Mapping[str, pd.DataFrame]:  # noqa: ARG002
        """Further tables by name, each written as ``<name>.csv``."""
        return {}

    def figures(self, summary: pd.DataFrame, ledger: StudyState) -> Iterator[Figure]:  # noqa: ARG002
        """The plots."""
        yield from ()

    def about(self, ledger: StudyState) -> Mapping[str, Any]:  # noqa: ARG002
        """What the manifest also says."""
        return {}

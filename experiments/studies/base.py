"""What a study is: a question about one market, the cells that it needs, and what is estimated and said from their results.

A study is made of parts, each with its own cells, rows of ``summary.csv``, sentences, tables and plots; a small study is its only
part. The driver (``session``) runs the cells, writes every file and says where they are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, get_args

import pandas as pd

from ..cells.bidders import run_cell
from ..cells.cell import Cell
from ..cells.cell_lists import joined
from ..config.settings import Settings, StudySettings_co, Unit
from ..estimate.ladder import SUMMARY_COLUMNS
from ..storage.cell_results import StudyState
from .cell_plans import CellPlan

if TYPE_CHECKING:
    from ..report.plots.figure import Figure

Place = Literal["first", "usual", "last"]
Row = dict[Any, Any]
"""One row of a table: column -> value."""


@dataclass(frozen=True)
class Findings:
    """What the user is shown: the verdict in sentences that respect the intervals, notes, and tables for the terminal."""

    verdict: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    shown: tuple[Any, ...] = ()


class StudyPart(Generic[StudySettings_co]):
    """One part of a study; a method that is not overridden adds nothing.

    Args:
        settings: the settings of the point that is studied.
        state: the finished cells and their results; a part estimates from them once its cells are there.
    """

    place: Place = "usual"
    """Where its sentences come among those of the other parts."""

    def __init__(self, settings: Settings[StudySettings_co], state: StudyState) -> None:
        self.settings, self.state = settings, state

    def check(self) -> None:
        """Refuse settings that do not suit the part.

        Raises:
            BadInput: with every problem.
        """

    def cells(self) -> Collection[Cell]:
        """Return the cells that the part needs."""
        return []

    def rows(self, cells: pd.DataFrame) -> Iterable[Row]:  # noqa: ARG002
        """Return the rows of ``summary.csv``; ``cells`` are the rows of ``cells.parquet``, without failed cells."""
        return ()

    def sentences(self, summary: pd.DataFrame) -> Iterable[str]:  # noqa: ARG002
        """Return the sentences of the verdict."""
        return ()

    def notes(self, summary: pd.DataFrame) -> Iterable[str]:  # noqa: ARG002
        """Return what the user must know to believe the verdict, or not to."""
        return ()

    def shown(self, summary: pd.DataFrame) -> Iterable[Any]:  # noqa: ARG002
        """Return tables for the terminal."""
        return ()

    def tables(self, summary: pd.DataFrame) -> Mapping[str, pd.DataFrame]:  # noqa: ARG002
        """Return further tables by name, each written as ``<name>.csv``."""
        return {}

    def documents(self, summary: pd.DataFrame) -> Mapping[str, Any]:  # noqa: ARG002
        """Return further results that are no tables, by name, each written as ``<name>.json``."""
        return {}

    def figures(self, summary: pd.DataFrame) -> Iterable[Figure]:  # noqa: ARG002
        """Return the plots."""
        return ()

    @property
    def unit(self) -> Unit:
        """The unit that money is stated in."""
        return self.settings.unit


class MarketPart(StudyPart[StudySettings_co]):
    """A part that compares arms in one market; ``plan`` makes the cells of that market."""

    def __init__(self, plan: CellPlan) -> None:
        super().__init__(plan.settings, plan.state)
        self.plan = plan

    @staticmethod
    def is_wanted(settings: Settings[StudySettings_co]) -> bool:  # noqa: ARG004
        """Return whether the settings ask for the part."""
        return True

    def plans(self) -> Iterable[tuple[CellPlan, Iterable[str]]]:
        """Return the plans whose policies can be tuned, each with the arms that are played."""
        return ()


class Study(StudyPart[StudySettings_co]):
    """One study at one point. What is decided on pilots is read from the state.

    Raises:
        ValueError: in ``summary``, where failed cells left too little to estimate anything.
    """

    headline: ClassVar[Mapping[str, tuple[str, str]]] = {}
    """What stands for the study in a table of many: head -> (estimand, metric) of ``summary.csv``."""
    work = staticmethod(run_cell)
    """The function that simulates one cell; another process may call it."""

    def __init__(self, settings: Settings[StudySettings_co], state: StudyState | None = None) -> None:
        super().__init__(settings, state or StudyState())

    @property
    def parts(self) -> Sequence[StudyPart]:
        """The parts, in the order of their rows."""
        return (self,)

    @property
    def columns(self) -> Sequence[str] | None:
        """The columns of the summary; None: all that its rows have."""
        return SUMMARY_COLUMNS

    def check(self) -> None:
        """Refuse settings that make no study of this kind.

        Raises:
            BadInput: with every problem.
        """
        for part in self.parts:
            if part is not self:
                part.check()

    def stages(self) -> Iterator[Collection[Cell]]:
        """Yield the cells that are needed; before the next stage the state has the results of the last."""
        yield joined(part.cells() for part in self.parts)

    def summary(self, cells: pd.DataFrame) -> pd.DataFrame:
        """Return the rows of all parts."""
        rows = [row for part in self.parts for row in part.rows(cells)]
        columns = self.columns
        return pd.DataFrame(rows, columns=None if columns is None else list(columns))

    def summarise(self, summary: pd.DataFrame) -> Findings:
        """Return what the summary means, part by part."""
        parts = self.parts
        order = sorted(parts, key=lambda part: get_args(Place).index(part.place))
        return Findings(
            verdict=tuple(chain.from_iterable(part.sentences(summary) for part in order)),
            notes=tuple(chain.from_iterable(part.notes(summary) for part in parts)),
            shown=tuple(chain.from_iterable(part.shown(summary) for part in parts)),
        )

    def about(self) -> Mapping[str, Any]:
        """Return what the manifest also says."""
        return {}

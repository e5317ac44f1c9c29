"""Folders that hold several studies, read back: those of a sweep and of a comparison; what `jointbid.load` returns for them."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from jointbid.sim.paths import expand

from ...errors import BadInput
from ...storage.names import POINTS
from .study import StudyFolder, is_study, load_study

COMPARED = "compare.csv"


@dataclass(frozen=True)
class _WithPoints:
    """A folder with a table of studies.

    Attributes:
        folder: where it lies.
    """

    folder: Path

    @functools.cached_property
    def points(self) -> pd.DataFrame:
        """One row a study: what sets it apart (swept values, or settings that differ), its folder, and its leading figures with intervals."""
        return pd.read_csv(self.folder / f"{POINTS}.csv")


@dataclass(frozen=True, repr=False)
class SweepTables(_WithPoints):
    """What a sweep (``jointbid VERB -m key=1,2,3``) left in ``results/sweeps/<verb>-<hash>``; a row of ``points`` is a point."""

    @functools.cached_property
    def studies(self) -> tuple[StudyFolder, ...]:
        """The study of each point, in the order of ``points``; those that are not there are left out."""
        results = self.folder.parents[1]
        found = (Path(name) for name in self.points["folder"].astype(str))
        here = [results / path.parent.name / path.name for path in found]
        return tuple(StudyFolder(path) for path in dict.fromkeys(here) if is_study(path))

    def __repr__(self) -> str:
        return f"SweepTables({str(self.folder)!r}, {len(self.points):,} points)"

    def _repr_html_(self) -> str:
        """Return the points, as notebooks show them."""
        return self.points.to_html(index=False, max_rows=30)


@dataclass(frozen=True, repr=False)
class ComparisonTables(_WithPoints):
    """What ``jointbid compare`` left in ``results/compare/<hash>``."""

    @functools.cached_property
    def differences(self) -> pd.DataFrame:
        """One row an estimand and study: its difference to the first study, with its interval and method."""
        return pd.read_csv(self.folder / "differences.csv")

    @functools.cached_property
    def estimands(self) -> pd.DataFrame:
        """Every estimand of every study."""
        return pd.read_csv(self.folder / COMPARED)

    def __repr__(self) -> str:
        return f"ComparisonTables({str(self.folder)!r}, {len(self.points):,} studies)"

    def _repr_html_(self) -> str:
        """Return the differences, as notebooks show them."""
        return self.differences.to_html(index=False, max_rows=30)


def load_folder(folder: Path | str) -> StudyFolder | SweepTables | ComparisonTables:
    """Read the folder of a study, a sweep or a comparison.

    Raises:
        BadInput: it is no folder, or none of these; studies that lie in it are named.
    """
    path = expand(folder)
    if path.is_dir() and not is_study(path):
        if (path / COMPARED).is_file():
            return ComparisonTables(path)
        if (path / f"{POINTS}.csv").is_file():
            return SweepTables(path)
    try:
        return load_study(folder)
    except BadInput as error:
        raise BadInput(f"{error}; load reads the folder of a study, a sweep or a comparison") from None

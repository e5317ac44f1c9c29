"""Results of cells as the disk gives them back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from jointbid.experiments.cells.cell import Cell, CellResult
from jointbid.experiments.storage.cell_results import CellResults, StudyState
from jointbid.experiments.storage.journal import Segments


@contextmanager
def stored(results: Sequence[tuple[Cell, CellResult]]) -> Iterator[CellResults]:
    """Write the results into a folder of their own, which is there until the block ends."""
    with TemporaryDirectory() as folder:
        finished = Segments(Path(folder))
        finished.add({cell.key: result for cell, result in results})
        yield StudyState(finished).of([cell for cell, _ in results])
        finished.close()

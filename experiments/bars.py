"""Progress on a terminal: bars that stay in their place."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.text import Text

from experiments.progress import Meter, cells_of, counted, paced

MANY_BARS = 8
BAR_WIDTH, TITLE_WIDTH = 12, 28
"""In characters: with the counts they fit into 80."""


class Bars(Meter):
    """A bar for all; and one for each study that is open, where there are several. Below them the rate and the time left."""

    def __init__(self, studies: int, progress: Display) -> None:
        super().__init__(studies)
        self._progress = progress
        self._tasks: dict[int, TaskID] = {}
        self._failed: dict[int, int] = {}
        self._all = progress.add_task(self._done, total=None, said="starting")

    def show_opened(self, number: int, title: str, cells: int) -> None:
        """Add a bar, or make it longer."""
        if self.studies == 1:
            self._progress.update(self._all, description=_clipped(title))
        elif number in self._tasks:
            self._progress.update(self._tasks[number], total=self._cells(number)[1] + cells)
        elif len(self._tasks) < MANY_BARS:
            self._tasks[number] = self._progress.add_task(_clipped(title), total=cells, said="")
        self._show(number)

    def show_advance(self, number: int, cells: int, failed: int) -> None:
        """Move it on."""
        self._failed[number] = self._failed.get(number, 0) + failed
        if number in self._tasks:
            self._progress.advance(self._tasks[number], cells)
        self._show(number)

    def show_closed(self, number: int) -> None:
        """Take it away."""
        if number in self._tasks:
            self._progress.remove_task(self._tasks.pop(number))
        self._failed.pop(number, None)
        self._show(number)

    @property
    def _done(self) -> str:
        return f"{self.closed_studies:,} of {self.studies:,} studies done" if self.studies > 1 else ""

    def _cells(self, number: int) -> tuple[int, int]:
        task = self._progress.tasks[self._progress.task_ids.index(self._tasks[number])]
        return int(task.completed), int(task.total or 0)

    def _show(self, number: int) -> None:
        if number in self._tasks:
            about = counted(*self._cells(number), failed=self._failed.get(number, 0))
            self._progress.update(self._tasks[number], said=about)
        self._progress.footer = "  ".join(paced(self))
        self._progress.update(self._all, total=self.total, completed=self.cells, said=cells_of(self))
        if self.studies > 1:
            self._progress.update(self._all, description=self._done)


class Display(Progress):
    """Bars as rich draws them, narrow enough for a terminal of 80 columns, with a line below them."""

    def __init__(self) -> None:
        self.footer = ""
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(BAR_WIDTH),
            TextColumn("{task.fields[said]}", markup=False),
        )
        super().__init__(*columns, console=Console(stderr=True), transient=True)

    def get_renderables(self) -> Iterator[RenderableType]:
        """The bars, and the line."""
        yield self.make_tasks_table(self.tasks)
        yield Text(self.footer)


def _clipped(title: str) -> str:
    """The end of a long title, which is where the points of a sweep differ."""
    return title if len(title) <= TITLE_WIDTH else f"…{title[1 - TITLE_WIDTH :]}"

"""Progress of studies on standard error: live bars on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.text import Text

FIRST_LINE_S, LINE_EVERY_S = 8.0, 15.0
MIN_CELLS = 20
"""The time left is estimated from this number of finished cells on."""
BARS_SHOWN = 8
BAR_WIDTH, TITLE_WIDTH = 12, 28
"""In characters: with the counts they fit into 80 columns."""


@dataclass
class _Bar:
    """The bar of one study, or of all: its number at rich, its words, and its numbers of cells."""

    task: TaskID
    title: str
    counts: str = ""
    cells: int = 0
    done: int = 0
    failed: int = 0


class StudyProgress(Progress):
    """Counts the finished cells of a command's studies, and shows them while its ``with`` block runs.

    The bars are erased when the block ends, so results are printed after it. What is written to standard error meanwhile
    appears above the bars.

    Args:
        studies: the number of studies of the command.
    """

    def __init__(self, studies: int) -> None:
        self._studies, self._started, self._closed, self._expected, self._auctions = studies, 0, 0, 0, 0
        self._pace = self._doing = ""
        console = Console(stderr=True)
        super().__init__(
            TextColumn("{task.description}", markup=False),
            BarColumn(BAR_WIDTH),
            TextColumn("{task.fields[counts]}", markup=False),
            console=console,
            transient=True,
            redirect_stdout=sys.stdout.isatty(),  # else rich would move it to standard error
            disable=not (sys.stderr.isatty() and console.is_interactive),
        )
        self._next_line_s, self._since_s = FIRST_LINE_S, self.get_time()
        self._all = self._bar(self._title(""), counts="starting")
        self._bars: dict[int, _Bar] = {}

    def doing(self, what: str) -> None:
        """Show what is done before the first cell is finished."""
        self._doing = what
        if not self._all.done:
            self._pace = what

    def add_cells(self, number: int, title: str, cells: int) -> None:
        """Add cells to a study, which is new or under way."""
        if number not in self._bars:
            self._started += 1
            visible = self._studies > 1 and len(self._bars) < BARS_SHOWN
            self._bars[number] = self._bar(_clip(title), visible=visible)
            self._all.title = self._title(_clip(title))
        self._bars[number].cells += cells
        self._expected += cells
        self._show(number)

    def finish_cells(self, number: int, cells: int, auctions: int, failed: int = 0) -> None:
        """Count finished cells of a study, the auctions in them, and the failed ones among them."""
        self._auctions += auctions
        for bar in (self._all, self._bars[number]):
            bar.done += cells
            bar.failed += failed
        self._show(number)
        if self.disable and self._elapsed_s >= self._next_line_s:
            self._next_line_s = self._elapsed_s + LINE_EVERY_S
            say(self.line)

    def finish_study(self, number: int) -> None:
        """Count a finished study, and take its bar away."""
        self._closed += 1
        if number in self._bars:
            self.remove_task(self._bars.pop(number).task)
        self._all.title = self._title(self._all.title)
        self.update(self._all.task, description=self._all.title)

    @property
    def line(self) -> str:
        """The bar of all studies as one line of text."""
        return f"{self._all.title}: {self._all.counts}, {self._pace}"

    def get_renderables(self) -> Iterator[RenderableType]:
        """Yield the bars and a line below them."""
        yield self.make_tasks_table(self.tasks)
        yield Text(self._pace, no_wrap=True, overflow="ellipsis")

    def _title(self, only: str) -> str:
        return f"{self._closed:,} of {self._studies:,} studies done" if self._studies > 1 else only

    def _bar(self, title: str, *, counts: str = "", visible: bool = True) -> _Bar:
        return _Bar(self.add_task(title, total=None, visible=visible, counts=counts), title, counts)

    def _show(self, number: int) -> None:
        """Bring the bars of a study and of all up to date; studies to come are taken to be like those that started."""
        self._all.cells = round(self._expected * self._studies / self._started)
        for bar in (self._bars[number], self._all):
            about = "about " if bar is self._all and self._started < self._studies else ""
            failed = f", {bar.failed:,} failed" if bar.failed else ""
            bar.counts = f"{bar.done:,} of {about}{bar.cells:,} cells{failed}"
            self.update(
                bar.task, description=bar.title, total=bar.cells, completed=bar.done, counts=bar.counts
            )
        self._pace = (
            f"{compact(self._auctions / self._elapsed_s)} auctions/s" if self._auctions else self._doing
        )
        if (done := self._all.done) >= MIN_CELLS:
            self._pace += f", about {duration(self._elapsed_s / done * (self._all.cells - done))} left"

    @property
    def _elapsed_s(self) -> float:
        return max(self.get_time() - self._since_s, 1e-9)


def say(line: str) -> None:
    """Write one line of progress to standard error."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def duration(seconds: float) -> str:
    """Return a rounded duration: 40 s, 12 min, 3 h 20 min."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60:,} h {minutes % 60} min"


def compact(number: float) -> str:
    """Return a rounded number: 1.2M, 34k, 56."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.1f}{letter}"
    return f"{number:.0f}"


def _clip(title: str) -> str:
    """Return the end of a long title, which is where the points of a sweep differ."""
    return title if len(title) <= TITLE_WIDTH else f"…{title[1 - TITLE_WIDTH :]}"

"""How far a study is: a live bar on a terminal, a plain line now and then elsewhere. Both on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

FIRST_LINE_S = 8.0
LINE_EVERY_S = 15.0
ENOUGH_CELLS = 20
"""Before so many cells are done, how long the others take is a guess."""


class Meter(Protocol):
    """Is told about finished cells."""

    def advance(self, cells: int, auctions: int, failed: int = 0) -> None:
        """So many more cells are done, with so many auctions between them."""


@contextmanager
def meter(title: str, total: int) -> Iterator[Meter]:
    """Show progress through ``total`` cells while the block runs."""
    if sys.stderr.isatty():
        with _bar(title, total) as bar:
            yield bar
    else:
        yield _Lines(title, total)


@contextmanager
def _bar(title: str, total: int) -> Iterator[Meter]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("cells · {task.fields[rate]} · left"),
        TimeRemainingColumn(),
        TextColumn("· spent"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield _Bar(progress, progress.add_task(title, total=total, rate="starting"))


class _Tally:
    """Cells and auctions so far."""

    def __init__(self, total: int) -> None:
        self.total, self.cells, self.auctions, self.failed = total, 0, 0, 0
        self.started = time.monotonic()

    def add(self, cells: int, auctions: int, failed: int) -> None:
        self.cells += cells
        self.auctions += auctions
        self.failed += failed

    @property
    def spent(self) -> float:
        return max(time.monotonic() - self.started, 1e-9)

    @property
    def rate(self) -> str:
        failed = f", {self.failed} failed" if self.failed else ""
        return f"{compact(self.auctions / self.spent)} auctions/s{failed}"


class _Bar:
    """A rich progress bar."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress, self._task = progress, task
        self._tally = _Tally(0)

    def advance(self, cells: int, auctions: int, failed: int = 0) -> None:
        self._tally.add(cells, auctions, failed)
        self._progress.update(self._task, advance=cells, rate=self._tally.rate)


class _Lines:
    """A line after a few seconds, then one every quarter of a minute; nothing for what is quick."""

    def __init__(self, title: str, total: int) -> None:
        self._title, self._tally = title, _Tally(total)
        self._next = FIRST_LINE_S

    def advance(self, cells: int, auctions: int, failed: int = 0) -> None:
        tally = self._tally
        tally.add(cells, auctions, failed)
        if tally.spent < self._next or not tally.cells:
            return
        self._next = tally.spent + LINE_EVERY_S
        left = tally.spent / tally.cells * (tally.total - tally.cells)
        estimate = f", about {left:.0f} s left" if tally.cells >= ENOUGH_CELLS else ""
        done = f"{tally.cells} of {tally.total} cells"
        sys.stderr.write(f"{self._title}: {done}, {tally.rate}{estimate}\n")
        sys.stderr.flush()


def compact(number: float) -> str:
    """1.2M, 34k, 56: for people who watch."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.1f}{letter}"
    return f"{number:.0f}"

"""How far the studies are: live bars on a terminal, a plain line now and then elsewhere. Both on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

FIRST_LINE_S = 8.0
LINE_EVERY_S = 15.0
ENOUGH_CELLS = 20
"""Before so many cells are done, how long the others take is a guess."""


class Meter:
    """Counts cells, of all studies of a command and of each that is open; shows nothing by itself."""

    def __init__(self, studies: int) -> None:
        self.studies = studies
        self.begun = self.closed_studies = 0
        self.expected = self.cells = self.auctions = self.failed = 0
        self._numbers: set[int] = set()
        self._started = time.monotonic()

    def opened(self, number: int, title: str, cells: int) -> None:
        """A study has so many cells to do, now or as well."""
        if number not in self._numbers:
            self._numbers.add(number)
            self.begun += 1
        self.expected += cells
        self.show_opened(number, title, cells)

    def advance(self, number: int, cells: int, auctions: int, failed: int = 0) -> None:
        """So many more cells of a study are done, with so many auctions between them."""
        self.cells += cells
        self.auctions += auctions
        self.failed += failed
        self.show_advance(number, cells, failed)

    def closed(self, number: int) -> None:
        """A study has its answer."""
        self.closed_studies += 1
        self._numbers.discard(number)
        self.show_closed(number)

    @property
    def total(self) -> int:
        """Cells of all studies; those that have not begun are taken to be like those that have."""
        waiting = self.studies - self.closed_studies - len(self._numbers)
        return self.expected + round(waiting * self.expected / self.begun) if self.begun else 0

    @property
    def spent_s(self) -> float:
        """Seconds since the beginning."""
        return max(time.monotonic() - self._started, 1e-9)

    @property
    def left_s(self) -> float | None:
        """Seconds that the other cells take; None while that is a guess."""
        if self.cells < ENOUGH_CELLS:
            return None
        return self.spent_s / self.cells * (self.total - self.cells)

    def show_opened(self, number: int, title: str, cells: int) -> None:
        """Show that a study has cells to do."""

    def show_advance(self, number: int, cells: int, failed: int) -> None:
        """Show that cells are done, of which some failed."""

    def show_closed(self, number: int) -> None:
        """Show that a study is done."""


@contextmanager
def meter(studies: int) -> Iterator[Meter]:
    """Show progress through so many studies while the block runs."""
    if sys.stderr.isatty():
        from .progress_bars import Bars, Display

        with Display() as display:
            yield Bars(studies, display)
    else:
        yield _Lines(studies)


class _Lines(Meter):
    """A line after a few seconds, then one every quarter of a minute; nothing for what is quick."""

    _title, _next = "", FIRST_LINE_S

    def show_opened(self, number: int, title: str, cells: int) -> None:  # noqa: ARG002
        self._title = f"{self.studies:,} studies" if self.studies > 1 else title

    def show_advance(self, number: int, cells: int, failed: int) -> None:  # noqa: ARG002
        if self.spent_s < self._next:
            return
        self._next = self.spent_s + LINE_EVERY_S
        sys.stderr.write(f"{self._title}: {said(self)}\n")
        sys.stderr.flush()


def said(progress: Meter) -> str:
    """Studies and cells done, the rate, and the time left, in a line."""
    studies = [f"{progress.closed_studies:,} done"] if progress.studies > 1 else []
    return ", ".join([*studies, cells_of(progress), *paced(progress)])


def cells_of(progress: Meter) -> str:
    """Cells done, of how many, and how many failed."""
    about = "about " if progress.total > progress.expected else ""
    return counted(progress.cells, progress.total, failed=progress.failed, about=about)


def counted(cells: int, total: int, *, failed: int, about: str = "") -> str:
    """``120 of about 900 cells, 3 failed``."""
    return f"{cells:,} of {about}{total:,} cells" + (f", {failed:,} failed" if failed else "")


def paced(progress: Meter) -> Iterator[str]:
    """Auctions a second, and the time left where that is more than a guess."""
    yield f"{compact(progress.auctions / progress.spent_s)} auctions/s"
    if progress.left_s is not None:
        yield f"about {duration(progress.left_s)} left"


def duration(seconds: float) -> str:
    """40 s, 12 min, 3 h 20 min."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60:,} h {minutes % 60} min"


def compact(number: float) -> str:
    """1.2M, 34k, 56: for people who watch."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.1f}{letter}"
    return f"{number:.0f}"

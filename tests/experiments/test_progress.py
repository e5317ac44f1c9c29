"""What people see of how far a study is."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from jointbid.experiments.execution.progress import _Lines, said
from jointbid.experiments.execution.progress_bars import Bars, Display


@pytest.fixture
def screen():
    """Bars, and what they look like on a terminal of 80 columns."""
    display = Display()

    def shown():
        console = Console(width=80, file=io.StringIO(), record=True)
        console.print(display.get_renderable())
        return [line.rstrip() for line in console.export_text().splitlines()]

    return display, shown


def test_bars_fit_into_80_columns(screen):
    display, shown = screen
    bars = Bars(6, display)
    bars.opened(0, "scenario=theory source.profile.match_rate=0.3", 1_038)
    bars.advance(0, 1_026, 1_000_000, failed=3)
    everything, one, pace = shown()
    assert everything.startswith("0 of 6 studies done ")
    assert everything.endswith(" 1,026 of about 6,228 cells, 3 failed")
    assert one.startswith("\N{HORIZONTAL ELLIPSIS}urce.profile.match_rate=0.3 ")
    assert one.endswith(" 1,026 of 1,038 cells, 3 failed")
    assert "auctions/s  about " in pace
    assert pace.endswith(" left")
    bars.closed(0)
    everything, _ = shown()
    assert everything.startswith("1 of 6 studies done ")


def test_one_study_has_one_bar(screen):
    display, shown = screen
    bars = Bars(1, display)
    bars.opened(0, "default", 100)
    bars.advance(0, 5, 700)
    bars.opened(0, "default", 20)
    (bar, pace) = shown()
    assert bar.startswith("default ")
    assert bar.endswith(" 5 of 120 cells")
    assert "left" not in pace, "after five cells that is a guess"


def test_a_line_says_the_same():
    lines = _Lines(2)
    lines.opened(0, "a", 40)
    lines.advance(0, 30, 3_000_000, failed=1)
    assert said(lines).startswith("0 done, 30 of about 80 cells, 1 failed, ")

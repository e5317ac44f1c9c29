"""What people see of how far a study is."""

from __future__ import annotations

import io
import os
import subprocess
import sys

import pytest
from rich.console import Console

from jointbid.experiments.execution.progress import StudyProgress


def shown(progress, width=80):
    """The bars as they look on a terminal of this width."""
    console = Console(width=width, file=io.StringIO(), record=True)
    console.print(progress.get_renderable())
    return [line.rstrip() for line in console.export_text().splitlines()]


def test_bars_fit_into_80_columns():
    progress = StudyProgress(6)
    progress.add_cells(0, "scenario=theory source.profile.match_rate=0.3", 1_038)
    progress.finish_cells(0, 1_026, 1_000_000, failed=3)
    everything, one, pace = shown(progress)
    assert everything.startswith("0 of 6 studies done ")
    assert everything.endswith(" 1,026 of about 6,228 cells, 3 failed")
    assert one.startswith("\N{HORIZONTAL ELLIPSIS}urce.profile.match_rate=0.3 ")
    assert one.endswith(" 1,026 of 1,038 cells, 3 failed")
    assert "auctions/s, about " in pace
    assert pace.endswith(" left")
    progress.finish_study(0)
    everything, _ = shown(progress)
    assert everything.startswith("1 of 6 studies done ")


def test_one_study_has_one_bar():
    progress = StudyProgress(1)
    progress.add_cells(0, "default", 100)
    progress.finish_cells(0, 5, 700)
    progress.add_cells(0, "default", 20)
    (bar, pace) = shown(progress)
    assert bar.startswith("default ")
    assert bar.endswith(" 5 of 120 cells")
    assert "left" not in pace, "after five cells that is a guess"


@pytest.mark.parametrize("width", [10, 40, 300])
def test_bars_have_one_line_each_at_any_width(width):
    progress = StudyProgress(2)
    progress.add_cells(0, "study.strategies=[truthful,shading] [/x]", 100_000)
    progress.finish_cells(0, 30, 70_000_000)
    assert len(shown(progress, width)) == 3
    assert "ruthful,shading] [/x]" in shown(progress, 300)[1]


def test_a_line_says_the_same():
    progress = StudyProgress(2)
    progress.add_cells(0, "a", 40)
    progress.finish_cells(0, 30, 3_000_000, failed=1)
    assert progress.line.startswith("0 of 2 studies done: 30 of about 80 cells, 1 failed, ")


def test_elsewhere_a_line_comes_now_and_then(monkeypatch, capsys):
    monkeypatch.setattr("jointbid.experiments.execution.progress.FIRST_LINE_S", 0.0)
    with StudyProgress(1) as progress:
        progress.add_cells(0, "default", 40)
        progress.finish_cells(0, 1, 10)
        progress.finish_cells(0, 1, 10)
    said = capsys.readouterr()
    assert said.err.startswith("default: 1 of 40 cells, ")
    assert said.err.count("\n") == 1
    assert not said.out


def test_what_is_done_before_the_first_cell_is_said():
    progress = StudyProgress(1)
    progress.doing("compiling kernels")
    assert shown(progress)[-1] == "compiling kernels"
    progress.add_cells(0, "default", 20)
    assert shown(progress)[-1] == "compiling kernels"
    progress.finish_cells(0, 5, 700)
    assert "auctions/s" in shown(progress)[-1]


@pytest.mark.slow
def test_a_first_study_says_that_it_compiles(tmp_path):
    command = [
        sys.executable,
        "-m",
        "jointbid",
        "value",
        "supply.requests=500",
        "study.replications=2",
        "plot.enabled=false",
    ]
    cold = {**os.environ, "JOINTBID_CACHE_DIR": str(tmp_path / "cache")}
    first, second = (
        subprocess.run(
            [*command, f"results_dir={tmp_path / name}"], env=cold, capture_output=True, text=True, check=True
        )
        for name in ("first", "second")
    )
    assert first.stderr.startswith("compiling kernels, once for this version of the code: some 10 s")
    assert "compiling" not in second.stderr

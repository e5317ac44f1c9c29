"""A sweep of many studies: pages on demand, and a driver that keeps little of each point."""

from __future__ import annotations

import gc
import tracemalloc
from pathlib import Path

import pandas as pd
import pytest

from jointbid.experiments.cli.main import main
from jointbid.experiments.config.points import load
from jointbid.experiments.report.sweep import Sweep
from jointbid.experiments.studies import session
from jointbid.experiments.studies.value.study import Value

TINY = [
    "scenario=theory",
    "supply.requests=300",
    "plot.enabled=false",
    "study.replications=2",
    "executor=serial",
]
KEPT_BYTES = 4_000
"""Of a point: a sweep of 100,000 cells, 22 to a point, then adds less than a tenth to the 220 MB of a driver."""


def pages():
    return sorted(path.parent.name for path in Path("results/value").glob("*/report.html"))


@pytest.mark.slow
def test_pages_of_many_studies_are_made_on_demand(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(session, "MOST_PAGES", 1)
    sweep = ["value", "-m", *TINY, "seed=1,2"]
    assert main(sweep) == 0
    assert "Page of a point: jointbid report FOLDER" in capsys.readouterr().out
    assert pages() == []
    folder = next(Path("results/value").iterdir())
    assert main(["report", str(folder)]) == 0
    assert pages() == [folder.name]
    monkeypatch.setattr(session, "MOST_PAGES", 60)
    assert main(sweep) == 0
    assert "0 run" in capsys.readouterr().out
    assert len(pages()) == 2


@pytest.mark.slow
def test_the_driver_keeps_little_of_a_point():
    """The list of points and the rows of their table; settings, cells and results of a study go with it."""
    summary = pd.DataFrame(
        {
            "estimand": list(dict.fromkeys(estimand for estimand, _ in Value.headline.values())),
            "metric": next(iter(Value.headline.values()))[1],
            "unit": "EUR",
            "estimate": 1.0,
            "ci_low": 0.5,
            "ci_high": 1.5,
            "n_replications": 2,
        }
    )
    held = {}
    for points in (20, 120):  # the first for what any sweep loads
        gc.collect()
        tracemalloc.start()
        words = [*TINY, "source.profile.match_rate=interval(0.2,0.9)", f"sweep.samples={points}"]
        todo = load("value", words, multirun=True)
        sweep = Sweep(todo, Value.headline)
        for point in todo:
            sweep.add(point, summary, failed=False)
        gc.collect()
        held[points] = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        assert len(sweep.table()) == points
    assert (held[120] - held[20]) / 100 < KEPT_BYTES

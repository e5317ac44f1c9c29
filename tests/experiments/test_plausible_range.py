"""The range over plausible settings beside the interval."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from jointbid.experiments.cli.main import main
from jointbid.experiments.config.points import load
from jointbid.experiments.estimate.ladder import lookup
from jointbid.experiments.estimate.plausible_range import RANGE
from jointbid.experiments.studies.value.study import Value

SMALL = [
    "value", "scenario=theory", "executor=serial", "plot.enabled=false", "supply.requests=1000", "study.replications=3",
    "study.lattice=false",
]  # fmt: skip
RANGED = "study.range={worlds: 12, requests: 500, replications: 2}"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def read(name):
    (folder,) = Path("results/value").iterdir()
    return pd.read_csv(folder / name)


@pytest.mark.parametrize("wanted", [RANGED, "study.worlds=12"])
def test_the_range_is_quantiles_over_worlds_and_names_what_it_goes_with_most(wanted, capsys):
    assert main([*SMALL, wanted, "study.point={requests: 500, replications: 2}"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    worlds, summary = read("worlds.csv"), read("summary.csv")
    assert len(worlds) == 12
    for metric, column in (("focal_profit", "value"), ("focal_profit_pct", "percent")):
        for name, share in (("p10", 0.1), ("p50", 0.5), ("p90", 0.9)):
            found = lookup(summary, RANGE, metric, name)
            assert found.estimate == pytest.approx(np.quantile(worlds[column], share))
            assert not found.has_interval
    assert "Range over plausible settings: " in said
    assert "the 10 % to 90 % quantiles of 12 markets drawn from study.ranges" in said
    keys = summary[summary["estimand"] == "decided_by"].set_index("arm")["estimate"].abs().nlargest(2)
    assert f"it correlates most with {keys.index[0]} (" in said
    assert f") and {keys.index[1]} (" in said
    assert ("joining is shown to pay in" in said) == (wanted == "study.worlds=12")
    assert said.index("simulation error only") < said.index("Range over plausible settings")


def test_small_worlds_are_the_first_of_many():
    """More worlds leave the first as they are, whichever key asks for them."""
    study = [load("value", ["scenario=theory", wanted])[0].settings for wanted in (RANGED, "study.worlds=14")]
    small, many = (
        [world.values for part in Value(one).parts if hasattr(part, "worlds") for world in part.worlds]
        for one in study
    )
    assert many[:12] == small
    cells = [c for part in Value(study[0]).parts if hasattr(part, "worlds") for c in part.cells()]
    assert cells
    assert {cell.scenario.supply.requests for cell in cells} == {500}


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("study.ranges=[]", "study.ranges: study.range needs ranges"),
        ("study.range.worlds=5", "study.range.worlds"),
    ],
)
def test_a_range_needs_ranges_and_enough_worlds(wanted, message, capsys):
    assert main([*SMALL, RANGED, wanted]) == 2
    assert message in capsys.readouterr().err

"""The value of joint data in the units that a marketer reads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from jointbid.experiments.cli.main import main
from jointbid.experiments.estimate.in_units import in_units
from jointbid.experiments.estimate.ladder import lookup


def cells(profits, wins, requests=2_000):
    """Rows of two arms; ``profits`` in currency, a value a replication."""
    return pd.DataFrame(
        [
            {"study_point": "", "arm": arm, "replication": r, "bidder": "focal", "advertiser": "focal", "focal": True,
             "requests": requests, "profit": value, "wins": wins[arm][r], "spend": 1.0, "value": 2.0, "revenue": 1.0, "welfare": np.nan}
            for arm, values in profits.items()
            for r, value in enumerate(values)
        ]
    )  # fmt: skip


def test_units_by_hand():
    """Differences 1, 2, 3 of silos 10, 10, 10; 100, 100, 200 impressions bought of 2,000 requests."""
    table = cells(
        {"joint": [11.0, 12.0, 13.0], "context": [10.0, 10.0, 10.0]},
        {"joint": [100, 100, 200], "context": [50, 50, 50]},
    )
    found = dict(in_units(table, ("context",), per=1e6, requests_per_month=3e6))
    assert {name: one.estimate for name, one in found.items()} == pytest.approx(
        {
            "per_requests": 1_000,
            "per_thousand_bought": 1e3 * 6 / 400,
            "percent_of_silo": 20,
            "per_month": 3_000,
        }
    )
    assert found["per_requests"].finding == "no difference shown", (
        "Student's t at 2 degrees of freedom: 2 +- 2.48"
    )
    assert (
        list(dict(in_units(table, ("context",), per=1.0, requests_per_month=None)))[-1] == "percent_of_silo"
    )
    loss = cells({"joint": [1.0, 1.0], "context": [-1.0, -2.0]}, {"joint": [0, 0], "context": [1, 1]})
    assert list(dict(in_units(loss, ("context",), per=1.0, requests_per_month=None))) == ["per_requests"]


def test_the_table_of_units(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    small = [
        "executor=serial",
        "plot.enabled=false",
        "supply.requests=1000",
        "study.replications=3",
        "study.lattice=false",
    ]
    assert main(["value", "scenario=theory", *small, "money.requests_per_month=3e6", "study.curves=[]"]) == 0
    said = capsys.readouterr().out
    (folder,) = Path("results/value").iterdir()
    table, summary = (pd.read_csv(folder / name) for name in ("what_it_is_worth.csv", "summary.csv"))
    value = lookup(summary, "value_of_joint_data")
    by_unit = table.set_index("unit")["estimate"]
    assert by_unit.iloc[0] == pytest.approx(value.estimate)
    month = by_unit[
        [name for name in by_unit.index if "per month, at 3,000,000 bid requests a month" in name]
    ]
    assert month.iloc[0] == pytest.approx(3e6 * value.estimate), "theory states money per request"
    assert any("per thousand impressions bought" in name for name in by_unit.index)
    assert "Joining is worth" in said

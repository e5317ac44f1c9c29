"""A replay of an own log gives back every column of the run, or says which it cannot and shows no number there."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from jointbid.experiments.cli.main import main

MARKETS = {
    "conversions and margins": ["scenario=content_and_native", "supply.requests=3000", "~journey"],
    "journeys": ["scenario=b2b_long_cycle", "supply.requests=3000"],
    "journeys and conversions": ["scenario=content_and_native", "supply.requests=3000"],
    "stock": ["scenario=real_time_optimiser", "supply.requests=3000"],
    "creatives": ["scenario=present_value_in_context", "supply.requests=2000"],
    "late answers, unsent requests, data costs": ["scenario=late_lookups", "supply.requests=3000", "bidders.budget=2"],
    "daily budgets, half hours": ["supply.requests=3000", "bidders.terms.daily_budget=.3", "engine.series_h=.5",
                                  "strategy=adaptive_pacing", "bidders.budget=.5"],
    "rivals, no landscape": ["scenario=theory_rivals", "supply.requests=1000", "study.who=universal"],
    "touchpoints": ["scenario=touchpoints", "supply.requests=3000"],
}  # fmt: skip


def run(*texts: str) -> None:
    assert main(["run", "plot.enabled=false", *texts]) == 0


def logged_and_again(tmp_path: Path, *texts: str) -> tuple[Path, Path]:
    run(*texts, "study.log=true", f"results_dir={tmp_path / 'first'}")
    (first,) = (tmp_path / "first" / "run").glob("*")
    run(f"supply.path={first / 'auctions.parquet'}", f"results_dir={tmp_path / 'again'}")
    (again,) = (tmp_path / "again" / "run").glob("*")
    return first, again


def manifest(folder: Path) -> dict:
    return json.loads((folder / "manifest.json").read_text())


@pytest.mark.parametrize("name", MARKETS)
@pytest.mark.few(1)
def test_every_column_of_the_run_comes_back_or_has_no_number(name, tmp_path):
    first, again = logged_and_again(tmp_path, *MARKETS[name])
    assert (again / "bidders.csv").read_bytes() == (first / "bidders.csv").read_bytes()
    assert manifest(again)["market"] == manifest(first)["market"]
    series, back = (pd.read_csv(folder / "timeseries.csv") for folder in (first, again))
    lacking = ["multiplier"] + (["value"] if (first / "journey.csv").exists() else [])
    assert back[lacking].isna().all(axis=None)
    pd.testing.assert_frame_equal(series.drop(columns=lacking), back.drop(columns=lacking))
    (note,) = [text for text in manifest(again)["notes"] if text.startswith("not in a log")]
    for table in ("journey.csv", "stock.csv"):
        assert (table in note) == (first / table).exists()
        assert not (again / table).exists()


def test_the_margin_of_conversions_and_the_profit_of_a_journey_are_not_lost(tmp_path):
    first, again = logged_and_again(tmp_path, *MARKETS["journeys and conversions"])
    bidders = pd.read_csv(again / "bidders.csv")
    assert bidders["margin"].gt(0).any()
    assert bidders["purchases_expected"].gt(0).any()
    assert np.allclose(bidders["profit"], pd.read_csv(first / "bidders.csv")["profit"])
    (note,) = [text for text in manifest(again)["notes"] if "quoted" in text]
    assert "margin" in note
    assert "profit" in note


@pytest.mark.parametrize("rows", [1, 700])
def test_a_part_of_a_log_has_no_totals_of_the_whole(rows, tmp_path, capsys):
    first, _ = logged_and_again(tmp_path, "supply.requests=2000")
    part = tmp_path / "part.parquet"
    log = first / "auctions.parquet"
    table = pq.read_table(log).slice(0, rows).replace_schema_metadata(pq.read_metadata(log).metadata)
    pq.write_table(table, part)
    run(f"supply.path={part}", f"results_dir={tmp_path / 'part'}")
    (folder,) = (tmp_path / "part" / "run").glob("*")
    bidders = pd.read_csv(folder / "bidders.csv")
    assert bidders[["margin", "lookups", "data_cost"]].isna().all(axis=None)
    assert bidders["requests"].eq(rows).all()
    assert "data_cost" not in manifest(folder)["market"]
    assert f"the log has {rows:,} of the run's 2,000 rows" in " ".join(capsys.readouterr().out.split())

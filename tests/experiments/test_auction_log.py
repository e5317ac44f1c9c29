"""The auction log: every micro of the ledger, at any block size; whole or not there; read by DuckDB."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from jointbid.experiments.cli.main import main
from jointbid.experiments.config.points import load
from jointbid.experiments.logs import auction_log_writer as auctions
from jointbid.experiments.logs.auction_log_writer import SCHEMA, AuctionLog, drop_stale
from jointbid.sim.auction.mechanisms import MECHANISMS
from jointbid.sim.scenario import Scenario

DOCS = Path(__file__).parents[2] / "docs"
MARKET = ["supply.requests=3000", "bidders.count=3", "bidders.budget=0.02", "plot.enabled=false"]
MIXED = ["auction.slots=[1,.6]", "auction.type={first_price:1,vcg:2,gsp:1}", "auction.fee=.13"]
LOGGED = [*MARKET, *MIXED, "study.log=true"]
OUTCOMES = [  # most of what can follow an impression does, and some of it after the day has ended
    "bidders.budget=100",
    "audience.people=200",
    "response.a=-1",
    "response.viewability=.6",
    "response.click_delay_h={law: exponential, mean: 1}",
    "response.conversion={a: 0, after_view: .2, delay_h: {law: exponential, mean: 6}, click_window_h: 12, view_window_h: 3}",
    "creative={plain: {share: 2}, loud: {a: .5}}",
]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def run(*arguments):
    assert main(["run", *arguments]) == 0
    (folder,) = Path("results/run").iterdir()
    return folder


def test_every_micro_of_the_ledger_is_in_the_log():
    folder = run(*LOGGED)
    log, bidders = pd.read_parquet(folder / "auctions.parquet"), pd.read_csv(folder / "bidders.csv")
    market = json.loads((folder / "manifest.json").read_text())["market"]
    of_seat = log.groupby("seat", observed=False)
    spend = of_seat["paid_micros"].sum()
    assert (bidders["spend"] > 0).all()
    assert (bidders["budget_left"] < 0.0001).any(), "a budget binds"
    for bidder in bidders.to_dict("records"):
        assert spend[bidder["bidder"]] == round(bidder["spend"] * 1e6)
        assert of_seat.size()[bidder["bidder"]] == bidder["wins"]
        assert of_seat["clicked"].sum()[bidder["bidder"]] == bidder["clicks"]
        assert of_seat["viewed"].sum()[bidder["bidder"]] == bidder["viewed"]
    assert log["paid_micros"].sum() == round(market["revenue"] * 1e6)
    assert log["fee_micros"].sum() == round(market["exchange_fee"] * 1e6) > 0


def test_rows_say_what_the_market_allows():
    log = pd.read_parquet(run(*LOGGED) / "auctions.parquet")
    assert log["id"].tolist() == np.repeat(np.arange(3000), 2).tolist()
    assert log["slot"].tolist() == [0, 1] * 3000
    assert log.groupby("id")["time_us"].first().is_monotonic_increasing
    assert log["time_us"].between(0, 24 * 3_600_000_000 - 1).all()
    share = log["at"].value_counts(normalize=True)
    assert share.to_dict() == pytest.approx({"first_price": 0.25, "vcg": 0.5, "gsp": 0.25}, abs=0.04)
    assert set(log["sold_to"]) == {"bidder", "outside", "nobody"}
    ours, unsold = log["sold_to"] == "bidder", log["sold_to"] == "nobody"
    for name in ("seat", "price", "viewed", "clicked", "converted"):
        assert log[name].notna().equals(ours), name
    for name in ("user", "creative"):
        assert log[name].isna().all(), f"no person is identified, and no {name} has a name"
    assert log["bid"].isna().equals(unsold)
    assert not log.loc[~ours, ["paid_micros", "fee_micros"]].any(axis=None)
    sold = log[ours]
    assert np.allclose(sold["price"] * 1000, sold["paid_micros"], rtol=0, atol=1e-6)
    assert (sold["bid"] >= sold["bidfloor"]).all()
    assert (sold["price"] <= sold["bid"] + 1e-9).all()
    first = sold[sold["at"] == "first_price"]
    rate = np.where(first["slot"] == 0, 1, 0.6)
    assert (first["paid_micros"] == np.rint((first["bid"] * 1000).round() * rate)).all()
    both = log.dropna(subset=["bid", "other_bid"])
    assert (both["bid"] >= both["other_bid"]).all()


def test_outcomes_are_those_of_the_table_and_what_is_due_after_the_end_is_there():
    folder = run(*LOGGED, *OUTCOMES)
    log, bidders = pd.read_parquet(folder / "auctions.parquet"), pd.read_csv(folder / "bidders.csv")
    end_us = 24 * 3_600_000_000
    for bidder in bidders.to_dict("records"):
        own = log[log["seat"] == bidder["bidder"]]
        click_due, sale_due = own["click_time_us"] > end_us, own["conversion_time_us"] > end_us
        converted, attributed = own["converted"].astype(bool), own["attributed"].eq(True)
        counted = {
            "viewed": own["viewed"].sum(),
            "clicks": (own["clicked"].astype(bool) & ~click_due).sum(),
            "clicks_censored": click_due.sum(),
            "conversions": (attributed & ~sale_due).sum(),
            "conversions_censored": (attributed & sale_due).sum(),
            "conversions_unattributed": (converted & ~attributed).sum(),
        }
        assert counted == {name: bidder[name] for name in counted}
    sums = bidders[list(counted)].sum()
    assert (sums > 0).all(), sums


def test_nulls_of_outcomes_are_as_documented():
    log = pd.read_parquet(run(*LOGGED, *OUTCOMES) / "auctions.parquet")
    ours = log["sold_to"] == "bidder"
    assert log["user"].notna().all()
    assert log["user"].between(0, 199).all()
    assert (log.groupby("id")["user"].nunique() == 1).all()
    for name in ("creative", "viewed", "clicked", "converted"):
        assert log[name].notna().equals(ours), name
    shown = log.loc[ours, "creative"].value_counts(normalize=True)
    assert shown.to_dict() == pytest.approx({"plain": 2 / 3, "loud": 1 / 3}, abs=0.05)
    clicked, converted = (log[name].eq(True) for name in ("clicked", "converted"))
    assert log["click_time_us"].notna().equals(clicked)
    for name in ("conversion_time_us", "attributed"):
        assert log[name].notna().equals(converted), name
    assert log.loc[clicked | converted, "viewed"].all(), "nothing follows an ad that was not seen"
    assert (log.loc[clicked, "click_time_us"] >= log.loc[clicked, "time_us"]).all()
    both = log[clicked & converted]
    assert (both["conversion_time_us"] >= both["click_time_us"]).all()
    within = both["conversion_time_us"] - both["click_time_us"] <= 12 * 3_600_000_000
    assert within.equals(both["attributed"].astype(bool))
    after_view = log[converted & ~clicked]
    within = after_view["conversion_time_us"] - after_view["time_us"] <= 3 * 3_600_000_000
    assert within.equals(after_view["attributed"].astype(bool))
    assert 0 < within.mean() < 1


def test_the_file_does_not_depend_on_blocks(monkeypatch):
    """A group of 250 rows: smaller than a block's, and than some hours'."""
    monkeypatch.setattr(auctions, "GROUP_ROWS", 250)
    contents = {}
    for most in (65_536, 1, 7, 1250):
        few = ("supply.requests=750", f"engine.max_block={most}", f"results_dir=block_{most}")
        assert main(["run", *LOGGED, *OUTCOMES, *few]) == 0
        (path,) = Path(f"block_{most}").glob("run/*/auctions.parquet")
        about = pq.read_metadata(path)
        assert [about.row_group(i).num_rows for i in range(about.num_row_groups)] == [250] * 6
        contents[most] = path.read_bytes()
    assert len(set(contents.values())) == 1


def test_a_log_changes_neither_results_nor_the_folder():
    folder = run(*MARKET, *MIXED)
    without = (folder / "bidders.csv").read_bytes()
    assert not (folder / "auctions.parquet").exists(), "off by default"
    assert run(*LOGGED) == folder
    assert (folder / "bidders.csv").read_bytes() == without
    assert json.loads((folder / "manifest.json").read_text())["log_rows"] == 6000
    run(*MARKET, *MIXED)
    assert (folder / "auctions.parquet").exists(), "still the log of this very run"


def test_a_log_of_other_code_does_not_stay_beside_new_tables():
    folder = run(*MARKET, "study.log=true")
    path = folder / "auctions.parquet"
    drop_stale(path, "other code")
    assert not path.exists()
    path.write_text("damaged")
    run(*MARKET)
    assert not path.exists()


def batch(first, n):
    """What the sink gets of n requests with one slot, each won by bidder 0 for 7 micros."""
    ones = np.ones(n, dtype=np.int64)
    return {
        "position": np.arange(first, first + n),
        "slot": 0 * ones,
        "time_us": np.arange(first, first + n),
        "mechanism": 0 * ones,
        "floor_micros": ones,
        "winner": 0 * ones,
        "bid_micros": 9 * ones,
        "other_micros": -ones,
        "paid_micros": 7 * ones,
        "person": -ones,
        "creative": 0 * ones,
        **dict.fromkeys(("value", "click_probability", "conversion_probability"), 0.1 * ones),
        "viewed": ones > 0,
        "click_us": np.arange(first, first + n),
        "conversion_us": -ones,
        "attributed": ones < 0,
    }


def test_rows_go_to_disk_as_the_run_goes(tmp_path):
    path = tmp_path / "auctions.parquet"
    path.write_text("an old one")
    sizes = []
    with AuctionLog(path, Scenario(), ["focal"], "code") as log:
        for part in range(4):
            log(batch(part * 100_000, 100_000))
            assert not path.exists(), "nothing that looks done"
            sizes.append(log.rows)
    assert sizes == [0, 131_072, 262_144, 393_216]
    assert log.rows == pq.read_metadata(path).num_rows == 400_000
    assert [file.name for file in tmp_path.iterdir()] == ["auctions.parquet"]


def fails(path):
    with AuctionLog(path, Scenario(), ["focal"], "code") as log:
        log(batch(0, 200_000))
        raise KeyboardInterrupt


def test_a_run_that_ends_early_leaves_no_log(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        fails(tmp_path / "auctions.parquet")
    assert not list(tmp_path.iterdir())


def test_a_type_has_its_own_name_also_where_another_has_the_same_rule(tmp_path):
    mixed = Scenario(auction={"type": {"gsp": 1, "first_price": 1, "second_price": 1}})
    numbers = [MECHANISMS[name] for name in ("gsp", "second_price", "first_price")]
    with AuctionLog(tmp_path / "log.parquet", mixed, ["focal"], "code") as log:
        log(batch(0, 3) | {"mechanism": np.array(numbers)})
    assert pd.read_parquet(tmp_path / "log.parquet")["at"].tolist() == ["gsp", "second_price", "first_price"]


KILLED = """
import os, signal, sys
from pathlib import Path
from jointbid.experiments.logs.auction_log_writer import AuctionLog
from jointbid.sim import Scenario
with AuctionLog(Path("auctions.parquet"), Scenario(), ["focal"], "code"):
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("logs", [True, False])
def test_the_next_run_takes_away_what_a_killed_one_left(logs, tmp_path):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run([sys.executable, "-c", KILLED], cwd=tmp_path, env=environment, check=False)
    assert done.returncode == -signal.SIGKILL
    (left,) = tmp_path.iterdir()
    assert left.name.startswith(".auctions.parquet.")
    lives = left.with_suffix(f".{os.getppid()}")
    elsewhere = tmp_path / ".auctions.parquet.another-host.1"
    for other in (lives, elsewhere):
        other.touch()
    path = tmp_path / "auctions.parquet"
    if logs:
        with AuctionLog(path, Scenario(), ["focal"], "code"):
            pass
        path.unlink()
    else:
        drop_stale(path, "code")
    assert set(tmp_path.iterdir()) == {lives, elsewhere}


def test_duckdb_reads_it():
    import duckdb  # here: where the dev extra is old, one test fails and not the whole file

    folder = run(*LOGGED)
    found = duckdb.sql(f"""
        select seat, sum(paid_micros) from '{folder}/auctions.parquet' where "at" = 'vcg' group by seat order by seat
    """).fetchall()
    table = pd.read_parquet(folder / "auctions.parquet").query("at == 'vcg'")
    spend = table.groupby("seat", observed=True)["paid_micros"].sum().to_dict()
    assert {seat: paid for seat, paid in found if seat is not None} == spend


def test_every_column_is_documented_in_its_order():
    lines = (DOCS / "auction-log.md").read_text("utf-8").splitlines()
    rows = [
        [cell.strip(" `") for cell in line.split("|")[1:-1]]
        for line in lines
        if line.startswith("| `") and line.count("|") == 5
    ]
    kinds = {"dictionary<values=string, indices=int32, ordered=0>": "text"}
    assert [row[:2] for row in rows] == [
        [field.name, kinds.get(str(field.type), str(field.type))] for field in SCHEMA
    ]
    assert [row[3] == "never" for row in rows] == [not field.nullable for field in SCHEMA]


def test_log_is_a_switch(capsys):
    assert main(["run", *MARKET, "study.log=often"]) == 2
    assert "study.log" in capsys.readouterr().err
    assert load("run", ["study.log=true"])[0].folder == load("run", [])[0].folder


def test_the_calendar_says_what_happened_when(capsys):
    source = [
        "source.profile.sync_interval_h=6",
        "source.profile.latency_h=1",
        "source.profile.flip_rate_per_h=.1",
    ]
    folder = run(*MARKET, *source, "bidders.control_interval_h=5")
    calendar = pd.read_csv(folder / "calendar.csv").set_index("kind")
    assert list(calendar.columns) == ["count", "first_h", "last_h"]
    assert calendar.loc["sync profile"].tolist() == [4, 1, 19]  # at 1, 7, 13 and 19 h
    assert calendar.loc["control"].tolist() == [4, 5, 20]
    assert calendar.loc["hour"].tolist() == [24, 0, 23]
    assert calendar.index[-1] == "block"
    about = json.loads((folder / "manifest.json").read_text())
    assert about["calendar"] == calendar["count"].to_dict()
    assert about["events"] == 32
    assert about["blocks"] == calendar.loc["block", "count"]
    assert about["auctions_per_event"] == 3000 / 32
    said = capsys.readouterr().out
    assert "| sync profile |     4 |     1.00 |   19.00 |" in said
    assert "3,000 auctions, 32 events" in said


def test_flights_and_floor_steps_stand_in_the_calendar():
    terms = ["bidders.terms.flight_h=[2,20]", "bidders.terms.daily_budget=.01"]
    folder = run(*MARKET, *terms, "auction.floor_steps=[{hour:3.5,floor_cpm:.1},{hour:9,floor_cpm:.2}]")
    calendar = pd.read_csv(folder / "calendar.csv").set_index("kind")
    assert calendar.loc["floor"].tolist() == [2, 3.5, 9]
    assert calendar.loc["flight", ["first_h", "last_h"]].tolist() == [2, 20]

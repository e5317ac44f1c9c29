"""What the two pages on OpenRTB show: their example bidder and example exchange run as they stand there."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest
from tests.openrtb.bidders import served

from jointbid import load
from jointbid.experiments.cells.bidders import entrants
from jointbid.experiments.cells.cell import Cell
from jointbid.experiments.cli.main import main
from jointbid.strategies.openrtb.counts import OUTCOMES
from jointbid.strategies.openrtb.seat import OpenRTB

DOCS = Path(__file__).parents[2] / "docs"
SEAT, SERVER = ((DOCS / name).read_text("utf-8") for name in ("openrtb-seat.md", "openrtb-server.md"))
VALUE = [
    "supply.requests=40",
    "study.replications=2",
    "study.curves=[]",
    "study.point.redundancy=[]",
    "study.range=null",
    "study.learned_beside=false",
]
QUICK = ["plot.enabled=false", "executor=serial"]


def program(page, name, folder):
    """A python block of a page, saved under its name."""
    file = folder / name
    file.write_text(re.search(rf"^```python {name}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)[1], "utf-8")
    return file


@contextmanager
def example(folder):
    """The page's bidder in a process of its own; yields its URL without a path."""
    command = [sys.executable, program(SEAT, "bidder.py", folder), "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.kill()


def books(base):
    with urllib.request.urlopen(f"{base}/books") as answer:
        return json.load(answer)


def test_the_example_bidder_plays_and_its_books_are_the_simulators(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with example(tmp_path) as base:
        words = ["strategy=openrtb", f"bidders.strategy.url={base}/bid", "bidders.strategy.repeat=0"]
        assert main(["run", *words, "supply.requests=200", "rivals.mu=-8.5", *QUICK]) == 0
        found = books(base)
    (file,) = tmp_path.glob("results/run/*/bidders.csv")
    row = pd.read_csv(file).iloc[0]
    assert (found["requests"], found["wins"]) == (200, row["wins"])
    assert found["wins"] > 0
    assert found["spend_micros"] == round(row["spend"] * 1e6)
    assert (found["viewed"], found["losses"]) == (row["openrtb_burl"], row["openrtb_lurl"])
    said = capsys.readouterr().out
    assert "Answers over HTTP" in said
    assert "eproducible" not in said
    assert json.loads(file.with_name("manifest.json").read_text())["reproducible"] is True


@pytest.mark.slow
def test_the_value_of_joint_data_to_the_example_bidder(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with example(tmp_path) as base:
        words = ["strategy=openrtb", f"bidders.strategy.url={base}/bid", "rivals.mu=-8.5", *VALUE, *QUICK]
        assert main(["value", *words]) == 0
        sent = books(base)["requests"]
        assert main(["value", *words]) == 0  # kept, and said again
        assert books(base)["requests"] == sent
    said = capsys.readouterr().out
    assert said.count("Joining profile, context and history") == 2
    assert "The strategy openrtb reads profile, context, history itself" in said
    (file,) = tmp_path.glob("results/value/*/cells.parquet")
    cells = pd.read_parquet(file)
    assert {"joint", "context+history", "profile", "none"} <= set(cells["arm"])
    assert not {"stacked", "summed"} & set(cells["arm"])
    assert set(cells["openrtb_requests"]) == {40.0}
    assert (cells.loc[cells["arm"] == "none", "lookups"] == 0).all()


def test_measured_latency_and_a_dead_bidder_are_said(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with example(tmp_path) as base:
        words = ["strategy=openrtb", f"bidders.strategy.url={base}/bid", "supply.requests=30", *QUICK]
        measured = ["+bidders.strategy.latency=measured", "auction.tmax_ms=3000"]
        assert main(["run", *words, *measured]) == 0
    said = capsys.readouterr().out
    assert "Not reproducible: the answer times of a bidder elsewhere are measured" in " ".join(said.split())
    (file,) = tmp_path.glob("results/run/*/manifest.json")
    assert json.loads(file.read_text())["reproducible"] is False
    assert main(["run", *words]) == 2
    assert f"bidders.strategy: openrtb: no connection to {base}/bid" in capsys.readouterr().err
    assert main(["run", *words, "+bidders.strategy.on_failure=no_bid"]) == 0
    assert "30 of 30 requests had no answer (9 refused, 21 skipped)" in " ".join(
        capsys.readouterr().out.split()
    )


@pytest.mark.parametrize("word", ["url=nowhere", "url=http://192.0.2.1/bid"])
def test_a_wrong_url_is_bad_input(word, capsys):
    assert main(["run", "strategy=openrtb", f"bidders.strategy.{word}"]) == 2
    assert f"bidders.strategy: strategy 'openrtb': {word.replace('=', ' = ')}" in capsys.readouterr().err


def test_the_example_exchange_and_the_server_agree(tmp_path):
    scenario = load("default", "strategy=adaptive_pacing", "bidders.budget=5")
    with served(entrants(Cell(scenario, "joint"))["focal"], scenario) as (url, desk):
        command = [sys.executable, program(SERVER, "exchange.py", tmp_path), url]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    wins, spend = re.fullmatch(r"(\d+) wins, spend ([\d.]+)\n", done.stdout).groups()
    found = desk.totals()
    assert 0 < int(wins) == found.wins == found.viewed
    assert f"{found.spend_micros / 1e6:.6f}" == spend
    assert found.requests == 200


def test_the_page_has_every_key_and_count():
    import inspect

    keys = set(inspect.signature(OpenRTB).parameters) - {"market"}
    assert {key for key in keys if f"`{key}`" not in SEAT} == set()
    assert {name for name in OUTCOMES if f"`{name}`" not in SEAT} == set()

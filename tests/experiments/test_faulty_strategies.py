"""Strategies of a plugin that hang, draw random numbers, cannot be copied or raise errors, as the command line tells of them."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from jointbid.experiments.cli.main import main

SOURCE = """
import random, threading, time
import numpy as np
from jointbid import Policy


class Fine(Policy):
    reads = ("value",)
    gain = 1.0

    def bid(self, requests):
        return requests["value"] * self.gain


class Bids(Fine):
    def bid(self, requests):
        return requests["value"] * np.random.rand(requests.n)


class Controls(Fine):
    def control(self, state):
        self.gain = random.random()


class Gains(Fine):  # many, as two single ones may win the same auctions
    reads = ("value", "uniform")

    def bid(self, requests):
        return requests["value"] * self.gains[(64 * requests["uniform"]).astype(int)]


class Starts(Gains):
    def __init__(self):
        self.gains = np.random.rand(64)


class Hashes(Gains):
    def __init__(self):
        self.gains = np.array([0.2 + hash(f"text {i}") % 1009 / 1009 for i in range(64)])


class Locked(Fine):
    def __init__(self):
        self.lock = threading.Lock()


class Loops(Fine):
    def bid(self, requests):
        while True:
            pass


class Builds(Fine):
    def __init__(self):
        while True:
            pass


class Late(Fine):
    def control(self, state):
        while state.requests_seen > 200:
            pass


class Sleeps(Fine):
    def control(self, state):
        if state.requests_seen > 200:
            time.sleep(600)


class Raises(Fine):
    def control(self, state):
        if state.requests_seen > 200:
            {}["segment_7"]
"""
QUICK = (
    "scenario=theory",
    "supply.requests=400",
    "plot.enabled=false",
    "engine.strategy_timeout_s=1",
)


@pytest.fixture(autouse=True)
def installed(tmp_path, monkeypatch):
    """A package with all of them, as pip would leave it."""
    site = tmp_path / "site"
    (info := site / "faulty-1.0.dist-info").mkdir(parents=True)
    (site / "faulty.py").write_text(SOURCE)
    info.joinpath("METADATA").write_text("Metadata-Version: 2.1\nName: faulty\nVersion: 1.0\n")
    names = re.findall(r"class (\w+)", SOURCE)
    info.joinpath("entry_points.txt").write_text(
        "[jointbid.strategies]\n" + "".join(f"{name} = faulty:{name}\n" for name in names)
    )
    monkeypatch.syspath_prepend(site)
    monkeypatch.delitem(sys.modules, "faulty", raising=False)
    monkeypatch.chdir(tmp_path)


def outcome_of(capsys, verb, *overrides):
    """Exit code, and what is on standard error, but for the word on kernels that a first command compiles."""
    code = main([verb, *QUICK, *overrides])
    lines = capsys.readouterr().err.splitlines(keepends=True)
    return code, "".join(line for line in lines if "compiling kernels" not in line)


BEFORE = {
    "Bids": r"strategy 'Bids' \(.*faulty\.py:15\) of bidder 'focal': bids differ when the same batch is asked again: row 0: .*; "
    r"row 0: profile = 0",
    "Controls": r"Controls: the same 64 requests, run twice, gave \w+ = ",
    "Starts": r"Starts: the same 64 requests, run twice, gave \w+ = ",
    "Hashes": r"Hashes: the same 400 requests, run twice, gave \w+ = .*hash\(\) of a text",
    "Locked": r"strategy 'Locked' \(.*faulty\.py:\d+\) of bidder 'focal': attribute self\.lock is a _thread\.lock and cannot",
    "Loops": r"strategy 'Loops' .*: bid\(\) did not return within 1 s \(it was at .*faulty\.py:\d+, in bid\)",
    "Builds": r"strategy 'Builds' .*__init__\(\) did not return within 1 s",
}


@pytest.mark.few(5)
@pytest.mark.parametrize("verb", ["value", "run"])
@pytest.mark.parametrize("name", BEFORE)
def test_what_shows_at_once_is_said_once_before_the_first_cell(name, verb, capsys):
    further = ["executor=serial", "study.replications=2"] if verb == "value" else []
    code, said = outcome_of(capsys, verb, f"bidders.strategy={name}", *further)
    assert code == 2
    assert re.fullmatch(
        rf"jointbid: bidders\.strategy: {BEFORE[name]}.*\n|jointbid: .*{BEFORE[name]}.*\n", said
    )
    assert not list(Path().glob("results/**/failures.jsonl"))


@pytest.mark.parametrize(("verb", "key"), [("run", "strategy"), ("tournament", "study.strategies")])
@pytest.mark.parametrize(
    ("name", "lacks"),
    [("Plain", "Plain is no strategy: it has no reads"), ("number", "int is no strategy: it has no reads")],
)
def test_what_is_no_strategy_is_bad_input_of_its_key(verb, key, name, lacks, capsys):
    Path("plain.py").write_text(
        "class Plain:\n    def bid(self, requests): return requests['value']\n\n\ndef number(): return 3\n"
    )
    place = f"plain.py:{name}" if verb == "run" else f"[plain.py:{name},truthful]"
    code, said = outcome_of(capsys, verb, f"{key}={place}")
    assert code == 2
    where = "bidders.strategy" if verb == "run" else "study.strategies.0"
    assert said.startswith(f"jointbid: {where}: strategy 'plain.py:{name}': {lacks}")


def test_every_strategy_of_a_tournament_is_tried_first(capsys):
    strategies = "study.strategies=[truthful,linear,Controls]"
    code, said = outcome_of(capsys, "tournament", strategies, "executor=serial", "study.replications=2")
    assert code == 2
    assert "study.strategies: Controls: the same 64 requests, run twice" in said


UNDER_WAY = {
    "Late": r"strategy 'Late' .* at hour \d+: control\(\) did not return within 1 s \(it was at .*faulty\.py:\d+, in control\)",
    "Sleeps": r"strategy 'Sleeps' .*: control\(\) did not return within 1 s \(it was at .*faulty\.py:\d+, in control\)",
    "Raises": r"strategy 'Raises' \(.*faulty\.py:\d+\) of bidder 'focal\w*' at hour \d+: control\(\) raised KeyError: 'segment_7' "
    r"\(.*faulty\.py:\d+, in control\); account: spend ",
}


@pytest.mark.few(1)
@pytest.mark.parametrize("name", UNDER_WAY)
def test_what_shows_later_stops_a_run(name, capsys):
    code, said = outcome_of(capsys, "run", f"bidders.strategy={name}")
    assert code == 1
    assert re.fullmatch(rf"jointbid: bidders\.strategy: {UNDER_WAY[name]}.*\n", said)


@pytest.mark.few(1)
@pytest.mark.parametrize("executor", [["executor=serial"], ["executor=process", "executor.jobs=2"]], ids=str)
@pytest.mark.parametrize("name", UNDER_WAY)
def test_what_shows_later_fails_cells(name, executor, capsys):
    code, said = outcome_of(capsys, "value", f"bidders.strategy={name}", "study.replications=2", *executor)
    assert code == 1
    (file,) = Path().glob("results/value/*/failures.jsonl")
    failures = [json.loads(line)["error"] for line in file.read_text().splitlines()]
    assert all(re.search(UNDER_WAY[name], error) for error in failures)
    if name != "Raises":
        assert "stopped, as a strategy did not return in its time" in said
        assert len(failures) <= 3, "the other cells are not waited for"

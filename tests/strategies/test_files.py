"""Strategies in files: what ``FILE.py:CLASS`` finds, and what changes its fingerprint."""

from __future__ import annotations

import os
import pickle
import sys
from pathlib import Path

import pytest

from jointbid import load, strategy
from jointbid.sim.scenario import StrategySpec
from jointbid.strategies.fingerprint import fingerprint
from jointbid.strategies.market import MarketFacts
from jointbid.strategies.registry import UnknownStrategyError, make
from jointbid.strategies.strategy_files import names_a_file, split

MINE = """
import numpy as np
import helper_of_mine
from jointbid import Policy

TABLE = "table_of_mine.csv"

class Half(Policy):
    def __init__(self, gain=0.5):
        self.gain = helper_of_mine.GAIN * gain

    def bid(self, requests):
        return self.gain * requests["value"]
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name, text in {
        "mine.py": MINE, "helper_of_mine.py": "GAIN = 1.0\n", "table_of_mine.csv": "1\n", "other.py": "",
    }.items():  # fmt: skip
        Path(name).write_text(text)


def write(file, text, stamp):
    Path(file).write_text(text)
    os.utime(file, ns=(stamp, stamp))


def test_what_names_a_file():
    assert all(map(names_a_file, ("mine.py:Half", "./mine.py", "C:\\a\\mine.py:Half", "a/b:C")))
    assert not any(map(names_a_file, ("linear", "acme:linear", "ortb1")))
    assert split("C:\\a\\mine.py") == ("C:\\a\\mine.py", "")
    assert split("C:\\a\\mine.py:Half") == ("C:\\a\\mine.py", "Half")


def test_a_strategy_in_a_file_is_made_by_name_and_survives_pickling():
    made = strategy("mine.py:Half", gain=0.25)
    assert made.gain == 0.25
    assert pickle.loads(pickle.dumps(made)).gain == 0.25
    assert make(StrategySpec(name="mine.py:Half"), MarketFacts.of(load("theory"))).gain == 0.5


def test_a_change_of_the_file_or_of_its_neighbour_is_seen_in_the_same_process():
    assert strategy("mine.py:Half").gain == 0.5
    write("helper_of_mine.py", "GAIN = 3.0\n", 1)
    assert strategy("mine.py:Half").gain == 1.5
    write("mine.py", MINE.replace("gain=0.5", "gain=0.25"), 2)
    assert strategy("mine.py:Half").gain == 0.75


@pytest.mark.parametrize("file", ["mine.py", "helper_of_mine.py", "table_of_mine.csv"])
def test_what_the_file_needs_is_in_the_fingerprint(file):
    before = fingerprint("mine.py:Half", {})
    write("other.py", "x = 1\n", 3)
    assert fingerprint("mine.py:Half", {}) == before
    write(file, Path(file).read_text() + "# more\n", 4)
    assert fingerprint("mine.py:Half", {}) != before


def test_the_fingerprint_is_the_same_in_another_folder(tmp_path, monkeypatch):
    before = fingerprint("mine.py:Half", {})
    (tmp_path / "elsewhere").mkdir()
    for name in ("mine.py", "helper_of_mine.py", "table_of_mine.csv"):
        (tmp_path / "elsewhere" / name).write_text(Path(name).read_text())
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert fingerprint("mine.py:Half", {}) == before


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: strategy("mien.py:Half"), r"mien\.py: no such file; did you mean 'mine\.py'"),
        (lambda: strategy("mine.py:Hlaf"), r"mine\.py: has no class 'Hlaf'; did you mean 'Half'"),
        (lambda: strategy("mine.py"), r"mine\.py: name the class, as in mine\.py:Half"),
        (lambda: strategy("mine.py:Half", gian=1), "has no parameter 'gian'; did you mean 'gain'"),
        (lambda: strategy("shading"), r"give the scenario, strategy\('shading', market=load\('default'\)\)"),
        (lambda: strategy("ortb1"), r"c is needed .* or, as it uses the public facts"),
        (lambda: strategy("linaer"), "did you mean 'linear'"),
        (lambda: strategy(3), "must be a name"),
    ],
)
def test_what_is_wrong_is_said(ask, message):
    with pytest.raises(UnknownStrategyError, match=message):
        ask()


def test_a_built_in_strategy_by_name_has_its_parameters_and_the_market():
    assert strategy("ortb1", c=50).c == 50
    assert strategy("ortb1", market=load("default")).c == pytest.approx(
        MarketFacts.of(load("default")).landscape.quantile(0.5), rel=0.01
    )

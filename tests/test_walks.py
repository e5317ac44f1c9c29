"""The additions that CONTRIBUTING.md shows work as written: each is made on a copy of the tree, and its command runs there.

A step is a line such as "New file `F`:" or "In `F`, below the line `L`:" and the block of code after it. The commands of an
addition are its console block. One copy takes all additions, because a copy compiles its kernels once.
"""

from __future__ import annotations

import inspect
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest

from jointbid.sim.auction.mechanisms import vcg

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
FOLDERS = ("sim", "strategies", "experiments", "conf", "src")
STEP = re.compile(
    r"^(?:New file `(?P<new>[^`]+)`|In `(?P<file>[^`]+)`, (?P<how>below|above|instead of) the line `(?P<line>[^\n]+)`):\n\n"
    r"```\w+\n(?P<code>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
COMMAND = re.compile(r"^\$ jointbid (.*)$", re.MULTILINE)
MOST_FILES = 2


class Walk(NamedTuple):
    """One addition: its steps and its commands."""

    steps: list[re.Match[str]]
    commands: list[list[str]]

    @property
    def files(self) -> set[str]:
        return {step["new"] or step["file"] for step in self.steps}


def walks() -> dict[str, Walk]:
    sections = re.split(r"^#+ (?=[A-Z])", PAGE, flags=re.MULTILINE)
    found = {}
    for section in sections:
        title, _, text = section.partition("\n")
        walk = Walk(list(STEP.finditer(text)), [shlex.split(words) for words in COMMAND.findall(text)])
        if walk.steps:
            found[title.removeprefix("Add ").split(" ", 1)[1]] = walk
    return found


WALKS = walks()


def perform(walk: Walk, tree: Path) -> None:
    for step in walk.steps:
        file = tree / (step["new"] or step["file"])
        if step["new"]:
            assert not file.exists(), f"{file}: is there already"
            file.write_text(step["code"], "utf-8")
            continue
        lines = file.read_text("utf-8").splitlines(keepends=True)
        places = [number for number, line in enumerate(lines) if line.strip() == step["line"]]
        assert len(places) == 1, f"{step['file']}: {len(places)} lines are `{step['line']}`"
        first = places[0] + (step["how"] == "below")
        lines[first : places[0] + (step["how"] != "above")] = [step["code"]]
        file.write_text("".join(lines), "utf-8")


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the tree with all additions."""
    root = tmp_path_factory.mktemp("tree")
    for folder in FOLDERS:
        ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
        shutil.copytree(ROOT / folder, root / folder, symlinks=True, ignore=ignored)
    for walk in WALKS.values():
        perform(walk, root)
    return root


class Run:
    """Commands on the copy, in a folder of their own."""

    def __init__(self, tree: Path, folder: Path) -> None:
        self.tree, self.folder = tree, folder

    def __call__(self, words: list[str], *more: str) -> Path:
        """Run one command; return the folder of its results."""
        results = self.folder / f"results{len(list(self.folder.glob('results*')))}"
        kept = [] if words[0] in {"log", "strategies"} else [f"results_dir={results}"]
        done = subprocess.run(
            [sys.executable, "-m", "jointbid", *words, *kept, *more],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(self.tree / "src")},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == 0, f"{shlex.join(words)}\n{done.stdout}{done.stderr}"
        self.printed = done.stdout
        return next(results.glob("*/*"), results)


@pytest.fixture
def run(tree: Path, tmp_path: Path) -> Run:
    return Run(tree, tmp_path)


def command(name: str) -> list[str]:
    (words,) = WALKS[name].commands
    return words


@pytest.mark.parametrize("name", WALKS)
def test_an_addition_takes_two_files(name: str) -> None:
    assert 1 <= len(WALKS[name].files) <= MOST_FILES
    assert WALKS[name].commands


def test_a_metric(run: Run) -> None:
    summary = pd.read_csv(run(command("metric")) / "summary.csv")
    rows = summary[summary["estimand"] == "utility"].pivot_table(
        index="arm", columns="metric", values="estimate"
    )
    assert len(rows) > 5
    np.testing.assert_allclose(rows["value_won"], rows["focal_profit"] + rows["spend"], rtol=1e-12)


def test_a_spoiler_of_data(run: Run) -> None:
    """Blank records are as good as unmatched ones."""
    words = command("spoiler of data")
    full = [word for word in words if "blank_rate" not in word]
    half = [word.replace("match_rate=1", "match_rate=0.5") for word in full]
    blank, unmatched, whole = (pd.read_csv(run(each) / "bidders.csv") for each in (words, half, full))
    pd.testing.assert_frame_equal(blank, unmatched, check_exact=True)
    assert (blank["matches"] < whole["matches"]).all()


def test_a_mechanism(run: Run) -> None:
    words = command("mechanism")
    half, full = (
        pd.read_csv(run([word.replace("all_pay_half", kind) for word in words]) / "bidders.csv")
        for kind in ("all_pay_half", "first_price")
    )
    np.testing.assert_array_equal(half["wins"], full["wins"])
    np.testing.assert_allclose(half["spend"], full["spend"] / 2, rtol=1e-3)


def test_a_mechanism_has_the_arguments_of_those_that_ship() -> None:
    namespace: dict[str, Any] = {}
    exec(WALKS["mechanism"].steps[0]["code"], namespace)
    charge = namespace["charge"].py_func
    assert inspect.signature(charge) == inspect.signature(vcg.charge.py_func)
    assert charge(1, 2, np.array([9, 6]), 0, np.array([1.0, 0.5]), 0) == 0.5 * 6 * 0.5


def test_an_allocation_rule(run: Run) -> None:
    """A handicap that no bid makes up for loses every auction."""
    words = command("allocation rule")
    low, high = (
        pd.read_csv(run([word.replace("0.00001", handicap) for word in words]) / "bidders.csv")
        for handicap in ("0.00001", "1000")
    )
    assert low["wins"].sum() > 0
    assert high["wins"].sum() == 0


def test_a_study(run: Run) -> None:
    summary = pd.read_csv(run(command("study")) / "summary.csv")
    assert list(summary["arm"]) == ["none", "joint"]
    assert (summary["estimate"] > 0).all()
    assert "A bidder without data pays" in run.printed


def test_a_plot(run: Run) -> None:
    plots = run(command("plot")) / "plots"
    assert "Spend, by data used" in (plots / "spend.svg").read_text("utf-8")
    assert len(pd.read_csv(plots / "spend.csv")) > 5


def test_a_log_format(run: Run) -> None:
    rows = [f"{n}|{int(n % 7 == 0)}|{10 + n % 5}|{'ab'[n % 2]}|page{n % 3}" for n in range(200)]
    (run.folder / "log.txt").write_text("\n".join([*rows, "3|2|x|a|page1", ""]), "utf-8")
    run(command("log format"))
    assert "pipes" in run.printed
    assert "201 rows read, 200 used" in run.printed
    assert "segment" in run.printed


def test_an_executor(run: Run) -> None:
    words = command("executor")
    own, serial = (
        pd.read_csv(run([word.replace("=futures", f"={name}") for word in words]) / "summary.csv")
        for name in ("futures", "serial")
    )
    assert len(own) > 5
    pd.testing.assert_frame_equal(own, serial, check_exact=True)

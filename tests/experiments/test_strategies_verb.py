"""`jointbid strategies`: list, check and new, as their users call them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from jointbid.experiments.cli.main import main
from jointbid.experiments.cli.strategies import package
from jointbid.strategies.registry import BUILT_IN
from jointbid.strategies.testing import all_checks

MINE = """
from dataclasses import dataclass

import neighbour
from jointbid import Policy

@dataclass
class Half(Policy):
    '''Half of it.'''
    scales = True
    gain: float = 0.5

    def bid(self, requests):
        if self.gain < 0:
            raise ValueError(f"gain = {self.gain}: must be 0 or more")
        return neighbour.times(self.gain, requests["value"])

class Mean(Policy):
    def bid(self, requests):
        return requests["value"] / max(requests.n, 1)

class Needs(Policy):
    def __init__(self, level):
        if level < 0:
            raise ValueError(f"level = {level}: must be 0 or more")
        self.level = level

    def bid(self, requests):
        return self.level * requests["value"]
"""


@pytest.fixture(autouse=True)
def mine(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    Path("mine.py").write_text(MINE)
    Path("neighbour.py").write_text("def times(a, b):\n    return a * b\n")
    Path("torn.py").write_text("x = 1\n\nimport nowhere\n")
    Path("syntax.py").write_text("x = (\n")
    Path("empty.py").write_text("")


def test_list_has_a_line_for_each(capsys):
    assert main(["strategies", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:3] == ["name", "from", "made"]
    assert [line.split()[0] for line in lines[1 : 1 + len(BUILT_IN)]] == list(BUILT_IN)
    assert all(line.split()[1] == "jointbid" for line in lines[1 : 1 + len(BUILT_IN)])
    assert all(line[-1].isalnum() or line[-1] in ").%" for line in lines[1:])


@pytest.mark.parametrize(
    "what", [["mine.py:Half"], ["mine.py:Half", "gain=0.25"], ["./mine.py:Needs", "level=2"], ["linear"]]
)
def test_check_passes(what, capsys):
    assert main(["strategies", "check", *what]) == 0
    out = capsys.readouterr().out
    assert all(f"  {name}\n" in out or f"SKIP  {name}  (" in out for name in all_checks())
    assert "0 failed" in out
    assert "bids a second" in out


@pytest.mark.slow
def test_check_in_the_market_of_a_scenario(capsys):
    """A table for the four types of the trial market passes there, and breaks where there are sixteen."""
    Path("table.py").write_text(
        "import numpy as np\nfrom jointbid import Policy\n\nclass Table(Policy):\n    reads = ('context',)\n"
        "    rates = np.full(5, 1e-4)\n\n    def bid(self, requests):\n        return self.rates[requests['context']]\n"
    )
    assert main(["strategies", "check", "table.py:Table"]) == 0
    assert "context (codes 0 to 4)" in capsys.readouterr().out
    assert main(["strategies", "check", "table.py:Table", "--scenario", "default"]) == 1
    out = capsys.readouterr().out
    assert "tried in default: second_price, profile (codes 0 to 16), context (codes 0 to 16)" in out
    assert "FAIL  protocol" in out
    assert main(["strategies", "check", "mine.py:Half", "--scenario", "default"]) == 0


def test_check_says_what_fails_and_why(capsys):
    assert main(["strategies", "check", "mine.py:Mean"]) == 1
    out = capsys.readouterr().out
    assert "FAIL  row_wise\n      expected: the same bid on a row" in out
    assert "\n      likely cause: bid() uses a mean, rank" in out
    assert "PASS  protocol\n" in out


@pytest.mark.parametrize(
    ("what", "message"),
    [
        (["mien.py:Half"], "mien.py: no such file; did you mean 'mine.py'?"),
        (["mine.py:Haf"], "mine.py: has no class 'Haf'; did you mean 'Half'?; there is: Half, Mean, Needs"),
        (["empty.py:Half"], "empty.py: has no class 'Half'; no class in it has a method bid"),
        (["mine.py"], "mine.py: name the class, as in mine.py:Half"),
        (["mine.py:"], "mine.py: name the class, as in mine.py:Half"),
        (["mine.py:Needs"], "strategy 'mine.py:Needs' needs a value for level, which has no default"),
        (["mine.py:Needs", "level=-1"], "strategy 'mine.py:Needs': level = -1: must be 0 or more"),
        (
            ["mine.py:Half", "gian=1"],
            "strategy 'mine.py:Half' has no parameter 'gian'; did you mean 'gain'? (there is: gain)",
        ),
        (["mine.py:Half", "gain"], "gain: must be param=value"),
        (["mine.py:Half", "gain=[1"], "gain=[1: cannot be read"),
        (
            ["torn.py:X"],
            "torn.py, line 3: cannot be imported: ModuleNotFoundError: No module named 'nowhere'",
        ),
        (["syntax.py:X"], "syntax.py, line 1: cannot be imported: SyntaxError"),
        (["linaer"], "unknown strategy 'linaer'; did you mean 'linear'?"),
        (["hindsight"], "'hindsight' is no bidder but an upper bound"),
        (["mine.py:Half", "--scenario", "theori"], "did you mean 'theory'"),
        (["mine.py:Half", "--scenario", "log"], "supply.path"),
        (["linear", "gain=-2"], "strategy 'linear': gain = -2: must be a finite number"),
        ([], "usage: jointbid strategies check NAME-or-FILE:CLASS"),
    ],
)
def test_check_refuses_what_is_no_strategy(what, message, capsys):
    assert main(["strategies", "check", *what]) == 2
    said = capsys.readouterr()
    assert message in said.err
    assert len(said.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["Acme-PID"], "did you mean 'acme_pid'?"),
        (["AcmePid"], "did you mean 'acme_pid'?"),
        (["9lives"], "lower-case letters"),
        (["a__b"], "did you mean 'a_b'?"),
        (["linear"], "'linear' is a built-in strategy; take another, my_linear"),
        (["jointbid"], "'jointbid'; take another"),
        (["json"], "'json'; take another"),
        (["numpy"], "is installed here; take another, my_numpy"),
        (["sklearn"], "a module 'sklearn' is installed here; take another"),
        (["class"], "'class'; take another"),
        ([], "usage: jointbid strategies new NAME"),
        (["a", "b"], "usage: jointbid strategies new NAME"),
        (["mine", "--dri", "x"], "--dri: no such option"),
        (["mine", "--dir"], "--dir: needs a folder"),
        (["mine", "--dir", "mine.py"], "cannot be written"),
        (["there"], "is there already, and nothing is overwritten"),
    ],
)
def test_new_refuses(words, message, capsys):
    Path("there").mkdir()
    assert main(["strategies", "new", *words]) == 2
    assert message in capsys.readouterr().err
    assert not list(Path("there").iterdir())


@pytest.mark.slow
def test_new_writes_a_package_that_passes_as_it_is(capsys):
    assert main(["strategies", "new", "acme_two_words", "--dir", "deep/down"]) == 0
    assert "jointbid strategies check acme_two_words" in capsys.readouterr().out
    folder = Path("deep/down/acme_two_words")
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert there == set(package("acme_two_words"))
    assert "src/acme_two_words/conf/strategy/acme_two_words.yaml" in there
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-c", "/dev/null", "-p", "no:cacheprovider", "tests"],
        cwd=folder,
        env={"PYTHONPATH": ":".join([str(folder.resolve() / "src"), *filter(None, sys.path)])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "47 passed, 2 skipped" in done.stdout


def test_list_waits_for_no_compiler():
    """What is built in is listed without numba, simpy or scipy, whose imports take most of a second."""
    code = "import sys; from jointbid.experiments.cli.main import main; main(['strategies', 'list']); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"numba", "simpy", "scipy", "pandas", "sklearn"} & set(done.stderr.split())


ODD = """
import sys
from jointbid import Policy, PerRequest

class Exits(Policy):
    def bid(self, requests):
        sys.exit("bye")

class Boom(Policy):
    @property
    def reads(self):
        raise ValueError("boom")
    def bid(self, requests):
        return requests["value"]

class Needs(Policy):
    def __init__(self):
        import nothing_like_it
    def bid(self, requests):
        return requests["value"]

class Fails(Policy):
    def bid(self, requests):
        return self.gain * requests["value"]

class Booleans(Policy):
    def bid(self, requests):
        return requests["value"] > 0.5

class Crawls(PerRequest):
    def bid_one(self, request):
        import time
        time.sleep(0.0001)
        return request["value"]
"""


@pytest.mark.few(5)
@pytest.mark.parametrize(
    ("name", "came", "cause"),
    [
        ("Exits", "SystemExit: bye (odd.py:7, in bid)", "leaves the program"),
        (
            "Boom",
            "ValueError: boom (odd.py:12, in ",
            "an error in the strategy's own code, at the place shown",
        ),
        (
            "Needs",
            "ModuleNotFoundError: No module named 'nothing_like_it' (odd.py:18, in ",
            "is not installed for",
        ),
        (
            "Fails",
            "has no attribute 'gain' (odd.py:24, in ",
            "an error in the strategy's own code, at the place shown",
        ),
        ("Booleans", "bid() answered a bool array", "np.asarray(bids, dtype=float)"),
        pytest.param(
            *("Crawls", "SKIP  a_million_rows  (they would take", "a Python loop over rows"),
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_message_says_where_and_why(name, came, cause, capsys):
    Path("odd.py").write_text(ODD)
    assert main(["strategies", "check", f"odd.py:{name}"]) == 1
    out = capsys.readouterr().out
    assert came in out
    assert cause in out
    assert out.count("FAIL") == out.count("      likely cause: ")


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"]])
def test_help(words, capsys):
    assert main(["strategies", *words]) == 0
    assert "strategies check NAME-or-FILE:CLASS" in capsys.readouterr().out


def test_an_action_that_is_none(capsys):
    assert main(["strategies", "chekc"]) == 2
    assert "must be one of list, check, new; did you mean 'check'?" in capsys.readouterr().err

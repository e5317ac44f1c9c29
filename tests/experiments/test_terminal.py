"""What a terminal shows when a command has ended, scrollback included, against the text of a pipe."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios

import pyte
import pytest

pytestmark = pytest.mark.slow

PROGRAM = "import sys; from jointbid.experiments.cli.main import main; sys.exit(main())"
SMALL = [
    "scenario=theory",
    "supply.requests=400",
    "executor.jobs=1",
    "plot.enabled=false",
    "study.replications=3",
]
VERBS = {
    "value": ["study.lattice=false", "study.overtaking=null"],
    "tournament": ["study.strategies=[truthful,shading,constant,throttling,pid_spend]"],
    "adoption": ["study.seats=3"],
}
FRAGILE = """
import sys
from jointbid.experiments.cli.main import main
from jointbid.experiments.cells import bidders as arms

real = arms.run_cell

def fragile(cell):
    print("[red]cell[/red] :car:", cell.replication)
    if cell.replication == 1:
        raise RuntimeError("no [luck] :car:")
    return real(cell)

arms.run_cell = fragile
sys.exit(main())
"""


PRINTS = """
import os
import time
from jointbid import Policy

class Prints(Policy):
    reads = ("value",)

    def bid(self, requests):
        return requests["value"]

    def control(self, state):
        print("worker prints", end=" ")
        time.sleep(0.0005)  # the other worker's turn
        print("[b]", os.getpid())
"""


class Terminal:
    """A command on a pseudo-terminal of a width, and what it shows."""

    def __init__(self, arguments, folder, columns, *, out="tty", err="tty", program=PROGRAM, **environment):
        self.columns = columns
        self._screen = pyte.HistoryScreen(columns, 30, history=10_000)
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, columns, 0, 0))
        kept = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "NO_COLOR"}}
        path = os.pathsep.join(filter(None, sys.path))
        self.process = subprocess.Popen(
            [sys.executable, "-c", program, *arguments],
            cwd=folder,
            env=kept | {"TERM": "xterm-256color", "PYTHONPATH": path} | environment,
            stdin=slave,
            stdout=slave if out == "tty" else subprocess.PIPE,
            stderr=slave if err == "tty" else subprocess.PIPE,
            start_new_session=True,
        )
        os.close(slave)
        self.seen = b""

    def until(self, text):
        """Read until a text has come, or all."""
        with contextlib.suppress(OSError):  # the command has closed it
            while text is None or text.encode() not in self.seen:
                if not (read := os.read(self._master, 65_536)):
                    break
                self.seen += read

    def lines(self):
        """Wait for the end; the lines of the scrollback and of the screen."""
        self.until(None)
        out, err = self.process.communicate(timeout=60)
        os.close(self._master)
        self.out, self.err = ((text or b"").decode() for text in (out, err))
        pyte.ByteStream(self._screen).feed(self.seen)
        above = ["".join(row[x].data for x in range(self.columns)) for row in self._screen.history.top]
        return [line.rstrip() for line in (*above, *self._screen.display)]


@pytest.fixture(scope="module")
def piped(tmp_path_factory):
    """The folder where each verb has run on a terminal of 80 columns, what that showed, and the text of a pipe."""
    known = {}

    def run(verb):
        if verb not in known:
            folder = tmp_path_factory.mktemp(verb)
            first = Terminal(command(verb), folder, 80).lines()
            known[verb] = folder, first, text(command(verb), folder)
        return known[verb]

    return run


def command(verb, *further):
    return [verb, *SMALL, *VERBS[verb], *further]


def text(arguments, folder):
    """What the command writes to a pipe."""
    terminal = Terminal(arguments, folder, 80, out="pipe", err="pipe")
    assert not any(terminal.lines())
    return terminal.out


def holds_all_of(lines, text):
    """Whether a terminal shows what a pipe was given: every sentence as often, every word of a table."""
    shown = " ".join(" ".join(lines).split())
    parts = [
        line for line in text.splitlines() if line and not line.startswith(("+--", "Cells: "))
    ]  # kept, or run
    tables = [line for line in parts if line.startswith("| ")]
    whole = " ".join(" ".join(parts).replace("|", " ").split())
    for line in {*parts} - {*tables}:  # a path may be broken anywhere
        broken, unbroken, sought = ("".join(text.split()) for text in (shown, whole, line))
        assert broken.count(sought) == unbroken.count(sought), line
    columns = [line.strip("|").partition("|") for line in tables]
    words, there = " ".join(rest for *_, rest in columns).split(), shown.split()
    assert {*" ".join(first for first, *_ in columns).split()} <= {
        *there
    }  # again in each part of a wide table
    for word in {*words} - {"|"}:
        assert there.count(word) >= words.count(word), word
    assert tables
    assert_no_bar(lines)


def assert_no_bar(lines):
    shown = "\n".join(lines)
    for left in ("━", "auctions/s", "starting", " cells", "…"):
        assert left not in shown


@pytest.mark.parametrize(
    ("verb", "columns"), [*((verb, 80) for verb in VERBS), ("tournament", 120), ("adoption", 160)]
)
def test_nothing_is_erased_or_doubled_and_no_bar_is_left(verb, columns, piped):
    folder, first, expected = piped(verb)
    lines = first if columns == 80 else Terminal(command(verb), folder, columns).lines()
    holds_all_of(lines, expected)


@pytest.mark.parametrize(
    ("columns", "environment"), [(50, {"NO_COLOR": "1"}), (400, {}), (100, {"TERM": "dumb"})], ids=str
)
def test_narrow_wide_and_dumb_terminals(columns, environment, piped):
    folder, _, expected = piped("adoption")
    terminal = Terminal(command("adoption"), folder, columns, **environment)
    holds_all_of(terminal.lines(), expected)
    assert ("TERM" in environment) == (b"\x1b" not in terminal.seen), "a dumb terminal redraws nothing"


def test_results_go_to_standard_output_and_bars_to_standard_error(piped):
    folder, _, expected = piped("value")
    bars = Terminal(command("value"), folder, 80, out="pipe")
    assert not any(bars.lines())
    assert "━" in bars.seen.decode()
    assert bars.out == expected
    results = Terminal(command("value"), folder, 80, err="pipe")
    holds_all_of(results.lines(), expected)
    assert "Results" not in results.err


def test_a_stopped_command_leaves_no_bar(tmp_path):
    long = ["supply.requests=200000", "study.replications=300"]
    terminal = Terminal(command("value", *long), tmp_path, 80)
    terminal.until(" cells")
    terminal.process.send_signal(signal.SIGINT)
    lines = [line for line in terminal.lines() if line]
    assert terminal.process.returncode == 130
    assert " ".join(lines) == "stopped; what is done is kept: the same command again goes on from there"
    assert terminal.seen.rindex(b"\x1b[?25h") > terminal.seen.rindex(b"\x1b[?25l"), "the cursor is back"


def test_failures_and_what_a_cell_prints_are_all_there(tmp_path):
    terminal = Terminal(command("value", "executor=serial"), tmp_path, 80, program=FRAGILE)
    lines = terminal.lines()
    assert terminal.process.returncode == 1
    shown = " ".join(" ".join(lines).split())
    assert shown.count("no [luck] :car:") == 5
    assert shown.count("[red]cell[/red] :car: 2") >= 6
    assert "cells failed, listed with tracebacks in results/value/" in shown
    assert_no_bar([line for line in lines if "cells failed" not in line])


def test_what_worker_processes_print_comes_above_the_bars(tmp_path):
    (tmp_path / "prints.py").write_text(PRINTS)
    (about := tmp_path / "prints-1.0.dist-info").mkdir()
    about.joinpath("METADATA").write_text("Metadata-Version: 2.1\nName: prints\nVersion: 1.0\n")
    about.joinpath("entry_points.txt").write_text("[jointbid.strategies]\nprints = prints:Prints\n")
    path = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
    study = command("value", "executor.jobs=2", "bidders.strategy=prints")
    terminal = Terminal(study, tmp_path, 80, PYTHONPATH=path, PYTHONUNBUFFERED="1")
    lines = terminal.lines()
    printed = {line for line in lines if "worker" in line or "[b]" in line}
    assert printed - {f"worker prints [b] {terminal.process.pid}"}, "not the driver alone"
    assert all(re.fullmatch(r"worker prints \[b\] \d+", line) for line in printed), (
        "each on a line of its own"
    )
    assert_no_bar(lines)

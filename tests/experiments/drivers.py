"""Commands in processes of their own that stop at a stated cell, as by Ctrl-Z, until a test has done what it came for."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

# A shell's background jobs inherit deafness to Ctrl-C. The command stops once so many cells are on the disk.
PROGRAM = """import os, signal, sys
from jointbid.experiments.cli.main import main
from jointbid.experiments.storage.journal import Segments

signal.signal(signal.SIGINT, signal.default_int_handler)
add, left = Segments.add, int(sys.argv.pop(1))

def add_and_stop(segments, results):
    global left
    add(segments, results)
    stops = 0 < left <= len(results)
    left -= len(results)
    if stops:
        os.kill(os.getpid(), signal.SIGSTOP)

Segments.add = add_and_stop
sys.exit(main())"""

running: list[subprocess.Popen[str]] = []


def with_path(environment=os.environ):
    """Add the folders from which this process imports."""
    return {**environment, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def start(*arguments, pause_after=0, **options):
    """Start a command; with ``pause_after``, wait until it has written that many cells and has stopped."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(pause_after), *arguments],
        text=True,
        **{"env": with_path(), "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options},
    )
    running.append(process)
    if pause_after:
        state = os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        assert state.si_code == os.CLD_STOPPED, process.communicate()
    return process


def go_on(process):
    """Let a command that has stopped go on."""
    process.send_signal(signal.SIGCONT)


def end():
    """End what a failed test has left behind."""
    while running:
        with running.pop() as process:
            process.kill()


def crowd():
    """How many programs share a core, at least 1: a wait is that many times as long."""
    return max(1.0, os.getloadavg()[0] / os.cpu_count())

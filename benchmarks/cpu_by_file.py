"""A pytest plugin: CPU seconds of each test file, with the processes that its tests start; what other programs take does not count.

``PYTHONPATH=benchmarks .venv/bin/pytest -p cpu_by_file tests/sim``, with or without ``-n``. Fixtures count for the test that first asks for them.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from pathlib import Path

import pytest

TICK = os.sysconf("SC_CLK_TCK")
SHOWN = 25
TAKEN: Counter[str] = Counter()
TESTS: Counter[str] = Counter()


def of_children():
    """CPU seconds of all processes below this one, those that have ended included."""
    ticks, todo, own = 0, [os.getpid()], os.getpid()
    while todo:
        pid = todo.pop()
        try:
            user, system, ended_user, ended_system = map(
                int, Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:15]
            )
            ticks += ended_user + ended_system + (0 if pid == own else user + system)
            for thread in Path(f"/proc/{pid}/task").iterdir():
                todo += map(int, (thread / "children").read_text().split())
        except OSError:  # it has ended meanwhile
            continue
    return ticks / TICK


def seconds():
    return time.process_time() + of_children()


STARTED = pytest.StashKey[float]()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    item.stash[STARTED] = seconds()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if call.when == "teardown":  # xdist hands reports with their properties to the process that prints
        report.user_properties.append(("cpu_s", seconds() - item.stash.get(STARTED, seconds())))
    return report


def pytest_runtest_logreport(report):
    if report.when == "teardown":
        file = report.nodeid.partition("::")[0]
        TAKEN[file] += dict(report.user_properties).get("cpu_s", 0.0)
        TESTS[file] += 1


def pytest_terminal_summary(terminalreporter):
    terminalreporter.section("CPU seconds by file")
    for file, taken in TAKEN.most_common(SHOWN):
        terminalreporter.write_line(f"{taken:8.1f} {TESTS[file]:5} tests  {file}")
    terminalreporter.write_line(f"{TAKEN.total():8.1f} {TESTS.total():5} tests in all")

"""The lines that the whole-model cases leave are printed last, below pytest-benchmark's table."""

from __future__ import annotations

import pytest

LINES = pytest.StashKey[list[str]]()


def pytest_configure(config):
    config.stash[LINES] = []


@pytest.fixture
def closing_line(pytestconfig):
    """Takes a line to be printed when all is done."""
    return pytestconfig.stash[LINES].append


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter, config):
    for line in config.stash[LINES]:
        terminalreporter.write_line(line)

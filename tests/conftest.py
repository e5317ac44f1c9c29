"""Drawn examples are the same on every run, so that a test that passes here passes there.

Hypothesis also draws constants from the source of whatever modules of ours are loaded, so that examples would depend on which
tests ran before. It has no setting for that: no module counts as ours.

``HYPOTHESIS_PROFILE=explore`` draws others each time: look for trouble with it, and keep what it finds as an example.

A shell that starts a command in the background has it ignore SIGINT, and so do all processes that the command starts. The tests
send SIGINT, so it is taken back here: they pass in the background as in a terminal.

A test that is marked ``few(n)`` runs n of its cases in the quick half, spread over all of them, and the others in the long half.
"""

from __future__ import annotations

import os
import signal
from collections import defaultdict

import pytest
from hypothesis import settings
from hypothesis.internal.conjecture import providers

settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("explore", deadline=None)
profile = os.environ.get("HYPOTHESIS_PROFILE", "repeatable")
settings.load_profile(profile)
if profile == "repeatable":
    providers.is_local_module_file = lambda path: False

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Mark as slow the cases that ``few`` leaves to the long half."""
    cases = defaultdict(list)
    for item in items:
        few = item.get_closest_marker("few")
        if few and not any(item.get_closest_marker(name) for name in ("slow", "coverage", "cluster")):
            cases[item.path, item.originalname, *few.args].append(item)
    for (*_, number), all_of_it in cases.items():
        last = len(all_of_it) - 1
        quick = {round(last * place / max(number - 1, 1)) for place in range(number)}
        for place, item in enumerate(all_of_it):
            if place not in quick:
                item.add_marker(pytest.mark.slow)

"""Drawn examples are the same on every run, so that a test that passes here passes there.

Hypothesis also draws constants from the source of whatever modules of ours are loaded, so that examples would depend on which
tests ran before. It has no setting for that: no module counts as ours.

``HYPOTHESIS_PROFILE=explore`` draws others each time: look for trouble with it, and keep what it finds as an example.

A shell that starts a command in the background has it ignore SIGINT, and so do all processes that the command starts. The tests
send SIGINT, so it is taken back here: they pass in the background as in a terminal.
"""

from __future__ import annotations

import os
import signal

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

"""Drawn examples are the same on every run, so that a test that passes here passes there.

``HYPOTHESIS_PROFILE=explore`` draws others each time: look for trouble with it, and keep what it finds as an example.
"""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("explore", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

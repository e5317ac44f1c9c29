"""Examples that Hypothesis draws depend on the test alone, and not on what was loaded before it."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

ROOT = Path(__file__).parents[1]


def drawn():
    seen = []

    @settings(max_examples=200, database=None)
    @given(st.lists(st.floats(allow_nan=False)), st.integers(), st.text())
    def note(numbers, whole, text):
        seen.append(repr((numbers, whole, text)))

    note()
    return seen


@pytest.mark.slow
@pytest.mark.skipif(not settings.default.derandomize, reason="other examples are asked for")
def test_modules_that_are_loaded_change_no_example(monkeypatch):
    first = drawn()
    assert len(set(first)) > 100
    for number, file in enumerate([*ROOT.glob("benchmarks/*.py"), *ROOT.glob("experiments/*/*.py")]):
        module = ModuleType(f"loaded_{number}")
        module.__file__ = str(file)
        monkeypatch.setitem(sys.modules, module.__name__, module)
    assert drawn() == first

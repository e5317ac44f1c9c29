"""The table of docs/benchmark.md is that of the result file that ships, and the trained policy is the file beside it."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

from jointbid.strategies.fingerprint import fingerprint
from jointbid.strategies.registry import BUILT_IN

ROOT = Path(__file__).parents[2]


def tool():
    spec = importlib.util.spec_from_file_location("benchmark_page", ROOT / "tools" / "benchmark_page.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_table_is_that_of_the_result_file():
    made = tool()
    page = made.PAGE.read_text("utf-8")
    assert made.written(page) == page, "run python -m tools.benchmark_page, and read the difference"


def test_all_built_in_strategies_and_a_trained_one_are_ranked(monkeypatch):
    monkeypatch.chdir(ROOT)
    strategies = json.loads(tool().RESULT.read_text("utf-8"))["strategies"]
    trained = strategies.pop("trained(path=docs/trained_v1.npz)")
    assert set(strategies) == set(BUILT_IN)
    assert trained["address"] == fingerprint("trained", {"path": "docs/trained_v1.npz"})

"""The path of an override from the command line to the engine, by the call stacks of a run: modules, and changes of form."""

from __future__ import annotations

import os
import sys
from types import FrameType
from typing import Any

from jointbid.experiments.cells.cell import ROOT
from jointbid.experiments.cli.main import main

MOST_MODULES, MOST_CHANGES = 12, 4
WAYPOINTS = {
    "experiments/cli/parser.py": {"parse"},
    "experiments/config/overrides.py": {"parse", "_choices"},
    "experiments/config/composition.py": {"tree"},
    "experiments/config/patch.py": {"patch"},
    "experiments/config/validation.py": {"validate"},
    "sim/simulation.py": {"simulate"},
}
"""Functions in which an override takes another form, and the one that opens the engine."""
NAMES = frozenset().union(*WAYPOINTS.values())
FORMS = {"texts": "text", "override": "Override", "choices": "Choice", "tree": "dict", "settings": "Settings", "scenario": "Settings"}  # fmt: skip
"""Names of variables that hold it, with its form: the market is a part of the settings."""
BESIDE = {"experiments/execution/trial.py", "experiments/studies/inert.py"}
"""Before the run the strategy is tried on a few requests, and after it each override is left out once: not on the way of the run itself."""


def test_an_override_reaches_the_engine_through_few_modules_and_forms(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    stacks: list[list[str]] = []
    forms: dict[str, None] = {}

    def watch(frame: FrameType, event: str, _: Any) -> None:
        if event != "call" or frame.f_code.co_name not in NAMES:
            return
        if frame.f_code.co_name in WAYPOINTS.get(module_of(frame), ()):
            stacks.append(stack_of(frame))
            forms.update(dict.fromkeys(FORMS[name] for name in frame.f_code.co_varnames[:2] if name in FORMS))

    words = ["run", "auction.floor_cpm=20", "supply.requests=100", "plot.enabled=false"]
    sys.setprofile(watch)
    try:
        code = main(words)
    finally:
        sys.setprofile(None)
    assert code == 0
    way = list(dict.fromkeys(module for stack in stacks if not BESIDE & {*stack} for module in stack))
    assert {*WAYPOINTS, "experiments/cli/main.py"} <= set(way)
    assert len(way) <= MOST_MODULES, way
    assert list(forms) == ["text", "Override", "Choice", "dict", "Settings"]
    assert len(forms) <= MOST_CHANGES + 1


def stack_of(frame: FrameType | None) -> list[str]:
    """The modules of jointbid on the stack, the outermost first."""
    found = []
    while frame is not None:
        found.append(module_of(frame))
        frame = frame.f_back
    return [module for module in reversed(found) if module]


def module_of(frame: FrameType) -> str:
    """The file of a frame within the package; empty for files of others."""
    _, _, inside = frame.f_code.co_filename.partition(f"{ROOT}{os.sep}")
    return inside.replace(os.sep, "/")

"""The manifest of a folder: where its numbers come from."""

from __future__ import annotations

import platform
import time
from typing import Any

from ..cells.cell import code_version
from ..cells.versions import version
from ..config.points import Point
from ..execution.pool import cores
from ..report.remote_bidders import reproducibility
from ..storage.cell_results import StudyState

PACKAGES = (
    "jointbid",
    "simpy",
    "numpy",
    "numba",
    "pandas",
    "pyarrow",
    "scipy",
    "scikit-learn",
    "hydra-core",
    "pydantic",
)
"""Packages whose versions every manifest states."""


def manifest(point: Point, started: float, state: StudyState) -> dict[str, Any]:
    """Where the numbers come from: versions, seed, command, time and work."""
    wall = time.time() - started
    return {
        "study": point.verb,
        "scenario": point.settings.scenario.name,
        "hash": point.folder.name[-12:],
        "code": code_version(),
        "command": point.command,
        "seed": point.settings.seed,
        "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(started)),
        "wall_seconds": round(wall, 3),
        "auctions": state.auctions,
        "auctions_per_second": round(state.auctions / max(wall, 1e-9)),
        "cells_run": state.ran,
        "cells_kept": state.kept,
        "cores": cores(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "versions": {name: version(name) for name in PACKAGES} | _plugin_version(point),
        **_strategy_files(point),
        **reproducibility(point.settings),
    }


def _strategy_files(point: Point) -> dict[str, dict[str, str]]:
    """Return the content's digest of each strategy that is a file, under one key; nothing where none is."""
    from jointbid.strategies.fingerprint import fingerprint
    from jointbid.strategies.strategy_files import names_a_file

    specs = [
        point.settings.scenario.bidders.strategy,
        *(getattr(point.settings.study, "strategies", None) or ()),
    ]
    found = {spec.name: fingerprint(spec.name, spec.params) for spec in specs if names_a_file(spec.name)}
    return {"strategy_files": found} if found else {}


def _plugin_version(point: Point) -> dict[str, str]:
    """Of the package that brings the strategy; nothing where it is built in."""
    from jointbid.strategies.plugins import plugins

    entry = plugins().get(point.settings.scenario.bidders.strategy.name)
    return {entry.dist.name: entry.dist.version} if entry and entry.dist else {}

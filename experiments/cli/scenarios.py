"""`jointbid scenarios`: what ships or comes with plugins, and the question that each scenario answers."""

from __future__ import annotations

import sys
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from ..config.plugin_folders import folders
from ..config.studies import SUITES
from ..errors import BadInput, closest
from .output import put
from .parser import Options


def main(options: Options) -> int:
    """List the scenarios, or show one of them."""
    return _list() if options.action == "list" else _show(options.one("NAME"))


def shipped() -> dict[str, str]:
    """Return the text of each shipped scenario file by name."""
    folder = resources.files("jointbid.conf") / "scenario"
    files = sorted(
        (item for item in folder.iterdir() if item.name.endswith(".yaml")), key=lambda item: item.name
    )
    return {item.name.removesuffix(".yaml"): item.read_text("utf-8") for item in files}


def _suites() -> dict[str, str]:
    """Return the text of each market of the benchmark, by its suite and name: ``v1/crowd``."""
    folder = resources.files("jointbid.conf") / "scenario"
    files = [
        (f"{suite}/{item.name.removesuffix('.yaml')}", item)
        for suite in SUITES
        for item in (folder / suite).iterdir()
        if item.name.endswith(".yaml") and item.name != "suite.yaml"
    ]
    return {name: item.read_text("utf-8") for name, item in sorted(files, key=lambda file: file[0])}


def installed() -> dict[str, str]:
    """Return the shipped scenarios, the markets of the benchmark, then those of plugins under other names."""
    found = shipped() | _suites()
    for folder in folders():
        for file in sorted((Path(folder.removeprefix("file://")) / "scenario").glob("*.yaml")):
            found.setdefault(file.stem, file.read_text("utf-8", errors="replace"))
    return found


def _list() -> int:
    known = installed()
    width = max(map(len, known))
    for name, text in known.items():
        try:
            about: Any = yaml.safe_load(text).get("scenario") or {}
            question = about.get("question", "")
        except (yaml.YAMLError, AttributeError):
            question = "(the file cannot be read)"
        put(f"{name:{width}}  {' '.join(str(question).split())}")
    return 0


def _show(name: str) -> int:
    known = installed()
    if name not in known:
        raise BadInput(f"scenario {name}: must be one of {', '.join(known)}{closest(name, known)}")
    sys.stdout.write(known[name])
    sys.stdout.write(f"\n# All keys with their values: jointbid value scenario={name} --cfg job\n")
    return 0

"""A fingerprint of all that determines a strategy's numbers besides its parameters: its files, and those that parameters name."""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.util
import site
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

from .plugins import origin, plugins

COMPILED = {"__pycache__"}
OWN = Path(__file__).parents[1]
"""This package: the address of a cell covers its code by itself."""


def fingerprint(name: str, params: Mapping[str, Any]) -> str:
    """Return hex digits of everything outside this package that determines a strategy; empty where nothing does.

    They cover all files of a plugin's distribution (data included), the modules that it imports from outside site-packages,
    and the content of each file or folder that a parameter names, relative to the current folder.

    Args:
        name: the strategy's name in the registry.
        params: its parameters, as in the configuration.
    """
    entry = _entry(name)
    parts = [f"{origin(entry)} {entry.value}"] if entry else []
    files = {*(_plugin_files(entry) if entry else ()), *_named_files(params)}
    parts += [f"{file} {_content(file, *_stamp(file))}" for file in sorted(files)]
    return hashlib.blake2b("\n".join(parts).encode(), digest_size=10).hexdigest() if parts else ""


@functools.cache
def _entry(name: str) -> EntryPoint | None:
    """Return the plugin of a name; reading the installation takes milliseconds, and each cell needs it."""
    return plugins().get(name)


def _named_files(value: object) -> Iterator[Path]:
    """Yield the files that texts anywhere in a parameter name, and those in the folders that they name."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, str):
        try:
            path = Path(value).expanduser()
            yield from _files(path) if value and path.exists() else ()
        except (OSError, RuntimeError, ValueError):  # a text that can be no path
            return
    elif isinstance(value, Iterable) and not isinstance(value, bytes):
        for item in value:
            yield from _named_files(item)


@functools.cache
def _plugin_files(entry: EntryPoint) -> frozenset[Path]:
    """Return the files of the plugin's distribution and package, and of the modules of a project that it imports."""
    files = {Path(str(file.locate())) for file in (entry.dist.files or ())} if entry.dist else set()
    todo, seen = [entry.module.partition(".")[0]], set()
    while todo:
        module = todo.pop()
        seen.add(module)
        own = {file for place in _places(module) for file in _files(place)}
        files |= own
        todo += [
            name
            for name in {top for file in own if file.suffix == ".py" for top in _imported(file)} - seen
            if name not in sys.stdlib_module_names and any(map(_is_a_projects, _places(name)))
        ]
    return frozenset(file for file in files if file.is_file() and COMPILED.isdisjoint(file.parts))


def _imported(file: Path) -> Iterator[str]:
    """Yield the top-level names that a source file imports, wherever the statement stands."""
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


@functools.cache
def _places(package: str) -> tuple[Path, ...]:
    """Return the folders of a package, or the file of a module; nothing is imported."""
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError):
        return ()
    if spec is None:
        return ()
    if spec.submodule_search_locations is not None:
        return tuple(Path(folder) for folder in spec.submodule_search_locations)
    return (Path(spec.origin),) if spec.origin and spec.has_location else ()


def _is_a_projects(place: Path) -> bool:
    """Return whether a package or module belongs to a user's project: neither installed, nor Python's, nor ours."""
    paths = sysconfig.get_paths()
    installed = [
        *(paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")),
        *site.getsitepackages(),
    ]
    folders = [*map(Path, installed), Path(site.getusersitepackages()), OWN]
    return not any(place.is_relative_to(folder) for folder in folders)


def _files(place: Path) -> Iterator[Path]:
    """Yield a file, or all files below a folder that are not compiled from others."""
    if place.is_dir():
        yield from (file for file in place.rglob("*") if file.is_file() and COMPILED.isdisjoint(file.parts))
    else:
        yield place


def _stamp(file: Path) -> tuple[int, int]:
    about = file.stat()
    return about.st_mtime_ns, about.st_size


@functools.cache
def _content(file: Path, mtime_ns: int, size: int) -> str:  # noqa: ARG001 - they say whether the file has changed
    """Return hex digits of a file's content; read again where its time or size has changed."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "blake2b").hexdigest()

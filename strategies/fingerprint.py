"""A fingerprint of all that determines a strategy's numbers besides its parameters: its files, and those that parameters name."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

from .plugins import origin, plugins
from .source_files import COMPILED, digest_of, files_below, own_files, with_imports
from .strategy_files import names_a_file, path_of, split


def fingerprint(name: str, params: Mapping[str, Any]) -> str:
    """Return hex digits of everything outside this package that determines a strategy; empty where nothing does.

    They cover all files of a plugin's distribution (data included), the modules that it imports from outside site-packages,
    and the content of each file or folder that a parameter names, relative to the current folder. Of ``FILE.py:CLASS`` they cover
    the file and the modules beside it that it imports, wherever the folder lies.

    Args:
        name: the strategy's name in the registry.
        params: its parameters, as in the configuration.
    """
    entry = None if names_a_file(name) else _entry(name)
    parts = [f"{origin(entry)} {entry.value}"] if entry else []
    if names_a_file(name):
        path = path_of(name)
        own = sorted(own_files(path))
        parts += [split(name)[1], *(f"{_beside(path, file)} {digest_of(file)}" for file in own)]
    files = {*(_plugin_files(entry) if entry else ()), *_named_files(params)}
    parts += [f"{file} {digest_of(file)}" for file in sorted(files)]
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
            yield from files_below(path) if value and path.exists() else ()
        except (OSError, RuntimeError, ValueError):  # a text that can be no path
            return
    elif isinstance(value, Iterable) and not isinstance(value, bytes):
        for item in value:
            yield from _named_files(item)


@functools.cache
def _plugin_files(entry: EntryPoint) -> frozenset[Path]:
    """Return the files of the plugin's distribution and package, and of the modules of a project that it imports."""
    files = {Path(str(file.locate())) for file in (entry.dist.files or ())} if entry.dist else set()
    files |= with_imports({entry.module.partition(".")[0]})
    return frozenset(file for file in files if file.is_file() and COMPILED.isdisjoint(file.parts))


def _beside(path: Path, file: Path) -> str:
    """Return a file's path as seen from the folder of a strategy's file, where it lies below that."""
    return str(file.relative_to(path.parent)) if file.is_relative_to(path.parent) else str(file)

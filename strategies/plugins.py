"""Strategies of installed packages: entry points of the group ``jointbid.strategies``, each read when it is used."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from importlib.metadata import Distribution, EntryPoint, PackageNotFoundError, distribution, entry_points

from jointbid.sim import Strategy

GROUP = "jointbid.strategies"
REQUIRES = re.compile(r"^jointbid\b(?!-)\s*(?:\[[^]]*\])?\s*\(?([^;)]*)", re.IGNORECASE)


class PluginError(Exception):
    """An entry point that cannot be loaded; the message names the package, what happened, and the versions in question."""


def entries() -> dict[str, list[EntryPoint]]:
    """Return the entry points by name, several where packages share a name; nothing of them is imported."""
    found: dict[str, list[EntryPoint]] = {}
    for entry in sorted(
        entry_points(group=GROUP), key=lambda entry: (entry.name, origin(entry), entry.value)
    ):
        found.setdefault(entry.name, []).append(entry)
    return found


def plugins() -> dict[str, EntryPoint]:
    """Return the entry points that can be used by name: those whose name no other package has."""
    return {name: found[0] for name, found in entries().items() if len(found) == 1}


def shared_name(name: str, found: list[EntryPoint]) -> str:
    """Return what is wrong with a name that several packages have, and what to do."""
    who = " and ".join(f"{origin(entry)} ({entry.value})" for entry in found)
    return f"strategy {name!r} is ambiguous: {who} bring one of that name; uninstall all but one, or name the file, FILE.py:CLASS"


def load(entry: EntryPoint) -> Callable[..., Strategy]:
    """Return the strategy's class, or the function that makes one. Raises ``PluginError`` for any error in the package."""
    try:
        maker: Callable[..., Strategy] = entry.load()
    except Exception as error:
        raise PluginError(
            f"cannot be loaded: {type(error).__name__}: {error}{_versions(entry.dist)}"
        ) from error
    if not callable(maker):
        raise PluginError(f"cannot be loaded: {entry.value} is no class or function but {maker!r:.60}")
    return maker


def origin(entry: EntryPoint) -> str:
    """Return the package that brings it, with its version."""
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist else entry.value


def missing(name: str) -> str:
    """Return why a name may be unknown: no package brings it, or the package has it under another name."""
    try:
        found = distribution(name)
    except (PackageNotFoundError, ValueError):
        return f"; if a package brings it, that is not installed for {sys.executable}"
    own = [entry.name for entry in found.entry_points if entry.group == GROUP]
    brings = f"brings {', '.join(own)}" if own else f"has no entry point in the group {GROUP}"
    return f"; the package {found.name} {found.version} is installed, but {brings}"


def _versions(dist: Distribution | None) -> str:
    """Return which jointbid the package requires, and which one this is; empty where it requires none."""
    required = (
        next((m[1].strip() for line in (dist.requires or []) if (m := REQUIRES.match(line))), "")
        if dist
        else ""
    )
    if not required:
        return ""
    try:
        return f" (it asks for jointbid {required}, and this is {distribution('jointbid').version})"
    except PackageNotFoundError:
        return f" (it asks for jointbid {required})"

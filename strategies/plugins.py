"""Strategies of installed packages: entry points of the group ``jointbid.strategies``, each read when it is asked for."""

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


def plugins() -> dict[str, EntryPoint]:
    """The entry points by name; nothing of them is imported."""
    return {entry.name: entry for entry in entry_points(group=GROUP)}


def load(entry: EntryPoint) -> Callable[..., Strategy]:
    """The strategy's class, or the function that makes one. Raises ``PluginError``, whatever the package does."""
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
    """The package that brings it, with its version."""
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist else entry.value


def missing(name: str) -> str:
    """Why a name that is like no other may be unknown: no package brings it, or the package has it under another name."""
    try:
        found = distribution(name)
    except (PackageNotFoundError, ValueError):
        return f"; if a package brings it, that is not installed for {sys.executable}"
    own = [entry.name for entry in found.entry_points if entry.group == GROUP]
    brings = f"brings {', '.join(own)}" if own else f"has no entry point in the group {GROUP}"
    return f"; the package {found.name} {found.version} is installed, but {brings}"


def _versions(dist: Distribution | None) -> str:
    """Which jointbid the package asks for, and which one this is; empty where it does not say."""
    asked = (
        next((m[1].strip() for line in (dist.requires or []) if (m := REQUIRES.match(line))), "")
        if dist
        else ""
    )
    if not asked:
        return ""
    try:
        return f" (it asks for jointbid {asked}, and this is {distribution('jointbid').version})"
    except PackageNotFoundError:
        return f" (it asks for jointbid {asked})"

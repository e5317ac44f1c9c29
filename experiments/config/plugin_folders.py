"""Configuration folders of installed packages: entry points of the group ``jointbid.configs``, each a package's folder."""

from __future__ import annotations

import functools
import importlib.util
import sys
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

GROUP = "jointbid.configs"


@functools.cache
def folders() -> tuple[str, ...]:
    """Return the folders of packages that Hydra searches; a broken one is left out with a warning."""
    found = []
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        try:
            found.append(f"file://{_folder(entry)}")
        except Exception as error:  # noqa: BLE001 - a package may raise anything, and the others go on
            owner = f" of {entry.dist.name} {entry.dist.version}" if entry.dist else ""
            sys.stderr.write(
                f"jointbid: warning: the configs {entry.name!r}{owner} are left out: {type(error).__name__}: {error}\n"
            )
    return tuple(found)


def _folder(entry: EntryPoint) -> Path:
    spec = importlib.util.find_spec(entry.value)
    places = list(spec.submodule_search_locations or ()) if spec else []
    if not places or not Path(places[0]).is_dir():
        raise FileNotFoundError(f"{entry.value} is no folder of a package")
    return Path(places[0]).resolve()

"""Paths as people write them, and the folders of the current user."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path


def expand(path: str | Path) -> Path:
    """Return the path with a leading ``~`` or ``~name`` replaced by that user's home folder.

    Every path of a config, a command line or a Python call is read by this function, once. Variables (``$HOME``) are left
    to the shell and to Hydra (``${oc.env:HOME}``).

    Raises:
        ValueError: the home folder is not known.
    """
    written = Path(path)
    if not str(written).startswith("~"):
        return written
    if written.parts[0] == "~":
        own = home()
        if own is None:
            raise ValueError(f"{path}: the home folder of this user is not known; give the path in full")
        return own.joinpath(*written.parts[1:])
    try:
        return written.expanduser()
    except RuntimeError:
        return written  # no such user: `~draft` may be the name of a folder


def home() -> Path | None:
    """Return the user's home folder; None where neither the environment nor the user database names one."""
    if os.environ.get("HOME") == "":  # expanduser would make it the root folder
        return None
    try:
        found = Path.home()
    except (RuntimeError, KeyError):
        return None
    return found if found.is_absolute() else None


def cache_places() -> Iterator[Path]:
    """Yield folders that may hold caches of this user, the preferred one first.

    These are ``JOINTBID_CACHE_DIR``, else ``XDG_CACHE_HOME`` (ignored where it is relative, as its standard asks), else
    ``~/.cache``; and one of this user's own in the temporary folder.
    """
    own, standard = os.environ.get("JOINTBID_CACHE_DIR"), os.environ.get("XDG_CACHE_HOME")
    folder = home()
    with suppress(OSError, ValueError):  # a working directory that is gone; `~` without a home
        if own:
            yield expand(own).absolute()
        elif standard and Path(standard).is_absolute():
            yield Path(standard)
        elif folder is not None:
            yield folder / ".cache"
    with suppress(OSError):  # no temporary folder can be written to
        number = f"-{os.getuid()}" if hasattr(os, "getuid") else ""
        yield Path(tempfile.gettempdir()).absolute() / f"cache{number}"

"""How messages name a strategy: what it is called, where its class is written, and where in it an error arose."""

from __future__ import annotations

import functools
import inspect
import os
from pathlib import Path
from types import FrameType, TracebackType

import numpy as np

ROOT = Path(__file__).parents[1]
NOT_THE_AUTHORS = (*(ROOT / room for room in ("sim", "strategies", "experiments")), Path(np.__file__).parent)
STANDARD = Path(inspect.__file__).parent
PARTS = ("policy", "valuation")
"""Attributes of a strategy that is made of two parts."""


def identified(strategy: object, name: str | None = None) -> str:
    """Return ``strategy 'mine' (mine.py:12)``; ``name`` is what the configuration calls it, else that of its class.

    Of a strategy made of a valuation and a policy it is the part that does not ship with this package, or the policy.
    """
    parts = [part for key in PARTS if (part := getattr(strategy, key, None)) is not None]
    return _described(tuple(map(type, (*parts, strategy))), name, _folder())


@functools.lru_cache(maxsize=256)
def _described(kinds: tuple[type, ...], name: str | None, folder: str | None) -> str:  # noqa: ARG001 - places are shown as seen from it
    """Return the same by the classes of the parts and of the strategy, as seen from a folder."""
    kind = next((part for part in kinds[:-1] if _is_the_authors(part)), kinds[0])
    place = _place_of_class(kind)
    return f"strategy {name or kind.__qualname__!r}" + (f" ({place})" if place else "")


def _folder() -> str | None:
    """Return the working directory; None where it has been deleted."""
    try:
        return os.getcwd()  # noqa: PTH109 - it is asked for in each run
    except OSError:
        return None


def place_of_error(error: BaseException) -> str:
    """Return file, line and function of the innermost call in the author's own code; empty without one."""
    trace: TracebackType | None = error.__traceback__
    found = ""
    while trace is not None:
        if _is_own(trace.tb_frame.f_code.co_filename):
            found = _place(trace.tb_frame, trace.tb_lineno)
        trace = trace.tb_next
    return found


def place_of_frame(frame: FrameType | None) -> str:
    """Return file, line and function of the innermost call in the author's own code, from a thread's current frame."""
    while frame is not None:
        if _is_own(frame.f_code.co_filename):
            return _place(frame, frame.f_lineno)
        frame = frame.f_back
    return ""


def shown(file: str) -> str:
    """Return the file as seen from the working directory, where it is below that."""
    path = Path(file)
    try:
        return str(path.relative_to(Path.cwd()))
    except (ValueError, OSError):
        return file


def _place(frame: FrameType, line: int) -> str:
    return f"{shown(frame.f_code.co_filename)}:{line}, in {frame.f_code.co_name}"


def _place_of_class(kind: type) -> str:
    """Return file and line of a class; empty for one that was made without a file."""
    file, line = _lines_of_class(kind)
    return f"{shown(file)}:{line}" if file else ""


@functools.cache
def _lines_of_class(kind: type) -> tuple[str, int]:
    """Return file and line of a class, which Python finds by parsing the whole file."""
    try:
        return inspect.getfile(kind), inspect.getsourcelines(kind)[1]
    except (OSError, TypeError):
        return "", 0


def _is_the_authors(kind: type) -> bool:
    try:
        return _is_own(inspect.getfile(kind))
    except (OSError, TypeError):
        return kind.__module__ == "__main__"


@functools.cache
def _is_own(file: str) -> bool:
    if file == "<string>":  # what a dataclass makes
        return False
    path = Path(file)
    is_installed = {"site-packages", "dist-packages"} & set(path.parts)  # below the standard library's folder
    is_standard = path.is_relative_to(STANDARD) and not is_installed
    return not is_standard and not any(path.is_relative_to(folder) for folder in NOT_THE_AUTHORS)

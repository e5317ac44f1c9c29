"""Copies of strategies: each bidder of each run has its own."""

from __future__ import annotations

import copy
import re
import sys
from collections.abc import Iterator, Mapping
from typing import TypeVar

from .visible import TrialError

DEPTH = 8
"""Attributes within attributes that are searched for what cannot be copied."""

OF_A_PART = re.compile(r"^self\.(policy|valuation)\.")
"""The author of a policy knows nothing of the valuation before it."""

Copied = TypeVar("Copied")


def copied(strategy: Copied, who: str) -> Copied:
    """Return a deep copy.

    Raises:
        TrialError: it cannot be copied; the message names the attribute that stands in the way.
    """
    try:
        return copy.deepcopy(strategy)
    except Exception as error:
        path, thing = _culprit("self", strategy, DEPTH)
        path, kind = OF_A_PART.sub("self.", path), type(thing)
        module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
        raise TrialError(
            f"{who}: {'it' if path == 'self' else f'attribute {path}'} is a {module}{kind.__qualname__} and cannot be copied ({type(error).__name__}: {error}); each bidder of each run works on a copy of its own: keep "
            "it out of the instance, make it where it is used, or define __deepcopy__"
        ) from error


def _culprit(path: str, thing: object, depth: int) -> tuple[str, object]:
    """Return the path to the innermost part that cannot be copied, and that part."""
    if depth and not _is_of_the_standard_library(thing):
        for step, part in _parts(thing):
            try:
                copy.deepcopy(part)
            except Exception:  # noqa: BLE001 - an own __deepcopy__ may raise anything
                return _culprit(f"{path}{step}", part, depth - 1)
    return path, thing


def _parts(thing: object) -> Iterator[tuple[str, object]]:
    if isinstance(thing, Mapping):
        yield from ((f"[{key!r}]", part) for key, part in thing.items())
    elif isinstance(thing, list | tuple | set | frozenset):
        yield from ((f"[{number}]", part) for number, part in enumerate(thing))
    slots = [name for kind in type(thing).__mro__ for name in getattr(kind, "__slots__", ())]
    own = {name: getattr(thing, name) for name in slots if hasattr(thing, name)} | getattr(
        thing, "__dict__", {}
    )
    yield from ((f".{name}", part) for name, part in own.items())


def _is_of_the_standard_library(thing: object) -> bool:
    """Whether its attributes are no concern of an author; containers are looked into."""
    own = isinstance(thing, Mapping | list | tuple | set | frozenset)
    return not own and type(thing).__module__.partition(".")[0] in sys.stdlib_module_names - {"__main__"}

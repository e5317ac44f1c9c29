"""The same settings with other values at some keys: how curves, sensitivities and drawn worlds change a market."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..errors import BadInput, closest
from .messages import is_known, known_keys
from .overrides import SYNONYMS
from .points import validate
from .settings import Settings
from .studies import STUDIES

Changes = Mapping[str, Any]
"""Key of the command line -> its value."""


def varied(settings: Settings[Any], changes: Changes, *, place: str) -> Settings[Any]:
    """The settings with these keys changed, the later ones last, and validated as if they had been given.

    Args:
        settings: where it starts from.
        changes: dotted keys, as on the command line; a number at the end is a place in a list of numbers, from 0.
        place: who asks, for errors: a place in the configuration.

    Raises:
        BadInput: keys that there are none of, or values that are not allowed; each line begins with the place.
    """
    verb = next(verb for verb, entry in STUDIES.items() if type(settings.study) is entry.model)
    known = known_keys(type(settings))
    tree = settings.tree()
    for key, value in changes.items():
        path = SYNONYMS.get(key, key)
        if (
            not is_known(path, known)
            and not _is_item(path, tree)
            and not path.startswith("bidders.strategy.")
        ):
            raise BadInput(f"{place}: no such key {key}{closest(key, known)}")
        _put(tree, path.split("."), _plain(value))
    try:
        return validate(verb, tree)
    except BadInput as error:
        raise BadInput([f"{place}: {problem}" for problem in error.problems]) from None


def fewer(settings: Settings[Any], requests: int) -> dict[str, int]:
    """The change to so many bid requests, where there are more."""
    now = settings.scenario.supply.requests
    return {"supply.requests": min(requests, now or requests)}


def as_overrides(changes: Changes) -> str:
    """The changes as they would be given on the command line, with blanks only between them."""
    return " ".join(f"{key}={_text(value)}" for key, value in changes.items())


def _put(tree: dict[str, Any], path: list[str], value: Any) -> None:
    *parents, last = path
    for step in parents[:-1] if last.isdigit() else parents:
        if not isinstance(tree.get(step), dict):
            tree[step] = {}
        tree = tree[step]
    if last.isdigit():
        tree[parents[-1]][int(last)] = value
    else:
        tree[last] = value


def _is_item(path: str, tree: Any) -> bool:
    """Whether a list of numbers has that place."""
    *parents, last = path.split(".")
    for step in parents:
        tree = tree.get(step) if isinstance(tree, dict) else None
    return last.isdigit() and isinstance(tree, list) and int(last) < len(tree)


def _plain(value: Any) -> Any:
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}" if float(f"{value:g}") == value else repr(value)
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))

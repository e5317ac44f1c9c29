"""The same settings with other values at some keys: how curves, sensitivities and drawn worlds change a market."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..errors import BadInput
from .keys import is_known, known_keys, nearest
from .patch import SYNONYMS, has, patch
from .settings import OwnSettings, Settings
from .studies import STUDIES
from .validation import validate

Changes = Mapping[str, Any]
"""Key of the command line -> its value."""


def varied(settings: Settings[OwnSettings], changes: Changes, *, place: str) -> Settings[OwnSettings]:
    """The settings with these keys changed, the later ones last, and validated as if they had been given.

    Args:
        settings: the settings to start from.
        changes: dotted keys, as on the command line; a number at the end is a place in a list, from 0.
        place: the place in the configuration that names the changes, for errors.

    Raises:
        BadInput: unknown keys, or values that are not allowed; each line begins with the place.
    """
    verb = next(verb for verb, entry in STUDIES.items() if type(settings.study) is entry.model)
    known = known_keys(type(settings))
    tree = settings.tree()
    for key, value in changes.items():
        path = SYNONYMS.get(key, key)
        is_item = path.rpartition(".")[2].isdigit() and has(tree, path)
        if not (is_known(path, known) or is_item):
            raise BadInput(f"{place}: no such key {key}{nearest(key, known)}")
        tree = patch(tree, path, value)
    try:
        return validate(verb, tree).of(type(settings.study))
    except BadInput as error:
        raise BadInput([f"{place}: {problem}" for problem in error.problems]) from None


def fewer(settings: Settings, requests: int) -> dict[str, int]:
    """Return the change that reduces the market to at most this number of bid requests."""
    now = settings.scenario.supply.requests
    return {"supply.requests": min(requests, now or requests)}


def as_overrides(changes: Changes) -> str:
    """The changes as they would be given on the command line, with blanks only between them."""
    return " ".join(f"{key}={_text(value)}" for key, value in changes.items())


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}" if float(f"{value:g}") == value else repr(value)
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))

"""Configurations as flat keys, and what sets one apart from another."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import Any

from ...config.points import NOT_IN_HASH, load
from ...config.text import as_yaml
from ...errors import BadInput

ABSENT = "–"


def flat(config: Mapping[str, Any]) -> dict[str, str]:
    """Keys joined by dots, as they stand on the command line, with their values as text."""
    return dict(_flat(config, ""))


def differing(configs: list[dict[str, str]]) -> dict[str, list[str]]:
    """Keys whose values are not the same in all, with each one's value."""
    keys = list(dict.fromkeys(key for config in configs for key in config))
    found = {
        key: [config.get(key, ABSENT) for config in configs]
        for key in keys
        if key.partition(".")[0] not in NOT_IN_HASH
    }
    return {key: values for key, values in found.items() if len(set(values)) > 1}


@functools.lru_cache(maxsize=32)
def defaults(verb: str, scenario: str) -> dict[str, str]:
    """Return the default of each key; empty where the scenario does not ship with this installation."""
    try:
        return flat(load(verb, [f"scenario={scenario}"])[0].settings.tree())
    except (BadInput, KeyError):
        return {}


def _flat(value: Any, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from _flat(item, f"{place}.{key}" if place else str(key))
    else:
        yield place, as_yaml(value, _number)


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else str(value)

"""The one setter of configuration trees: for the command line, curves, drawn markets and tuning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .shape import Tree, plain

SYNONYMS = {"response.d": "response.interaction", "response.q": "response.redundancy"}
"""The literature's letters on the command line; YAML files use the full names."""

LAWS = {"answer_ms": "constant", "lookup_latency_ms": "exponential"}
"""Delays of which a bare number is the mean of this law, see `_spelt_out`."""

MAPS_OF_KEYS = ("study.upgrade",)
"""Maps from keys of the command line: what follows the map's own key is one of them, dots and all."""


def patch(tree: Mapping[str, Any], key: str, value: Any) -> Tree:
    """Return the tree with the value at a dotted key; what it does not touch is shared with the given tree.

    A value replaces what stood there, mappings too: ``creative={}`` leaves no creative. Parts that are missing on the way are
    made. A number among the steps is a place in a list that has it, from 0.
    """
    steps = steps_of(key)
    patched: Tree = _patched(tree, steps, _spelt_out(steps[-1], plain(value)))
    return patched


def steps_of(key: str) -> list[str]:
    """Return the steps from the root of a tree to a dotted key."""
    key = SYNONYMS.get(key, key)
    for place in MAPS_OF_KEYS:
        if key.startswith(f"{place}."):
            return [*place.split("."), key.removeprefix(f"{place}.")]
    return key.split(".")


def without(tree: Mapping[str, Any], steps: Sequence[str]) -> Tree:
    """Return the tree without what stands at these steps; the same tree where nothing does."""
    first, *rest = steps
    if first not in tree:
        return dict(tree)
    if not rest:
        return {key: item for key, item in tree.items() if key != first}
    inside = tree[first]
    return {**tree, first: without(inside, rest)} if isinstance(inside, Mapping) else dict(tree)


def has(tree: Any, key: str) -> bool:
    """Return whether the tree has a value at a dotted key, or at a place in a list."""
    for step in steps_of(key):
        if isinstance(tree, Mapping) and step in tree:
            tree = tree[step]
        elif isinstance(tree, list) and step.isdigit() and int(step) < len(tree):
            tree = tree[int(step)]
        else:
            return False
    return True


def _patched(node: Any, steps: Sequence[str], value: Any) -> Any:
    if not steps:
        return value
    first, *rest = steps
    if isinstance(node, list) and has(node, first):
        place = int(first)
        return [*node[:place], _patched(node[place], rest, value), *node[place + 1 :]]
    inside = node if isinstance(node, Mapping) else {}
    below = _spelt_out(first, inside.get(first)) if rest else None
    return {**inside, first: _patched(below, rest, value)}


def _spelt_out(step: str, value: Any) -> Any:
    """The name of a strategy, or a delay's bare number, as the mapping for which it stands: a further key can be set beside it."""
    if step == "strategy" and isinstance(value, str):
        return {"name": value}
    if step in LAWS and isinstance(value, int | float):
        return {"law": LAWS[step], "mean": value}
    return value

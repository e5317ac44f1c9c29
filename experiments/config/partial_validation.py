"""What can be told of a configuration some values of which are not allowed: everything that these have no part in.

Such a value is set aside, so that the rest can be read; whoever then looks for contradictions and asks for it is told no more.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import takewhile
from typing import Any

from pydantic import BaseModel, ValidationError

from jointbid.sim.scenario.base import PARTS_ALONE

from .messages import in_yaml, locate, render
from .settings import Settings

Check = Callable[[], Iterator[str]]
"""Looks for contradictions: a line for each."""
Path = tuple[str, ...]

ROUNDS = 8
"""What is set aside can leave a part without something that it needs, which is then set aside as well; seldom more than once."""


@dataclass(frozen=True)
class Reading:
    """What could be read of a configuration.

    Attributes:
        settings: each part by itself is as it must be; values that were set aside are absent. None where nothing is left.
        absent: the names of these values.
        problems: a line for each.
    """

    settings: Settings[Any] | None
    absent: frozenset[str]
    problems: list[str]

    def told(self, check: Check) -> Iterator[str]:
        """What a check finds, up to where it asks for a value that is absent."""
        try:
            yield from check()
        except AttributeError as error:
            if not str(error).endswith(tuple(f"object has no attribute {name!r}" for name in self.absent)):
                raise


def read(model: type[Settings[Any]], tree: Mapping[str, Any]) -> Reading:
    """Validate every part of a tree in the shape of ``model`` by itself."""
    mended, aside, problems = dict(tree), list[Path](), list[str]()
    for _ in range(ROUNDS):
        try:
            settings = model.model_validate(mended, context=PARTS_ALONE)
        except ValidationError as error:
            problems = problems or render(error, mended, model)
            further = list(_places(error, mended))
            if () in further:
                break
            mended = copy.deepcopy(mended)
            for path in further:
                _drop(mended, path)
            aside += further
        else:
            problems += _booleans(mended, settings.model_dump())
            return Reading(*_without(settings, aside), problems)
    return Reading(None, frozenset(), problems)


def _places(error: ValidationError, tree: Mapping[str, Any]) -> Iterator[Path]:
    """What must be set aside: the value, the list that it is in, or the part that lacks something."""
    for detail in error.errors(include_url=False):
        lacks = detail["type"] == "missing"
        steps, _ = locate(detail["loc"], tree, missing=lacks)
        yield tuple(takewhile(lambda step: isinstance(step, str), steps[:-1] if lacks else steps))  # type: ignore[arg-type]


def _drop(tree: Any, path: Path) -> None:
    *parents, last = path
    for step in parents:
        tree = tree.get(step) if isinstance(tree, dict) else None
    if isinstance(tree, dict):
        tree.pop(last, None)


def _without(settings: Settings[Any], paths: Collection[Path]) -> tuple[Settings[Any], frozenset[str]]:
    """A copy whose models lack these values, or what holds them, so that asking for one is an error; and their names."""
    if not paths:
        return settings, frozenset()
    own = settings.model_copy(deep=True)
    return own, frozenset(filter(None, [_blank(own, path) for path in paths]))


def _blank(settings: Settings[Any], path: Path) -> str | None:
    """Take a value out of the innermost model that has it, or has what it was in; for a key that is none, the one it is most like."""
    node: Any = settings
    held: tuple[BaseModel, str] | None = None
    for step in path:
        if isinstance(node, BaseModel):
            fields = list(type(node).model_fields)
            name = (
                step if step in fields else next(iter(get_close_matches(step, fields, n=1, cutoff=0.5)), None)
            )
            if name is None:
                return None
            held, node = (node, name), node.__dict__.get(name)
        elif isinstance(node, Mapping) and step in node:
            node = node[step]
        else:
            break
    if held is None:
        return None
    held[0].__dict__.pop(held[1], None)
    return held[1]


def _booleans(given: Any, read: Any, place: str = "") -> Iterator[str]:
    """Places where true or false was given and something else was read: pydantic takes them for 1 and 0."""
    if isinstance(given, Mapping) and isinstance(read, Mapping):
        for key in given.keys() & read.keys():
            yield from _booleans(given[key], read[key], f"{place}.{key}".lstrip("."))
    elif isinstance(given, bool) and not isinstance(read, bool):
        yield f"{in_yaml(place)}: must be a number or a name, not true or false"

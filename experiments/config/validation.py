"""From a tree in the shape of the YAML files to settings, in two passes: values first, then contradictions between them.

Contradictions are listed beside wrong values too, except those in which a wrong value has a part.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from itertools import takewhile
from typing import Any

from pydantic import BaseModel, ValidationError

from jointbid.sim.scenario.base import PARTS_ALONE

from ..errors import BadInput
from .checks import all_checks
from .messages import locate, render
from .patch import without
from .settings import Settings
from .shape import Tree, in_yaml, to_model
from .studies import STUDIES

Path = tuple[str, ...]


def validate(verb: str, tree: Mapping[str, Any]) -> Settings:
    """Return the settings of a tree in the shape of the YAML files.

    Raises:
        BadInput: a line for each wrong value and each contradiction.
    """
    study: Any = STUDIES[verb].model
    model = Settings[study]
    settings, wrong, problems = _read(model, to_model(tree, model.model_fields))
    if settings is not None:
        partial, absent = _without_values(settings, wrong)
        for check in all_checks(partial) if "scenario" in vars(partial) else ():
            problems += contradictions(check, absent)
    if problems or settings is None:
        raise BadInput(dict.fromkeys(problems))
    return settings


def _read(model: type[Settings], tree: Tree) -> tuple[Settings | None, list[Path], list[str]]:
    """Return settings without the wrong values of a tree, the places of these, and a line for each.

    Where a part lacks a value that it requires, the part is left out too. None where nothing is left.
    """
    try:
        settings = model.model_validate(tree, context=PARTS_ALONE)
    except ValidationError as error:
        problems, wrong = render(error, tree, model), list(_places(error, tree))
        if () in wrong:
            return None, wrong, problems
        for place in wrong:
            tree = without(tree, place)
        rest, further, _ = _read(model, tree)
        return rest, [*wrong, *further], problems
    return settings, [], list(_booleans(tree, settings.model_dump()))


def _places(error: ValidationError, tree: Tree) -> Iterator[Path]:
    """Yield the places of wrong values: of a list's item its list, of a missing or unknown key the part around it."""
    for detail in error.errors(include_url=False):
        is_missing = detail["type"] == "missing"
        steps, _ = locate(detail["loc"], tree, missing=is_missing)
        yield tuple(takewhile(lambda step: isinstance(step, str), steps[:-1] if is_missing else steps))  # type: ignore[arg-type]


def _booleans(given: Any, read: Any, place: str = "") -> Iterator[str]:
    """Yield a line for each true or false that was read as something else: pydantic takes them for 1 and 0."""
    if isinstance(given, Mapping) and isinstance(read, Mapping):
        for key in given.keys() & read.keys():
            yield from _booleans(given[key], read[key], f"{place}.{key}".lstrip("."))
    elif isinstance(given, list) and isinstance(read, list | tuple):
        for number, (one, other) in enumerate(zip(given, read, strict=False)):
            yield from _booleans(one, other, f"{place}.{number}")
    elif isinstance(given, bool) and not isinstance(read, bool):
        yield f"{in_yaml(place)}: must be a number or a name, not true or false"


def _without_values(settings: Settings, places: Collection[Path]) -> tuple[Settings, set[str]]:
    """Return a copy that lacks the fields at these places, so that a check that reads one stops; and their names."""
    copy, names = settings.model_copy(deep=True) if places else settings, set()
    for place in places:
        node: Any = copy
        innermost: tuple[BaseModel, str] | None = None
        for step in place:
            if isinstance(node, BaseModel) and step in type(node).model_fields:
                innermost, node = (node, step), node.__dict__.get(step)
            else:
                node = node.get(step) if isinstance(node, Mapping) else None
        if innermost is not None:
            innermost[0].__dict__.pop(innermost[1], None)
            names.add(innermost[1])
    return copy, names


def contradictions(check: Callable[[], Iterator[str]], absent: Collection[str]) -> Iterator[str]:
    """Yield what a check finds, until it reads a field that is absent."""
    try:
        yield from check()
    except AttributeError as error:
        if error.name not in absent:
            raise

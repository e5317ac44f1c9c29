"""Every key of the configuration, dotted, as the YAML files and the command line name it."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import Any, NamedTuple, get_args, get_origin

from pydantic import BaseModel

from .shape import in_yaml

ANY_NAME, ANY_ITEM, ANY_KEY = "<name>", "<item>", "<key>"
"""Stand in keys for a name that the configuration gives, the number of a list's item, and a key of any depth."""
ALIKE, ANY_ALIKE, LAST = 0.6, 0.5, 2.0
"""The ratio (``difflib``) from which on two steps are alike; what a step counts that stands for any name; the weight of the last."""
ENOUGH = 0.45
"""The likeness of two keys above which one is taken for a slip of the pen in the other."""
GAP = 0.01
"""What a step that is left out between two others counts: of two readings the one in one piece is taken."""
Steps = tuple[str, ...]


class Key(NamedTuple):
    """A key: its place, dotted, what it may hold, and the model and field that it is; no model where it is an item of a map or a list."""

    place: str
    kind: Any
    model: type[BaseModel] | None = None
    field: str = ""


@functools.cache
def known_keys(model: type[BaseModel], *, items: bool = False) -> tuple[str, ...]:
    """Return every key that may be given, dotted, parents too.

    Names and keys that the configuration gives are ``<name>`` and ``<key>``; with ``items`` the numbers of a list's items are ``<item>``.
    """
    places = [key.place for key in every_key(model) if items or ANY_ITEM not in key.place]
    return tuple(dict.fromkeys(places))


def list_keys(model: type[BaseModel]) -> list[str]:
    """Return the keys that take a list and nothing else, dotted."""
    return [
        key.place
        for key in every_key(model)
        if ANY_ITEM not in key.place and all(get_origin(part) is tuple for part in alternatives(key.kind))
    ]


def is_known(place: str, known: Sequence[str]) -> bool:
    """Whether a key is one of the known ones, which may stand for any name, item or further key."""
    return place in known or any(_as_in(place, key) == place for key in known)


def nearest(place: str, known: Sequence[str]) -> str:
    """Return ``; did you mean 'x'?`` for the known key whose steps are most like those of ``place``, else an empty string.

    Names and numbers of items stand in it as ``place`` has them.
    """
    own, best, found = tuple(place.split(".")), ENOUGH, ""
    for key in known:
        steps = tuple(key.split("."))
        alike, filled = _aligned(own, steps)
        share = 2 * alike / (len(own) + len(steps) + 2 * (LAST - 1))
        if share > best:
            best, found = share, ".".join(filled)
    return f"; did you mean {found!r}?" if found else ""


def _aligned(own: Steps, steps: Steps, *, is_inside: bool = False) -> tuple[float, Steps]:
    """Return how alike a word's steps are to those of a key, pair by pair and in order; and the key with the word's names."""
    if not steps:
        return 0.0, ()
    first, rest = steps[0], steps[1:]
    alike, filled = _aligned(own, rest, is_inside=is_inside)
    best = alike, (first, *filled)
    for number, given in enumerate(own):
        is_any = first in {ANY_NAME, ANY_ITEM, ANY_KEY}
        if one := ANY_ALIKE if is_any else _likeness(given, first):
            is_last = number == len(own) - 1 and not rest and not is_any
            alike, filled = _aligned(own[number + 1 :], rest, is_inside=True)
            alike += (LAST * one if is_last else one) - GAP * number * is_inside
            if alike >= best[0]:
                best = alike, (given if is_any else first, *filled)
    return best


@functools.cache
def _likeness(given: str, step: str) -> float:
    """Return how alike two steps are, from 0 to 1; 0 where they are hardly."""
    ratio = SequenceMatcher(a=step, b=given).ratio()
    return ratio**2 if ratio >= ALIKE else 0.0


def _as_in(place: str, key: str) -> str:
    """The known key with what ``place`` has where the key stands for any name, item or further key."""
    steps, own = key.split("."), place.split(".")
    for number, (step, given) in enumerate(zip(steps, own, strict=False)):
        if step == ANY_KEY:
            steps[number:] = own[number:]
        elif step == ANY_NAME or (step == ANY_ITEM and given.isdigit()):
            steps[number] = given
    return ".".join(steps)


def every_key(model: type[BaseModel], prefix: str = "") -> Iterator[Key]:
    """Yield each key below a model, parents first."""
    for name, field in model.model_fields.items():
        place, kind = prefix + name, field.annotation
        yield Key(in_yaml(place), kind, model, name)
        yield from _keys_within(place, kind)
    if model.model_config.get("extra") == "allow":
        yield Key(in_yaml(prefix + ANY_KEY), Any, model)


def _keys_within(place: str, kind: Any) -> Iterator[Key]:
    """Yield each key below a place of this annotation."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield from every_key(kind, f"{place}.")
    elif get_origin(kind) in {tuple, dict}:
        is_map, inner = get_origin(kind) is dict, get_args(kind)[-1]
        item = get_args(kind)[0] if not is_map else inner
        each = f"{place}.{ANY_KEY if inner is Any else ANY_NAME if is_map else ANY_ITEM}"
        if is_map or list(models_in(item)):
            yield Key(in_yaml(each), item)
        yield from _keys_within(each, item)
    else:
        for part in get_args(kind):
            yield from _keys_within(place, part)


def alternatives(annotation: Any) -> list[Any]:
    """Return what an annotation allows beside None."""
    parts = get_args(annotation) if type(None) in get_args(annotation) else (annotation,)
    return [part for part in parts if part is not type(None)]


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """Yield the models in an annotation."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from models_in(part)

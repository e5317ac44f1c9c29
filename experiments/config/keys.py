"""Every key of the configuration, dotted, as the YAML files and the command line name it."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher, get_close_matches
from typing import Any, NamedTuple, get_args, get_origin

from pydantic import BaseModel

from ..errors import closest
from .settings import ABOUT

ANY_NAME, ANY_ITEM, ANY_KEY = "<name>", "<item>", "<key>"
"""Stand in keys for a name that the configuration gives, the number of a list's item, and a key of any depth."""
ALIKE, BESIDE = 0.6, 0.65
"""Two words of at least this ratio (``difflib``) are taken for a slip of the pen; a key beside another is of the second."""


class Key(NamedTuple):
    """A key: its place, dotted, what it may hold, and the model and field that it is; no model where it is an item of a map or a list."""

    place: str
    kind: Any
    model: type[BaseModel] | None = None
    field: str = ""


def in_yaml(place: str) -> str:
    """``scenario.supply.requests`` -> ``supply.requests``: where a part of the scenario stands in the YAML files."""
    first, _, rest = place.partition(".")
    return rest if first == "scenario" and rest and rest.split(".")[0] not in ABOUT else place


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
    """What ``closest`` says: of the keys that ``place`` is the end of, of those beside it, of those with its last step, else of all like it."""
    if ends := [end for key in known if (end := _as_end(place, key))]:
        return closest(place, ends, cutoff=0.0)
    within, _, own = place.rpartition(".")
    beside = [key.rpartition(".")[2] for key in known if _as_in(place, key).rpartition(".")[0] == within]
    if near := get_close_matches(own, beside, n=1, cutoff=BESIDE):
        return closest(place, [f"{within}.{near[0]}".lstrip(".")], cutoff=0.0)
    last, steps = f".{place.rpartition('.')[2]}", place.count(".")
    same = [key for key in known if key.endswith(last)]
    if same := [key for key in same if key.count(".") == steps] or same:
        return closest(place, [_as_in(place, key) if _fits(place, key) else key for key in same], cutoff=0.0)
    return closest(place, [_as_in(place, key) for key in known if _fits(place, key)])


def _as_end(place: str, key: str) -> str:
    """The known key with ``place`` as its end, whose last step is no name; empty where it does not end so."""
    steps, own = key.split("."), place.split(".")
    first, end = steps[: -len(own)], steps[-len(own) :]
    fits = all(step in {given, ANY_NAME} for step, given in zip(end, own, strict=False))
    return ".".join([*first, *own]) if first and end[-1] == own[-1] and fits else ""


def _fits(place: str, key: str) -> bool:
    """Whether each step of a key is much like that of ``place``, or is a name or item that ``place`` may give; so is a key of no names."""
    if not {ANY_NAME, ANY_ITEM, ANY_KEY} & {*key.split(".")}:
        return True
    steps = zip(key.split("."), place.split("."), strict=False)
    return all(
        step in {ANY_NAME, ANY_ITEM, ANY_KEY} or SequenceMatcher(a=step, b=given).ratio() >= ALIKE
        for step, given in steps
    )


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

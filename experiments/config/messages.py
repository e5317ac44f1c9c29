"""What is wrong with a configuration, in one line a problem: place = value: what is allowed, and the closest match."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from jointbid.sim.scenario import FACTORS, Delay

from ..errors import closest
from .settings import ABOUT

SEVERAL = re.compile(r"; (?=[a-z_.]+(?: = [^;:]+)?: )")
"""Between the problems of one validator, each of which begins with its place."""

UNKNOWN = re.compile(r"no \w+ '([^']*)'; there are: (.*)")
"""What a validator says of a name that it does not know."""

NAMED = re.compile(
    r"^(creative|source|touchpoints\.channels|bidders\.kinds|collaboration\.(?:shapes|costs))\.([^.]+)"
)
ITEM = re.compile(r"\.(\d+)(?=\.|$)")

ANY_NAME, ANY_ITEM = "<name>", "<item>"
"""Stand in keys for a name that the market gives, and for the number of a list's item."""

QUOTES = 'YAML reads no, yes, on and off as false and true, and 1 and 1e3 as numbers: write it in quotes, as in "no"'
"""What to do where a text came out as a boolean or a number."""

FREE_FORM = ("bidders.strategy", "auction.type", "auction.bidder_floor_cpm", "auction.rank.by_bidder")
"""Places whose keys are names of the market itself: a strategy's parameters, mechanisms, bidders."""


def render(error: ValidationError, tree: Mapping[str, Any], model: type[BaseModel]) -> list[str]:
    """Every problem that pydantic found in ``tree``, one line a place, as the YAML files name it."""
    lines: dict[str, str] = {}
    for detail in error.errors(include_url=False):
        steps, node = locate(detail["loc"], tree, missing=detail["type"] == "missing")
        place = in_yaml(".".join(map(str, steps)))
        said = detail["msg"].removeprefix("Value error, ")
        if detail["loc"][-1] == "[key]":
            lines.setdefault(place, _not_a_name(detail, place))
        elif detail["type"] == "value_error" and (named := UNKNOWN.match(said)):
            name, known = named[1], named[2]
            place = place.removesuffix(f".{name}")
            lines[place] = f"{place} = {name}: must be one of {known}{_suggest(name, known)}"
        elif (
            detail["type"] == "value_error"
        ):  # one of our validators: it names its places itself where it has several
            where = "" if place in {"", "scenario"} else f"{place}: "
            for text in SEVERAL.split(said):
                lines.setdefault(where + text, where + text)
        elif place not in lines or detail["type"] != "dict_type":  # not: another member of a union
            line = _line(place, node, detail, model)
            if (
                place in lines
                and line.startswith(same := f"{place} = {_shown(node)}: must be ")
                and same in lines[place]
            ):
                line = f"{lines[place]}; or {line.removeprefix(same)}"  # the same
                lines[place] = line
            lines.setdefault(place, line)
    return list(lines.values())


def in_yaml(place: str) -> str:
    """``scenario.supply.requests`` -> ``supply.requests``: where a part of the scenario stands in the YAML files."""
    first, _, rest = place.partition(".")
    return rest if first == "scenario" and rest and rest.split(".")[0] not in ABOUT else place


@functools.cache
def known_keys(model: type[BaseModel], *, items: bool = False) -> tuple[str, ...]:
    """Every key that may be given, dotted, parents too; the sources' for each factor that gives a source its name, too.

    Names that a market gives are ``<name>``, and where ``items`` of lists are wanted too, their numbers ``<item>``.
    """
    names = [in_yaml(leaf) for leaf in _leaves(model, items=items)]
    full = [
        leaf.replace(ANY_NAME, name)
        for leaf in names
        for name in ((*FACTORS, ANY_NAME) if leaf.startswith("source.") else (ANY_NAME,))
    ]
    return tuple(dict.fromkeys(part for name in full for part in _with_parents(name)))


def list_keys(model: type[BaseModel]) -> list[str]:
    """The keys that take a list and nothing else, dotted, names that a market gives as ``<name>``."""
    return [in_yaml(name) for name in _lists(model)]


def is_known(place: str, known: Sequence[str]) -> bool:
    """Whether a key is one of the known ones, which may stand for any name or item."""
    return place in known or _as_pattern(place) in known


def nearest(place: str, known: Sequence[str]) -> str:
    """What ``closest`` says, with the names and items of ``place`` itself."""
    hint = closest(_as_pattern(place), known)
    for stand_in, own in ((ANY_NAME, NAMED), (ANY_ITEM, ITEM)):
        if found := own.search(place):
            hint = hint.replace(stand_in, found[found.lastindex or 1])
    return hint


def _as_pattern(place: str) -> str:
    pattern = NAMED.sub(rf"\1.{ANY_NAME}", place)
    return ITEM.sub(f".{ANY_ITEM}", pattern)


def _lists(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        parts = (
            get_args(field.annotation) if type(None) in get_args(field.annotation) else (field.annotation,)
        )
        if all(get_origin(part) is tuple for part in parts if part is not type(None)):
            yield prefix + name
        elif prefix + name not in FREE_FORM:
            each = f".{ANY_NAME}" if _is_mapping(field.annotation) else ""
            for part in _models(field.annotation):
                yield from _lists(part, f"{prefix}{name}{each}.")


def _leaves(model: type[BaseModel], prefix: str = "", *, items: bool) -> Iterator[str]:
    for name, field in model.model_fields.items():
        inner = list(_models(field.annotation))
        is_list = any(get_origin(part) is tuple for part in (field.annotation, *get_args(field.annotation)))
        if not inner or prefix + name in FREE_FORM or is_list:
            yield prefix + name
        if prefix + name in FREE_FORM or (is_list and not items):
            continue
        each = f".{ANY_NAME}" if _is_mapping(field.annotation) else f".{ANY_ITEM}" if is_list else ""
        for part in inner:
            yield from _leaves(part, f"{prefix}{name}{each}.", items=items)


def _line(place: str, value: Any, detail: ErrorDetails, model: type[BaseModel]) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        known = known_keys(model, items=True)
        return (
            f"{place}: not a key here"
            if is_known(place, known)
            else f"{place}: no such key{nearest(place, known)}"
        )
    if kind == "missing":
        return f"{place}: required, and not given"
    if kind == "union_tag_invalid":
        tag = context["discriminator"].strip("'")
        allowed = context["expected_tags"]
        return (
            f"{place}.{tag} = {context['tag']}: must be one of {allowed}{_suggest(context['tag'], allowed)}"
        )
    if kind in {"model_type", "dict_type"}:
        return f"{place} = {_shown(value)}: {_of_keys(context.get('class_name', ''), model)}"
    if kind == "tuple_type":
        return f"{place} = {_shown(value)}: must be a list"
    allowed = (
        detail["msg"].split(", unable")[0].replace("Input should", "must").replace("String should", "must")
    )
    if kind == "string_type" and isinstance(value, bool | int | float):
        allowed = f"must be a text; {QUOTES}"
    if kind == "literal_error":
        allowed += _suggest(value, context["expected"])
    return f"{place} = {_shown(value)}: {allowed}"


def _not_a_name(detail: ErrorDetails, place: str) -> str:
    """What is wrong with a key that must be a name and that YAML reads as something else."""
    return f"{place.rpartition('.')[0] or place}: the name {_shown(detail['input'])} must be a text; {QUOTES}"


def _of_keys(name: str, model: type[BaseModel]) -> str:
    """What is allowed where a part with keys of its own is wanted."""
    if name == Delay.__name__:
        return "must be the law of a delay, as in {law: exponential, mean: 2}"
    fields = next((list(part.model_fields) for part in _all_models(model) if part.__name__ == name), [])
    return f"must have keys, of these: {', '.join(fields)}" if fields else "must have keys, a name each"


def _all_models(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for field in model.model_fields.values():
        for part in _models(field.annotation):
            yield part
            yield from _all_models(part)


def _suggest(value: Any, expected: str) -> str:
    words = [word.strip(" '") for word in expected.replace(" or ", ",").split(",")]
    return closest(str(value), words)


def _shown(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)


def locate(
    loc: Sequence[str | int], tree: Mapping[str, Any], *, missing: bool
) -> tuple[list[str | int], Any]:
    """The steps to a place, and the value there; those that pydantic adds for members of a union are left out."""
    place: list[str | int] = []
    node: Any = tree
    for number, step in enumerate(loc):
        last = number == len(loc) - 1
        if _has(node, step):
            node = node[step]
        elif last and missing and isinstance(node, Mapping) and not _is_tag(step, node):
            node = None
        else:
            continue
        place.append(step)
    return place, node


def _has(node: Any, step: str | int) -> bool:
    if isinstance(node, Mapping):
        return step in node
    return isinstance(node, (list, tuple)) and isinstance(step, int) and step < len(node)


def _is_tag(step: str | int, node: Mapping[str, Any]) -> bool:
    return step == node.get("kind")


def _with_parents(name: str) -> Iterator[str]:
    yield name
    while "." in name:
        name = name.rpartition(".")[0]
        yield name


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)


def _is_mapping(annotation: Any) -> bool:
    return getattr(annotation, "__origin__", None) is dict

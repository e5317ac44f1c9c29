"""What is wrong with a configuration, in one line a problem: place = value: what is allowed, and the closest match."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from jointbid.sim.scenario import Delay

from ..errors import closest
from .keys import every_key, is_known, known_keys, models_in, nearest
from .shape import in_yaml
from .text import word

SEVERAL = re.compile(r"; (?=[a-z_.]+(?: = [^;:]+)?: )")
"""Between the problems of one validator, each of which begins with its place."""

UNKNOWN = re.compile(r"no \w+ '([^']*)'; there are: (.*)")
"""What a validator says of a name that it does not know."""

QUOTES = 'YAML reads no, yes, on and off as false and true, and 1 and 1e3 as numbers: write it in quotes, as in "no"'
"""What to do where a text came out as a boolean or a number."""


def render(error: ValidationError, tree: Mapping[str, Any], model: type[BaseModel]) -> list[str]:
    """Every problem that pydantic found in ``tree``, one line a place, as the YAML files name it."""
    lines: dict[str, str] = {}
    for detail in error.errors(include_url=False):
        steps, node = locate(detail["loc"], tree, missing=detail["type"] == "missing")
        place = in_yaml(".".join(map(str, steps)))
        said = detail["msg"].removeprefix("Value error, ")
        if detail["loc"][-1:] == ("[key]",) and detail["type"] == "string_type":
            where, name = place.rpartition(".")[0] or place, word(detail["input"])
            lines.setdefault(place, f"{where}: the name {name} must be a text; {QUOTES}")
        elif detail["type"] == "value_error" and (named := UNKNOWN.match(said)):
            name, known = named[1], named[2]
            place = place.removesuffix(f".{name}")
            lines[place] = f"{place} = {name}: must be one of {known}{_suggest(name, known)}"
        elif detail["type"] == "value_error":
            # one of our validators: it names its places itself where it has several
            where = "" if place in {"", "scenario"} else f"{place}: "
            for text in SEVERAL.split(said):
                lines.setdefault(where + text, where + text)
        elif place not in lines or detail["type"] != "dict_type":  # not: another member of a union
            line = _line(place, node, detail, model)
            if (
                place in lines
                and line.startswith(same := f"{place} = {word(node)}: must be ")
                and same in lines[place]
            ):
                line = f"{lines[place]}; or {line.removeprefix(same)}"  # the same
                lines[place] = line
            lines.setdefault(place, line)
    return list(lines.values())


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
        return f"{place} = {word(value)}: {_of_keys(context.get('class_name', ''), model)}"
    if kind in {"too_short", "too_long"}:
        bound, number = (
            ("least", context["min_length"]) if kind == "too_short" else ("most", context["max_length"])
        )
        return f"{place} = {word(value)}: must have at {bound} {number} item{'' if number == 1 else 's'}, not {len(value)}"
    if kind == "tuple_type":
        return f"{place} = {word(value)}: must be a list"
    allowed = (
        detail["msg"].split(", unable")[0].replace("Input should", "must").replace("String should", "must")
    )
    if kind == "string_type" and isinstance(value, bool | int | float):
        allowed = f"must be a text; {QUOTES}"
    if kind == "literal_error":
        allowed += _suggest(value, context["expected"])
    return f"{place} = {word(value)}: {allowed}"


def _of_keys(name: str, model: type[BaseModel]) -> str:
    """What is allowed where a part with keys of its own is wanted."""
    if name == Delay.__name__:
        return "must be the law of a delay, as in {law: exponential, mean: 2}"
    parts = (part for key in every_key(model) for part in models_in(key.kind))
    fields = next((list(part.model_fields) for part in parts if part.__name__ == name), [])
    return f"must have keys, of these: {', '.join(fields)}" if fields else "must have keys, a name each"


def _suggest(value: Any, expected: str) -> str:
    words = [word.strip(" '") for word in expected.replace(" or ", ",").split(",")]
    return closest(str(value), words)


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
        elif last and missing and isinstance(node, Mapping) and step != node.get("kind"):
            node = None
        else:
            continue
        place.append(step)
    return place, node


def _has(node: Any, step: str | int) -> bool:
    if isinstance(node, Mapping):
        return step in node
    return isinstance(node, (list, tuple)) and isinstance(step, int) and step < len(node)

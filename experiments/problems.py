"""What is wrong with a configuration, in one line a problem: place = value: what is allowed, and the closest match."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from experiments.errors import closest
from experiments.settings import ABOUT
from sim.scenario import FACTORS

SEVERAL = re.compile(r"; (?=[a-z_.]+: )")
"""Between the problems of one validator, each of which begins with its place."""

FREE_FORM = ("bidders.strategy", "auction.type", "auction.bidder_floor_cpm")
"""Places whose keys are names of the market itself: a strategy's parameters, mechanisms, bidders."""


def render(error: ValidationError, tree: Mapping[str, Any], model: type[BaseModel]) -> list[str]:
    """Every problem that pydantic found in ``tree``, one line a place, as the YAML files name it."""
    lines: dict[str, str] = {}
    for detail in error.errors(include_url=False):
        place, node = _locate(detail["loc"], tree)
        place = in_yaml(place)
        if (
            detail["type"] == "value_error"
        ):  # one of our validators: it names its places itself where it has several
            where = "" if place in {"", "scenario"} else f"{place}: "
            for text in SEVERAL.split(detail["msg"].removeprefix("Value error, ")):
                lines.setdefault(where + text, where + text)
        else:
            line = _line(place, node, detail, model)
            if (
                place in lines
                and line.startswith(same := f"{place} = {_shown(node)}: must be ")
                and same in lines[place]
            ):
                line = f"{lines[place]}; or {line.removeprefix(same)}"  # another member of a union
                lines[place] = line
            lines.setdefault(place, line)
    return list(lines.values())


def in_yaml(place: str) -> str:
    """``scenario.supply.requests`` -> ``supply.requests``: where a part of the scenario stands in the YAML files."""
    first, _, rest = place.partition(".")
    return rest if first == "scenario" and rest and rest.split(".")[0] not in ABOUT else place


def known_keys(model: type[BaseModel]) -> list[str]:
    """Every key that may be given, dotted, parents too; the sources' once for each source there can be."""
    names = [in_yaml(leaf) for leaf in _leaves(model)]
    full = [leaf.replace("<name>", factor) for leaf in names for factor in FACTORS]
    return list(dict.fromkeys(part for name in full for part in _with_parents(name)))


def _leaves(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        inner = list(_models(field.annotation))
        if not inner or prefix + name in FREE_FORM or get_origin(field.annotation) is tuple:
            yield prefix + name
            continue
        mapping = ".<name>" if _is_mapping(field.annotation) else ""
        for part in inner:
            yield from _leaves(part, f"{prefix}{name}{mapping}.")


def _line(place: str, value: Any, detail: ErrorDetails, model: type[BaseModel]) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        known = known_keys(model)
        return (
            f"{place}: not a key here" if place in known else f"{place}: no such key{closest(place, known)}"
        )
    if kind == "missing":
        return f"{place}: required, and not given"
    if kind == "union_tag_invalid":
        tag = context["discriminator"].strip("'")
        allowed = context["expected_tags"]
        return (
            f"{place}.{tag} = {context['tag']}: must be one of {allowed}{_suggest(context['tag'], allowed)}"
        )
    allowed = (
        detail["msg"].split(", unable")[0].replace("Input should", "must").replace("String should", "must")
    )
    if kind == "literal_error":
        allowed += _suggest(value, context["expected"])
    return f"{place} = {_shown(value)}: {allowed}"


def _suggest(value: Any, expected: str) -> str:
    words = [word.strip(" '") for word in expected.replace(" or ", ",").split(",")]
    return closest(str(value), words)


def _shown(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)


def _locate(loc: Sequence[str | int], tree: Mapping[str, Any]) -> tuple[str, Any]:
    """Dotted place and value there; steps that pydantic adds for members of a union are left out."""
    place: list[str] = []
    node: Any = tree
    for number, step in enumerate(loc):
        last = number == len(loc) - 1
        if _has(node, step):
            node = node[step]
        elif last and isinstance(node, Mapping) and not _is_tag(step, node):  # a missing key
            node = None
        else:
            continue
        place.append(str(step))
    return ".".join(place), node


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

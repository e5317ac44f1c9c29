"""What each key of the configuration means, read from the models that validate it.

A field is described by the text below it in its class; so what `jointbid help KEY` says and what the code says is one text.
"""

from __future__ import annotations

import ast
import functools
import inspect
import re
import textwrap
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from jointbid.sim.scenario import Delay

from .keys import ANY_NAME, Key, every_key
from .settings import Settings
from .studies import STUDIES
from .text import as_yaml

UNITS = {
    "_cpm": "currency per thousand",
    "_ms": "milliseconds",
    "_h": "hours",
    "_us": "microseconds",
    "_s": "seconds",
    "_rate": "share from 0 to 1",
    "_share": "share from 0 to 1",
}
COMMON = (
    *("seed", "supply.requests", "supply.path", "auction.type", "auction.floor_cpm", "response.value_per_click"),
    *(f"source.<name>.{key}" for key in ("match_rate", "latency_h", "lookup_latency_ms", "cost_per_lookup_cpm")),
    *("bidders.count", "bidders.strategy", "bidders.budget"),
    *("money.requests_per_month", "money.integration_once", "results_dir", "executor.jobs"),
)  # fmt: skip
"""The keys beside the study's own that people use most."""
COMMON_OF_STUDY = (
    "replications",
    "silo",
    "valuation",
    "who",
    "seats",
    "strategies",
    "arm",
    "replication",
    "cost_per_request",
    "log",
)
"""The keys of a study that people use most, as far as it has them."""
BOUNDS = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}


@dataclass(frozen=True)
class KeyHelp:
    """What is said of one key: its place, its meaning, its unit where the name has one, what is allowed, and its default."""

    place: str
    meaning: str
    unit: str
    allowed: str
    default: str

    def brief(self, place: str, value: str, currency: str) -> Iterator[str]:
        """Yield two or three lines: the key at its ``place`` with its ``value``, and the first sentence of what it means.

        ``currency`` is the code of the currency that amounts are in.
        """
        yield f"  {place}={value}" if value else f"  {place}"
        unit = f" [{self.unit.replace('currency', currency)}]" if self.unit else ""
        first = (
            re.split(r"(?<=[.;]) ", self.meaning)[0].rstrip(".;").replace(" in currency", f" in {currency}")
        )
        yield from textwrap.wrap(first + unit, 72, initial_indent=" " * 6, subsequent_indent=" " * 6)

    def lines(self, verbs: str = "") -> Iterator[str]:
        """Yield the lines to print; ``verbs`` follows the key."""
        yield self.place + verbs
        for text in textwrap.wrap(self.meaning, 76):
            yield f"    {text}"
        unit = f" ({self.unit})" if self.unit else ""
        yield from textwrap.wrap(
            f"allowed: {self.allowed}{unit}", 76, initial_indent="  ", subsequent_indent="    "
        )
        yield from textwrap.wrap(
            f"default: {self.default}", 76, initial_indent="  ", subsequent_indent="    "
        )


@functools.cache
def key_helps(verb: str) -> Mapping[str, KeyHelp]:
    """Return what is said of every key that a verb takes, by its place."""
    model: Any = Settings
    found: dict[str, KeyHelp] = {}
    for key in every_key(model[STUDIES[verb].model]):
        if key.model is not None and key.field:
            found.setdefault(key.place, _help(key, key.model))
    return found


def common(places: Collection[str]) -> list[str]:
    """Return those of the ``places`` that people use most, the study's own first."""
    return [key for key in (*(f"study.{name}" for name in COMMON_OF_STUDY), *COMMON) if key in places]


def matching(word: str, places: Sequence[str]) -> list[str]:
    """Return the keys that ``word`` names: itself, with names put in for ``<name>``, or those that it is the end or a part of."""
    pattern = {place: re.escape(place).replace(re.escape(ANY_NAME), r"[^.]+") for place in places}
    if exact := [place for place in places if re.fullmatch(pattern[place], word)]:
        return exact
    if below := [place for place in places if re.match(rf"{pattern[place].rpartition('.')[0]}$", word)]:
        return below
    return [place for place in places if f".{place}".endswith(f".{word}")] or [
        place for place in places if word in place
    ]


def _help(key: Key, model: type[BaseModel]) -> KeyHelp:
    field = model.model_fields[key.field]
    suffix = next((suffix for suffix in UNITS if key.field.endswith(suffix)), "")
    meaning = next((text for base in model.__mro__ if (text := _below(base).get(key.field))), "")
    return KeyHelp(
        key.place, meaning, UNITS.get(suffix, ""), allowed(field.annotation, field.metadata), _default(field)
    )


@functools.cache
def _below(model: type) -> Mapping[str, str]:
    """Return field -> the text below it in its class; of a class that is no model of this package nothing."""
    if model is BaseModel or not issubclass(model, BaseModel) or "[" in model.__name__:
        return {}
    tree = ast.parse(textwrap.dedent(inspect.getsource(model)))
    body = tree.body[0].body if isinstance(tree.body[0], ast.ClassDef) else []
    return {
        field.target.id: _plain(text.value.value)
        for field, text in pairwise(body)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant) and isinstance(text.value.value, str)
    }  # fmt: skip


def _plain(text: str) -> str:
    return " ".join(text.replace("``", "").split())


def allowed(kind: Any, bounds: Sequence[Any] = ()) -> str:
    """Return in words what an annotation allows, such as ``a number, at least 0; null``."""
    if get_origin(kind) is Annotated:
        inner, *more = get_args(kind)
        return allowed(inner, [*more, *bounds])
    limits = [
        f"{BOUNDS[name]} {value:g}"
        for part in _flat(bounds)
        for name in BOUNDS
        if (value := getattr(part, name, None)) is not None
    ]
    if get_origin(kind) is Literal:
        return f"one of {', '.join(map(str, get_args(kind)))}"
    if get_origin(kind) in {tuple, dict}:
        inner = allowed(get_args(kind)[-1 if get_origin(kind) is dict else 0])
        return f"names, each with {inner}" if get_origin(kind) is dict else f"a list of {inner}"
    if get_origin(kind) in {Union, UnionType}:
        parts = [allowed(part, bounds) for part in get_args(kind) if part is not NoneType]
        return "; or ".join(dict.fromkeys([*parts, *(["null"] if NoneType in get_args(kind) else [])]))
    return ", ".join([_noun(kind), *limits])


def _flat(bounds: Sequence[Any]) -> Iterator[Any]:
    for part in bounds:
        yield from _flat(part.metadata) if isinstance(part, FieldInfo) else [part]


def _noun(kind: Any) -> str:
    if kind is Delay:
        return "a delay, as in {law: exponential, mean: 2}, or its mean"
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return f"keys of its own: {', '.join(kind.model_fields)}"
    return {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}.get(
        kind, "any value"
    )


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True)
    if field.is_required() or value is PydanticUndefined:
        return "none; it must be given"
    if isinstance(value, BaseModel):
        return "those of its own keys"
    return as_yaml(value) or "''"

"""The command line's ``key=value``: Hydra's own grammar, checked against what there is before anything is composed."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import closest
from .messages import is_known, nearest
from .patch import SYNONYMS

if TYPE_CHECKING:
    from hydra.core.config_loader import ConfigLoader
    from hydra.core.override_parser.types import Override

OF_ANY_NAME = "bidders.strategy."
"""Begins keys that a strategy defines: its parameters."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What overrides may name: groups with their options, and dotted keys, of which ``lists`` take a list; Hydra's loader."""

    groups: Mapping[str, Sequence[str]]
    keys: Sequence[str]
    loader: ConfigLoader | None = None
    lists: Sequence[str] = ()


def parse(texts: Iterable[str], vocabulary: Vocabulary) -> tuple[list[Override], list[str]]:
    """Overrides that can be composed, and a line for each that cannot."""
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    parser = OverridesParser.create(vocabulary.loader)
    good, problems = [], []
    for text in texts:
        try:
            (override,) = parser.parse_overrides([_canonical(text)])
        except HydraException as error:
            problems.append(_syntax(text, error, vocabulary))
            continue
        found = list(_problems(override, vocabulary))
        problems += found
        if not found:
            good.append(override)
    return good, problems


def as_list(override: Override, vocabulary: Vocabulary) -> Override:
    """``key=a,b`` as the list ``key=[a,b]`` where the key takes a list and nothing else; any other override as it is.

    Not for a multirun, where commas are a sweep of any key. Lists between the commas are a sweep that lacks its ``-m``.
    """
    if not override.is_choice_sweep() or not is_known(override.key_or_group, vocabulary.lists):
        return override
    choices: Any = override.value()
    if not choices.simple_form or any(isinstance(choice, list | dict) for choice in choices.list):
        return override
    key, _, value = str(override.input_line).partition("=")
    (listed,), _ = parse([f"{key}=[{value}]"], vocabulary)
    return listed


def _canonical(text: str) -> str:
    key, equals, value = text.partition("=")
    bare = key.lstrip("+~")
    return key.replace(bare, SYNONYMS.get(bare, bare)) + equals + value if bare else text


def _problems(override: Override, vocabulary: Vocabulary) -> Iterable[str]:
    key = override.key_or_group
    is_range = override.is_sweep_override() and not override.is_discrete_sweep()
    if is_range and key in vocabulary.groups:
        yield f"{override.input_line}: a range is of numbers; {key} is one of {', '.join(vocabulary.groups[key])}"
    elif override.is_sweep_override() and not is_range and not list(override.sweep_string_iterator()):
        yield f"{override.input_line}: a sweep over no value at all; give some, as in key=1,2,3 or key=range(0,1,.25)"
    elif key in vocabulary.groups:
        options = vocabulary.groups[key]
        for choice in _choices(override):
            if choice not in options and key == "strategy" and choice is not None:
                yield f"strategy = {choice}: {_no_strategy(str(choice), options)}"
            elif choice not in options:
                hint = closest(str(choice), options)
                shown = "null" if choice is None else choice
                yield f"{key} = {shown}: must be one of {', '.join(options)}{hint}"
    elif override.package is not None or not (is_known(key, vocabulary.keys) or key.startswith(OF_ANY_NAME)):
        yield f"{override.get_key_element()}: no such key{nearest(key, [*vocabulary.keys, *vocabulary.groups])}"


def _no_strategy(name: str, options: Sequence[str]) -> str:
    """Why there is no such file: misspelt, not installed, not to be loaded, no bidder at all, or known without a file."""
    from jointbid.strategies.registry import BOUNDS, UnknownStrategyError, find, names

    hint = closest(name, options)
    if hint and name not in {*BOUNDS, *names()}:
        return f"must be one of {', '.join(options)}{hint}"
    try:
        find(name)
    except UnknownStrategyError as error:
        return str(error)
    return f"is installed, but no configuration folder has a file strategy/{name}.yaml; ask for it by name, bidders.strategy={name}"


def _choices(override: Override) -> list[object]:
    return list(override.sweep_iterator()) if override.is_sweep_override() else [override.value()]


def _syntax(text: str, error: Exception, vocabulary: Vocabulary) -> str:
    if "=" not in text:
        for group, options in vocabulary.groups.items():
            if text in options:
                return f"{text!r}: not a key=value; did you mean {group}={text}?"
        known = [*vocabulary.keys, *vocabulary.groups]
        hint = f"; {text}= needs a value" if text in known else closest(text, known)
        return f"{text!r}: not a key=value{hint}"
    key, _, value = text.partition("=")
    if value and value[0] not in "[{'\"" and not {"'", '"'} & set(value):
        quoted = shlex.quote(f'{key}="{value}"')
        return (
            f"{text!r}: cannot be read as key=value; a value that is a text goes in double quotes: {quoted}"
        )
    detail = str(error).splitlines()[0]
    return f"{text!r}: cannot be read as key=value ({detail})"

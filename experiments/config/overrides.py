"""The command line's ``key=value``, in Hydra's own grammar: checked before anything is composed, and the points of a sweep.

The points are every combination of listed values, and Latin hypercube samples of ranges.
"""

from __future__ import annotations

import itertools
import math
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import IntervalSweep, Override
from hydra.errors import HydraException

from jointbid.strategies.registry import BOUNDS, UnknownStrategyError, find, names
from jointbid.strategies.strategy_files import names_a_file

from ..errors import BadInput, closest
from .keys import is_known, nearest
from .patch import SYNONYMS
from .settings import SweepSettings

DIGITS = 6
"""Significant digits of a sampled value: commands stay readable, and no two samples of a design fall together."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The names that overrides may have: groups with their options, and dotted keys, of which ``lists`` take a list; Hydra's loader."""

    groups: Mapping[str, Sequence[str]]
    keys: Sequence[str]
    loader: ConfigLoader | None = None
    lists: Sequence[str] = ()


def parse(texts: Iterable[str], vocabulary: Vocabulary) -> tuple[list[Override], list[str]]:
    """Return the overrides that can be composed, and a line for each that cannot."""
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
        for choice in _values(override):
            if key == "strategy" and names_a_file(str(choice)):
                yield from _wrong_file(str(choice))
            elif choice not in options and key == "strategy" and choice is not None:
                yield f"strategy = {choice}: {_no_strategy(str(choice), options)}"
            elif choice not in options:
                hint = closest(str(choice), options)
                shown = "null" if choice is None else choice
                yield f"{key} = {shown}: must be one of {', '.join(options)}{hint}"
    elif override.package is not None or not is_known(key, vocabulary.keys):
        yield f"{override.get_key_element()}: no such key{nearest(key, [*vocabulary.keys, *vocabulary.groups])}"


def _wrong_file(name: str) -> Iterator[str]:
    """Yield what is wrong with ``FILE.py:CLASS``."""
    try:
        find(name)
    except UnknownStrategyError as error:
        yield f"strategy = {name}: {error}"


def _no_strategy(name: str, options: Sequence[str]) -> str:
    """Return why there is no such file: misspelt, not installed, broken, not a bidder, or known without a file."""
    hint = closest(name, options)
    if hint and name not in {*BOUNDS, *names()}:
        return f"must be one of {', '.join(options)}{hint}"
    try:
        find(name)
    except UnknownStrategyError as error:
        return str(error)
    return f"is installed, but no configuration folder has a file strategy/{name}.yaml; ask for it by name, bidders.strategy={name}"


def _values(override: Override) -> list[object]:
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


@dataclass(frozen=True, slots=True)
class Choice:
    """One override at one point: its text ``key=value``, the dotted key or group, and the value."""

    text: str
    key: str
    value: Any = None
    is_swept: bool = False
    is_deletion: bool = False


def points(overrides: Sequence[Override], sweep: SweepSettings) -> Iterator[tuple[Choice, ...]]:
    """Yield every combination of the listed values, each with every sample of the ranges.

    Raises:
        BadInput: ranges without a number of samples, samples without a range, or a range whose ends are wrong.
    """
    ranges = [override for override in overrides if is_range(override)]
    _check(ranges, sweep)
    listed = [[None] if is_range(o) else _choices(o) for o in overrides]
    samples = list(_samples(ranges, sweep)) if ranges else [()]
    for combination in itertools.product(*listed):
        for sample in samples:
            drawn = iter(sample)
            yield tuple(next(drawn) if choice is None else choice for choice in combination)


def is_range(override: Override) -> bool:
    """Return whether it is ``key=interval(low,high)``."""
    return override.is_sweep_override() and not override.is_discrete_sweep()


def _check(ranges: Sequence[Override], sweep: SweepSettings) -> None:
    if ranges and sweep.samples is None:
        raise BadInput(
            f"{ranges[0].input_line}: a range is sampled, so sweep.samples=N must say how often; "
            "or list values, as in key=1,2,3"
        )
    if sweep.samples is not None and not ranges:
        raise BadInput(f"sweep.samples = {sweep.samples}: no range to draw from, as in key=interval(0,1)")
    for override in ranges:
        start, end, is_log = _bounds(override)
        if not start < end or not math.isfinite(start) or not math.isfinite(end):
            raise BadInput(f"{override.input_line}: a range goes from its lower to its upper end")
        if is_log and start <= 0:
            raise BadInput(f"{override.input_line}: a logarithmic range begins above 0")


def _choices(override: Override) -> list[Choice | None]:
    key = override.key_or_group
    if not override.is_sweep_override():
        is_deletion = override.is_delete()
        return [Choice(str(override.input_line), key, override.value(), is_deletion=is_deletion)]
    texts = override.sweep_string_iterator()
    values = map(override._convert_value, override.sweep_iterator())  # noqa: SLF001 - quoted texts, as value() has them
    written = str(override.get_key_element())
    return [
        Choice(f"{written}={text}", key, value, is_swept=True)
        for text, value in zip(texts, values, strict=True)
    ]


def _samples(ranges: Sequence[Override], sweep: SweepSettings) -> Iterator[tuple[Choice, ...]]:
    """A Latin hypercube (McKay, Beckman and Conover, 1979): each range in as many equal parts as there are samples."""
    import numpy as np
    from scipy.stats import qmc

    cube = qmc.LatinHypercube(len(ranges), seed=np.random.default_rng(sweep.seed))
    for row in cube.random(sweep.samples).tolist():
        values = {o.key_or_group: _at(o, share) for o, share in zip(ranges, row, strict=True)}
        yield tuple(Choice(f"{key}={value}", key, value, is_swept=True) for key, value in values.items())


def _at(override: Override, share: float) -> float:
    """Return the value at this share of a range; a whole number where both ends are."""
    start, end, is_log = _bounds(override)
    whole = isinstance(start, int)
    if whole:
        end += 1  # the last number has a part of its own
    value = start * (end / start) ** share if is_log else start + (end - start) * share
    return min(math.floor(value), end - 1) if whole else float(f"{value:.{DIGITS}g}")


def _bounds(override: Override) -> tuple[float, float, bool]:
    interval: IntervalSweep = override.value()  # type: ignore[assignment]
    start, end = interval.start, interval.end
    assert start is not None and end is not None  # noqa: S101, PT018 - the grammar asks for both
    return start, end, "log" in interval.tags

"""Parameters of strategies, checked as they come in: ``ValueError`` names the parameter, its value and what is allowed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from difflib import get_close_matches
from numbers import Real


def at_least_0(name: str, value: float) -> float:
    """The number, if it is finite and not negative."""
    if not _finite(value) or value < 0:
        raise ValueError(f"{name} = {value}: must be a finite number, 0 or more")
    return float(value)


def above_0(name: str, value: float) -> float:
    """The number, if it is finite and positive."""
    if not _finite(value) or value <= 0:
        raise ValueError(f"{name} = {value}: must be a finite number above 0")
    return float(value)


def whole(name: str, value: float) -> int:
    """The number, if it is whole and positive."""
    if not _finite(value) or value < 1 or value != int(value):
        raise ValueError(f"{name} = {value}: must be a whole number, 1 or more")
    return int(value)


def whole_numbers(name: str, values: Sequence[int]) -> tuple[int, ...]:
    """The numbers, if each is whole and 0 or more."""
    for value in values:
        if not _finite(value) or value < 0 or value != int(value):
            raise ValueError(f"{name} = {list(values)}: must be whole numbers, 0 or more")
    return tuple(int(value) for value in values)


def share(name: str, value: float) -> float:
    """The number, if it lies within [0, 1]."""
    if not _finite(value) or not 0 <= value <= 1:
        raise ValueError(f"{name} = {value}: must be a number from 0 to 1")
    return float(value)


def one_of(name: str, value: str, allowed: Sequence[str]) -> str:
    """The word, if it is one of those allowed."""
    if value not in allowed:
        close = get_close_matches(str(value), allowed, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise ValueError(f"{name} = {value}: must be one of {', '.join(allowed)}{hint}")
    return value


def _finite(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)

"""Parameters of strategies, checked as they come in: ``ValueError`` names the parameter, its value and what is allowed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from numbers import Real

import numpy as np
from numpy.typing import NDArray


def at_least_0(name: str, value: float) -> float:
    """Return the number, if it is finite and not negative."""
    if not _finite(value) or value < 0:
        raise ValueError(f"{name} = {value}: must be a finite number, 0 or more")
    return float(value)


def above_0(name: str, value: float) -> float:
    """Return the number, if it is finite and positive."""
    if not _finite(value) or value <= 0:
        raise ValueError(f"{name} = {value}: must be a finite number above 0")
    return float(value)


def whole(name: str, value: float) -> int:
    """Return the number, if it is whole and positive."""
    if not _finite(value) or value < 1 or value != int(value):
        raise ValueError(f"{name} = {value}: must be a whole number, 1 or more")
    return int(value)


def whole_numbers(name: str, values: Sequence[int]) -> tuple[int, ...]:
    """Return the numbers, if each is whole and 0 or more."""
    for value in values:
        if not _finite(value) or value < 0 or value != int(value):
            raise ValueError(f"{name} = {list(values)}: must be whole numbers, 0 or more")
    return tuple(int(value) for value in values)


def share(name: str, value: float) -> float:
    """Return the number, if it lies within [0, 1]."""
    if not _finite(value) or not 0 <= value <= 1:
        raise ValueError(f"{name} = {value}: must be a number from 0 to 1")
    return float(value)


def points(name: str, value: Sequence[Sequence[float]]) -> NDArray[np.float64]:
    """Return the pairs (x, y) as columns, shape (2, n): at least two, finite, at least 0, the x increasing."""
    allowed = (
        "must be at least two pairs of numbers, 0 or more, the first of each increasing: [[0, 0], [2, 1]]"
    )
    try:
        found = np.array(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"{name} = {value}: {allowed}") from None
    if found.ndim != 2 or found.shape[1] != 2 or len(found) < 2:
        raise ValueError(f"{name} = {value}: {allowed}")
    if not np.isfinite(found).all() or (found < 0).any() or (np.diff(found[:, 0]) <= 0).any():
        raise ValueError(f"{name} = {value}: {allowed}")
    return np.ascontiguousarray(found.T)


def one_of(name: str, value: str, allowed: Sequence[str]) -> str:
    """Return the word, if it is one of those allowed."""
    if value not in allowed:
        raise ValueError(
            f"{name} = {value}: must be one of {', '.join(allowed)}{did_you_mean(value, allowed)}"
        )
    return value


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """Return the known name that is close to a misspelt one, as the end of a message; empty where none is."""
    close = get_close_matches(str(name), list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _finite(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)

"""Values that are kept with the object that they follow from, and dropped with it."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import Any, TypeVar

Of = TypeVar("Of")
Value = TypeVar("Value")


def kept(function: Callable[[Of], Value]) -> Callable[[Of], Value]:
    """Let a function of one object be computed once for it.

    It is the object that counts and not what it equals, so that it need not be hashable; neither it nor the value may be changed in a
    way that the other should know of. For an object without weak references the function is computed each time.
    """
    values: dict[int, tuple[weakref.ref[Any], Value]] = {}

    @wraps(function)
    def once(of: Of) -> Value:
        known = values.get(id(of))
        if known is not None and known[0]() is of:
            return known[1]
        value, key = function(of), id(of)
        with suppress(TypeError):
            values[key] = weakref.ref(of, lambda _: values.pop(key, None)), value
        return value

    return once

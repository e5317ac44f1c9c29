"""State that all strategies of a class share: class attributes, default arguments, variables of their module.

A strategy that remembers there passes its memory on to the next one. The kit makes each strategy with this state as it was
when the class was first seen, so that such a leak shows in the check ``reset`` alone, and puts it back after each check.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

NOT_THE_AUTHORS = sys.stdlib_module_names | {"jointbid", "numpy"}
MODULE_DATA = (bool, int, float, list, dict, set, np.ndarray)
"""Types of a module's variables that count as state."""

Saved = tuple[Any, Any]
"""An object and a copy of its contents."""


@dataclass(frozen=True)
class _Slot:
    """One place of shared state: an attribute ``name`` of ``holder``, or an object alone (a default argument)."""

    holder: Any
    name: str
    first: Saved

    def now(self) -> Saved:
        thing = getattr(self.holder, self.name, None) if self.holder else self.first[0]
        return thing, deepcopy(thing)

    def put(self, saved: Saved) -> None:
        thing, contents = saved
        if self.holder and getattr(self.holder, self.name, None) is not thing:
            setattr(self.holder, self.name, thing)
        _refill(thing, deepcopy(contents))


FIRST: dict[Any, tuple[_Slot, ...]] = {}
"""Class or module -> its shared state when it was first seen."""


class SharedState:
    """The shared state of the strategies that one check makes."""

    def __init__(self) -> None:
        self._before: dict[Any, list[tuple[_Slot, Saved]]] = {}

    def see(self, *kinds: type) -> None:
        """Take up the classes, their bases and their modules, those of jointbid and of Python excepted."""
        for base in (base for kind in kinds for base in kind.__mro__):
            if base.__module__.partition(".")[0] in NOT_THE_AUTHORS:
                continue
            holders: list[type | ModuleType] = [base]
            if base.__module__ in sys.modules:
                holders.append(sys.modules[base.__module__])
            for holder in holders:
                if holder not in FIRST:
                    FIRST[holder] = tuple(_slots(holder))
                if holder not in self._before:
                    self._before[holder] = [(slot, slot.now()) for slot in FIRST[holder]]

    def restore(self) -> None:
        """Set it to what it was when it was first seen."""
        for saved in self._before.values():
            for slot, _ in saved:
                slot.put(slot.first)

    def put_back(self) -> None:
        """Set it to what it was before the check."""
        for saved in self._before.values():
            for slot, before in saved:
                slot.put(before)
        self._before.clear()


def _slots(holder: type | ModuleType) -> Iterator[_Slot]:
    """Yield the shared state of a class or a module; what cannot be copied is left out."""
    for name, thing in list(vars(holder).items()):
        found: list[tuple[Any, Any]] = []
        if isinstance(holder, type):
            function = getattr(thing, "__func__", thing)
            defaults = getattr(function, "__defaults__", None) or ()
            by_name = getattr(function, "__kwdefaults__", None) or {}
            found = [(None, default) for default in (*defaults, *by_name.values())]
        is_state = type(thing) in MODULE_DATA or (
            isinstance(holder, type) and not hasattr(thing, "__get__") and not isinstance(thing, type)
        )
        if is_state and not (name.startswith("__") and name.endswith("__")):
            found.append((holder, thing))
        for place, state in found:
            try:
                yield _Slot(place, name, (state, deepcopy(state)))
            except Exception:  # noqa: BLE001, S112 - a lock or an open file: the checks `clone` and `pickle` name it
                continue


def _refill(thing: Any, contents: Any) -> None:
    """Give a mutable object other contents, in place."""
    if isinstance(thing, dict | set):
        thing.clear()
        thing.update(contents)
    elif isinstance(thing, list | bytearray):
        thing[:] = contents
    elif isinstance(thing, np.ndarray):
        if thing.flags.writeable and thing.shape == contents.shape:
            thing[...] = contents
    elif hasattr(thing, "__dict__") and not isinstance(thing, type) and not callable(thing):
        vars(thing).clear()
        vars(thing).update(vars(contents))

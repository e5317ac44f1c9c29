"""Values of features that look like leakage, chosen for every part of a log on the rows outside it alone.

A value is suspect by its clicks. So the rows that a model prices may have no say in what it leaves out: for the rows of
a fold, and of a pair of folds (`crossfit`), suspects are chosen on all other rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from jointbid.sim.scenario import LogSupply

from ..inspection.leaks import LeakCounts
from ..log_table import LogTable

Hidden = Mapping[str, tuple[str, ...]]
"""By column the values that are left out."""
Out = tuple[int, ...]
"""Folds that are held out together."""


def chosen_on(supply: LogSupply, log: LogTable) -> Hidden:
    """Return the suspect values of a log's rows: those that the scenario names, and those that counts show."""
    return _with_found(supply, log, [_counts(log)] if supply.find_suspects else [])


@dataclass(frozen=True)
class Suspects:
    """Suspect values under one dealing of rows to folds.

    Attributes:
        supply: what the scenario says of them.
        by_out: for the folds that are held out, alone and in pairs, the values chosen on the other rows.
    """

    supply: LogSupply
    by_out: Mapping[Out, Hidden] = field(default_factory=dict)

    def dealt(self, log: LogTable, folds: NDArray[np.int64]) -> Suspects:
        """Return them for another dealing."""
        number = int(folds.max()) + 1
        outs: list[Out] = [(fold,) for fold in range(number)] + list(combinations(range(number), 2))
        finds = self.supply.find_suspects
        by_fold = (
            [_counts(replace(log, frame=log.frame[folds == fold])) for fold in range(number)] if finds else []
        )
        chosen = {
            out: _with_found(
                self.supply, log, [counts for fold, counts in enumerate(by_fold) if fold not in out]
            )
            for out in outs
        }
        return replace(self, by_out=chosen)

    def without(self, out: Out) -> Hidden:
        """Return the values chosen on the rows outside some folds."""
        return self.by_out.get(out, {})

    @property
    def all_of_them(self) -> Hidden:
        """The values that are suspect outside any of the parts."""
        return union(self.by_out.values())


def union(several: Iterable[Hidden]) -> Hidden:
    """Return all values by column, each once."""
    found: dict[str, dict[str, None]] = {}
    for hidden in several:
        for name, values in hidden.items():
            found.setdefault(name, {}).update(dict.fromkeys(values))
    return {name: tuple(values) for name, values in found.items()}


def hidden_words(hidden: Hidden) -> str:
    """Return the suspect values, by column, in words."""
    return "; ".join(
        f"{name} {', '.join(value or 'missing' for value in values)}" for name, values in hidden.items()
    )


def _counts(log: LogTable) -> LeakCounts:
    counts = LeakCounts(log.roles)
    wanted = dict.fromkeys(["campaign", "click", *log.roles.features])
    counts.add(pa.Table.from_pandas(log.frame[list(wanted)], preserve_index=False))
    return counts


def _with_found(supply: LogSupply, log: LogTable, parts: Sequence[LeakCounts]) -> Hidden:
    hidden: dict[str, list[str]] = {name: list(supply.suspect_tags) for name in sorted(log.roles.lists)}
    together = LeakCounts(log.roles)
    for part in parts:
        together.add_counts(part)
    for suspect in together.suspects():
        if suspect.column not in log.roles.ad:
            hidden.setdefault(suspect.column, []).append(suspect.value)
    return {name: tuple(dict.fromkeys(values)) for name, values in hidden.items() if values}

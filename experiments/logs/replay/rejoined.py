"""A log whose tables are joined again: with fewer keys that match, with those of other people, or as they were some time before."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..formats.joins.keys import NO_KEY
from ..formats.joins.reader import AT, key_column
from ..formats.mapping import Mapping
from ..log_table import LogTable

Keys = NDArray[np.int64]
_GOLDEN, _MIX_1, _MIX_2 = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB


@dataclass(frozen=True)
class Change:
    """How tables are joined: the share of keys that are kept, the share that find somebody else's record, hours of delay."""

    kept: float = 1.0
    permuted: float = 0.0
    lag_h: float = 0.0


def owners_tables(mapping: Mapping) -> list[str]:
    """Return the tables whose keys may fail to match: those of people; where none is, all that give features of an owner.

    A table of ads is known to all bidders, and one of pages joins whether or not the person is known.
    """
    people = [name for name, table in mapping.tables.items() if table.is_of_people]
    return people or [name for name, table in mapping.tables.items() if table.context]


def rejoined(
    log: LogTable, mapping: Mapping, change: Change, seed: int
) -> tuple[LogTable, NDArray[np.bool_]]:
    """Return the log with its tables joined in another way, and which rows have a record in one of these; shape (rows,).

    Draws belong to the keys: all rows of a person change together, and of two shares the smaller is part of the larger.
    """
    if log.joins is None:
        raise AssertionError("a log without tables cannot be joined again")
    columns: dict[str, Any] = {}
    at_us = log.frame[AT].to_numpy() - round(change.lag_h * 3.6e9)
    found = np.zeros(len(log), dtype=bool)
    for name in owners_tables(mapping):
        keys = _permuted(log.frame[key_column(name)].to_numpy(), change.permuted, seed)
        keys = np.where(draws(keys, seed, 1) < change.kept, keys, NO_KEY)
        held = log.joins.look_up(name, keys, at_us)
        found |= held["found"]
        for column in mapping.tables[name].features:
            columns[column] = held[column].to_pandas().astype("category")
    return replace(log, frame=log.frame.assign(**columns)), found


def draws(keys: Keys, seed: int, stream: int) -> NDArray[np.float64]:
    """Return a uniform in [0, 1) for each key, one a key; shape (rows,)."""
    with np.errstate(over="ignore"):
        word = keys.astype(np.uint64) + np.uint64((seed * 1_000 + stream) % 2**32) * np.uint64(_GOLDEN)
        word = (word ^ (word >> np.uint64(30))) * np.uint64(_MIX_1)
        word = (word ^ (word >> np.uint64(27))) * np.uint64(_MIX_2)
        word ^= word >> np.uint64(31)
    return np.asarray((word >> np.uint64(11)).astype(np.float64) / 2.0**53)


def _permuted(keys: Keys, share: float, seed: int) -> Keys:
    """Return the keys with a share of them exchanged among themselves, each for all its rows."""
    if share == 0:
        return keys
    chosen = pd.unique(keys[(keys != NO_KEY) & (draws(keys, seed, 2) < share)])
    ranked = chosen[np.argsort(draws(chosen, seed, 3))]
    place = pd.Index(ranked).get_indexer(pd.Index(keys))
    return np.where(place >= 0, np.roll(ranked, 1)[place], keys) if len(ranked) else keys

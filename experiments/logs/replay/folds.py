"""Folds, which hold rows out together, and blocks, which are resampled whole."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...errors import BadInput, closest
from ..log_table import LogTable
from ..rows.log_columns import HOUR_US

USER = "user"


def assign_folds(strata: pd.Series, folds: int, seed: Sequence[int]) -> NDArray[np.int64]:
    """Deal the rows out to folds at random, evenly within each stratum; shape (rows,)."""
    rng, strata = np.random.default_rng([*seed, 0xF01D]), strata.astype(str)
    order = pd.Series(rng.permutation(len(strata)), index=strata.index)
    position = order.groupby(strata).rank(method="first").astype("int64") - 1
    offset = strata.map({name: i for i, name in enumerate(sorted(strata.unique()))})
    return ((position + offset) % folds).to_numpy(dtype=np.int64)


def fold_without_classes(clicks: NDArray[np.int64], folds: NDArray[np.int64], out: int) -> tuple[int, ...]:
    """Return the first folds, up to `out` at a time, without which no clicks, or only clicks, are left; () if there are no such folds."""
    number = int(folds.max()) + 1
    rows = np.bincount(folds, minlength=number)
    of = np.bincount(folds, clicks, minlength=number)
    for size in range(1, out + 1):
        for some in combinations(range(number), size):
            left, with_click = rows.sum() - rows[list(some)].sum(), of.sum() - of[list(some)].sum()
            if not 0 < with_click < left:
                return some
    return ()


def time_folds(rows: int, folds: int) -> NDArray[np.int64]:
    """Cut rows that are in order of time into stretches of equally many; shape (rows,)."""
    return np.arange(rows, dtype=np.int64) * folds // max(rows, 1)


def person_draws(log: LogTable, seed: Sequence[int]) -> NDArray[np.float64]:
    """Return a uniform in [0, 1) for each row, one a person; rows without a person have their own. Shape (rows,).

    Raises:
        BadInput: a log without people.
    """
    codes, names = _people(log, "study.replay.split")
    salt = ",".join(map(str, seed))
    draw = np.array([zlib.crc32(f"{salt}/{name}".encode()) / 2**32 for name in names])
    return draw[codes]


LEAST_BLOCKS = 10
"""A bootstrap needs at least this number of blocks."""


@dataclass(frozen=True)
class Blocks:
    """What is resampled whole: the block of each row, shape (rows,), or single rows (None), and a note on why not as set."""

    numbers: NDArray[np.int64] | None
    note: str = ""

    def count(self, rows: int) -> int:
        """Return the number of blocks, or that of the ``rows`` where single rows are resampled."""
        return rows if self.numbers is None else len(np.unique(self.numbers))


def blocks_of(log: LogTable, kind: str, block_h: float) -> Blocks:
    """Number the blocks of a log: stretches of `time`, days (`day`), people (`person`), rows with one value of a column, or none (`row`).

    Rows are resampled, and a note says so, where the log keeps no time or has too few stretches or people.

    Raises:
        BadInput: blocks of people in a log without people, or of a column that the log does not have.
    """
    if kind == "row":
        return Blocks(None)
    if kind not in {"time", "day", "person", *log.roles.features}:
        known = ("time", "day", "person", "row", *log.roles.features)
        raise BadInput(
            f"study.replay.blocks = {kind}: must be one of {', '.join(known)}, the last of which are columns of {log.path}{closest(kind, known)}"
        )
    if kind in {"time", "day"} and not log.keeps_time:
        return Blocks(None, f"intervals resample single rows: {log.path} keeps no time")
    if kind == "person":
        codes, names = _people(log, "study.replay.blocks")
        what = "people"
    elif kind not in {"time", "day"}:
        codes, names = pd.factorize(log.frame[kind].astype(str).to_numpy(dtype=object))
        what = f"values of {kind}"
    else:
        hours = 24.0 if kind == "day" else block_h
        codes, names = pd.factorize(log.frame["time_us"].to_numpy() // max(round(hours * HOUR_US), 1))
        what = "days" if kind == "day" else f"stretches of {block_h:g} h (study.replay.block_h)"
    if len(names) < LEAST_BLOCKS:
        return Blocks(
            None,
            f"intervals resample single rows: {log.path} has {len(names)} {what}, where a bootstrap needs {LEAST_BLOCKS}",
        )
    return Blocks(np.asarray(codes, dtype=np.int64))


def _people(log: LogTable, key: str) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """Return the number of each row's person, shape (rows,), and their names; rows without a person have one of their own.

    Raises:
        BadInput: a log without two people.
    """
    user = log.frame[USER].astype(str) if USER in log.frame else pd.Series(dtype=str)
    if user.nunique() < 2:
        raise BadInput(f"{key} = person: {log.path} has no user ids of two people or more (mapping: user)")
    person = user.where(user != "", "row " + pd.Series(range(len(user)), user.index).astype(str))
    return pd.factorize(person.to_numpy(dtype=object))

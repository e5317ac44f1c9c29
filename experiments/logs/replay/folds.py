"""Which rows are held out together, and which are resampled together."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...errors import BadInput
from ..read_log import LogTable
from ..rows.columns import HOUR_US

USER = "user"


def assign_folds(strata: pd.Series, folds: int, seed: Sequence[int]) -> NDArray[np.int64]:
    """Deal the rows out to folds at random, evenly within each stratum; shape (rows,)."""
    rng, strata = np.random.default_rng([*seed, 0xF01D]), strata.astype(str)
    order = pd.Series(rng.permutation(len(strata)), index=strata.index)
    position = order.groupby(strata).rank(method="first").astype("int64") - 1
    offset = strata.map({name: i for i, name in enumerate(sorted(strata.unique()))})
    return ((position + offset) % folds).to_numpy(dtype=np.int64)


def time_folds(rows: int, folds: int) -> NDArray[np.int64]:
    """Cut rows that are in order of time into stretches of equally many; shape (rows,)."""
    return np.arange(rows, dtype=np.int64) * folds // max(rows, 1)


def person_draws(log: LogTable, seed: Sequence[int]) -> NDArray[np.float64]:
    """A uniform in [0, 1) for each row, one a person; rows of nobody have their own. Shape (rows,).

    Raises:
        BadInput: a log that identifies nobody.
    """
    check_people(log, "study.replay.split")
    user = log.frame[USER].astype(str)
    key = user.where(user != "", "row " + pd.Series(np.arange(len(user)).astype(str), index=user.index))
    codes, names = pd.factorize(key)
    salt = ",".join(map(str, seed))
    draw = np.array([zlib.crc32(f"{salt}/{name}".encode()) / 2**32 for name in names])
    return draw[codes]


def blocks_of(log: LogTable, kind: str, block_h: float) -> NDArray[np.int64] | None:
    """Numbers of the blocks that are resampled whole, shape (rows,); None where each row is its own.

    Raises:
        BadInput: blocks of people where the log identifies nobody; fewer than ten blocks.
    """
    if kind == "row":
        return None
    if kind == "person":
        check_people(log, "study.replay.blocks")
        user = log.frame[USER].astype(str).to_numpy(dtype=object)
        alone = np.array([f"row {i}" for i in range(len(user))], dtype=object)
        codes, names = pd.factorize(np.where(user == "", alone, user))
    else:
        codes, names = pd.factorize(log.frame["time_us"].to_numpy() // max(round(block_h * HOUR_US), 1))
    if len(names) < LEAST_BLOCKS:
        raise BadInput(
            f"study.replay.blocks = {kind}: {len(names)} blocks in {log.path}, where a bootstrap needs {LEAST_BLOCKS}; "
            "make study.replay.block_h shorter, or study.replay.blocks=row"
        )
    return np.asarray(codes, dtype=np.int64)


LEAST_BLOCKS = 10


def check_people(log: LogTable, key: str) -> None:
    """Raise `BadInput` where a log tells no two people apart."""
    if USER not in log.frame or log.frame[USER].astype(str).nunique() < 2:
        raise BadInput(f"{key} = person: {log.path} identifies nobody")

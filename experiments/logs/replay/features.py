"""From the text columns of a log to sparse 0/1 columns by hashing, pruned by what the training rows hold."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from ..inspection.leaks import PRESENT

HASH_BITS = 22
MOST_CODES = 254
"""Gradient boosting tells so many values of a feature apart; the other ones are one more."""
MOST_TAGS = 64
"""And it sees so many values of a feature that has several in a cell."""


@dataclass(frozen=True)
class Encoded:
    """Every hashed value of every feature as a 0/1 column. No row's click had a part in it.

    Attributes:
        matrix: shape (rows, values), CSR.
        feature: for each value, the number of its feature in `names`.
        marks: for each value, its hash.
        names: the features.
        lists: those among them with several values in a cell.
    """

    matrix: sparse.csr_matrix
    feature: NDArray[np.int64]
    marks: NDArray[np.int64]
    names: tuple[str, ...]
    lists: frozenset[str] = frozenset()

    def pruned(
        self, names: Collection[str], training: NDArray[np.bool_], min_count: int
    ) -> sparse.csr_matrix:
        """Return the columns of the named features, shape (rows, kept).

        A value stays when at least `min_count` training rows have it; each feature's other values, those that only
        rows outside the training part have among them, share one column "rare".
        """
        wanted, counts = self._of(names), self._counts(training)
        kept, rare = wanted & (counts >= min_count), wanted & (counts < min_count)
        members = sparse.csr_matrix(
            (np.ones(rare.sum()), (np.arange(rare.sum()), self.feature[rare])),
            shape=(int(rare.sum()), len(self.names)),
        )
        any_rare = (self.matrix[:, rare] @ members).minimum(1)
        return sparse.hstack([self.matrix[:, kept], any_rare], format="csr")

    def kept(self, names: Collection[str], training: NDArray[np.bool_], min_count: int) -> NDArray[np.int64]:
        """Which values have a column of their own in `pruned`, in its order; after them it has one "rare" a feature."""
        return np.flatnonzero(self._of(names) & (self._counts(training) >= min_count))

    def _of(self, names: Collection[str]) -> NDArray[np.bool_]:
        return np.isin(self.feature, [self.names.index(name) for name in names])

    def codes(
        self, names: Sequence[str], training: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Return dense columns for gradient boosting, and which of them are categories.

        A feature is a column of codes, the values most frequent in the training rows first, all rare ones under the last
        code; one with several values in a cell is a 0/1 column for each of its most frequent.
        """
        counts, made, kinds = self._counts(training), [np.empty((self.matrix.shape[0], 0))], []
        for name in names:
            own = np.flatnonzero(self.feature == self.names.index(name))
            order = own[np.argsort(-counts[own], kind="stable")]
            if name in self.lists:
                common = order[:MOST_TAGS][counts[order[:MOST_TAGS]] > 0]
                made.append(np.asarray(self.matrix[:, common].todense()))
                kinds += [False] * len(common)
                continue
            rank = np.full(self.matrix.shape[1], MOST_CODES, dtype=np.float64)
            known = order[:MOST_CODES][counts[order[:MOST_CODES]] > 0]
            rank[known] = np.arange(len(known))
            made.append(rank[self.matrix[:, own].indices + own[0]][:, None])
            kinds.append(True)
        return np.hstack(made), np.array(kinds, dtype=bool)

    def _counts(self, training: NDArray[np.bool_]) -> NDArray[np.float64]:
        return np.asarray(self.matrix[training].sum(axis=0)).ravel()


def encode(
    frame: pd.DataFrame,
    names: Sequence[str],
    lists: Collection[str],
    hidden: Mapping[str, Collection[str]] | None = None,
    hash_bits: int = HASH_BITS,
) -> Encoded:
    """Encode the named columns.

    Args:
        frame: the log.
        names: its feature columns to encode.
        lists: those with several values in a cell, split at commas; a cell without any has the value ''.
        hidden: for each column the values that are left out as if never recorded; `PRESENT`, or any
            value of a column that has one a row, leaves out the whole column.
        hash_bits: a value's number is its hash, of so many bits, within its feature; values that share one are not told
            apart.
    """
    blocks, feature, marks = [], [], []
    for number, name in enumerate(names):
        out = frozenset((hidden or {}).get(name, ()))
        block, own = _block(frame[name], out, hash_bits, several=name in lists)
        blocks.append(block)
        marks.append(own)
        feature.append(np.full(block.shape[1], number, dtype=np.int64))
    return Encoded(
        sparse.hstack(blocks, format="csr"),
        np.concatenate(feature),
        np.concatenate(marks),
        tuple(names),
        frozenset(lists),
    )


def _block(
    values: pd.Series, hidden: frozenset[str], hash_bits: int, *, several: bool
) -> tuple[sparse.csr_matrix, NDArray[np.int64]]:
    """0/1 columns of one feature, in the order of its values, and the hash of each column."""
    codes, cells = pd.factorize(values.astype(str), sort=True)
    held = [visible_values(cell, hidden, several=several) for cell in cells]
    words = sorted({value for cell in held for value in cell})
    places, marks = _hashed(words, hash_bits)
    column = dict(zip(words, places.tolist(), strict=True))
    begin = np.concatenate([[0], np.cumsum([len(cell) for cell in held])])
    flat = np.array([column[value] for cell in held for value in cell], dtype=np.int64)
    shape = (len(held), max(column.values(), default=0) + 1)
    of_cell = sparse.csr_matrix((np.ones(len(flat)), flat, begin), shape=shape)
    of_cell.sum_duplicates()
    of_cell.data[:] = 1.0
    return of_cell[codes], marks


def visible_values(cell: str, hidden: frozenset[str], *, several: bool) -> list[str]:
    """The values of a cell that are not hidden; '' where there is none."""
    if PRESENT in hidden or (hidden and not several):
        return [""]  # of a column with one value a row the gap itself would tell: all of it is left out
    if not several:
        return [cell]
    return [value for value in dict.fromkeys(cell.split(",")) if value not in hidden] or [""]


def value_hash(value: str, bits: int) -> int:
    """Return the hash of a value."""
    return zlib.crc32(value.encode()) & ((1 << bits) - 1)


def _hashed(words: Sequence[str], hash_bits: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The column of each word: those of one hash share it, in the order in which they come; and the hash of each column."""
    mark = np.array([value_hash(word, hash_bits) for word in words], dtype=np.int64)
    held, first, place = np.unique(mark, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first, kind="stable")] = np.arange(len(first))
    return rank[place], held[np.argsort(first, kind="stable")]

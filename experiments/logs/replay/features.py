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

HASH_BITS, HASH_MOST_BITS = 22, 28
MOST_CODES = 254
"""The number of a feature's values that gradient boosting distinguishes; the others share one code."""
MOST_TAGS = 64
"""The same for a feature with several values in a cell."""


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

    @property
    def keys(self) -> NDArray[np.int64]:
        """A number for each value that is the same in every encoding: its feature and its hash."""
        return self.feature << HASH_MOST_BITS | self.marks

    def frequent(
        self, names: Collection[str], training: NDArray[np.bool_], min_count: int
    ) -> NDArray[np.int64]:
        """Return the keys of the named features' values that at least `min_count` training rows have."""
        return self.keys[self._of(names) & (self._counts(training) >= min_count)]

    def columns(self, names: Collection[str], frequent: NDArray[np.int64]) -> sparse.csr_matrix:
        """Return a column for each frequent value, and one "rare" a feature for its other values; shape (rows, columns)."""
        place = pd.Index(frequent).get_indexer(pd.Index(self.keys))
        own, rare = np.flatnonzero(place >= 0), np.flatnonzero(self._of(names) & (place < 0))
        values = self._selected(own, place[own], len(frequent))
        values.sort_indices()
        any_rare = self._selected(rare, self.feature[rare], len(self.names)).minimum(1)
        return sparse.hstack([values, any_rare], format="csr")

    def _selected(
        self, values: NDArray[np.int64], places: NDArray[np.int64], width: int
    ) -> sparse.csr_matrix:
        """Return the values' columns, each added to the one at its place; shape (rows, width)."""
        chosen = sparse.csr_matrix((np.ones(len(values)), (values, places)), (self.matrix.shape[1], width))
        return self.matrix @ chosen

    def _of(self, names: Collection[str]) -> NDArray[np.bool_]:
        return np.isin(self.feature, [self.names.index(name) for name in names])

    def ranked(self, names: Sequence[str], training: NDArray[np.bool_]) -> dict[str, NDArray[np.int64]]:
        """Return the keys of each feature's values, those that most training rows have first, as many as `codes` takes."""
        counts, found = self._counts(training), {}
        for name in names:
            own = np.flatnonzero(self.feature == self.names.index(name))
            most = own[np.argsort(-counts[own], kind="stable")][
                : MOST_TAGS if name in self.lists else MOST_CODES
            ]
            found[name] = self.keys[most[counts[most] > 0]]
        return found

    def codes(self, ranked: Mapping[str, NDArray[np.int64]]) -> NDArray[np.float64]:
        """Return dense columns for gradient boosting; shape (rows, columns).

        A feature is a column of codes, its values by rank, the others under the last code; one with several values in a cell
        is a 0/1 column for each ranked value.
        """
        made = [np.empty((self.matrix.shape[0], 0))]
        for name, keys in ranked.items():
            place = pd.Index(keys).get_indexer(pd.Index(self.keys))
            if name in self.lists:
                own = np.flatnonzero(place >= 0)
                made.append(self._selected(own, place[own], len(keys)).toarray())
                continue
            own = np.flatnonzero(self.feature == self.names.index(name))
            rank = np.where(place < 0, float(MOST_CODES), place)
            made.append(rank[self.matrix[:, own].indices + own[0]][:, None])
        return np.hstack(made)

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
        hash_bits: the bits of a value's hash within its feature; values of one hash share a column.
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
    """Return 0/1 columns of one feature, in the order of its values, and the hash of each column."""
    cells = values.astype("category").cat.remove_unused_categories().cat
    held = [_visible(cell, hidden, several=several) for cell in cells.categories.astype(str)]
    words = sorted({value for cell in held for value in cell})
    hashes = np.array([zlib.crc32(word.encode()) & ((1 << hash_bits) - 1) for word in words], dtype=np.int64)
    places, marks = pd.factorize(hashes)  # values of one hash share a column
    column = dict(zip(words, places.tolist(), strict=True))
    begin = np.concatenate([[0], np.cumsum([len(cell) for cell in held])])
    flat = np.array([column[value] for cell in held for value in cell], dtype=np.int64)
    of_cell = sparse.csr_matrix((np.ones(len(flat)), flat, begin), shape=(len(held), len(marks)))
    of_cell.sum_duplicates()
    of_cell.data[:] = 1.0
    return of_cell[cells.codes.to_numpy()], marks


def _visible(cell: str, hidden: frozenset[str], *, several: bool) -> list[str]:
    """Return the values of a cell that are not hidden; '' where no value is left."""
    if PRESENT in hidden or (hidden and not several):
        return [""]  # of a column with one value a row the gap itself would tell: all of it is left out
    if not several:
        return [cell]
    return [value for value in dict.fromkeys(cell.split(",")) if value not in hidden] or [""]

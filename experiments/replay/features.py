"""From the text columns of a log to sparse 0/1 columns, pruned by what the training rows hold."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer


@dataclass(frozen=True)
class Encoded:
    """Every value of every feature as a 0/1 column. No row's click had a part in it.

    Attributes:
        matrix: shape (rows, values), CSR.
        feature: for each value, the number of its feature in `names`.
        names: the features.
    """

    matrix: sparse.csr_matrix
    feature: NDArray[np.int64]
    names: tuple[str, ...]

    def pruned(
        self, names: Collection[str], training: NDArray[np.bool_], min_count: int
    ) -> sparse.csr_matrix:
        """Return the columns of the named features, shape (rows, kept).

        A value stays when at least `min_count` training rows have it; each feature's other values, those that only
        rows outside the training part have among them, share one column "rare".
        """
        wanted = np.isin(self.feature, [self.names.index(name) for name in names])
        counts = np.asarray(self.matrix[training].sum(axis=0)).ravel()
        kept, rare = wanted & (counts >= min_count), wanted & (counts < min_count)
        members = sparse.csr_matrix(
            (np.ones(rare.sum()), (np.arange(rare.sum()), self.feature[rare])),
            shape=(int(rare.sum()), len(self.names)),
        )
        any_rare = (self.matrix[:, rare] @ members).minimum(1)
        return sparse.hstack([self.matrix[:, kept], any_rare], format="csr")


def encode(
    frame: pd.DataFrame, names: Sequence[str], lists: Collection[str], hidden: Collection[str] = ()
) -> Encoded:
    """Encode the named columns; `hidden` values of the list columns are left out as if never recorded."""
    blocks, feature = [], []
    for number, name in enumerate(names):
        block = _list_block(frame[name], frozenset(hidden)) if name in lists else _block(frame[name])
        blocks.append(block)
        feature.append(np.full(block.shape[1], number, dtype=np.int64))
    return Encoded(sparse.hstack(blocks, format="csr"), np.concatenate(feature), tuple(names))


def _block(values: pd.Series) -> sparse.csr_matrix:
    """One-hot columns of a feature with one value a row."""
    codes, known = pd.factorize(values, sort=True)
    ones = np.ones(len(codes))
    return sparse.csr_matrix((ones, (np.arange(len(codes)), codes)), shape=(len(codes), len(known)))


def _list_block(values: pd.Series, hidden: frozenset[str]) -> sparse.csr_matrix:
    """0/1 columns of a feature with several values a row, split at commas; a row without any has the value ''."""

    def split(cell: str) -> list[str]:
        return [value for value in cell.split(",") if value not in hidden] or [""]

    counter = CountVectorizer(
        tokenizer=split, preprocessor=str, token_pattern=None, lowercase=False, binary=True, dtype=np.float64
    )
    return counter.fit_transform(values)

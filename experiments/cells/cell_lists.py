"""Cells of a study that are made each time they are asked for: a study of any size holds only those that are about to run."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import chain, compress

import numpy as np
from numpy.typing import NDArray

from .cell import Cell

Keys = NDArray[np.bytes_]
"""The keys of cells, one each; shape (cells,)."""


class Cells(Collection[Cell]):
    """Cells that are made anew by each iteration.

    Args:
        make: yields them.
        count: how many there are.
        keys: their keys, where these are known already.
    """

    def __init__(self, make: Callable[[], Iterator[Cell]], count: int, keys: Keys | None = None) -> None:
        self._make, self._count, self.keys = make, count, keys

    def __iter__(self) -> Iterator[Cell]:
        made = self._make()
        return made if self.keys is None else map(Cell.with_key, made, self.keys)

    def __len__(self) -> int:
        return self._count

    def __contains__(self, cell: object) -> bool:
        return any(cell == own for own in self)


def joined(parts: Iterable[Collection[Cell]]) -> Cells:
    """Return the cells of all parts, one part after the other."""
    kept = tuple(parts)
    known = [part.keys for part in kept if isinstance(part, Cells) and part.keys is not None]
    keys = np.concatenate(known) if kept and len(known) == len(kept) else None
    return Cells(lambda: chain.from_iterable(kept), sum(map(len, kept)), keys)


def keyed(cells: Collection[Cell]) -> Cells:
    """Return the cells with their keys, which stay these if a strategy's file changes later."""
    return Cells(cells.__iter__, len(cells), keys_of(cells))


def chosen(cells: Collection[Cell], mask: NDArray[np.bool_]) -> Cells:
    """Return the cells at which a mask is True."""
    if isinstance(cells, Cells) and mask.all():
        return cells
    return Cells(lambda: compress(cells, mask), int(np.count_nonzero(mask)), keys_of(cells)[mask])


def keys_of(cells: Collection[Cell]) -> Keys:
    """Return the keys of cells."""
    known = getattr(cells, "keys", None)
    return np.fromiter((cell.key for cell in cells), "S20", len(cells)) if known is None else known


def estimated_from(stages: Iterable[Cells]) -> Cells:
    """Return the cells of a study's stages that are no pilots, each once."""
    cells = keyed(joined(stages))
    is_pilot = np.fromiter((cell.is_pilot for cell in cells), bool, len(cells))
    return chosen(cells, are_first(keys_of(cells)) & ~is_pilot)


def are_first(keys: Keys) -> NDArray[np.bool_]:
    """Return which keys have not come before, shape (keys,)."""
    first = np.zeros(len(keys), bool)
    first[np.unique(keys, return_index=True)[1]] = True
    return first

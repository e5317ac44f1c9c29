"""Clicks that lie in files of their own, to be found again by bid id and creative."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

SEPARATOR = "\t"


@dataclass
class Keys:
    """The keys of all clicks, how many rows each has, and the impressions that were found with it."""

    keys: pa.Array
    counts: NDArray[np.int64]
    _hits: NDArray[np.int64] = field(init=False)

    def __post_init__(self) -> None:
        self._hits = np.zeros(len(self.keys), dtype=np.int64)

    def found(self, bid_id: pa.Array, creative: pa.Array) -> NDArray[np.int64]:
        """1 where the impression was clicked, shape (rows,)."""
        if not len(self.keys):
            return np.zeros(len(bid_id), dtype=np.int64)
        place = pc.index_in(_key(bid_id, creative), value_set=self.keys)
        hit = np.asarray(pc.fill_null(place, -1))
        self._hits += np.bincount(hit[hit >= 0], minlength=len(self._hits))
        return (hit >= 0).astype(np.int64)

    @property
    def rows(self) -> int:
        """Rows of the click files."""
        return int(self.counts.sum())

    @property
    def unmatched(self) -> int:
        """Rows of the click files whose impression has not come."""
        return int(self.counts[self._hits == 0].sum())

    @property
    def repeated(self) -> int:
        """Rows of the click files beyond the first of their key: several clicks are one clicked impression."""
        return int((self.counts - 1).sum())

    @property
    def shared(self) -> int:
        """Impressions beyond the first that share their click's key."""
        return int(np.maximum(self._hits - 1, 0).sum())

    def notes(self, what: str) -> dict[str, int]:
        """What came of the rows, counted, in words; `what` they are of (click, conversion)."""
        matched = self.rows - self.unmatched
        few = f"; beware: that is most of the {self.rows:,}, so these files may not belong together, or their ids may differ"
        return {
            f"{what} rows found their impression, of {self.rows:,}": matched,
            f"{what} rows have no impression among these{few if self.unmatched > matched else ''}": self.unmatched,
            f"{what} rows repeat another one's bid id and creative": self.repeated,
            f"impressions share a {what} with another row of the same bid id and creative": self.shared,
        }


class Clicks:
    """Collects the keys of click rows."""

    def __init__(self) -> None:
        self._parts: list[pa.Array] = []

    def add(self, bid_id: pa.Array, creative: pa.Array) -> None:
        """Take some rows."""
        self._parts.append(_key(bid_id, creative))

    def keys(self) -> Keys:
        """All of them, each once: somebody who clicks twice is one click of the impression."""
        together = pa.concat_arrays(self._parts) if self._parts else pa.array([], pa.string())
        held = pc.value_counts(together)
        return Keys(held.field("values"), np.asarray(held.field("counts")))


def _key(bid_id: pa.Array, creative: pa.Array) -> pa.Array:
    plain = [
        array.cast(pa.string()) if pa.types.is_dictionary(array.type) else array
        for array in (bid_id, creative)
    ]
    return pc.binary_join_element_wise(*plain, SEPARATOR)

"""Clicks in files of their own, joined to impressions by bid id and creative."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

SEPARATOR = "\t"


class ClickIndex:
    """The distinct keys of click rows, the rows of each, and the impressions found with it.

    Two clicks on one impression are one clicked impression.
    """

    def __init__(self, rows: Sequence[tuple[pa.Array, pa.Array]]) -> None:
        """Take the bid ids and creatives of the click rows, block by block."""
        parts = [_key(*block) for block in rows]
        counted = pc.value_counts(pa.concat_arrays(parts) if parts else pa.array([], pa.string()))
        self._keys, self._counts = counted.field("values"), np.asarray(counted.field("counts"))
        self._hits = np.zeros(len(self._keys), dtype=np.int64)

    def clicked(self, bid_id: pa.Array, creative: pa.Array) -> NDArray[np.int64]:
        """Return 1 where the impression was clicked, else 0; shape (rows,)."""
        if not len(self._keys):
            return np.zeros(len(bid_id), dtype=np.int64)
        place = pc.index_in(_key(bid_id, creative), value_set=self._keys)
        hit = np.asarray(pc.fill_null(place, -1))
        self._hits += np.bincount(hit[hit >= 0], minlength=len(self._hits))
        return (hit >= 0).astype(np.int64)

    def notes(self, what: str) -> dict[str, int]:
        """Return counts of matched, unmatched, repeated and shared rows, in words; `what` they are (click, conversion)."""
        rows, unmatched = int(self._counts.sum()), int(self._counts[self._hits == 0].sum())
        few = f"; beware: that is most of the {rows:,}, so these files may not belong together, or their ids may differ"
        return {
            f"{what} rows found their impression, of {rows:,}": rows - unmatched,
            f"{what} rows have no impression among these{few if 2 * unmatched > rows else ''}": unmatched,
            f"{what} rows repeat another one's bid id and creative": rows - len(self._keys),
            f"impressions share a {what} with another row of the same bid id and creative": int(
                np.maximum(self._hits - 1, 0).sum()
            ),
        }


def _key(bid_id: pa.Array, creative: pa.Array) -> pa.Array:
    return pc.binary_join_element_wise(bid_id.cast(pa.string()), creative.cast(pa.string()), SEPARATOR)

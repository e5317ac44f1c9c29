"""Bids that came too late, counted."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..compiled import kernel
from .arrays import Bids


@kernel
def count_late(
    first: int,
    last: int,
    late: NDArray[np.bool_],
    is_counted: NDArray[np.bool_],
    bids: Bids,
    cells: NDArray[np.int32],
    counts: NDArray[np.int64],
) -> None:
    """Add to ``counts``, shape (bidders,), the requests ``first`` to ``last - 1`` of the chunk on which a bidder was late with a bid.

    ``late`` has shape (bidders, n); only bidders where ``is_counted`` are looked at.
    """
    for k in range(len(counts)):
        if not is_counted[k]:
            continue
        column = bids.column[k]
        for i in range(first, last):
            if late[k, i]:
                at = bids.offset[k] + (cells[column, i] if column >= 0 else i)
                counts[k] += bids.numbers[at] > 0

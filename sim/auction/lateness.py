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
    eights: NDArray[np.uint64],
    is_counted: NDArray[np.bool_],
    bids: Bids,
    cells: NDArray[np.int32],
    counts: NDArray[np.int64],
) -> None:
    """Add to ``counts``, shape (bidders,), the requests ``first`` to ``last - 1`` of the chunk on which a bidder was late with a bid.

    ``late`` has shape (bidders, n), ``eights`` the same flags, eight in a number; only bidders where ``is_counted`` are looked at.
    """
    for k in range(len(counts)):
        if not is_counted[k]:
            continue
        column = bids.column[k]
        for eight in range(first // 8, (last + 7) // 8):
            if eights[k, eight] == 0:
                continue
            for i in range(max(8 * eight, first), min(8 * eight + 8, last)):
                if late[k, i]:
                    at = bids.offset[k] + (cells[column, i] if column >= 0 else i)
                    counts[k] += bids.numbers[at] > 0

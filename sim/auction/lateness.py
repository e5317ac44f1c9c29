"""Answers that come too late: flags of them, eight bidders in a number, and the bids among them, counted."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..compiled import kernel, kernel_part, natural
from ..streams import STEP, counter, mixed
from .arrays import Bids

ROWS = 4096
"""Rows whose flags are put together at a time."""
ONES, PAIRS, ADDED = (
    np.uint64(0x0101010101010101),
    np.uint64(0x00FF00FF00FF00FF),
    np.uint64(0x0001000100010001),
)


@kernel
def flag_late(
    keys: NDArray[np.uint64],
    least: NDArray[np.int64],
    start: int,
    eight: int,
    room: NDArray[np.uint8],
    late: NDArray[np.uint8],
) -> None:
    """Write into ``late[:, eight]`` which of up to eight bidders answer too late at positions ``start`` on.

    Bidder k does where the 53 bits that its stream ``keys[k]`` has there are ``least[k]`` or more. ``room``, shape (``ROWS``,), is scratch.
    """
    n, column = late.shape[0], natural(eight)
    for first in range(0, n, len(room)):
        rows = min(len(room), n - first)
        for j in range(rows):
            room[j] = 0
        for k in range(len(keys)):
            key, limit, place, z = keys[k], least[k], np.uint8(k), counter(keys[k], start + first)
            for j in range(rows):
                is_late = np.uint8(np.int64(mixed(key, z) >> np.uint64(11)) >= limit)
                room[j] |= np.uint8(is_late << place)
                z += STEP
        for j in range(rows):
            late[first + j, column] = room[j]


@kernel
def count_late(
    first: int,
    last: int,
    late: NDArray[np.uint8],
    is_counted: NDArray[np.bool_],
    bids: Bids,
    sizes: NDArray[np.int64],
    cells: NDArray[np.int32],
    flags: NDArray[np.uint8],
    eights: NDArray[np.uint64],
    counts: NDArray[np.int64],
) -> None:
    """Add to ``counts``, shape (bidders,), the requests ``first`` to ``last - 1`` of the chunk on which a bidder was late with a bid.

    ``late``, shape (n, bidders / 8), has flags of the late, eight bidders in a number; only bidders where ``is_counted`` are looked at.
    ``sizes`` says how many cells each bids on (0: by row). ``flags``, shape (``ROWS``,), is scratch, and ``eights`` the same, eight in a number.
    """
    for begin in range(first, last, ROWS):
        rows = min(ROWS, last - begin)
        for eight in range(late.shape[1]):
            for j in range(rows):
                flags[j] = late[begin + j, eight]
            for j in range(rows, (rows + 7) // 8 * 8):
                flags[j] = 0
            for k in range(8 * eight, min(8 * eight + 8, len(counts))):
                if not is_counted[k]:
                    continue
                if has_bids_everywhere(k, bids, sizes):
                    counts[k] += count_flags(np.uint64(k & 7), eights[: (rows + 7) // 8])
                    continue
                column, offset = bids.column[k], bids.offset[k]
                for j in range(rows):
                    at = offset + (cells[column, begin + j] if column >= 0 else begin + j)
                    counts[k] += (flags[j] >> (k & 7) & 1) & (bids.numbers[at] > 0)


@kernel_part
def has_bids_everywhere(k: int, bids: Bids, sizes: NDArray[np.int64]) -> bool:
    """Whether bidder ``k`` bids on each of its cells: the sign of a number says so."""
    begin, signs = natural(bids.offset[k]), np.int64(sizes[k] - 1)
    numbers = bids.numbers[begin : begin + natural(sizes[k])]
    for j in range(len(numbers)):
        signs |= numbers[j] - 1
    return bool(signs >= 0)


@kernel_part
def count_flags(flag: np.uint64, eights: NDArray[np.uint64]) -> int:
    """How many of the bytes, eight in a number, have a flag: added as bytes, and these as pairs of bytes before they are full."""
    count = np.int64(0)
    for begin in range(0, len(eights), 255):
        part, some = eights[begin : min(begin + 255, len(eights))], np.uint64(0)
        for j in range(len(part)):
            some += (part[j] >> flag) & ONES
        pairs = (some & PAIRS) + ((some >> np.uint64(8)) & PAIRS)
        count += np.int64((pairs * ADDED) >> np.uint64(48))
    return int(count)

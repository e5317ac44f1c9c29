"""Whole micros: bids checked and rounded on entry, charges and fees rounded half to even."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..compiled import inlined, kernel

MICROS = 1e6
ROUNDING, ROUNDED = 1.5 * 2**52, 0x4338000000000000
"""A double below 2^51 is rounded half to even as this is added, and is then a whole number in the last bits."""
NEARLY_HALF = 0.49
"""Only what is as far as this from a whole number may be a half."""


@inlined
def half_even(micros: float) -> int:
    """Rounded half to even, a half being what would be one but for the last digits of binary fractions (.7 x 15)."""
    whole = np.rint(micros)
    if abs(micros - whole) > NEARLY_HALF:
        half = np.rint(2.0 * micros) / 2.0
        if abs(micros - half) < min(1e-12 * max(micros, 1.0), 1e-3):
            whole = np.rint(half)
    return int(whole)


@kernel
def fees_of(paid: NDArray[np.int64], fee: float, out: NDArray[np.int64]) -> None:
    """The exchange's share of each charge, in micros; all of shape (n,)."""
    for i in range(len(paid)):
        out[i] = half_even(fee * paid[i])


@kernel
def first_wrong(answer: NDArray[np.float64], most: float) -> int:
    """The first row whose number is no bid (nan, negative, above ``most``); -1 where all are."""
    wrong = 0
    for i in range(len(answer)):  # all of them, and no early end: that compares several numbers at a time
        wrong += not (0.0 <= answer[i] <= most)
    if wrong > 0:
        for i in range(len(answer)):
            if not 0.0 <= answer[i] <= most:
                return i
    return -1


@kernel
def enter_bids(
    answer: NDArray[np.float64], most: float, cell_of: NDArray[np.int64], micros: NDArray[np.int64]
) -> int:
    """Write bids in currency as micros, rounded half to even; returns -1.

    Place i takes ``answer[cell_of[i]]``, or ``answer[i]`` where ``cell_of`` is empty. An answer that is no bid
    (``first_wrong``) stops it: its row is returned.
    """
    wrong = first_wrong(answer, most)
    if wrong >= 0:
        return wrong
    if len(cell_of) > 0:
        for i in range(len(cell_of)):
            micros[i] = np.float64(MICROS * answer[cell_of[i]] + ROUNDING).view(np.int64) - ROUNDED
    else:
        for i in range(len(answer)):
            micros[i] = np.float64(MICROS * answer[i] + ROUNDING).view(np.int64) - ROUNDED
    return -1

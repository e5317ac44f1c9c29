"""Soft floor: a second-price auction above the soft floor, a first-price auction below it (Zeithammer 2019)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...compiled import kernel_part

# Every rule takes the same arguments, whichever of them it needs.


@kernel_part
def charge(
    slot: int, n: int, top: NDArray[np.int64], floor: int, rates: NDArray[np.float64], soft_floor: int
) -> float:
    """A winner at the soft floor or above pays the next bid or the soft floor if higher; below it, its own bid."""
    if top[slot] < soft_floor:
        return float(top[slot] * rates[slot])
    next_bid = top[slot + 1] if slot + 1 < n else floor
    return float(max(next_bid, floor, soft_floor) * rates[slot])

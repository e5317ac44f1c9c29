"""VCG for slots (Vickrey 1961, Clarke 1971, Groves 1973): a winner pays what its presence costs those below it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...compiled import kernel_part

# Every rule takes the same arguments, whichever of them it needs.
# ruff: noqa: ARG001


@kernel_part
def charge(
    slot: int, n: int, top: NDArray[np.int64], floor: int, rates: NDArray[np.float64], soft_floor: int
) -> float:
    """Sum over the slots from here down: click rate lost to the one below x that one's bid (the floor if none)."""
    total = 0.0
    for j in range(slot, len(rates)):
        below = rates[j + 1] if j + 1 < len(rates) else 0.0
        bid = max(top[j + 1], floor) if j + 1 < n else floor
        total += (rates[j] - below) * bid
    return total

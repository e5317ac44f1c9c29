"""First price: every winner pays its own bid."""

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
    """Own bid x click rate of the slot."""
    return float(top[slot] * rates[slot])

"""Second price, and with several slots the generalised second price (Edelman, Ostrovsky & Schwarz 2007)."""

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
    """The next bid, or the floor where that is higher or no bid is next, x click rate of the slot."""
    return float((max(top[slot + 1], floor) if slot + 1 < n else floor) * rates[slot])

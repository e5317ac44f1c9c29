"""What winners pay: each mechanism's ``charge`` put behind one, compiled together."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from importlib import import_module

import numpy as np
from numpy.typing import NDArray

from ..compiled import kernel_part
from .mechanisms import FILES

Charge = Callable[[int, int, int, NDArray[np.int64], int, NDArray[np.float64], int], float]


@kernel_part
def _unknown(
    mechanism: int,  # noqa: ARG001
    slot: int,  # noqa: ARG001
    n: int,  # noqa: ARG001
    top: NDArray[np.int64],  # noqa: ARG001
    floor: int,  # noqa: ARG001
    rates: NDArray[np.float64],  # noqa: ARG001
    soft_floor: int,  # noqa: ARG001
) -> float:
    return np.nan


def _before(others: Charge, numbered: tuple[int, str]) -> Charge:
    """``others``, or the numbered mechanism's own rule where the request is sold by it."""
    number, file = numbered
    own = import_module(f"jointbid.sim.auction.mechanisms.{file}").charge

    @kernel_part
    def either(
        mechanism: int,
        slot: int,
        n: int,
        top: NDArray[np.int64],
        floor: int,
        rates: NDArray[np.float64],
        soft_floor: int,
    ) -> float:
        if mechanism == number:
            return float(own(slot, n, top, floor, rates, soft_floor))
        return others(mechanism, slot, n, top, floor, rates, soft_floor)

    return either


_NONE: Charge = _unknown
charge = reduce(_before, reversed(list(enumerate(FILES.values()))), _NONE)
"""What the winner of ``slot`` pays by the request's ``mechanism``, in micros; the kernel rounds it half to even.

``top`` are the ``n`` highest bids per unit of click rate, highest first; ``rates`` the slots' click rates.
"""

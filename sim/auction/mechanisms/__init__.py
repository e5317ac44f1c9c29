"""The mechanisms by name: each a file with its ``charge``, and a line in both tables here."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim.auction.compiled import inlined
from sim.auction.mechanisms import first_price, second_price, soft_floor, vcg

MECHANISMS = {"second_price": 0, "first_price": 1, "soft_floor": 2, "gsp": 0, "vcg": 3}
"""Name -> number. GSP is what second price is where there are several slots."""

_second_price, _first_price, _soft_floor, _vcg = (
    second_price.charge,
    first_price.charge,
    soft_floor.charge,
    vcg.charge,
)


@inlined
def charge(
    mechanism: int,
    slot: int,
    n: int,
    top: NDArray[np.int64],
    floor: int,
    rates: NDArray[np.float64],
    soft: int,
) -> float:
    """What the winner of ``slot`` pays, in micros; the kernel rounds it half to even.

    ``top`` are the ``n`` highest bids per unit of click rate, highest first; ``rates`` the slots' click rates.
    """
    if mechanism == 0:
        price = _second_price(slot, n, top, floor, rates, soft)
    elif mechanism == 1:
        price = _first_price(slot, n, top, floor, rates, soft)
    elif mechanism == 2:
        price = _soft_floor(slot, n, top, floor, rates, soft)
    else:
        price = _vcg(slot, n, top, floor, rates, soft)
    return price

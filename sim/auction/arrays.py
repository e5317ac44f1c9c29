"""The columns and tables that the compiled kernel works on. Money is in integer micros throughout.

A table is a vector of numbers inside one flat array: bidder k's number for request i is at
``offset[k] + stride x cells[column[k], i]``, or at ``offset[k] + i`` where its column is -1 (one number a row). So a bidder
whose answers depend on categorical columns alone is asked once per cell and not once per request.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

OUTSIDE = -1
"""The winner's number where the price landscape wins."""
NOBODY = -2
"""The winner's number where no bid reached the floor."""


class Requests(NamedTuple):
    """Columns of a chunk, shape (n,); ``cells`` (columns, n).

    ``weight`` is empty where every row is one impression, ``click_u`` where nothing is ever clicked.
    """

    start: int
    hour: NDArray[np.int32]
    mechanism: NDArray[np.int8]
    floor: NDArray[np.int64]
    price: NDArray[np.int64]
    click_u: NDArray[np.float64]
    weight: NDArray[np.float64]
    cells: NDArray[np.int32]


class Rules(NamedTuple):
    """What holds for every request: slot click rates (slots,), the soft floor, the exchange's share of each charge.

    ``top`` and ``names``, shape (slots + 1,), are the kernel's scratch: the highest bids of a request, and whose.
    """

    rates: NDArray[np.float64]
    soft_floor: int
    fee: float
    top: NDArray[np.int64]
    names: NDArray[np.int64]


class Bids(NamedTuple):
    """Bids in micros per unit of click rate; ``shared`` where all bidders look up one column of cells."""

    numbers: NDArray[np.int64]
    offset: NDArray[np.int64]
    column: NDArray[np.int64]
    stride: int
    shared: bool


class Outcomes(NamedTuple):
    """Expected value (currency) and click probability of an impression, looked up like bids with stride 1."""

    theta: NDArray[np.float64]
    click: NDArray[np.float64]
    offset: NDArray[np.int64]
    column: NDArray[np.int64]


class Seats(NamedTuple):
    """Who sits where. ``floor`` has shape (bidders,); the others (1 + bidders,), their first entry for the outside.

    ``house`` is the advertiser's number (own campaigns never compete), ``key`` what tie priorities are hashed from.
    """

    floor: NDArray[np.int64]
    house: NDArray[np.int64]
    key: NDArray[np.uint64]


class Shortlist(NamedTuple):
    """The highest bids of each shared cell, settled when first needed in a block: bidders and bids, highest first.

    ``who`` and ``bid`` have shape (cells, length), ``filled`` and ``block`` (cells,); no cells: no shortlist is kept.
    """

    who: NDArray[np.int64]
    bid: NDArray[np.int64]
    filled: NDArray[np.int64]
    block: NDArray[np.int64]


class Ledger(NamedTuple):
    """What changes with each auction: shape (bidders,), (hours, bidders), (bidders, slots), or (1,) for the exchange."""

    left: NDArray[np.int64]
    spend: NDArray[np.int64]
    wins: NDArray[np.int64]
    clicks: NDArray[np.float64]
    value: NDArray[np.float64]
    clicks_expected: NDArray[np.float64]
    hourly_spend: NDArray[np.int64]
    hourly_wins: NDArray[np.int64]
    fees: NDArray[np.int64]


class Record(NamedTuple):
    """What happened to each request of the block, shape (n, slots); ``others`` (n,); no rows where nobody asked.

    ``winner`` and ``paid`` per slot, ``bid`` the winning bid per slot, ``others`` the best bid that won no slot.
    """

    winner: NDArray[np.int64]
    paid: NDArray[np.int64]
    bid: NDArray[np.int64]
    others: NDArray[np.int64]
    clicked: NDArray[np.bool_]

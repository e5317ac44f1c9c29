"""The columns and tables that the compiled kernel works on. Money is in integer micros throughout.

A table is a vector of numbers inside one flat array: bidder k's number for request i is at
``offset[k] + cells[column[k], i]``, or at ``offset[k] + i`` where its column is -1 (one number a row). So a bidder
whose answers depend on categorical columns alone is asked once per cell and not once per request.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

OUTSIDE = -1
"""The winner's number where the price landscape wins."""
NOBODY = -2
"""The winner's number where no bid reached the floor."""
LINE = 8
"""Numbers that come from the computer's memory together: a cache line's."""
LINE_BYTES = 64
FEW_LINES = 4
"""From more cache lines a row on, each begins with one of its own: that costs a quarter more memory at most."""
HUGE_PAGE = 1 << 21
"""Bytes of a large page of memory: rows in any order are found sooner in few large pages than in many small ones."""


def in_lines(rows: int, width: int, kind: type[np.generic]) -> NDArray[Any]:
    """Return zeros of shape (rows, ``width`` or more): no row goes over the end of a cache line without need.

    Those of ``HUGE_PAGE`` or more begin with a page: numpy asks for such pages from twice their size on.
    """
    each = LINE_BYTES // np.dtype(kind).itemsize
    if width > FEW_LINES * each:
        width = -(-width // each) * each
    elif width < each:
        width = 1 << (width - 1).bit_length() if width else 0
    begins = LINE_BYTES if rows * width // each < HUGE_PAGE // LINE_BYTES else HUGE_PAGE
    flat = np.zeros(rows * width + begins // LINE_BYTES * each, dtype=kind)
    skipped = -flat.ctypes.data % begins // flat.itemsize
    return flat[skipped : skipped + rows * width].reshape(rows, width)


class Requests(NamedTuple):
    """Columns of a chunk, shape (n,); ``cells`` (columns, n), ``absent`` (n, bidders / 8).

    ``weight`` is empty where every row is one impression, ``person`` where everybody is new, ``absent`` (flags of those whose bid
    does not count: they were not asked, or answered too late; eight bidders in a number, the first in its lowest bit) where no bidder is.
    """

    start: int
    time_us: NDArray[np.int64]
    mechanism: NDArray[np.int8]
    floor: NDArray[np.int64]
    price: NDArray[np.int64]
    weight: NDArray[np.float64]
    person: NDArray[np.int64]
    absent: NDArray[np.uint8]
    cells: NDArray[np.int32]


class Scores(NamedTuple):
    """How bids are ranked (``auction.scoring``): ``slope`` and ``offset`` (micros), shape (1 + bidders,), the first for the outside.

    ``is_floor_in_score``: the request's floor is one of scores, not of bids.
    ``bid`` and ``money``, shape (slots + 1,), are the kernel's scratch: the bids behind the highest scores, and what one winner would
    have had to bid for each of these scores.
    """

    slope: NDArray[np.float64]
    offset: NDArray[np.float64]
    is_floor_in_score: bool
    bid: NDArray[np.int64]
    money: NDArray[np.int64]


class Rules(NamedTuple):
    """What holds for every request: slot click rates (slots,), the soft floor, the exchange's share of each charge.

    ``top`` and ``names``, shape (slots + 1,), are the kernel's scratch: the highest bids (or scores) of a request, and whose; and
    ``stands``, shape (bidders / 8,): flags of those whose bid counts, where people are known.
    """

    rates: NDArray[np.float64]
    soft_floor: int
    fee: float
    top: NDArray[np.int64]
    names: NDArray[np.int64]
    stands: NDArray[np.uint8]


class Bids(NamedTuple):
    """Bids in micros per unit of click rate; ``shared`` where all bidders look up one column of cells.

    ``creative`` is the ad that each bid is for, laid out like ``numbers``: its number, or -1 where the creatives rotate;
    empty where no bidder chooses.
    """

    numbers: NDArray[np.int64]
    offset: NDArray[np.int64]
    column: NDArray[np.int64]
    shared: bool
    creative: NDArray[np.int16]


class Effects(NamedTuple):
    """What an impression does (``jointbid.sim.response.Effect``, flat), looked up like bids.

    The numbers of two cells are ``apart`` from each other: where all are needed they lie side by side, and come from memory together.
    Creative c's numbers lie ``c x creative_stride`` further on; ``rotation`` are the cumulative shares of the creatives, shape
    (creatives,), and ``rotation_key`` (bidders,) what their choice is hashed from. ``fading`` is what is left of an effect by how
    many of the advertiser's impressions the person has seen. ``keys`` are those of the draws: seen, clicked, converted.
    ``lasting`` is what a seen impression adds to the account's stock, cells one apart; empty where there are no journeys.
    Where nothing is ever clicked or unseen (``drawn`` false) only ``worth`` is looked at, and the others may be empty.
    """

    worth: NDArray[np.float64]
    seen: NDArray[np.float64]
    seen_click: NDArray[np.float64]
    seen_conversion: NDArray[np.float64]
    after_click: NDArray[np.float64]
    click: NDArray[np.float64]
    conversion: NDArray[np.float64]
    offset: NDArray[np.int64]
    column: NDArray[np.int64]
    creative_stride: int
    apart: int
    rotation: NDArray[np.float64]
    rotation_key: NDArray[np.uint64]
    fading: NDArray[np.float64]
    keys: NDArray[np.uint64]
    drawn: bool
    lasting: NDArray[np.float64]


class Seats(NamedTuple):
    """Who sits where. ``floor`` has shape (bidders,); the others (1 + bidders,), their first entry for the outside.

    ``advertiser`` is its number (own campaigns never compete; ``campaigns`` says whether any has several), ``key`` what
    tie priorities are hashed from.
    """

    floor: NDArray[np.int64]
    advertiser: NDArray[np.int64]
    key: NDArray[np.uint64]
    campaigns: bool


class Memory(NamedTuple):
    """What has happened to each person so far. Every array is empty where everybody is new.

    ``seen`` (people, advertisers + counters, or more): impressions seen of each of the ``advertisers``, up to 255, and then a mark of each counter,
    and, where nothing ``fetches``, flags of the bidders that may reach the person no more, eight in a number.
    Frequency caps are counters: bidder k's wins count in the counters ``counter[begin[k] : begin[k + 1]]``. Counter c allows ``limit[c]``
    wins in ``window_us[c]``, sliding, or from one multiple of it to the next where ``calendar[c]``, or in the whole run where
    ``lasting[c]``; it binds the bidders ``bound[bound_begin[c] : bound_begin[c + 1]]``, and what else it needs is ``state[person, place[c]:]``
    (``auction.memory``). ``fetches``: some counter needs anything there.

    ``fresh`` (accounts, advertisers) is what seen impressions have added to the stocks of preference since the journeys' last
    step; an account is ``group`` people.
    """

    seen: NDArray[np.uint8] | NDArray[np.uint16]
    advertisers: int
    begin: NDArray[np.int64]
    counter: NDArray[np.int64]
    bound_begin: NDArray[np.int64]
    bound: NDArray[np.int64]
    limit: NDArray[np.int64]
    window_us: NDArray[np.int64]
    calendar: NDArray[np.bool_]
    lasting: NDArray[np.bool_]
    place: NDArray[np.int64]
    state: NDArray[np.int64]
    fetches: bool
    fresh: NDArray[np.float64]
    group: int


class Shortlist(NamedTuple):
    """The highest bids of each shared cell, settled when first needed: bidders and bids, highest first.

    ``who`` and ``bid`` have shape (cells, length), ``filled`` and ``version`` (cells,); no cells: no shortlist is kept.
    ``version`` is that of the bids that a list was made of (-1: none yet), ``whole`` (1,) that of which all lists were made together.
    ``lowest`` and ``above``, shape (some cells,), are the kernel's scratch: what a bid must reach to be on a cell's list, and how many do.
    """

    who: NDArray[np.int16]
    bid: NDArray[np.int64]
    filled: NDArray[np.int16]
    version: NDArray[np.int64]
    whole: NDArray[np.int64]
    lowest: NDArray[np.int64]
    above: NDArray[np.int64]


class Ledger(NamedTuple):
    """What changes with each auction: shape (bidders,), (bidders, slots), or (1,) for the exchange.

    ``value``, ``clicks`` and ``conversions`` are expected ones. ``viewed`` counts impressions seen, where some are not;
    ``reach`` people who saw their first of this advertiser through this bidder, where people are known.
    """

    left: NDArray[np.int64]
    spend: NDArray[np.int64]
    wins: NDArray[np.int64]
    value: NDArray[np.float64]
    clicks: NDArray[np.float64]
    conversions: NDArray[np.float64]
    viewed: NDArray[np.float64]
    reach: NDArray[np.int64]
    fees: NDArray[np.int64]


class Record(NamedTuple):
    """What happened to each request of the block, shape (n, slots); ``others`` (n,); no rows where none was asked for.

    ``winner``, ``paid`` and ``viewed`` per slot, ``bid`` the winning bid and ``creative`` the ad shown there, ``others`` the best
    bid that won no slot (its score, where scores rank); ``value`` (currency), ``click`` and ``conversion`` what the impression
    was expected to bring.
    """

    winner: NDArray[np.int64]
    paid: NDArray[np.int64]
    bid: NDArray[np.int64]
    others: NDArray[np.int64]
    viewed: NDArray[np.bool_]
    creative: NDArray[np.int16]
    value: NDArray[np.float64]
    click: NDArray[np.float64]
    conversion: NDArray[np.float64]


class Responses(NamedTuple):
    """The impressions of a block that were clicked or will convert, in order: ``filled[0]`` of them, from the start.

    ``row`` is the request's place in the chunk.
    """

    filled: NDArray[np.int64]
    row: NDArray[np.int64]
    slot: NDArray[np.int64]
    bidder: NDArray[np.int64]
    clicked: NDArray[np.bool_]
    converts: NDArray[np.bool_]

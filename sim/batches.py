"""What a block of auctions leaves: the kernel's record and responses, and the rows that a sink is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .auction.arrays import OUTSIDE, Record, Responses, Scores
from .auction.scoring import bids_for
from .outcomes import NEVER_US, Happened
from .supply import Chunk

Sink = Callable[[Mapping[str, NDArray[Any]]], None]
"""Takes one block of auctions, a row a request and slot: ``position``, ``slot``, ``time_us``, ``winner`` (the bidder's
number; -1 the outside, -2 no bid), ``paid_micros``, ``bid_micros`` (the winner's), ``other_micros`` (the best bid that
won no slot, or its score under another ``auction.rank``; -1 none), ``mechanism`` (the auction type's number),
``floor_micros`` (the request's), ``person`` (-1 unknown), ``viewed``, ``creative`` (its number), ``value`` (expected,
in currency), ``click_probability``, ``conversion_probability``, ``click_us`` and ``conversion_us`` (when; -1 never),
``attributed`` (the conversion is the ad's)."""


def record_of(n: int, slots: int) -> Record:
    """Return an empty record of ``n`` requests."""
    winner, bid = np.empty((2, n, slots), dtype=np.int64)
    paid, viewed = np.zeros((n, slots), dtype=np.int64), np.zeros((n, slots), dtype=np.bool_)
    shown = np.full((n, slots), -1, np.int16)
    return Record(winner, paid, bid, np.empty(n, dtype=np.int64), viewed, shown, *np.zeros((3, n, slots)))


def room_for_responses(most: int) -> Responses:
    """Return room for what a block of ``most`` impressions can lead to."""
    row, slot, bidder = np.empty((3, most), dtype=np.int64)
    return Responses(np.zeros(1, dtype=np.int64), row, slot, bidder, *np.empty((2, most), dtype=np.bool_))


NO_RESPONSES = room_for_responses(0)
_NONE = np.empty(0, dtype=np.int64)
NOTHING_HAPPENED = Happened(
    _NONE, _NONE, _NONE, np.empty(0), _NONE, _NONE, np.empty(0, dtype=np.bool_), np.empty(0)
)


def bids_to_win(
    number: int, record: Record, floor: NDArray[np.int64], own_floor: int, scores: Scores | None
) -> NDArray[np.int64]:
    """What a bidder must bid at least to win a slot of each request of a block, in its own micros; shape (n,)."""
    won, least = (record.winner == number).any(axis=1), np.maximum(floor, own_floor)
    if scores is None:
        return np.asarray(np.maximum(np.where(won, record.others, record.bid[:, -1]), least).clip(0))
    last = record.winner[:, -1]
    score = np.rint(scores.slope[last + 1] * record.bid[:, -1] + scores.offset[last + 1]).astype(np.int64)
    best_other = np.where(won, record.others, np.where(last >= OUTSIDE, score, -1)).clip(0)
    bid = np.empty_like(best_other)
    if scores.is_floor_in_score:
        best_other, least = np.maximum(best_other, floor), np.full_like(least, own_floor)
    bids_for(best_other, number, scores, bid)
    return np.asarray(np.maximum(bid, least))


def rows_of(chunk: Chunk, part: slice, record: Record, happened: Happened) -> dict[str, NDArray[Any]]:
    """Return a block as the sink gets it."""
    n, slots = record.winner.shape
    click_us, conversion_us = np.full((2, n, slots), NEVER_US)
    attributed = np.zeros((n, slots), dtype=np.bool_)
    at = (happened.row - part.start, happened.slot)
    click_us[at], conversion_us[at], attributed[at] = (
        happened.click_us,
        happened.conversion_us,
        happened.attributed,
    )
    person = chunk.visits.person[part] if len(chunk.visits.person) else np.full(n, -1)
    return {
        "position": np.repeat(np.arange(chunk.start + part.start, chunk.start + part.stop), slots),
        "slot": np.tile(np.arange(slots), n),
        "time_us": np.repeat(chunk.time_us[part], slots),
        "person": np.repeat(person, slots),
        "winner": record.winner.ravel(),
        "paid_micros": record.paid.ravel(),
        "bid_micros": record.bid.ravel(),
        "other_micros": np.repeat(record.others, slots),
        "viewed": record.viewed.ravel(),
        "creative": record.creative.ravel(),
        "value": record.value.ravel(),
        "click_probability": record.click.ravel(),
        "conversion_probability": record.conversion.ravel(),
        "click_us": click_us.ravel(),
        "conversion_us": conversion_us.ravel(),
        "attributed": attributed.ravel(),
        "mechanism": np.repeat(chunk.mechanism[part], slots),
        "floor_micros": np.repeat(chunk.floor_micros[part], slots),
    }

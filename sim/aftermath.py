"""What becomes of impressions, and who learns of it: clicks and conversions, sales off the shelves, feedback, and the sink."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .auction.arrays import OUTSIDE, Record, Responses, Scores
from .auction.scoring import bids_for
from .auctions import Auctions, Columns
from .bidder_session import BidderSession
from .counting import Counting
from .feedback import BlockOutcome
from .outcomes import Happened, Outcomes, by_bidder
from .responded import NEVER_US
from .scenario import Scenario
from .streams import Streams
from .supply import Chunk
from .world import World

Sink = Callable[[Mapping[str, NDArray[Any]]], None]
"""Takes one block of auctions, a row a request and slot: ``position``, ``slot``, ``time_us``, ``winner`` (the bidder's
number; -1 the outside, -2 no bid), ``paid_micros``, ``bid_micros`` (the winner's), ``other_micros`` (the best bid that
won no slot, or its score under another ``auction.rank``; -1 none), ``mechanism`` (the auction type's number),
``floor_micros`` (the request's), ``person`` (-1 unknown), ``viewed``, ``creative`` (its number), ``value`` (expected,
in currency), ``click_probability``, ``conversion_probability``, ``click_us`` and ``conversion_us`` (when; -1 never),
``attributed`` (the conversion is the ad's)."""

_NONE = np.empty(0, dtype=np.int64)
NOTHING_HAPPENED = Happened(
    _NONE, _NONE, _NONE, np.empty(0), _NONE, _NONE, np.empty(0, dtype=np.bool_), np.empty(0)
)


class Aftermath:
    """Follows the impressions of each block.

    ``is_blind``: nothing that happens reaches a strategy before the end, so that outcomes are worked out a chunk at a time.
    """

    def __init__(
        self,
        scenario: Scenario,
        streams: Streams,
        sessions: Sequence[BidderSession],
        auctions: Auctions,
        sink: Sink | None,
        *,
        is_blind: bool,
    ) -> None:
        self._sessions, self._auctions, self._sink = sessions, auctions, sink
        self._owners, self._is_blind = auctions.owners, is_blind
        self.outcomes = Outcomes(scenario, streams, self._owners)
        self.counting = Counting(sessions)
        self._kept: list[tuple[NDArray[Any], ...]] = []
        """The responses of the blocks of a chunk, by their fields."""

    def follow(self, columns: Columns, part: slice, record: Record | None) -> None:
        """Pass on what became of a block."""
        responses, happened = self._auctions.responses, NOTHING_HAPPENED
        if self._is_blind:
            self._keep(columns.world, responses)
        elif responses.filled[0]:
            happened = self.outcomes.note(columns.world, responses)
        if self._auctions.is_recorded and record is not None:
            self._report(columns, part, record, happened)
        if len(happened.row):
            self._await(columns.world, part, happened, record, sells=columns.world.shelves is not None)

    def end(self, columns: Columns) -> bool:
        """Work out what became of the responses that were kept of a chunk; return whether there are any."""
        if not self._kept:
            return False
        parts = [np.concatenate(column) for column in zip(*self._kept, strict=True)]
        responses = Responses(np.array([len(parts[0])]), *parts)
        self._kept = []
        happened = self.outcomes.note(columns.world, responses)
        self._await(columns.world, slice(0, len(columns.chunk)), happened, None, sells=False)
        return True

    def _await(
        self, world: World, part: slice, happened: Happened, record: Record | None, *, sells: bool
    ) -> None:
        """Have each bidder await its own responses, and take what they buy off the shelves."""
        self.counting.put(happened)
        if self.counting.is_for_all and not sells:
            return
        for number, own in by_bidder(happened, len(self._sessions)):
            session = self._sessions[number]
            if not session.feedback.is_prompt:
                seen = session.rows(world, part) if session.strategy.learns else None
                session.feedback.await_outcomes(world.chunk, part, own, record, seen)
            if sells:
                world.sell(self._owners[number], own.row[own.conversion_us != NEVER_US])

    def _keep(self, world: World, responses: Responses) -> None:
        """Keep the responses of a block until its chunk is over, but for what a shelf loses."""
        n = responses.filled.item(0)
        if not n:
            return
        _, *fields = responses
        kept = tuple(column[:n].copy() for column in fields)
        self._kept.append(kept)
        if world.shelves is not None:
            row, _, bidder, _, converts = kept
            sold = converts.nonzero()[0]
            for number in set(bidder[sold].tolist()):
                rows: NDArray[np.int64] = sold if len(self._owners) == 1 else sold[bidder[sold] == number]
                world.sell(self._owners[number], np.asarray(row[rows], np.int64))

    def _report(self, columns: Columns, part: slice, record: Record, happened: Happened) -> None:
        """Keep each learning bidder's feedback on a block, and give the block to the sink."""
        world, delivery, serving = columns.world, columns.delivery, self._auctions.serving
        floor = world.chunk.floor_micros[part]
        for number in np.flatnonzero(serving.is_open).tolist():
            session, own_floor = self._sessions[number], int(serving.floors[number])
            if session.strategy.learns:
                bids = self._auctions.tables.of(number, np.arange(part.start, part.stop))
                needed = bids_to_win(number, record, floor, own_floor, self._auctions.scores)
                sent = delivery.is_sent(number, part)
                late = delivery.is_late(number, part) & sent & (bids > 0)
                outcome = BlockOutcome(record, number, bids, needed, sent, late)
                session.feedback.note(world.chunk, part, outcome, session.rows(world, part))
        if self._sink is not None:
            self._sink(rows_of(world.chunk, part, record, happened))


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

"""What becomes of impressions, and who learns of it: clicks and conversions, sales off the shelves, feedback, and the sink."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .auction.arrays import Record, Responses
from .auctions import Auctions
from .batches import NOTHING_HAPPENED, Sink, bids_to_win, rows_of
from .bidder_session import BidderSession
from .columns import Columns
from .feedback import BlockOutcome
from .outcomes import NEVER_US, Happened, Outcomes, by_bidder
from .scenario import Scenario
from .streams import Streams
from .world import World


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
        self._kept: list[tuple[NDArray[Any], ...]] = []
        """The responses of the blocks of a chunk, by their fields."""

    def follow(self, columns: Columns, part: slice, record: Record | None) -> None:
        """Pass on what became of a block."""
        responses, happened = self._auctions.responses, NOTHING_HAPPENED
        if self._is_blind:
            self._keep(columns.world, responses)
        elif responses.filled[0]:
            happened = self.outcomes.note(columns.world, responses)
            self._await(columns.world, part, happened, record, sells=columns.world.shelves is not None)
        if self._auctions.is_recorded and record is not None:
            self._report(columns, part, record, happened)

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
        for number, own in by_bidder(happened, len(self._sessions)):
            self._sessions[number].await_outcomes(world, part, own, record)
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
                world.sell(self._owners[number], row[rows])

    def _report(self, columns: Columns, part: slice, record: Record, happened: Happened) -> None:
        """Keep each learning bidder's feedback on a block, and give the block to the sink."""
        world, answers, serving = columns.world, columns.answers, self._auctions.serving
        floor = world.chunk.floor_micros[part]
        for number in np.flatnonzero(serving.is_open).tolist():
            session, own_floor = self._sessions[number], int(serving.floors[number])
            if session.strategy.learns:
                bids = self._auctions.tables.of(number, np.arange(part.start, part.stop))
                needed = bids_to_win(number, record, floor, own_floor, self._auctions.scores)
                sent = answers.is_sent(number, part)
                late = answers.is_late(number, part) & sent & (bids > 0)
                session.note(world, part, BlockOutcome(record, number, bids, needed, sent, late))
        if self._sink is not None:
            self._sink(rows_of(world.chunk, part, record, happened))

"""The auctions of one run: bidders are asked for bids on a block of requests, and the compiled kernel settles it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .arrivals import SLICE
from .auction.arrays import Record, Responses
from .auction.kernel import clear
from .batches import NO_RESPONSES, record_of, room_for_responses
from .bidder_session import BidderSession
from .columns import Columns, columns_of
from .compiled import prepared
from .data_usage import DataUsage
from .exposures import Exposures
from .journey.purchases import Purchases
from .latency import Deadline
from .ledger import check_spend, open_ledger
from .memory import longest_us, open_memory
from .public_columns import EXPOSURES
from .scenario import Scenario
from .seating import rules_of, scores_of, seats_of
from .serving import ServingRules
from .streams import Streams
from .supply import Chunk
from .tables import BidTables
from .world import World


class Auctions:
    """The exchange's side of a run: rules, seats and budgets, bids as they lie for the kernel, and what people have seen.

    ``is_recorded``: somebody asks what happened to each request. ``responses`` are those of the last block: the
    impressions that were clicked or will convert. ``most`` is the most requests in a block.
    """

    def __init__(
        self,
        scenario: Scenario,
        streams: Streams,
        sessions: Sequence[BidderSession],
        world: World,
        *,
        is_recorded: bool,
    ) -> None:
        self._scenario, self._world, self._sessions = scenario, world, sessions
        terms, budgets = [one.terms for one in sessions], [one.budget for one in sessions]
        self.owners = [one.advertiser for one in sessions]
        self.most = 1 if scenario.bidders.notify == "at_once" else min(scenario.engine.max_block, SLICE)
        rules, self.scores = rules_of(scenario), scores_of(scenario, sessions)
        seats, self._slots = seats_of(scenario, sessions, streams), len(rules.rates)
        self.ledger = open_ledger(budgets, self._slots)
        self.serving = ServingRules(terms, budgets, seats, self.ledger)
        memory = open_memory(
            scenario.audience.people,
            {one.name: one.terms for one in sessions},
            self.owners,
            longest_us(scenario.supply),
        )
        if any(EXPOSURES in one.reads for one in sessions):
            world.exposures = Exposures(memory.seen[:, : memory.houses], self.owners)
        self.purchases: Purchases | None = None
        if world.accounts is not None:
            self.purchases = Purchases(world.accounts, scenario, self.owners)
            memory = self.purchases.remembered(memory)
        if world.shelves is not None:
            world.shelves.open(self.owners)
        self.deadline = Deadline(scenario, streams, sessions)
        self.data_usage = DataUsage(scenario, world, sessions)
        self.tables = BidTables(sessions, world, self.most, self._slots)
        self._rotation_key = np.array([streams.key64(f"creative/{one.name}") for one in sessions], np.uint64)
        self.responses: Responses = NO_RESPONSES
        self.is_recorded = is_recorded
        # who is asked, and what is looked up, is known ahead
        self._is_steady = (
            self.serving.is_always_open
            and scenario.auction.throttle is None
            and all(world.is_match_settled(name) for one in sessions for name in one.looks_up)
        )
        self._clear: Callable[..., None] = clear
        # without a record and a memory the kernel is a smaller one
        is_plain = not is_recorded and not memory.seen.size
        self._unwatched = None if is_plain else record_of(0, self._slots)
        self._seated = seats, None if is_plain else memory, self.tables.shortlist, self.ledger
        self._ruled = rules, self.scores, self.tables.bids
        self._arguments: tuple[Any, ...] = ()

    def columns_of(self, chunk: Chunk) -> Columns:
        """Return the columns of a chunk; nothing of the run is changed."""
        return columns_of(chunk, self._world, self.tables, self.deadline, self.owners, self._rotation_key)

    def turn_to(self, columns: Columns) -> None:
        """Begin with a chunk: lay out its cells, and find the kernel for columns of these types."""
        requests, n = columns.requests, len(columns.chunk)
        if self._is_steady:
            self.data_usage.note(columns.world, slice(0, n), self.serving.is_open, columns.answers)
        if columns.effects.drawn and not len(self.responses.row):
            self.responses = room_for_responses(self.most * self._slots)
        dearest = requests.weight.max() if len(requests.weight) else 1.0
        self.tables.load(
            requests.cells[: len(self.tables.columns)], self._scenario.auction.slots[0] * dearest
        )
        self._arguments = requests, *self._ruled, columns.effects, *self._seated
        self._clear = prepared(clear, 0, 0, 0, *self._arguments, self._unwatched, self.responses)

    def hold(self, columns: Columns, part: slice, now_us: int, block: int) -> Record | None:
        """Ask for bids on some rows of the chunk, and settle them; return what happened to each, where that is recorded."""
        world, tables, is_open, record = columns.world, self.tables, self.serving.is_open, self._unwatched
        if world.exposures is not None:
            world.exposures.look(columns.chunk.visits.person[part])
        tables.ask(world, part, now_us, is_open)
        if self.deadline.tmax is not None:
            columns.answers.pass_on(part, tables, is_open)
        if not self._is_steady:
            self.data_usage.note(world, part, is_open, columns.answers)
        if self.is_recorded:
            record = record_of(part.stop - part.start, self._slots)
        self._clear(part.start, part.stop, block, *self._arguments, record, self.responses)
        check_spend(self.ledger, now_us)
        return record

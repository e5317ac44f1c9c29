"""The auctions of one run: bidders are asked for bids on a block of requests, and the compiled kernel settles it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .arrivals import SLICE
from .auction.arrays import Effects, Memory, Record, Requests, Responses
from .auction.kernel import clear
from .bidder_session import BidderSession
from .compiled import prepared
from .data_usage import DataUsage
from .delivery import ChunkDelivery, Delivery
from .journey.purchases import Purchases
from .ledger import check_spend, open_ledger
from .public_columns import EXPOSURES
from .scenario import Scenario
from .scenario.base import MAX_SPEND_MICROS
from .seating import rules_of, scores_of, seats_of
from .serving import ServingRules
from .streams import Streams
from .supply import Chunk
from .tables import BidTables
from .world import World


class Columns(NamedTuple):
    """What is known of a chunk's requests ahead of their auctions.

    ``world`` is the world at these requests. ``requests.cells`` holds the visible cells, as far as they are settled, then ``truths``.
    """

    chunk: Chunk
    world: World
    delivery: ChunkDelivery
    requests: Requests
    truths: NDArray[np.int32]
    effects: Effects


class Auctions:
    """The exchange's side of a run: rules, seats and budgets, bids as they lie for the kernel, and what people have seen.

    ``memory`` is what is known of people. ``is_recorded``: what happens to each request is asked for. ``asks_ahead``: a bidder that
    learns nothing in the run may be asked about all requests that are known by now. ``exposures`` is None where no bidder reads them.
    ``responses`` are those of the last block: the impressions that were clicked or will convert. ``most`` is the most requests in a block.
    """

    def __init__(
        self,
        scenario: Scenario,
        streams: Streams,
        sessions: Sequence[BidderSession],
        world: World,
        memory: Memory,
        *,
        is_recorded: bool,
        asks_ahead: bool,
    ) -> None:
        self._scenario, self._world, self._sessions = scenario, world, sessions
        self._slots = len(scenario.auction.slots)
        # without a record and a memory the kernel is a smaller one
        is_plain = not is_recorded and not memory.seen.size
        self._unwatched = None if is_plain else record_of(0, self._slots)
        terms, budgets = [one.terms for one in sessions], [one.budget for one in sessions]
        self.owners = [one.advertiser for one in sessions]
        self.most = 1 if scenario.bidders.notify == "at_once" else min(scenario.engine.max_block, SLICE)
        rules, self.scores = rules_of(scenario, len(sessions)), scores_of(scenario, sessions)
        seats = seats_of(scenario, sessions, streams)
        self.ledger = open_ledger(budgets, self._slots)
        self._is_bounded = sum(self.ledger.left.tolist()) <= MAX_SPEND_MICROS  # one without a limit is more
        self.serving = ServingRules(terms, budgets, seats, self.ledger)
        self.exposures = world.exposures if any(EXPOSURES in one.reads for one in sessions) else None
        self.purchases: Purchases | None = None
        if world.accounts is not None:
            self.purchases = Purchases(world.accounts, scenario, self.owners)
            memory = self.purchases.remembered(memory)
        self.delivery = Delivery(scenario, streams, sessions)
        self.data_usage = DataUsage(scenario, world, sessions)
        self.tables = BidTables(sessions, world, self.most, self._slots, asks_ahead=asks_ahead)
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
        self._seated = seats, None if is_plain else memory, self.tables.shortlist, self.ledger
        self._ruled = rules, self.scores, self.tables.bids
        self._arguments: tuple[Any, ...] = ()

    def columns_of(self, chunk: Chunk) -> Columns:
        """Return the columns of a chunk; nothing of the run is changed."""
        world, delivery = self._world.at(chunk), ChunkDelivery(self.delivery, chunk)
        truth_cells, truth_column = world.truth_cells(self.owners)
        visible = len(self.tables.columns)
        cells = np.empty((visible + len(truth_cells), len(chunk)), dtype=np.int32)
        cells[visible:] = truth_cells
        self.tables.fill_settled(world, cells)
        requests = Requests(
            start=chunk.start,
            time_us=chunk.time_us,
            mechanism=chunk.mechanism,
            floor=chunk.floor_micros,
            price=chunk.price_micros,
            weight=chunk.logged.weight,
            person=chunk.visits.person,
            absent=delivery.absent,
            cells=cells,
        )
        looked_up = np.where(truth_column >= 0, truth_column + visible, truth_column)
        effects = world.effects(self.owners, looked_up)._replace(rotation_key=self._rotation_key)
        return Columns(chunk, world, delivery, requests, cells[visible:], effects)

    def turn_to(self, columns: Columns) -> None:
        """Begin with a chunk: lay out its cells, and find the kernel for columns of these types."""
        requests, n = columns.requests, len(columns.chunk)
        if self._is_steady:
            self.data_usage.note(columns.world, slice(0, n), self.serving.is_open, columns.delivery)
        if columns.effects.drawn and not len(self.responses.row):
            self.responses = room_for_responses(self.most * self._slots)
        dearest = requests.weight.max() if len(requests.weight) else 1.0
        self.tables.load(
            requests.cells[: len(self.tables.columns)], self._scenario.auction.slots[0] * dearest
        )
        self._arguments = requests, *self._ruled, columns.effects, *self._seated
        self._clear = prepared(clear, 0, 0, 0, *self._arguments, self._unwatched, self.responses)

    def hold(self, columns: Columns, part: slice, now_us: int) -> Record | None:
        """Ask for bids on some rows of the chunk, and settle them; return what happened to each, where that is recorded."""
        n = part.stop - part.start
        record = record_of(n, self._slots) if self.is_recorded else self._unwatched
        world, tables, is_open = columns.world, self.tables, self.serving.is_open
        if self.exposures is not None:
            self.exposures.look(columns.chunk.visits.person[part])
        tables.ask(world, part, now_us, is_open)
        if self.delivery.tmax is not None:
            columns.delivery.pass_on(part, tables, is_open)
        if not self._is_steady:
            self.data_usage.note(world, part, is_open, columns.delivery)
        version = tables.version + self.serving.version
        self._clear(part.start, part.stop, version, *self._arguments, record, self.responses)
        if not self._is_bounded:
            check_spend(self.ledger, now_us)
        return record


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


def block_ends(person: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return for each row of a chunk where a block that begins there must end, so that it holds no person twice; shape (n,).

    >>> block_ends(np.array([7, 8, 7, 7, 9])).tolist()
    [2, 3, 3, 5, 5]
    """
    n = len(person)
    order = np.argsort(person, kind="stable")
    again = np.full(n, n, dtype=np.int64)
    same = person[order[1:]] == person[order[:-1]]
    again[order[:-1][same]] = order[1:][same]
    return np.asarray(np.minimum.accumulate(again[::-1])[::-1])

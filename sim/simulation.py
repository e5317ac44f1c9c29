"""A run of a market: ``simulate(scenario, strategies, seed) -> RunResult``.

SimPy owns time (``jointbid.sim.calendar``). Between two of its events requests travel together as columns through the compiled
kernel, in blocks of at most ``engine.max_block``; the size of blocks changes no result.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Generator, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .ahead import has_spare_core, made_ahead
from .arrivals import SLICE
from .auction.arrays import Record, Responses
from .auction.kernel import clear
from .audience import priced_contexts
from .batches import (
    NO_RESPONSES,
    NOTHING_HAPPENED,
    Sink,
    bids_to_win,
    record_of,
    room_for_responses,
    rows_of,
)
from .bidder_session import BidderSession
from .brains import check_arguments
from .calendar import Calendar
from .columns import Columns, columns_of
from .compiled import prepared
from .control import Control
from .data_usage import DataUsage
from .drawn import Drawn
from .entrant import Entrant, as_entrant
from .exposures import Exposures, block_ends
from .feedback import BlockOutcome
from .journey.purchases import Purchases
from .latency import Deadline
from .ledger import Series, bidder_columns, check_spend, market_totals, open_ledger, relevance, views
from .memory import open_memory
from .outcomes import NEVER_US, Happened, Outcomes, by_bidder
from .public_columns import EXPOSURES
from .results import RunResult, frozen_table
from .scenario import HOUR_US, Scenario
from .seating import rules_of, scores_of, seats_of
from .serving import ServingRules
from .strategy_counts import counted
from .streams import Streams
from .supply import Chunk, Log, chunks
from .tables import BidTables
from .visible import Strategy
from .world import World, make_world

LARGE = 2 * SLICE
"""A run of more requests uses a second core, where there is one and nothing in its world moves."""


def simulate(
    scenario: Scenario,
    strategies: Mapping[str, Strategy | Entrant],
    seed: int,
    replication: int = 0,
    *,
    log: Log | None = None,
    sink: Sink | None = None,
    drawn: Drawn | None = None,
    keep_strategies: bool = False,
) -> RunResult:
    """Run one market to its end; a pure function of its arguments.

    ``strategies`` maps bidder names to a strategy (which then sees all sources and has ``bidders.budget``) or to an
    ``Entrant``. Strategies are copied before use. ``sink`` receives each block's auctions as they are settled. ``drawn`` keeps
    what the market draws for further runs of the same scenario, seed and replication. ``keep_strategies`` puts
    the copies, as the run left them, into ``RunResult.strategies``: a strategy that learns can enter the next run with what it learned.
    Raises ``BidError`` where a strategy reads what it may not see, raises an error, answers with something that is not a bid, or
    takes longer than ``engine.strategy_timeout_s`` for it; ``TrialError``, one of these, where that shows before the first event;
    ``SpendError`` where more is spent than can be counted (docs/limits.md).
    """
    run = Simulation(scenario, strategies, Streams(seed, replication), log, sink, drawn, is_stepped=False)
    run.open()
    while run.advance():
        pass
    run.finish()
    return run.close(keep_strategies=keep_strategies)


class Simulation:
    """One run: ``open``, ``advance`` from control step to control step until it returns False, ``finish``, ``close``."""

    def __init__(
        self,
        scenario: Scenario,
        strategies: Mapping[str, Strategy | Entrant],
        streams: Streams,
        log: Log | None = None,
        sink: Sink | None = None,
        drawn: Drawn | None = None,
        *,
        is_stepped: bool = True,
    ) -> None:
        check_arguments(scenario, strategies)
        self.scenario, self.streams, self._sink = scenario, streams, sink
        self.world = make_world(scenario, streams, log)
        self.world.drawn = drawn
        self.sessions = [
            BidderSession(name, as_entrant(entry, scenario.bidders), self.world, streams, scenario.engine.strategy_timeout_s)
            for name, entry in strategies.items()
        ]  # fmt: skip
        for session in self.sessions:
            session.try_out()
        terms, budgets = [one.terms for one in self.sessions], [one.budget for one in self.sessions]
        self.owners = [session.advertiser for session in self.sessions]
        self._is_told_at_once = scenario.bidders.notify == "at_once"
        self._most = 1 if self._is_told_at_once else min(scenario.engine.max_block, SLICE)
        self._rules, self._scores = rules_of(scenario), scores_of(scenario, self.sessions)
        self._seats = seats_of(scenario, self.sessions, streams)
        slots = len(self._rules.rates)
        self.ledger = open_ledger(budgets, slots)
        self._serving = ServingRules(terms, budgets, self._seats, self.ledger)
        by_name = {session.name: session.terms for session in self.sessions}
        self._memory = open_memory(scenario.audience.people, by_name, self.owners)
        if any(EXPOSURES in session.reads for session in self.sessions):
            self.world.exposures = Exposures(self._memory.seen, self.owners)
        self.purchases: Purchases | None = None
        if self.world.accounts is not None:
            self.purchases = Purchases(self.world.accounts, scenario, self.owners)
            self._memory = self.purchases.remembered(self._memory)
        if self.world.shelves is not None:
            self.world.shelves.open(self.owners)
        self.deadline = Deadline(scenario, streams, self.sessions)
        self.data_usage = DataUsage(scenario, self.world, self.sessions)
        self.outcomes = Outcomes(scenario, streams, self.owners)
        self._responses = NO_RESPONSES
        self._tables = BidTables(self.sessions, self.world, self._most, slots)
        keys = [streams.key64(f"creative/{session.name}") for session in self.sessions]
        self._rotation_key = np.array(keys, np.uint64)
        self._columns: Columns | None = None
        self._clear = clear
        every_h = scenario.engine.series_h
        self.series = Series(scenario.supply.horizon_h, every_h, len(self.sessions), slots)
        expected = (len(log) if log is not None else scenario.supply.requests) or 0
        self._chunks = self._make_columns(chunks if drawn is None else drawn.chunks, log)
        if expected > LARGE and log is None and self.world.is_still and has_spare_core():
            self._chunks = made_ahead(self._chunks)
        self.control = Control(scenario, self.sessions, self.ledger, expected)
        self._is_stepped = is_stepped
        self._is_blind = not is_stepped and sink is None and all(one.is_blind for one in self.sessions)
        """Whether nobody asks before the end what became of impressions, so that it is worked out a chunk at a time."""
        self._tables.asks_ahead = not is_stepped
        self._responded: list[tuple[NDArray[Any], ...]] = []
        """The responses of the blocks of a chunk, by their fields."""
        self._is_recorded = sink is not None or any(one.strategy.learns for one in self.sessions)
        is_throttled = scenario.auction.throttle is not None
        self._unwatched = record_of(0, slots)
        self._is_plain = not self._is_recorded and not self._memory.seen.size
        """Without a record and a memory the kernel is a smaller one."""
        self._is_steady = (
            self.control.is_always_open
            and not is_throttled
            and all(self.world.is_match_settled(name) for one in self.sessions for name in one.looks_up)
        )  # who is asked, and what is looked up, is known ahead
        self.calendar = Calendar()

    def open(self) -> None:
        """Put all events on the calendar, and give each bidder its opening account."""
        scenario, calendar = self.scenario, self.calendar
        for name, clock in self.world.clocks.items():
            if clock.interval_us and not scenario.source[name].never_arrives:
                first = clock.taken_us + clock.interval_us + clock.latency_us
                calendar.every(clock.interval_us, f"sync {name}", lambda: None, first)  # columns hold it
        calendar.at(self.series.times_us, "hour", self._note_series)
        for step in scenario.auction.floor_steps:
            calendar.at([round(step.hour * HOUR_US)], "floor", lambda: None)  # the column holds it
        self._serving.put_on(calendar, scenario.supply.horizon_h)
        if self.purchases is not None:
            purchases = partial(self.purchases.step, self.ledger)
            calendar.every(self.purchases.accounts.step_us, "journey", purchases)
        if self.world.shelves is not None:
            calendar.every(self.world.shelves.step_us, "stock", self._count_stock)
        if scenario.auction.throttle is not None:
            review_us = round(scenario.auction.throttle.review_h * HOUR_US)
            calendar.every(review_us, "throttle", self.deadline.review)
        if not scenario.bidders.control_interval_requests:
            interval = max(1, round(scenario.bidders.control_interval_h * HOUR_US))
            calendar.every(interval, "control", self._control)
        self.control.step(calendar.now_us)  # the opening account: no request seen, the whole budget left
        calendar.start(self._hold_auctions())

    def advance(self) -> bool:
        """Run up to and including the next control step, or to the end; return whether there is more to come."""
        return self.calendar.advance()

    def finish(self) -> None:
        """Hand out the closing accounts; journeys go on to their end."""
        self.control.finish(max(self.outcomes.end_us, self.calendar.now_us))
        if self.purchases is not None:
            self.purchases.run_out(self.ledger)

    def close(self, *, keep_strategies: bool = False) -> RunResult:
        """Return the tables of the run, after ``finish``."""
        scenario, ledger, tallies, seen = self.scenario, self.ledger, self.calendar.tallies, self.control.seen
        purchases, shelves = self.purchases, self.world.shelves
        names = [session.name for session in self.sessions]
        landscape = scenario.supply.kind == "log" or scenario.rivals.landscape is not None
        is_drawn = self._columns is not None and self._columns.effects.drawn
        bidders = (
            bidder_columns(ledger, names, self.owners, seen)
            | views(ledger, is_drawn=is_drawn, people=scenario.audience.people)
            | self.outcomes.columns()
            | self.data_usage.columns()
            | self.deadline.columns()
            | (purchases.columns() if purchases else {})
            | (shelves.by_bidder(self.owners) if shelves else {})
            | {"budget_left": self.control.budgets_left()}
        )
        return RunResult(
            scenario=scenario.name,
            seed=self.streams.seed,
            replication=self.streams.replication,
            bidders=frozen_table(bidders | counted(self.sessions, bidders)),
            timeseries=frozen_table(self.series.columns(ledger, names)),
            market={
                **market_totals(ledger, seen, against_landscape=landscape),
                "data_cost": self.data_usage.total,
                "relevance": relevance(ledger, scenario),
            },
            journey=frozen_table(purchases.accounts.columns() if purchases else {}),
            purchases=frozen_table(purchases.sales() if purchases else {}),
            stock=frozen_table(shelves.columns() if shelves else {}),
            calendar={kind: tally.count for kind, tally in tallies.items()},
            calendar_h={
                kind: (one.first_us / HOUR_US, one.last_us / HOUR_US) for kind, one in tallies.items()
            },
            strategies={one.name: one.strategy for one in self.sessions} if keep_strategies else {},
        )

    def _note_series(self) -> None:
        multipliers = [getattr(one.strategy, "multiplier", np.nan) for one in self.sessions]
        self.series.note(self.ledger, multipliers)

    def _control(self) -> None:
        if not self._is_blind:
            self.control.step(self.calendar.now_us)
        if self._is_stepped:
            self.calendar.pause()

    def _count_stock(self) -> None:
        """Take what was sold off the shelves; from here on impressions do what they do with what is left."""
        assert self.world.shelves is not None  # noqa: S101 - there is stock
        if self.world.shelves.count() and (columns := self._columns) is not None:
            first = bisect_left(columns.chunk.time_us.data, self.calendar.now_us)
            columns.world.refill_truth(self.owners, columns.truths, first)

    def _hold_auctions(self) -> Generator[int, None, None]:
        """Settle the requests in blocks, each reaching to the next event on the calendar; yield the time of each before it."""
        calendar = self.calendar
        for columns in self._chunks:
            self._turn_to(columns)
            time_us, first, n = columns.chunk.time_us.data, 0, len(columns.chunk)
            ends = None if self.world.exposures is None else block_ends(columns.chunk.visits.person)
            while first < n:
                now_us = time_us[first]
                yield now_us
                last = bisect_left(time_us, calendar.next_us, first, min(first + self._most, n))
                if ends is not None:
                    last = min(last, int(ends[first]))
                self._settle(columns, first, last, now_us)
                first = last
            self._note_responses(columns)

    def _make_columns(self, draw: Callable[..., Iterator[Chunk]], log: Log | None) -> Iterator[Columns]:
        """Yield the columns of each chunk of requests; nothing of the run is changed."""
        contexts_of = priced_contexts(self.scenario, self.owners)
        for chunk in draw(self.scenario, self.streams, log, contexts_of):
            yield columns_of(chunk, self.world, self._tables, self.deadline, self.owners, self._rotation_key)

    def _turn_to(self, columns: Columns) -> None:
        """Begin with a chunk: put control steps by count of requests on the calendar, and prepare the kernel."""
        self._columns, chunk, requests = columns, columns.chunk, columns.requests
        if self._is_steady:
            self.data_usage.note(columns.world, slice(0, len(chunk)), self._serving.is_open, columns.answers)
        if columns.effects.drawn and not len(self._responses.row):
            self._responses = room_for_responses(self._most * len(self._rules.rates))
        dearest = requests.weight.max() if len(requests.weight) else 1.0
        self._tables.load(
            requests.cells[: len(self._tables.columns)], self.scenario.auction.slots[0] * dearest
        )
        every = self.scenario.bidders.control_interval_requests
        if every:
            first = max(every, -(-chunk.start // every) * every)
            due = chunk.time_us[first - chunk.start :: every].tolist()
            self.calendar.at(due, "control", self._control)
        self._clear = prepared(
            clear, 0, 0, 0, requests, self._rules, self._scores, self._tables.bids, columns.effects, self._seats,
            None if self._is_plain else self._memory, self._tables.shortlist, self.ledger,
            None if self._is_plain else self._unwatched, self._responses,
        )  # fmt: skip

    def _settle(self, columns: Columns, first: int, last: int, now_us: int) -> None:
        """Ask for bids on some rows, hold the auctions, and pass on what became of them."""
        world, part, tables, is_open = columns.world, slice(first, last), self._tables, self._serving.is_open
        ledger, record = self.ledger, self._unwatched
        if world.exposures is not None:
            world.exposures.look(columns.chunk.visits.person[part])
        tables.ask(world, part, now_us, is_open)
        if self.deadline.tmax is not None:
            columns.answers.pass_on(part, tables, is_open)
        if not self._is_steady:
            self.data_usage.note(world, part, is_open, columns.answers)
        if self._is_recorded:
            record = record_of(last - first, len(self._rules.rates))
        self._clear(
            first, last, self.calendar.blocks.count, columns.requests, self._rules, self._scores, tables.bids,
            columns.effects, self._seats, None if self._is_plain else self._memory, tables.shortlist, ledger,
            None if self._is_plain else record, self._responses,
        )  # fmt: skip
        check_spend(ledger, now_us)
        self.control.count(last - first, is_open)
        happened = NOTHING_HAPPENED
        if self._is_blind:
            self._keep_responses(world)
        elif self._responses.filled[0]:
            happened = self.outcomes.note(world, self._responses)
            for number, own in by_bidder(happened, len(self.sessions)):
                self.sessions[number].await_outcomes(world, part, own, record)
                if world.shelves is not None:
                    world.sell(self.owners[number], own.row[own.conversion_us != NEVER_US])
        if self._is_recorded:
            self._report(columns, part, record, happened)
        if self._is_told_at_once:
            self.control.tell(now_us)

    def _keep_responses(self, world: World) -> None:
        """Keep the responses of a block until its chunk is over, but for what a shelf loses."""
        n = self._responses.filled.item(0)
        if not n:
            return
        _, row, slot, bidder, clicked, converts = self._responses
        kept = row[:n].copy(), slot[:n].copy(), bidder[:n].copy(), clicked[:n].copy(), converts[:n].copy()
        self._responded.append(kept)
        if world.shelves is not None:
            row, _, bidder, _, converts = kept
            sold = converts.nonzero()[0]
            for number in set(bidder[sold].tolist()):
                rows = sold if len(self.owners) == 1 else sold[bidder[sold] == number]
                world.sell(self.owners[number], row[rows])

    def _note_responses(self, columns: Columns) -> None:
        """Work out what became of the responses that were kept."""
        if not self._responded:
            return
        parts = [np.concatenate(column) for column in zip(*self._responded, strict=True)]
        responses = Responses(np.array([len(parts[0])]), *parts)
        self._responded = []
        happened = self.outcomes.note(columns.world, responses)
        record = self._unwatched
        for number, own in by_bidder(happened, len(self.sessions)):
            self.sessions[number].await_outcomes(columns.world, slice(0, len(columns.chunk)), own, record)
        self.control.step(self.calendar.now_us)  # what is known by now need not be kept

    def _report(self, columns: Columns, part: slice, record: Record, happened: Happened) -> None:
        """Keep each learning bidder's feedback on a block, and give the block to the sink."""
        world, answers = columns.world, columns.answers
        floor = world.chunk.floor_micros[part]
        for number in np.flatnonzero(self._serving.is_open).tolist():
            session, own_floor = self.sessions[number], int(self._serving.floors[number])
            if session.strategy.learns:
                bids = self._tables.of(number, np.arange(part.start, part.stop))
                needed = bids_to_win(number, record, floor, own_floor, self._scores)
                sent = answers.is_sent(number, part)
                late = answers.is_late(number, part) & sent & (bids > 0)
                session.note(world, part, BlockOutcome(record, number, bids, needed, sent, late))
        if self._sink is not None:
            self._sink(rows_of(world.chunk, part, record, happened))

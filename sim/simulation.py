"""A run of a market: ``simulate(scenario, strategies, seed) -> RunResult``.

SimPy owns time (``jointbid.sim.calendar``). Between two of its events requests travel together as columns through the compiled
kernel. The way of a request: ``supply.chunks`` makes it, ``Auctions.columns_of`` adds what is known ahead, ``Auctions.hold`` asks
bidders and clears, ``Aftermath.follow`` says what became of it, ``BidderSession.feedback`` keeps that until ``Control.step``.

A chunk is a slice of some 65,536 requests; a block is the part of a chunk up to the next event, of at most ``engine.max_block``,
whose size changes no result; a batch is what a strategy is asked about at once; a page is what happens between two control steps.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Generator, Iterator, Mapping
from functools import partial

import numpy as np

from .aftermath import Aftermath, Sink
from .ahead import has_spare_core, made_ahead
from .arrivals import SLICE
from .auctions import Auctions, Columns, block_ends
from .bidder_session import BidderSession
from .brains import check_arguments
from .calendar import Calendar
from .control import Control
from .drawn import Drawn
from .entrant import Entrant, as_entrant
from .ledger import bidder_columns, market_totals
from .memory import longest_us, open_memory
from .results import RunResult
from .scenario import HOUR_US, Scenario, Terms
from .series import Series
from .strategy_counts import counted
from .streams import Streams
from .supply import Log, chunks, priced_contexts
from .visible import Strategy
from .world import make_world

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
        self.scenario, self.streams = scenario, streams
        entrants = {name: as_entrant(entry, scenario.bidders) for name, entry in strategies.items()}
        owners = [entrant.advertiser or name for name, entrant in entrants.items()]
        terms = {name: entrant.terms or Terms() for name, entrant in entrants.items()}
        lasts_us = longest_us(scenario.supply)
        memory = open_memory(scenario.audience.people, terms, owners, lasts_us)
        seen = memory.seen[:, : memory.advertisers]
        self.world = world = make_world(scenario, streams, log, owners, seen, drawn)
        self.sessions = [
            BidderSession(name, entrant, world, streams, scenario.engine.strategy_timeout_s)
            for name, entrant in entrants.items()
        ]
        is_recorded = sink is not None or any(one.strategy.learns for one in self.sessions)
        self.auctions = Auctions(
            scenario,
            streams,
            self.sessions,
            world,
            memory,
            is_recorded=is_recorded,
            asks_ahead=not is_stepped,
        )
        self.ledger = self.auctions.ledger
        self._is_stepped = is_stepped
        self._is_blind = not is_stepped and sink is None and all(one.is_blind for one in self.sessions)
        """Whether no bidder asks before the end what became of impressions."""
        self.aftermath = Aftermath(
            scenario, streams, self.sessions, self.auctions, sink, is_blind=self._is_blind
        )
        expected = (len(log) if log is not None else scenario.supply.requests) or 0
        self.control = Control(scenario, self.sessions, self.ledger, self.aftermath.counting, expected)
        self.series = Series(
            scenario.supply.horizon_h,
            scenario.engine.series_h,
            len(self.sessions),
            len(scenario.auction.slots),
        )
        draw = chunks if drawn is None else drawn.chunks
        self._chunks: Iterator[Columns] = map(
            self.auctions.columns_of, draw(scenario, streams, log, priced_contexts(scenario, owners))
        )
        if expected > LARGE and log is None and world.is_still and has_spare_core():
            self._chunks = made_ahead(self._chunks)
        self._columns: Columns | None = None
        by_count = scenario.bidders.control_interval_requests is not None
        self._control_every_us = (
            0 if by_count else max(1, round(scenario.bidders.control_interval_h * HOUR_US))
        )
        self.calendar = Calendar()

    def open(self) -> None:
        """Put all events on the calendar, and give each bidder its opening account."""
        scenario, calendar, auctions = self.scenario, self.calendar, self.auctions
        for name, clock in self.world.clocks.items():
            if clock.interval_us and not scenario.source[name].never_arrives:
                first = clock.taken_us + clock.interval_us + clock.latency_us
                calendar.every(clock.interval_us, f"sync {name}", lambda: None, first)  # columns hold it
        calendar.at(self.series.times_us, "hour", self._note_series)
        for step in scenario.auction.floor_steps:
            calendar.at([round(step.hour * HOUR_US)], "floor", lambda: None)  # the column holds it
        auctions.serving.put_on(calendar, scenario.supply.horizon_h)
        if auctions.purchases is not None:
            purchases = partial(auctions.purchases.step, self.ledger)
            calendar.every(auctions.purchases.accounts.step_us, "journey", purchases)
        if self.world.shelves is not None:
            calendar.every(self.world.shelves.step_us, "stock", self._count_stock)
        if scenario.auction.throttle is not None:
            review_us = round(scenario.auction.throttle.review_h * HOUR_US)
            calendar.every(review_us, "throttle", auctions.delivery.review)
        if self._control_every_us and not self._is_blind:
            calendar.every(self._control_every_us, "control", self._control)
        self.control.step(calendar.now_us)  # the opening account: no request seen, the whole budget left
        calendar.start(self._hold_auctions())

    def advance(self) -> bool:
        """Run up to and including the next control step, or to the end; return whether there is more to come."""
        return self.calendar.advance()

    def _hold_auctions(self) -> Generator[int, None, None]:
        """Settle the requests in blocks, each reaching to the next event on the calendar; yield the time of each before it."""
        calendar, auctions, aftermath, control = self.calendar, self.auctions, self.aftermath, self.control
        is_told_at_once = self.scenario.bidders.notify == "at_once"
        most, is_open = auctions.most, auctions.serving.is_open
        for columns in self._chunks:
            self._columns = columns
            self._count_control_steps(columns)
            auctions.turn_to(columns)
            time_us, first, n = columns.chunk.time_us.data, 0, len(columns.chunk)
            ends = None if auctions.exposures is None else block_ends(columns.chunk.visits.person)
            while first < n:
                now_us = time_us[first]
                yield now_us
                last = bisect_left(time_us, calendar.next_us, first, min(first + most, n))
                if ends is not None:
                    last = min(last, int(ends[first]))
                part = slice(first, last)
                record = auctions.hold(columns, part, now_us)
                control.count(last - first, is_open)
                aftermath.follow(columns, part, record)
                if is_told_at_once:
                    control.tell(now_us)
                first = last
            if aftermath.end(columns):
                control.count_outcomes(calendar.now_us)

    def _count_control_steps(self, columns: Columns) -> None:
        """Put a chunk's control steps on the calendar, where they are due by the count of requests."""
        chunk, every = columns.chunk, self.scenario.bidders.control_interval_requests
        if every:
            first = max(every, -(-chunk.start // every) * every)
            self.calendar.at(chunk.time_us[first - chunk.start :: every].tolist(), "control", self._control)

    def _control(self) -> None:
        if not self._is_blind:
            self.control.step(self.calendar.now_us)
        if self._is_stepped:
            self.calendar.pause()

    def _note_series(self) -> None:
        multipliers = [getattr(one.strategy, "multiplier", np.nan) for one in self.sessions]
        self.series.note(self.ledger, multipliers)

    def _count_stock(self) -> None:
        """Take what was sold off the shelves; from here on impressions do what they do with what is left."""
        assert self.world.shelves is not None  # noqa: S101 - there is stock
        if self.world.shelves.count() and (columns := self._columns) is not None:
            first = bisect_left(columns.chunk.time_us.data, self.calendar.now_us)
            columns.world.refill_truth(self.auctions.owners, columns.truths, first)

    def finish(self) -> None:
        """Hand out the closing accounts; journeys go on to their end."""
        self.control.close_accounts(max(self.aftermath.outcomes.end_us, self.calendar.now_us))
        if self.auctions.purchases is not None:
            self.auctions.purchases.run_out(self.ledger)

    def close(self, *, keep_strategies: bool = False) -> RunResult:
        """Return the tables of the run, after ``finish``."""
        if self._is_blind and self._control_every_us and self._columns is not None:
            last_us = int(self._columns.chunk.time_us[-1])
            self.calendar.count_every(self._control_every_us, "control", last_us)
        scenario, ledger, auctions, sessions = self.scenario, self.ledger, self.auctions, self.sessions
        purchases, shelves, owners = auctions.purchases, self.world.shelves, auctions.owners
        names, seen = [session.name for session in sessions], self.control.seen
        is_drawn = self._columns is not None and self._columns.effects.drawn
        usage, data_cost = auctions.data_usage.bill()
        bidders = {
            **bidder_columns(ledger, names, owners, seen, scenario.audience.people, is_drawn=is_drawn),
            **self.aftermath.outcomes.columns(),
            **usage,
            **auctions.delivery.columns(),
            **(purchases.columns() if purchases else {}),
            **(shelves.by_bidder(owners) if shelves else {}),
            "budget_left": self.control.budgets_left(),
        }
        tallies = self.calendar.tallies.items()
        return RunResult(
            scenario=scenario.name,
            seed=self.streams.seed,
            replication=self.streams.replication,
            bidders=bidders | counted(sessions, bidders),
            timeseries=self.series.columns(ledger, names),
            market=market_totals(ledger, scenario, seen, data_cost),
            journey=purchases.accounts.columns() if purchases else {},
            purchases=purchases.sales() if purchases else {},
            stock=shelves.columns() if shelves else {},
            calendar={kind: tally.count for kind, tally in tallies},
            calendar_h={kind: (one.first_us / HOUR_US, one.last_us / HOUR_US) for kind, one in tallies},
            strategies={one.name: one.strategy for one in sessions} if keep_strategies else {},
        )

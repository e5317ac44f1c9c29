"""The calendar and the loop that runs it: ``simulate(scenario, strategies, seed) -> RunResult``.

SimPy owns time. Its events are the only moments at which knowledge or permission changes (a copy of data arrives, a
bidder takes a control step); between two events requests travel together as columns through the compiled kernel, in
blocks of at most ``engine.max_block``. Events at time t come before requests at t.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any

import numpy as np
import simpy
from numpy.typing import NDArray

from sim.auction.kernel import Bids, Outcomes, Record, Requests, Seats, clear
from sim.auction.mechanisms import MECHANISMS
from sim.desk import Desk, Entrant
from sim.ledger import bidder_columns, open_ledger, timeseries_columns
from sim.results import RunResult
from sim.scenario import HOUR_US, MICROS, Scenario
from sim.streams import Streams
from sim.supply import SLICE, Chunk, LogColumns, chunks
from sim.visible import AccountState, Strategy, frozen
from sim.world import make_world

Sink = Callable[[Mapping[str, NDArray[Any]]], None]
"""Takes one block of auctions: position, time_us, winner (-1 outside, -2 nobody), paid_micros, top and other bid."""

AFTER_EVENTS = 2
"""SimPy priority of a block of requests: after everything else at the same microsecond."""


def simulate(
    scenario: Scenario,
    strategies: Mapping[str, Strategy | Entrant],
    seed: int,
    replication: int = 0,
    *,
    log: LogColumns | None = None,
    sink: Sink | None = None,
) -> RunResult:
    """Run one market to its end; a pure function of its arguments.

    ``strategies`` maps bidder names to a strategy (which then sees all sources and has ``bidders.budget``) or to an
    ``Entrant``. Strategies are copied before use. ``sink`` is handed each block's auctions as they are settled.
    Raises ``BidError`` where a strategy reads what it may not see, or answers with something that is not a bid.
    """
    if not isinstance(scenario, Scenario):
        raise TypeError(
            f"scenario: {type(scenario).__name__}; allowed: a Scenario (jointbid.load(NAME) makes one)"
        )
    return _Run(scenario, strategies, seed, replication, log, sink).play()


class _Run:
    """One run under way."""

    def __init__(
        self,
        scenario: Scenario,
        strategies: Mapping[str, Strategy | Entrant],
        seed: int,
        replication: int,
        log: LogColumns | None,
        sink: Sink | None,
    ) -> None:
        self.scenario, self.seed, self.replication, self.sink = scenario, seed, replication, sink
        self.streams = Streams(seed, replication)
        self.world = make_world(scenario, self.streams, log)
        self.desks = [
            Desk(name, self._entrant(s), self.world, self.streams) for name, s in strategies.items()
        ]
        for desk in self.desks:
            desk.trial()
        self.hours = int(np.ceil(scenario.supply.horizon_h))
        self.ledger = open_ledger([desk.budget for desk in self.desks], self.hours)
        self.multipliers = np.full((self.hours, len(self.desks)), np.nan)
        self.chunks = chunks(scenario, self.streams, log)
        total = len(log.time_us) if log is not None else scenario.supply.requests
        self.requests_expected = total or 0
        self.seen = 0
        self.events: Counter[str] = Counter()
        self.recorded = sink is not None or any(desk.strategy.learns for desk in self.desks)
        self.seats = self._seats()
        self._lay_out_tables()

    def play(self) -> RunResult:
        self.env = simpy.Environment(initial_time=0)
        for name, clock in self.world.clocks.items():
            if clock.interval_us and not self.scenario.source[name].never_arrives:
                self.env.process(self._sync(name))
        self.env.process(self._hourly())
        if not self.scenario.bidders.control_interval_requests:
            for number in range(len(self.desks)):
                self.env.process(self._control_by_hour(number))
        for number in range(len(self.desks)):
            self._control(number)  # the opening account: nothing seen, nothing spent, the whole budget left
        self.env.run(until=self.env.process(self._market()))
        return self._result()

    @property
    def _now(self) -> int:
        """The clock in microseconds; all delays are whole, and so is it."""
        return int(self.env.now)

    # -- the calendar ---------------------------------------------------------------------------------------------

    def _sync(self, name: str) -> Generator[simpy.Event, None, None]:
        """A fresh copy of a source arrives, again and again."""
        clock = self.world.clocks[name]
        yield self.env.timeout(clock.taken_us + clock.interval_us + clock.latency_us)
        while True:
            clock.arrived(self._now)
            self.events[f"sync {name}"] += 1
            yield self.env.timeout(clock.interval_us)

    def _hourly(self) -> Generator[simpy.Event, None, None]:
        """Note the bid multipliers for the time series."""
        for hour in range(self.hours):
            yield self.env.timeout(hour * HOUR_US - self._now)
            self.multipliers[hour] = [getattr(desk.strategy, "multiplier", np.nan) for desk in self.desks]

    def _control_by_hour(self, number: int) -> Generator[simpy.Event, None, None]:
        """A control step at every interval."""
        interval = max(1, round(self.scenario.bidders.control_interval_h * HOUR_US))
        while True:
            yield self.env.timeout(interval)
            self._control(number)

    def _control_by_count(self, chunk: Chunk) -> None:
        """Put the control steps that fall into this chunk on the calendar: each just before its request."""
        every = self.scenario.bidders.control_interval_requests
        if not every:
            return
        first = max(every, -(-chunk.start // every) * every)
        for position in range(first, chunk.start + len(chunk), every):
            delay = int(chunk.time_us[position - chunk.start]) - self._now
            for number in range(len(self.desks)):
                event = self.env.timeout(delay, value=number)
                event.callbacks.append(lambda event: self._control(event.value))

    def _control(self, number: int) -> None:
        desk = self.desks[number]
        self.events["control"] += 1
        if desk.strategy.learns:
            desk.strategy.observe(desk.feedback())
        left = self.ledger.left[number]
        desk.strategy.control(
            AccountState(
                hour=self._now / HOUR_US,
                horizon_h=self.scenario.supply.horizon_h,
                requests_seen=self.seen,
                requests_expected=self.requests_expected,
                spend=float(self.ledger.spend[number]) / MICROS,
                wins=int(self.ledger.wins[number]),
                budget=np.inf if desk.budget is None else desk.budget,
                budget_left=np.inf if desk.budget is None else float(left) / MICROS,
            )
        )
        desk.stale = True

    def _market(self) -> Generator[simpy.Event, None, None]:
        """Requests in blocks, each reaching to the next event on the calendar."""
        most = min(
            self.scenario.engine.max_block, SLICE
        )  # as long as the tables that rows' bids are laid out in
        for chunk in self.chunks:
            self._load(chunk)
            first = 0
            while first < len(chunk):
                yield self._request_at(int(chunk.time_us[first]))
                until = np.searchsorted(chunk.time_us, self.env.peek(), side="left")
                last = min(int(until), first + most, len(chunk))
                self._settle(chunk, first, last)
                first = last

    def _request_at(self, time_us: int) -> simpy.Event:
        """The moment of a request, after every event of that microsecond."""
        event = simpy.Event(self.env)
        event._ok, event._value = True, None  # noqa: SLF001  (as simpy.Timeout does; only the priority differs)
        self.env.schedule(event, priority=AFTER_EVENTS, delay=time_us - self._now)  # type: ignore[arg-type]
        return event

    # -- columns between events -----------------------------------------------------------------------------------

    def _seats(self) -> Seats:
        advertisers = list(dict.fromkeys(desk.advertiser for desk in self.desks))
        return Seats(
            advertiser=np.array([advertisers.index(desk.advertiser) for desk in self.desks], dtype=np.int64),
            key=np.array([self.streams.key64(f"tie/{desk.name}") for desk in self.desks], dtype=np.uint64),
            outside_key=self.streams.key64("tie/outside"),
        )

    def _lay_out_tables(self) -> None:
        """One flat vector of bids: a part per cell for each desk asked by cell, a part per row for the others."""
        rows = min(SLICE, self.scenario.engine.max_block)
        sizes = np.array([desk.cells or rows for desk in self.desks], dtype=np.int64)
        self.begins = np.concatenate([[0], np.cumsum(sizes)])[:-1].astype(np.int64)
        self.cell_keys = list(dict.fromkeys(desk.cell_key for desk in self.desks if desk.cells))
        column = [self.cell_keys.index(desk.cell_key) if desk.cells else -1 for desk in self.desks]
        self.bids = Bids(
            np.zeros(int(sizes.sum()), np.int64), self.begins.copy(), np.array(column, dtype=np.int64)
        )
        self.keepers = [
            next(d for d in self.desks if d.cells and d.cell_key == key) for key in self.cell_keys
        ]

    def _load(self, chunk: Chunk) -> None:
        """Columns of a new chunk: truth cells, visible cells as far as they are settled, click draws."""
        self.world.load(chunk)
        owners = [desk.advertiser for desk in self.desks]
        truth_cells, truth_column = self.world.truth_cells(owners)
        n, keys = len(chunk), len(self.cell_keys)
        cells = np.empty((keys + len(truth_cells), n), dtype=np.int32)
        cells[keys:] = truth_cells
        for row, keeper in zip(cells, self.keepers, strict=False):
            if keeper.is_settled:
                row[:] = keeper.cell_column(slice(0, n), n)
        self.outcomes: Outcomes = self.world.outcomes(
            owners, np.where(truth_column >= 0, truth_column + keys, truth_column)
        )
        self.columns = Requests(
            start=chunk.start,
            hour=(chunk.time_us // HOUR_US).clip(0, self.hours - 1).astype(np.int32),
            floor=chunk.floor_micros,
            price=chunk.price_micros,
            click_u=self.streams.uniform("click", chunk.start, n)
            if self.outcomes.click.any()
            else np.ones(n),
            weight=chunk.logged.weight,
            cells=cells,
        )
        self._control_by_count(chunk)

    def _settle(self, chunk: Chunk, first: int, last: int) -> None:
        self.events["block"] += 1
        part = slice(first, last)
        for row, keeper in zip(self.columns.cells, self.keepers, strict=False):
            if not keeper.is_settled:
                row[part] = keeper.cell_column(part, last - first)
        self._collect_bids(chunk, part)
        record = _record(last - first if self.recorded else 0)
        clear(
            MECHANISMS[self.scenario.auction.type],
            first,
            last,
            self.columns,
            self.bids,
            self.outcomes,
            self.seats,
            self.ledger,
            record,
        )
        self.seen = chunk.start + last
        if self.recorded:
            self._report(chunk, part, record)

    def _collect_bids(self, chunk: Chunk, part: slice) -> None:
        """Ask who must be asked; bids become whole micros, rounded half to even."""
        for number, desk in enumerate(self.desks):
            begin = self.begins[number]
            if desk.cells is None:
                answer = desk.bid_rows(chunk, part)
                self.bids.offset[number] = begin - part.start
            elif desk.stale:
                answer = desk.bid_cells(self._now / HOUR_US)
            else:
                continue
            self.bids.numbers[begin : begin + len(answer)] = np.rint(answer * MICROS).astype(np.int64)

    def _report(self, chunk: Chunk, part: slice, record: Record) -> None:
        for number, desk in enumerate(self.desks):
            if desk.strategy.learns:
                column, offset = self.bids.column[number], self.bids.offset[number]
                at = self.columns.cells[column, part] if column >= 0 else np.arange(part.start, part.stop)
                desk.note(chunk, part, number, self.bids.numbers[offset + at], record)
        if self.sink is not None:
            position = np.arange(chunk.start + part.start, chunk.start + part.stop)
            batch = {"position": position, "time_us": frozen(chunk.time_us[part])}
            batch |= {"winner": record.winner, "paid_micros": record.paid, "top_micros": record.top}
            self.sink(batch | {"other_micros": record.other, "clicked": record.clicked})

    # -- afterwards -----------------------------------------------------------------------------------------------

    def _entrant(self, entry: Strategy | Entrant) -> Entrant:
        return entry if isinstance(entry, Entrant) else Entrant(entry, budget=self.scenario.bidders.budget)

    def _result(self) -> RunResult:
        names = [desk.name for desk in self.desks]
        advertisers = [desk.advertiser for desk in self.desks]
        against_landscape = self.scenario.supply.kind == "log" or self.scenario.rivals.landscape is not None
        market = {
            "requests": float(self.seen),
            "revenue": float(self.ledger.spend.sum()) / MICROS,
            "welfare": np.nan if against_landscape else _in_order(self.ledger.value),
        }
        return RunResult(
            scenario=self.scenario.name,
            seed=self.seed,
            replication=self.replication,
            bidders=_freeze(bidder_columns(self.ledger, names, advertisers, self.seen)),
            timeseries=_freeze(timeseries_columns(self.ledger, names, self.multipliers)),
            market=market,
            calendar=dict(self.events),
        )


def _record(n: int) -> Record:
    winner, paid, top, other = np.empty((4, n), dtype=np.int64)
    return Record(winner, paid, top, other, np.empty(n, dtype=np.bool_))


def _in_order(values: Sequence[float] | NDArray[np.float64]) -> float:
    """A plain left-to-right sum: the same bits whatever the length."""
    total = 0.0
    for value in values:
        total += float(value)
    return total


def _freeze(columns: dict[str, Any]) -> dict[str, NDArray[Any]]:
    return {name: frozen(column) for name, column in columns.items()}

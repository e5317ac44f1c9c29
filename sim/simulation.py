"""The loop that runs a market: ``simulate(scenario, strategies, seed) -> RunResult``.

SimPy owns time (``jointbid.sim.calendar``). Between two of its events requests travel together as columns through the compiled
kernel, in blocks of at most ``engine.max_block``; how many travel together changes no result.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import simpy
from numpy.typing import NDArray

from .allowance import Allowance
from .arrivals import SLICE
from .auction.arrays import Record, Requests
from .auction.kernel import clear
from .audience import priced_contexts
from .batches import NO_RESPONSES, NOTHING_HAPPENED, Sink, record_of, room_for_responses, rows_of
from .calendar import Calendar
from .desk import Desk, Entrant, Lot
from .journey.purchases import Purchases
from .latency import Deadline
from .ledger import Series, bidder_columns, check_spend, market_totals, open_ledger, relevance
from .memory import open_memory
from .metering import Meter
from .outcomes import NEVER_US, Happened, Outcomes
from .permission import DAY_H, changes, left_today
from .reports import Standing
from .results import RunResult
from .scenario import HOUR_US, MICROS, Scenario
from .seating import rules_of, seats_of
from .streams import Streams
from .supply import Chunk, Log, chunks
from .tables import BidTables
from .visible import AccountState, Strategy, frozen
from .world import make_world

CLOSED = 2**62
"""A floor that no bid reaches."""
MAX_BIDDERS = 2**15 - 1
"""Shortlists and sales hold a bidder's number in 16 bits."""


def simulate(
    scenario: Scenario,
    strategies: Mapping[str, Strategy | Entrant],
    seed: int,
    replication: int = 0,
    *,
    log: Log | None = None,
    sink: Sink | None = None,
) -> RunResult:
    """Run one market to its end; a pure function of its arguments.

    ``strategies`` maps bidder names to a strategy (which then sees all sources and has ``bidders.budget``) or to an
    ``Entrant``. Strategies are copied before use. ``sink`` is handed each block's auctions as they are settled.
    Raises ``BidError`` where a strategy reads what it may not see, raises an error, answers with something that is not a bid, or
    takes longer than ``engine.strategy_timeout_s`` for it; ``TrialError``, one of these, where that shows before the first event;
    ``SpendError`` where more is spent than can be counted (docs/limits.md).
    """
    if not isinstance(scenario, Scenario):
        raise TypeError(
            f"scenario: {type(scenario).__name__}; allowed: a Scenario (jointbid.load(NAME) makes one)"
        )
    if not isinstance(strategies, Mapping):
        raise TypeError(
            f"strategies: {type(strategies).__name__}; allowed: a mapping of bidder names to strategies, {{'me': strategy}}"
        )
    if len(strategies) > MAX_BIDDERS:
        raise ValueError(f"strategies: {len(strategies)} bidders; allowed: at most {MAX_BIDDERS}")
    return _Run(scenario, strategies, Streams(seed, replication), log, sink).play()


class _Run:
    """One run under way."""

    def __init__(
        self,
        scenario: Scenario,
        strategies: Mapping[str, Strategy | Entrant],
        streams: Streams,
        log: Log | None,
        sink: Sink | None,
    ) -> None:
        self.scenario, self.streams, self.sink = scenario, streams, sink
        self.world = make_world(scenario, streams, log)
        limit_s = scenario.engine.strategy_timeout_s
        self.desks = [
            Desk(name, self._entrant(s), self.world, streams, limit_s) for name, s in strategies.items()
        ]
        for desk in self.desks:
            desk.trial()
        self.most = min(scenario.engine.max_block, SLICE)
        self.rules, self.seats = rules_of(scenario), seats_of(scenario, self.desks, streams)
        self.floors = self.seats.floor.copy()
        slots = len(self.rules.rates)
        self.ledger = open_ledger([desk.budget for desk in self.desks], slots)
        self.memory = open_memory(
            scenario.audience.people,
            {desk.name: desk.terms for desk in self.desks},
            [desk.advertiser for desk in self.desks],
        )
        self.purchases: Purchases | None = None
        if self.world.accounts is not None:
            owners = [desk.advertiser for desk in self.desks]
            self.purchases = Purchases(self.world.accounts, scenario, owners)
            self.memory = self.purchases.remembered(self.memory)
        if self.world.shelves is not None:
            self.world.shelves.open([desk.advertiser for desk in self.desks])
        self.rotation_key = np.array(
            [streams.key64(f"creative/{desk.name}") for desk in self.desks], np.uint64
        )
        self.deadline = Deadline(scenario, streams, self.desks)
        self.meter = Meter(scenario, self.world, self.desks)
        self.outcomes = Outcomes(scenario, streams, self.world, [desk.advertiser for desk in self.desks])
        self.responses = NO_RESPONSES
        self.truths = np.empty((0, 0), dtype=np.int32)
        self.tables = BidTables(self.desks, self.world, self.most, slots)
        every_h = scenario.engine.series_h
        self.noted_us = [
            round(row * every_h * HOUR_US) for row in range(int(np.ceil(scenario.supply.horizon_h / every_h)))
        ]
        self.series = Series(len(self.noted_us), every_h, len(self.desks))
        self.chunks = chunks(
            scenario, streams, log, priced_contexts(scenario, [desk.advertiser for desk in self.desks])
        )
        self.requests_expected = (len(log) if log is not None else scenario.supply.requests) or 0
        self.seen = self.steps = 0
        self.allowances = [
            Allowance(scenario, desk.terms, desk.budget, self.requests_expected) for desk in self.desks
        ]
        self.always_open = all(allowance.is_always_open for allowance in self.allowances)
        self.asked = np.zeros(len(self.desks), dtype=np.int64)
        self.recorded = sink is not None or any(desk.strategy.learns for desk in self.desks)

    def play(self) -> RunResult:
        self.calendar = Calendar()
        self.drawn = False
        for name, clock in self.world.clocks.items():
            if clock.interval_us and not self.scenario.source[name].never_arrives:
                first = clock.taken_us + clock.interval_us + clock.latency_us
                self.calendar.every(clock.interval_us, f"sync {name}", lambda: None, first)  # columns hold it
        self.calendar.at(self.noted_us, "hour", self._note_hour)
        for step in self.scenario.auction.floor_steps:
            self.calendar.at([round(step.hour * HOUR_US)], "floor", lambda: None)  # the column holds it
        for number, desk in enumerate(self.desks):
            self._put_terms(number, desk)
        if self.purchases is not None:
            purchases = partial(self.purchases.step, self.ledger)
            self.calendar.every(self.purchases.accounts.step_us, "journey", purchases)
        if self.world.shelves is not None:
            self.calendar.every(self.world.shelves.step_us, "stock", self._count_stock)
        if self.scenario.auction.throttle is not None:
            review_us = round(self.scenario.auction.throttle.review_h * HOUR_US)
            self.calendar.every(review_us, "throttle", self.deadline.review)
        if not self.scenario.bidders.control_interval_requests:
            interval = max(1, round(self.scenario.bidders.control_interval_h * HOUR_US))
            self.calendar.every(interval, "control", self._control)
        self._control()  # the opening account: nothing seen, nothing spent, the whole budget left
        self.calendar.run(self._market())
        if self.purchases is not None:
            self.purchases.run_out(self.ledger)
        return self._result()

    # -- events ---------------------------------------------------------------------------------------------------

    def _put_terms(self, number: int, desk: Desk) -> None:
        """Flights, day parts and daily budgets of one bidder."""
        for time_us, may_bid in changes(desk.terms, self.scenario.supply.horizon_h):
            if time_us == 0:
                self._permit(number, may_bid)
            else:
                self.calendar.at([time_us], "flight", partial(self._permit, number, may_bid))
        if desk.terms.daily_budget is not None:
            self._new_day(number)
            self.calendar.every(DAY_H * HOUR_US, "new day", partial(self._new_day, number))

    def _permit(self, number: int, may_bid: bool) -> None:
        """Nobody reaches a floor above all money."""
        self.seats.floor[number] = self.floors[number] if may_bid else CLOSED

    def _new_day(self, number: int) -> None:
        desk = self.desks[number]
        spent = int(self.ledger.spend[number])
        self.ledger.left[number] = left_today(desk.budget, desk.terms.daily_budget, spent)

    def _note_hour(self) -> None:
        self.series.note(self.ledger, [getattr(desk.strategy, "multiplier", np.nan) for desk in self.desks])

    def _control(self) -> None:
        """Every bidder looks at its account."""
        now_us, hour, horizon_h = (
            self.calendar.now_us,
            self.calendar.now_us / HOUR_US,
            self.scenario.supply.horizon_h,
        )
        spend, wins = (self.ledger.spend / MICROS).tolist(), self.ledger.wins.sum(axis=1).tolist()
        left, seen = (self.ledger.left / MICROS).tolist(), self._asked().tolist()
        step, self.steps = self.steps, self.steps + 1
        for number, desk in enumerate(self.desks):
            if step % desk.control_every:
                continue
            allowance = self.allowances[number]
            known = desk.learn(Standing(now_us, seen[number], spend[number], wins[number], left[number]))
            desk.control(
                AccountState(
                    hour=hour,
                    horizon_h=horizon_h,
                    requests_seen=seen[number],
                    requests_expected=allowance.requests,
                    spend=known.spend,
                    wins=known.wins,
                    budget=allowance.total,
                    daily_budget=allowance.daily,
                    **allowance.limits(now_us, known)._asdict(),
                    clicks=desk.clicks.known,
                    conversions=desk.conversions.known,
                    margin=desk.conversions.margin,
                    requests_unreported=seen[number] - known.requests,
                    report_age_h=(now_us - known.at_us) / HOUR_US,
                )
            )

    def _asked(self) -> NDArray[np.int64]:
        """Requests so far that came while each bidder might bid, shape (bidders,)."""
        return np.full(len(self.desks), self.seen) if self.always_open else self.asked

    def _count_stock(self) -> None:
        """What has been sold is taken off the shelves; from here on impressions do what they do with what is left."""
        assert self.world.shelves is not None  # noqa: S101 - there is stock
        if self.world.shelves.count() and len(self.truths):
            self.truths[:] = self.world.truth_cells([desk.advertiser for desk in self.desks])[0]

    def _budgets_left(self) -> NDArray[np.float64]:
        """What each bidder might have spent in the whole run and did not, currency; inf where that is unlimited."""
        spend = (self.ledger.spend / MICROS).tolist()
        pairs = zip(self.allowances, spend, strict=True)
        return np.array([allowance.left_of(allowance.total, spent) for allowance, spent in pairs])

    # -- requests between events ----------------------------------------------------------------------------------

    def _market(self) -> Generator[simpy.Event, None, None]:
        """Requests in blocks, each reaching to the next event on the calendar."""
        for chunk in self.chunks:
            requests = self._load(chunk)
            first = 0
            while first < len(chunk):
                yield self.calendar.requests_at(int(chunk.time_us[first]))
                until = int(np.searchsorted(chunk.time_us, self.calendar.next_us))
                last = min(until, first + self.most, len(chunk))
                self._settle(chunk, requests, first, last)
                first = last

    def _load(self, chunk: Chunk) -> Requests:
        """Columns of a new chunk, and the control steps that come just before some of its requests."""
        self.world.load(chunk)
        self.deadline.load(chunk)
        n, owners = len(chunk), [desk.advertiser for desk in self.desks]
        truth_cells, truth_column = self.world.truth_cells(owners)
        visible = self.tables.columns
        column = np.where(truth_column >= 0, truth_column + len(visible), truth_column)
        self.effects = self.world.effects(owners, column)._replace(rotation_key=self.rotation_key)
        self.drawn = self.effects.drawn
        if self.drawn and not len(self.responses.row):
            self.responses = room_for_responses(self.most * len(self.rules.rates))
        cells = np.empty((len(visible) + len(truth_cells), n), dtype=np.int32)
        self.truths = cells[len(visible) :]
        self.truths[:] = truth_cells
        weight = chunk.logged.weight
        self.tables.load(
            cells[: len(visible)], self.scenario.auction.slots[0] * (weight.max() if len(weight) else 1.0)
        )
        every = self.scenario.bidders.control_interval_requests
        if every:
            first = max(every, -(-chunk.start // every) * every)
            due = chunk.time_us[first - chunk.start :: every].tolist()
            self.calendar.at(due, "control", self._control)
        return Requests(
            start=chunk.start,
            time_us=chunk.time_us,
            mechanism=chunk.mechanism,
            floor=chunk.floor_micros,
            price=chunk.price_micros,
            weight=chunk.logged.weight,
            person=chunk.visits.person,
            absent=self.deadline.absent,
            cells=cells,
        )

    def _settle(self, chunk: Chunk, requests: Requests, first: int, last: int) -> None:
        part = slice(first, last)
        self.tables.ask(chunk, part, self.calendar.now_us)
        is_open = self.seats.floor < CLOSED
        self.deadline.pass_on(part, self.tables, is_open)
        self.meter.note(part, is_open, self.deadline)
        record = record_of(last - first if self.recorded else 0, len(self.rules.rates))
        clear(
            first,
            last,
            self.calendar.counts["block"],
            requests,
            self.rules,
            self.tables.bids,
            self.effects,
            self.seats,
            self.memory,
            self.tables.shortlist,
            self.ledger,
            record,
            self.responses,
        )
        check_spend(self.ledger, self.calendar.now_us / HOUR_US)
        self.seen = chunk.start + last
        if not self.always_open:
            self.asked[is_open] += last - first
        happened = self.outcomes.note(chunk, self.responses) if self.responses.filled[0] else NOTHING_HAPPENED
        for number in np.unique(happened.bidder):
            own = Happened(*(column[happened.bidder == number] for column in happened))
            self.desks[number].await_outcomes(chunk, part, own, record)
            self.world.sell(self.desks[number].advertiser, own.row[own.conversion_us != NEVER_US])
        if self.recorded:
            self._report(chunk, part, record, happened)

    def _report(self, chunk: Chunk, part: slice, record: Record, happened: Happened) -> None:
        for number, desk in enumerate(self.desks):
            if desk.strategy.learns and self.seats.floor[number] < CLOSED:  # who may not bid is not asked
                bids = self.tables.of(number, np.arange(part.start, part.stop))
                sent, late = (ask(number, part) for ask in (self.deadline.is_sent, self.deadline.is_late))
                desk.note(
                    chunk,
                    part,
                    number,
                    bids,
                    Lot(record, sent, late & sent & (bids > 0), int(self.floors[number])),
                )
        if self.sink is not None:
            self.sink(rows_of(chunk, part, record, happened))

    # -- afterwards -----------------------------------------------------------------------------------------------

    def _entrant(self, entry: Strategy | Entrant) -> Entrant:
        bidders = self.scenario.bidders
        entrant = entry if isinstance(entry, Entrant) else Entrant(entry, budget=bidders.budget)
        if entrant.report_delay_h is None:
            entrant = replace(entrant, report_delay_h=bidders.report_delay_h)
        return entrant if entrant.terms is not None else replace(entrant, terms=bidders.terms)

    def _result(self) -> RunResult:
        names = [desk.name for desk in self.desks]
        advertisers = [desk.advertiser for desk in self.desks]
        shelves = self.world.shelves
        landscape = self.scenario.supply.kind == "log" or self.scenario.rivals.landscape is not None
        return RunResult(
            scenario=self.scenario.name,
            seed=self.streams.seed,
            replication=self.streams.replication,
            bidders=_freeze(
                bidder_columns(self.ledger, names, advertisers, self.seen)
                | self._counts()
                | (self.purchases.columns() if self.purchases else {})
                | (shelves.by_bidder(advertisers) if shelves else {})
                | {"budget_left": self._budgets_left()}
            ),
            timeseries=_freeze(self.series.columns(self.ledger, names)),
            market={
                **market_totals(self.ledger, self.seen, against_landscape=landscape),
                "data_cost": self.meter.total,
                "relevance": relevance(self.ledger, self.scenario),
            },
            journey=_freeze(self.purchases.accounts.columns() if self.purchases else {}),
            purchases=_freeze(self.purchases.sales() if self.purchases else {}),
            stock=_freeze(shelves.columns() if shelves else {}),
            calendar=dict(self.calendar.counts),
            calendar_h={
                kind: (self.calendar.first_us[kind] / HOUR_US, last_us / HOUR_US)
                for kind, last_us in self.calendar.last_us.items()
            },
        )

    def _counts(self) -> dict[str, NDArray[Any]]:
        """What is not the ledger's business: outcomes as they became known, and who was late or not asked."""
        known, deadline, ledger = self.outcomes, self.deadline, self.ledger
        viewed = ledger.viewed if self.drawn else ledger.wins.sum(axis=1).astype(np.float64)
        return {
            "viewed": viewed,
            "reach": viewed if self.scenario.audience.people is None else ledger.reach.astype(np.float64),
            "clicks": known.clicks,
            "clicks_censored": known.clicks_censored,
            "conversions": known.conversions,
            "conversions_censored": known.conversions_censored,
            "conversions_unattributed": known.conversions_unattributed,
            "margin": known.margin,
            "margin_censored": known.margin_censored,
            **self.meter.columns(),
            "late": deadline.late,
            "unsent": deadline.unsent,
        }


def _freeze(columns: dict[str, Any]) -> dict[str, NDArray[Any]]:
    return {name: frozen(column) for name, column in columns.items()}

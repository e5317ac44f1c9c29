"""The account of a strategy that answers an exchange: its requests, bids and notices, and its control steps by a clock.

One request at a time is handled, so that nothing here is locked.
"""

from __future__ import annotations

import copy
import math
from collections import OrderedDict, deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jointbid.sim import Entrant, Feedback, Scenario, VisibleRequests
from jointbid.sim.account import Standing
from jointbid.sim.allowance import Allowance
from jointbid.sim.feedback import empty_feedback
from jointbid.sim.opening_hours import DAY_H
from jointbid.sim.outcomes import Awaited
from jointbid.sim.scenario import HOUR_US, MICROS, Terms
from jointbid.sim.visible import frozen

OPEN_BIDS = 1_000_000
"""Bids without a notice that are remembered; the oldest are then taken for lost."""
NOTICE_WAIT_US = 3600 * 1_000_000
"""How long the money of a bid without a notice is set aside; a win notice that comes later is booked all the same."""
NONE_KNOWN = Awaited()
"""Clicks and conversions: an exchange does not report them."""


@dataclass(slots=True)
class OpenBid:
    """A bid whose auction is not known to have ended: the visible row, the bid, and what notices have said."""

    position: int
    row: Mapping[str, float]
    micros: int
    creative: int
    is_reserved: bool = True
    is_won: bool = False
    is_viewed: bool = False
    is_late: bool = False
    paid_micros: int = 0
    needed_micros: int = 0


@dataclass
class Books:
    """What an account has come to; money in micros."""

    requests: int = 0
    bids: int = 0
    wins: int = 0
    spend_micros: int = 0
    viewed: int = 0
    losses: int = 0
    repeated_notices: int = 0
    unknown_notices: int = 0


class ServedAccount:
    """One strategy's account, kept from notices: they are reported at once, and each control step calls the strategy.

    Args:
        entrant: the strategy, its data, budget and terms; the strategy is copied.
        scenario: the market that it is set up for: horizon, expected requests, control interval.
        kinds: the columns that the strategy sees, with their types.
        holds_budget: whether the account keeps to its budget, as it must before a real exchange; a simulated exchange does so itself.
    """

    def __init__(
        self,
        entrant: Entrant,
        scenario: Scenario,
        kinds: Mapping[str, type[np.generic]],
        *,
        holds_budget: bool,
    ) -> None:
        self.strategy = copy.deepcopy(entrant.strategy)
        self.books = Books()
        self._terms = entrant.terms or scenario.bidders.terms or Terms()
        self._budget, self._scenario, self._holds_budget = entrant.budget, scenario, holds_budget
        self._allowance = Allowance(scenario, self._terms, entrant.budget, scenario.supply.requests or 0)
        self._interval_us = max(1, round(scenario.bidders.control_interval_h * HOUR_US))
        self._every = scenario.bidders.control_interval_requests
        self._next_us = self._interval_us
        self._day, self._spent_before_today = 0, 0
        self._reserved = 0
        self._reservations: deque[tuple[int, str]] = deque()
        self._open: OrderedDict[str, OpenBid] = OrderedDict()
        self._told: dict[str, OpenBid] = {}
        self._due: list[OpenBid] = []
        self._kinds = dict(kinds)
        self._control(0)

    @property
    def left_micros(self) -> float:
        """What may still be spent, today or in all; bids without a notice count as spent where the account holds the budget."""
        limits = []
        if self._budget is not None:
            limits.append(round(self._budget * MICROS) - self.books.spend_micros)
        if self._terms.daily_budget is not None:
            today = self.books.spend_micros - self._spent_before_today
            limits.append(round(self._terms.daily_budget * MICROS) - today)
        left = min(limits, default=math.inf)
        return left - (self._reserved if self._holds_budget else 0)

    def tick(self, now_us: int) -> None:
        """Hold the control steps that are due by ``now_us``, and wait no longer for notices that are long due."""
        while self._reservations and self._reservations[0][0] < now_us - NOTICE_WAIT_US:
            if one := self._open.get(self._reservations.popleft()[1]):
                self._release(one)
        if self._every is not None:
            return
        while self._next_us <= now_us:
            self._control(self._next_us)
            self._next_us += self._interval_us

    def bid(self, bid_id: str, row: Mapping[str, float], now_us: int) -> tuple[int, int]:
        """Return the bid on one request in micros, and the creative's number (-1: any).

        Args:
            bid_id: the id under which notices will come.
            row: each visible column's number.
            now_us: the time since the start.
        """
        self.tick(now_us)
        if self._every is not None and self.books.requests and self.books.requests % self._every == 0:
            self._control(now_us)
        self._new_day(now_us)
        requests = VisibleRequests(
            1, {name: np.array([row[name]], kind) for name, kind in self._kinds.items()}
        )
        position, self.books.requests = self.books.requests, self.books.requests + 1
        micros = round(float(self.strategy.bid(requests)[0]) * MICROS)
        if micros <= 0 or (self._holds_budget and micros > self.left_micros):
            return 0, -1
        creative = self._creative(requests)
        self._open[bid_id] = OpenBid(position, row, micros, creative)
        self._reserved += micros
        self._reservations.append((now_us, bid_id))
        self.books.bids += 1
        if len(self._open) > OPEN_BIDS:
            self._end(next(iter(self._open)))
        return micros, creative

    def withdraw(self, bid_id: str) -> None:
        """Take a bid back that was not sent."""
        self._release(self._open.pop(bid_id))
        self.books.bids -= 1

    def won(self, bid_id: str, paid_micros: int, needed_micros: int) -> bool:
        """Book a win notice; return False for one that came before, or of no bid that is known."""
        one = self._end(bid_id)
        if one is None:
            return False
        one.is_won, one.paid_micros, one.needed_micros = True, paid_micros, needed_micros
        self.books.wins += 1
        self.books.spend_micros += paid_micros
        return True

    def viewed(self, bid_id: str) -> bool:
        """Book a billing notice; it comes after the win."""
        one = self._told.get(bid_id)
        if one is None or one.is_viewed or not one.is_won:
            return self._unbooked(bid_id)
        one.is_viewed = True
        self.books.viewed += 1
        return True

    def lost(self, bid_id: str, needed_micros: int, *, is_late: bool) -> bool:
        """Book a loss notice."""
        one = self._end(bid_id)
        if one is None:
            return False
        one.needed_micros, one.is_late = needed_micros, is_late
        self.books.losses += 1
        return True

    def _end(self, bid_id: str) -> OpenBid | None:
        one = self._open.pop(bid_id, None)
        if one is None:
            self._unbooked(bid_id)
            return None
        self._release(one)
        self._told[bid_id] = one
        if len(self._told) > OPEN_BIDS:
            del self._told[next(iter(self._told))]
        self._due.append(one)
        return one

    def _release(self, one: OpenBid) -> None:
        if one.is_reserved:
            one.is_reserved, self._reserved = False, self._reserved - one.micros

    def _unbooked(self, bid_id: str) -> bool:
        if bid_id in self._told:
            self.books.repeated_notices += 1
        else:
            self.books.unknown_notices += 1
        return False

    def _creative(self, requests: VisibleRequests) -> int:
        choose = getattr(self.strategy, "creative", None)
        chosen = choose(requests) if choose is not None and len(self._scenario.creative) > 1 else None
        return -1 if chosen is None else int(chosen[0])

    def _new_day(self, now_us: int) -> None:
        day = int(now_us / HOUR_US // DAY_H)
        if day != self._day:
            self._day, self._spent_before_today = day, self.books.spend_micros

    def _control(self, now_us: int) -> None:
        """Show the strategy what became known, and its account."""
        self._new_day(now_us)
        if self.strategy.learns:
            self.strategy.observe(self._feedback())
        self._due.clear()
        books = self.books
        spend, left = books.spend_micros / MICROS, self.left_micros / MICROS
        standing = Standing(now_us, books.requests, spend, books.wins, left)
        self.strategy.control(self._allowance.account(standing, standing, NONE_KNOWN, NONE_KNOWN))

    def _feedback(self) -> Feedback:
        """Return the auctions that ended since the last time, in the order of their requests; outcomes are not known here."""
        due = sorted(self._due, key=lambda one: one.position)

        def column(name: str, kind: type[np.generic]) -> NDArray[Any]:
            return frozen(np.array([getattr(one, name) for one in due], kind))

        kinds, needed = self._kinds.items(), column("needed_micros", np.float64)
        seen = VisibleRequests(
            len(due), {name: np.array([one.row[name] for one in due], kind) for name, kind in kinds}
        )
        return replace(
            empty_feedback(tuple(kinds)),
            requests=seen,
            position=column("position", np.int64),
            bid=frozen(column("micros", np.float64) / MICROS),
            won=column("is_won", np.bool_),
            late=column("is_late", np.bool_),
            price_paid=frozen(column("paid_micros", np.float64) / MICROS),
            minimum_bid_to_win=frozen(np.where(needed < 0, np.nan, needed / MICROS)),
            viewed=column("is_viewed", np.bool_),
            creative=column("creative", np.int16),
        )

"""Serving rules: flights, day parts, daily budgets, and the people whom a holdout leaves out."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from .auction.arrays import Ledger, Seats
from .audience import Visits
from .calendar import Calendar
from .ledger import UNLIMITED
from .opening_hours import DAY_H, changes, is_always_open
from .scenario import HOUR_US, MICROS, Holdout, Terms
from .streams import Streams

CLOSED = 2**62
"""The floor of a bidder that may not bid: no bid reaches it."""


def left_today(budget: float | None, daily: float | None, spend_micros: int) -> int:
    """Return what may be spent until the next midnight, in micros: the day's budget, or what is left of the run's if less."""
    whole = int(UNLIMITED) if budget is None else round(budget * MICROS) - spend_micros
    return whole if daily is None else min(whole, round(daily * MICROS))


def held_out(holdout: Holdout, name: str, streams: Streams, visits: Visits) -> NDArray[np.bool_]:
    """Return which requests come from people whom the campaign ``name`` leaves out, shape (n,); a fact of the person."""
    return visits.by_person(streams, f"holdout/{holdout.group or name}") < holdout.share


def people_held_out(holdout: Holdout, name: str, streams: Streams, people: int) -> NDArray[np.bool_]:
    """Return the same of all people by number, shape (people,)."""
    return streams.uniform(f"holdout/{holdout.group or name}", 0, people) < holdout.share


class ServingRules:
    """Opens and closes the bidders' seats, and renews their daily budgets."""

    def __init__(
        self, terms: Sequence[Terms], budgets: Sequence[float | None], seats: Seats, ledger: Ledger
    ) -> None:
        self._terms, self._budgets, self._seats, self._ledger = terms, budgets, seats, ledger
        self.floors = seats.floor.copy()
        """The bidders' own floors in micros, whether they may bid or not, shape (bidders,)."""
        self.is_always_open = all(map(is_always_open, terms))
        self.is_open = np.ones(len(terms), dtype=np.bool_)
        """Whether each bidder may bid now, shape (bidders,)."""
        self.version = 0
        """How often a bidder's floor or its money for the day has changed."""

    def put_on(self, calendar: Calendar, horizon_h: float) -> None:
        """Put all changes on the calendar; those of hour 0 hold at once."""
        for number, terms in enumerate(self._terms):
            for time_us, may_bid in changes(terms, horizon_h):
                if time_us == 0:
                    self._permit(number, may_bid)
                else:
                    calendar.at([time_us], "flight", partial(self._permit, number, may_bid))
            if terms.daily_budget is not None:
                self._start_day(number)
                calendar.every(DAY_H * HOUR_US, "new day", partial(self._start_day, number))

    def _permit(self, number: int, may_bid: bool) -> None:
        self.version += 1
        self.is_open[number] = may_bid
        self._seats.floor[number] = self.floors[number] if may_bid else CLOSED

    def _start_day(self, number: int) -> None:
        self.version += 1
        spent = int(self._ledger.spend[number])
        daily = self._terms[number].daily_budget
        self._ledger.left[number] = left_today(self._budgets[number], daily, spent)

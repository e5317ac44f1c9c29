"""A bidder's own account, as it stands at a moment, and as it is shown to the bidder at a control step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Standing(NamedTuple):
    """An account at a moment: requests seen by then while it might bid, money in currency (``left_today`` until midnight)."""

    at_us: int
    requests: int
    spend: float
    wins: int
    left_today: float


@dataclass(frozen=True, slots=True)
class AccountState:
    """A bidder's own account at a control step. Money in currency, time in hours.

    ``budget`` is what may be spent in the whole run: ``bidders.budget``, or the daily budget times the days on which the bidder may
    bid, if that is less; inf where unlimited. ``budget_left`` is what may still be spent in all, ``left_today`` until midnight, and
    ``daily_budget`` each day (inf where unlimited). ``requests_seen`` and ``requests_expected`` count the requests of the hours in
    which its flight and day parts let it bid; of these ``hours_left_today`` and ``flight_hours_left`` are left (nan: not stated).

    Spending evenly means to spend ``due`` on the next ``due_requests``. Where ``is_renewed`` these are the money and the requests of
    today, or of the next day on which it may bid; otherwise those of the rest of the run.

    ``clicks`` and ``conversions`` are those that are known by now, ``margin`` what these conversions bring. ``spend``, ``wins`` and what
    is left are as they stood ``report_age_h`` ago, ``requests_unreported`` requests before now: where ``bidders.report_delay_h``
    is 0 both are 0. Of a day that no report is of yet nothing counts as spent.
    """

    hour: float
    horizon_h: float
    requests_seen: int
    requests_expected: int
    spend: float
    wins: int
    budget: float
    budget_left: float
    clicks: float = 0.0
    conversions: float = 0.0
    margin: float = 0.0
    requests_unreported: int = 0
    report_age_h: float = 0.0
    daily_budget: float = float("inf")
    left_today: float = float("inf")
    hours_left_today: float = float("nan")
    flight_hours_left: float = float("nan")
    due_today: float = 0.0
    due_requests_today: int = 0

    @property
    def requests_reported(self) -> int:
        """The requests that the reported spend is of."""
        return self.requests_seen - self.requests_unreported

    @property
    def hours_left(self) -> float:
        """Hours until the end of the run."""
        return self.horizon_h - self.hour

    @property
    def is_renewed(self) -> bool:
        """Whether another day brings more money: the daily budget is less than what may be spent in all."""
        return 0.0 < self.daily_budget < self.budget

    @property
    def days(self) -> float:
        """How many daily budgets may be spent in all; 1 where the run's budget alone binds."""
        return self.budget / self.daily_budget if self.is_renewed else 1.0

    @property
    def due(self) -> float:
        """What is to be spent on the next ``due_requests``."""
        return self.due_today if self.is_renewed else self.budget_left

    @property
    def due_requests(self) -> int:
        """The requests that ``due`` is for."""
        if self.is_renewed:
            return self.due_requests_today
        return max(self.requests_expected - self.requests_reported, 0)

    @property
    def pace(self) -> float:
        """What an even plan spends on each request from here on."""
        return self.due / max(self.due_requests, 1)

    def planned(self, n: int) -> float:
        """What an even plan spends on the next ``n`` requests; beyond today it is the mean of all days."""
        if not self.is_renewed:
            return self.due / max(self.due_requests, n, 1) * n
        later = max(n - self.due_requests, 0)
        return self.pace * (n - later) + self.budget / max(self.requests_expected, 1) * later


class AccountDraft:
    """An account that is still being filled in, and gets the class ``AccountState`` then, whose slots it has.

    ``AccountState`` itself sets each of its frozen fields twenty times as slowly.
    """

    __slots__ = AccountState.__slots__

    hour: float
    horizon_h: float
    requests_seen: int
    requests_expected: int
    spend: float
    wins: int
    budget: float
    budget_left: float
    clicks: float
    conversions: float
    margin: float
    requests_unreported: int
    report_age_h: float
    daily_budget: float
    left_today: float
    hours_left_today: float
    flight_hours_left: float
    due_today: float
    due_requests_today: int

"""A run that is stepped from outside: ``Market`` opens a run, advances it by one control step at a time, and closes it.

``simulate`` is the same loop without a caller between the steps; the numbers are the same to the bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Literal, NamedTuple, NoReturn, Self

from .bidder_session import BidderSession
from .entrant import Entrant
from .results import RunResult
from .scenario import HOUR_US, MICROS, Scenario
from .simulation import Simulation
from .streams import Streams
from .supply import Log
from .visible import Strategy

RunStage = Literal["new", "open", "over", "finished", "closed", "failed"]
NEXT: Mapping[RunStage, str] = {
    "new": "call open() first, or write `with Market(...) as market:`",
    "open": "call advance() until it returns False first",
    "over": "the last request has been settled: call close()",
    "finished": "the closing accounts have been handed out: call close()",
    "closed": "the run is closed: make another Market",
    "failed": "an error ended the run: make another Market",
}
"""What to do at each stage of a run instead of a call that is out of order."""


class BidderAccount(NamedTuple):
    """One bidder's account at a moment of the run, as the engine has settled it (reports to the strategy may be late).

    ``requests`` were sent out while it might bid. ``wins`` counts impressions, ``spend`` is in currency. ``value`` is the expected value of
    what it won, given the truth, in currency: what studies score, and what no strategy sees. ``clicks``, ``conversions`` and ``margin``
    (currency) are the outcomes that the bidder knew of at its last control step, or at its closing account. ``budget`` is what it may spend in
    the whole run and ``budget_left`` what is left of that (inf: no limit).
    """

    requests: int
    wins: int
    spend: float
    value: float
    clicks: float
    conversions: float
    margin: float
    budget: float
    budget_left: float

    @property
    def profit(self) -> float:
        """Value less spend, currency."""
        return self.value - self.spend


class Progress(NamedTuple):
    """The part of ``BidderAccount`` that rewards are made of: currency, and a number of clicks."""

    value: float
    spend: float
    clicks: float
    margin: float


class Market:
    """One run of a market, from control step to control step.

    ``open`` shows each bidder its opening account; ``advance`` settles the requests up to the next control step, at which
    strategies observe and control, and returns whether there is more to come; ``close`` hands out the closing accounts and
    returns the ``RunResult``, equal to that of ``simulate`` with the same arguments. An attribute of a strategy that is set between
    two calls of ``advance`` is in force from the next request on. ::

        with Market(scenario, {"me": Priced(valuation, Linear(1.0))}, seed=1) as market:
            while market.advance():
                market.policy("me").multiplier = 0.5 + market.hour / market.horizon
            result = market.close()

    Args:
        scenario: the market's scenario.
        strategies: bidder names -> a strategy or an ``Entrant``, as for ``simulate``; each is copied.
        seed: the seed.
        replication: the replication's number.
        log: the rows of a log, where the scenario replays one.

    Raises:
        BidError: from ``advance`` and ``close``, as ``simulate``.
        TrialError: a strategy cannot take part.
        RuntimeError: a method is called out of order.
    """

    def __init__(
        self,
        scenario: Scenario,
        strategies: Mapping[str, Strategy | Entrant],
        seed: int,
        replication: int = 0,
        *,
        log: Log | None = None,
    ) -> None:
        self._run = Simulation(scenario, strategies, Streams(seed, replication), log)
        self._numbers = {session.name: number for number, session in enumerate(self._run.sessions)}
        self._stage: RunStage = "new"

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._stage != "closed":  # left early: nothing is to be handed out any more
            self._stage = "failed" if error is not None else "closed"

    def open(self) -> None:
        """Begin the run: each bidder gets its opening account."""
        if self._stage != "new":
            self._refuse("open()", "it is open already" if self._stage == "open" else None)
        self._stage = "failed"
        self._run.open()
        self._stage = "open"

    def advance(self) -> bool:
        """Run up to and including the next control step, or to the last request; return whether there is more to come."""
        if self._stage != "open":
            self._refuse("advance()")
        for session in self._run.sessions:
            session.is_stale = True  # the caller may have set something
        self._stage = "failed"
        goes_on = self._run.advance()
        self._stage = "open" if goes_on else "over"
        return goes_on

    def finish(self) -> None:
        """Hand each bidder its closing account; ``account`` shows it. ``close`` does so first, where this was not called."""
        if self._stage != "over":
            self._refuse("finish()")
        self._stage = "failed"
        self._run.finish()
        self._stage = "finished"

    def close(self) -> RunResult:
        """End the run: each bidder gets its closing account (``finish``); return the tables, with the strategies as they ended."""
        if self._stage == "over":
            self.finish()
        if self._stage != "finished":
            self._refuse("close()")
        self._stage = "failed"
        result = self._run.close(keep_strategies=True)
        self._stage = "closed"
        return result

    @property
    def bidders(self) -> tuple[str, ...]:
        """The bidders by name."""
        return tuple(self._numbers)

    @property
    def hour(self) -> float:
        """The time of the run, in hours: that of the last control step; the horizon once the last request is settled."""
        if self._stage in {"over", "finished", "closed"}:
            return self.horizon
        return self._run.calendar.now_us / HOUR_US

    @property
    def horizon(self) -> float:
        """The length of the run, in hours."""
        return float(self._run.scenario.supply.horizon_h)

    def strategy(self, bidder: str) -> Any:
        """Return the bidder's own running copy of what was entered (a ``Priced``, say)."""
        return self._session(bidder).strategy

    def policy(self, bidder: str) -> Any:
        """Return the innermost policy of the bidder's running copy: that within a ``Priced``; otherwise the strategy itself."""
        strategy = self._session(bidder).strategy
        while (inner := getattr(strategy, "policy", None)) is not None:
            strategy = inner
        return strategy

    def account(self, bidder: str) -> BidderAccount:
        """Return the bidder's account now, as the engine has settled it."""
        session, number = self._session(bidder), self._numbers[bidder]
        run, ledger = self._run, self._run.ledger
        allowance, spend = run.control.allowance(number), ledger.spend.item(number) / MICROS
        return BidderAccount(
            requests=run.control.requests(number),
            wins=sum(ledger.wins[number].tolist()),
            spend=spend,
            value=ledger.value.item(number),
            clicks=session.clicks.known,
            conversions=session.conversions.known,
            margin=session.conversions.margin,
            budget=allowance.total,
            budget_left=allowance.left_of(allowance.total, spend),
        )

    def progress(self, bidder: str) -> Progress:
        """Return value, spend and known outcomes of the bidder's account: at a fifth of the cost of ``account``."""
        number, ledger = self._numbers[bidder], self._run.ledger
        session = self._run.sessions[number]
        value, spend = ledger.value.item(number), ledger.spend.item(number) / MICROS
        return tuple.__new__(Progress, (value, spend, session.clicks.known, session.conversions.margin))

    def _session(self, bidder: str) -> BidderSession:
        if bidder not in self._numbers:
            raise KeyError(f"no bidder {bidder!r} in this market; there are: {', '.join(self._numbers)}")
        return self._run.sessions[self._numbers[bidder]]

    def _refuse(self, call: str, why: str | None = None) -> NoReturn:
        raise RuntimeError(f"Market.{call} is out of order: {why or NEXT[self._stage]}")

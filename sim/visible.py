"""What crosses the line between the world and a strategy: requests in, bids out, feedback and account state back.

Every array handed over is a read-only copy that holds what the bidder may see and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from .account import AccountState
from .public_columns import new_name
from .scenario.base import MAX_MONEY

FLOAT64 = np.dtype(np.float64)


def frozen(column: NDArray[Any]) -> NDArray[Any]:
    """A read-only copy: neither the world's array nor rows beyond these can be reached through it."""
    copy = np.array(column)
    copy.flags.writeable = False
    return copy


def is_fixed(answer: NDArray[Any]) -> bool:
    """Whether an array that is answered once more holds what it held before."""
    return answer.base is None and not answer.flags.writeable


class VisibleRequests(Mapping[str, NDArray[Any]]):
    """A batch of bid requests as one bidder sees them: named columns of shape (n,), read-only.

    A source's column holds codes: 0 to k - 1 is a type, k means unmatched. ``age_<source>`` is the age of its copy in
    hours. ``hour``, ``floor``, ``auction_type`` and ``uniform`` are public. A column that the strategy did not declare in ``reads`` is absent.
    """

    __slots__ = ("_columns", "_n")

    def __init__(self, n: int, columns: Mapping[str, NDArray[Any]]) -> None:
        self._n = n
        self._columns = {name: frozen(column) for name, column in columns.items()}

    @property
    def n(self) -> int:
        """How many requests the batch holds (``len`` counts its columns, as with any mapping)."""
        return self._n

    def __getitem__(self, name: str) -> NDArray[Any]:
        try:
            return self._columns[name]
        except KeyError:
            seen = ", ".join(self._columns) or "none"
            raise KeyError(
                f"column {name!r} is not visible here; visible: {seen}; declare it in reads{new_name(name)}"
            ) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)


@dataclass(frozen=True, slots=True)
class KnownOutcomes:
    """Clicks, or conversions, of own impressions that became known since the last time; arrays of shape (n,).

    In the order of the impressions, which may be long past. ``requests`` are the visible columns as they were at the bid,
    ``position`` the request's number in the run, ``creative`` the ad shown, ``hour`` when the outcome happened. ``weight`` is
    how many impressions a row stands for (1 but in sampled logs), ``margin`` what each conversion brings in currency (of clicks: empty).
    ``pending`` marks those that come after the end of the run: only ``finish`` is given such.
    """

    requests: VisibleRequests
    position: NDArray[np.int64]
    creative: NDArray[np.int16]
    hour: NDArray[np.float64]
    weight: NDArray[np.float64]
    margin: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    pending: NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, np.bool_))

    @property
    def settled(self) -> KnownOutcomes:
        """Those that are known by now: without what is ``pending``."""
        if not self.pending.any():
            return self
        known = ~self.pending
        table = {
            name: frozen(column[known] if len(column) else column)
            for name in ("position", "creative", "hour", "weight", "margin", "pending")
            for column in (getattr(self, name),)
        }
        requests = {name: column[known] for name, column in self.requests.items()}
        return KnownOutcomes(VisibleRequests(int(known.sum()), requests), **table)


@dataclass(frozen=True, slots=True)
class Feedback:
    """Own requests reported since the last time, in order; arrays of shape (n,), money in currency per impression.

    ``requests`` are the visible columns, ``position`` the request's number in the run. ``late`` bids came after the
    exchange's deadline and lost; a bid can also be lost to a full frequency cap, an empty purse or a holdout, and then
    looks enough to win. ``price_paid`` is 0 where lost. ``minimum_bid_to_win`` is the best other bid or the floor, the
    bidder's own included, whichever is higher; nan where the exchange does not tell it (``auction.tells=price_paid``).
    ``viewed`` says whether the ad was seen, ``creative`` which one was shown (-1 where lost). ``clicks`` and
    ``conversions`` became known since the last time, of these requests or of earlier ones.
    """

    requests: VisibleRequests
    position: NDArray[np.int64]
    bid: NDArray[np.float64]
    won: NDArray[np.bool_]
    late: NDArray[np.bool_]
    price_paid: NDArray[np.float64]
    minimum_bid_to_win: NDArray[np.float64]
    viewed: NDArray[np.bool_]
    creative: NDArray[np.int16]
    clicks: KnownOutcomes
    conversions: KnownOutcomes

    @property
    def settled(self) -> Feedback:
        """The same without outcomes that come after the end of the run, of which ``finish`` alone learns."""
        clicks, conversions = self.clicks.settled, self.conversions.settled
        if clicks is self.clicks and conversions is self.conversions:
            return self
        return replace(self, clicks=clicks, conversions=conversions)


@runtime_checkable
class Strategy(Protocol):
    """A bidder's brain. ``bid`` is row-wise: each answer depends on its own row and on the strategy's state alone.

    ``reads`` names the columns it uses (None: all that it may see). Where all of them are categorical the engine asks
    once per visible cell between two events. ``learns`` asks for ``observe`` at each control step.
    The same array answered once more, where it is read-only, counts as what it held the first time.

    A strategy may also name in ``may_read`` columns that it is given where its data show them, and have a method
    ``creative(requests)``: the number of the campaign's creative to be shown where the bid wins, shape (requests.n,),
    row-wise as bids are; -1, or None for all of them, leaves it to the rotation.

    One that says ``looks_at_account = False`` is not called at control steps. A strategy may have a method
    ``finish(feedback, state)``. It is called once, after the last request, with what no ``observe`` has been given yet
    (without rows where ``learns`` is false) and the closing account; outcomes that come after the end are there too,
    marked as ``pending``. One that learns and has no such method observes that feedback without what is pending.
    """

    @property
    def reads(self) -> tuple[str, ...] | None:
        """The visible columns that ``bid`` uses; None for all."""

    @property
    def learns(self) -> bool:
        """Whether ``observe`` wants feedback."""

    def bid(self, requests: VisibleRequests) -> NDArray[np.float64]:
        """Bids in currency per impression, shape (requests.n,); 0 is no bid."""

    def observe(self, feedback: Feedback) -> None:
        """Own requests since the last control step, with their outcomes."""

    def control(self, state: AccountState) -> None:
        """A control step: look at the account, adjust the state."""


STRATEGY_PARTS = ("reads", "learns", "bid", "observe", "control")
"""What each strategy has."""


class BidError(ValueError):
    """A strategy raised an error, did not return, or answered no bids; the message names strategy, file, time and row."""


class TrialError(BidError):
    """A strategy that cannot take part, found before the first event of a run."""


class StrategyTimeout(BidError):  # noqa: N818 - as TimeoutExpired
    """A call of a strategy took longer than ``engine.strategy_timeout_s``."""


def as_bids(bids: object, requests: VisibleRequests, who: str, when_h: float) -> NDArray[np.float64]:
    """The answer as float64 of shape (n,); otherwise ``BidError``. What the numbers are is checked as they enter.

    ``who`` is the strategy and its bidder, as messages name them.
    """
    if type(bids) is np.ndarray and bids.dtype is FLOAT64 and len(bids) == requests._n and bids.ndim == 1:  # noqa: SLF001 - asked for in each control step
        return bids
    if isinstance(bids, np.ma.MaskedArray):
        raise BidError(
            f"{who} at hour {when_h:.6g}: bid() answered a MaskedArray, whose mask is not looked at; allowed: a plain array: "
            "bids.filled(0.0)"
        )
    if not isinstance(bids, np.ndarray) or bids.dtype.kind not in "fiu":
        kind = bids.dtype.name + " array" if isinstance(bids, np.ndarray) else type(bids).__name__
        raise BidError(
            f"{who} at hour {when_h:.6g}: bid() answered a {kind}; allowed: a numpy float64 array of shape ({requests.n},)"
        )
    if bids.shape != (requests.n,):
        raise BidError(
            f"{who} at hour {when_h:.6g}: bid() answered shape {bids.shape}; allowed: ({requests.n},), one bid a request"
        )
    return bids.astype(np.float64, copy=False)


def check_bids(bids: object, requests: VisibleRequests, who: str, when_h: float) -> NDArray[np.float64]:
    """The answer as float64 of shape (n,), finite and not negative; otherwise ``BidError``."""
    from .auction.rounding import first_wrong  # a kernel

    answer = as_bids(bids, requests, who, when_h)
    wrong = first_wrong(answer, MAX_MONEY)
    if wrong >= 0:
        refuse(float(answer[wrong]), wrong, requests, who, when_h)
    return answer


def check_creatives(
    answer: object, requests: VisibleRequests, creatives: int, who: str, when_h: float
) -> NDArray[np.int16] | None:
    """The answer as int16 of shape (n,), from -1 to ``creatives`` - 1, or None; otherwise ``BidError``."""
    if answer is None:
        return None
    place = f"{who} at hour {when_h:.6g}"
    allowed = f"allowed: an integer array of shape ({requests.n},), or None for rotation"
    if not isinstance(answer, np.ndarray) or answer.dtype.kind not in "iu":
        kind = answer.dtype.name + " array" if isinstance(answer, np.ndarray) else type(answer).__name__
        raise BidError(f"{place}: creative() answered a {kind}; {allowed}")
    if answer.shape != (requests.n,):
        raise BidError(f"{place}: creative() answered shape {answer.shape}; {allowed}")
    wrong = np.flatnonzero((answer < -1) | (answer >= creatives))
    if len(wrong):
        raise BidError(
            f"{place}: row {wrong[0]}: creative {answer[wrong[0]]}; allowed: 0 to {creatives - 1}, or -1 for rotation"
            f"{in_row(requests, int(wrong[0]))}"
        )
    return answer.astype(np.int16)


def refuse(
    bid: float, row: int, requests: VisibleRequests, who: str, when_h: float, most: float = MAX_MONEY
) -> NoReturn:
    """Raise ``BidError`` for a number that is no bid: not finite, below 0, or above ``most``."""
    raise BidError(
        f"{who} at hour {when_h:.6g}: row {row}: bid {bid}; allowed: a finite number from 0 to "
        f"{most:.3g} (currency per impression, 0 = no bid){in_row(requests, row)}"
    )


def in_row(requests: VisibleRequests, row: int) -> str:
    """Return ``; row 3: profile = 2, hour = 0.5``: the visible columns of a row, for messages."""
    seen = ", ".join(f"{name} = {column[row]:.6g}" for name, column in requests.items())
    return f"; row {row}: {seen or 'no columns'}"


def rows_of(requests: VisibleRequests, rows: slice) -> VisibleRequests:
    """Return some rows of a batch; the columns are copies."""
    return VisibleRequests(
        len(range(*rows.indices(requests.n))), {name: column[rows] for name, column in requests.items()}
    )

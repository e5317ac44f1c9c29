"""Calls of one bidder's strategy: within their time, and every error names the strategy, its file, the time and the row."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, NamedTuple

from .account import AccountState
from .identity import place_of_error
from .visible import (
    BidError,
    Feedback,
    Strategy,
    StrategyTimeout,
    VisibleRequests,
    in_row,
    rows_of,
)
from .watch import WATCH, Call, CallTimeout

PATIENCE_S = 5.0
"""How long a row is tried alone, to find the one that raised an error."""


class Closing(NamedTuple):
    """The arguments of ``finish``."""

    feedback: Feedback
    state: AccountState


class Calls:
    """Calls a strategy for the bidder ``who`` (``strategy 'mine' (mine.py:12) of bidder 'seat_1'``)."""

    def __init__(self, who: str, limit_s: float | None) -> None:
        self.who = who
        self._call = None if limit_s is None else Call(who, "", 0.0, limit_s)
        """The call under way: one after the other, so that one object serves them all."""

    def call(self, strategy: Strategy, method: str, argument: Any, hour: float) -> object:
        """Return what the method answers.

        Raises:
            BidError: any error that it raises.
            StrategyTimeout: it took longer than its time.
        """
        function, call = getattr(strategy, method), self._call
        if method == "finish":
            function = _spread(function)
        try:
            if call is None:
                return function(argument)
            call.method, call.hour = method, hour
            return WATCH.call(function, argument, call)
        except CallTimeout:
            assert call is not None  # noqa: S101 - without a limit no call is stopped
            self._call = Call(self.who, "", 0.0, call.limit_s)
            raise StrategyTimeout(
                f"{call.described}; look for a loop that does not end, or set engine.strategy_timeout_s (seconds a call; "
                "null: no limit)"
            ) from None
        except BidError:
            raise
        except (Exception, SystemExit) as error:
            place = place_of_error(error)
            raise BidError(
                f"{self.who} at hour {hour:.6g}: {method}() raised {type(error).__name__}: {error}"
                f"{f' ({place})' if place else ''}{_about(strategy, method, argument)}"
            ) from error


def _spread(function: Callable[..., object]) -> Callable[[Any], object]:
    """Return the function of one tuple that hands its parts over."""
    return lambda arguments: function(*arguments)


def _about(strategy: Strategy, method: str, argument: object) -> str:
    """What was handed over: the columns of the first row that raises the error, or a few figures."""
    if isinstance(argument, Closing):
        return _about(strategy, method, argument.feedback) + _about(strategy, method, argument.state)
    if isinstance(argument, VisibleRequests):
        row = _first_row(strategy, method, argument)
        return in_row(argument, row) if row is not None else _ranges(argument)
    if isinstance(argument, Feedback):
        return f"; feedback on {argument.requests.n} requests{_ranges(argument.requests)}"
    if isinstance(argument, AccountState):
        return f"; account: spend {argument.spend:.6g}, wins {argument.wins}, budget left {argument.budget_left:.6g}"
    return ""


def _first_row(strategy: Strategy, method: str, requests: VisibleRequests) -> int | None:
    """Return the first row on which a copy fails alone, by halving; None where no part of the batch fails alone."""
    first, last = 0, requests.n
    while last - first > 1:
        middle = (first + last) // 2
        if _fails(strategy, method, rows_of(requests, slice(first, middle))):
            last = middle
        elif _fails(strategy, method, rows_of(requests, slice(middle, last))):
            first = middle
        else:
            return None
    return first if requests.n else None


def _fails(strategy: Strategy, method: str, requests: VisibleRequests) -> bool:
    try:
        function: Callable[[VisibleRequests], object] = getattr(copy.deepcopy(strategy), method)
        WATCH.call(function, requests, Call("", method, 0.0, PATIENCE_S))
    except (Exception, SystemExit, CallTimeout):  # noqa: BLE001 - an author's code may raise anything
        return True
    return False


def _ranges(requests: VisibleRequests) -> str:
    """Return ``; visible columns: profile 0 to 4, hour 0 to 0.5``."""
    seen = [
        f"{name} {column.min():.6g} to {column.max():.6g}" if len(column) else name
        for name, column in requests.items()
    ]
    return f"; visible columns: {', '.join(seen) or 'none'}"

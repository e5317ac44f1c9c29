"""The error that a check raises: what was expected, what came, and the likely cause."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from jointbid.sim.identity import place_of_error
from jointbid.sim.watch import WATCH, Call, CallTimeout

CALL_S = 20.0
"""How long one call of a strategy may take."""


class CheckFailed(AssertionError):  # noqa: N818 - it names what happened, in words of the author
    """A strategy fails a check; the message has what was expected, what came, and the likely cause."""

    def __init__(self, expected: str, came: str, cause: str) -> None:
        self.expected, self.came, self.cause = expected, came, cause
        super().__init__(f"expected: {expected}\n  came: {came}\n  likely cause: {cause}")


def expect(holds: object, expected: str, came: str, cause: str) -> None:
    """Raise ``CheckFailed`` unless it holds."""
    if not holds:
        raise CheckFailed(expected, came, cause)


def fail_with(error: BaseException, doing: str) -> NoReturn:
    """Raise ``CheckFailed`` for an error that a strategy raised while it was ``doing`` something."""
    raise CheckFailed(f"{doing} raises no error", described(error), likely_cause(error)) from error


def in_time(
    who: object,
    method: str,
    function: Callable[[Any], Any],
    argument: object,
    doing: str,
    hour: float = 0.0,
) -> Any:
    """Return what a strategy's method answers. Raises ``CheckFailed`` for any error, and where it does not return within ``CALL_S``."""
    call = Call(type(who).__name__, method, hour, CALL_S)
    try:
        return WATCH.call(function, argument, call)
    except CallTimeout:
        raise CheckFailed(
            f"{method}() returns within {CALL_S:g} s",
            f"nothing at hour {hour:.4g}{f' (it was at {call.place})' if call.place else ''}",
            "a loop that does not end, a lock or a connection that is waited for, or work that grows with what was seen",
        ) from None
    except SystemExit as error:
        fail_with(error, f"{method}()")
    except Exception as error:  # noqa: BLE001 - the author learns of any error
        fail_with(error, doing)


def first_difference(a: NDArray[Any], b: NDArray[Any]) -> int | None:
    """Return the first row in which two columns differ, nan being equal to nan; None where they are the same."""
    if a.shape != b.shape:
        return 0
    same = (a == b) | ((a != a) & (b != b))  # noqa: PLR0124 - true of nan alone
    return None if same.all() else int(np.argmin(same))


def expect_finite(bids: NDArray[np.float64], expected: str, cause: str) -> None:
    """Raise ``CheckFailed`` with the first bid that is nan or infinite."""
    wrong = bids[~np.isfinite(bids)]
    expect(not len(wrong), expected, f"{len(wrong)} that are not, the first {wrong[:1]}", cause)


def expect_same(wanted: NDArray[Any], came: NDArray[Any], expected: str, cause: str) -> None:
    """Raise ``CheckFailed`` with the first row in which the columns differ."""
    row = first_difference(wanted, came)
    if row is not None:
        shown = f"row {row}: {wanted[row]} and {came[row]}" if len(came) > row else "another shape"
        count = int((wanted != came).sum()) if wanted.shape == came.shape else len(wanted)
        raise CheckFailed(expected, f"{shown} ({count} of {len(wanted)} differ)", cause)


def described(error: BaseException) -> str:
    """Return an error's type and text, and its place in the author's own code."""
    text = f"{type(error).__name__}: {error}".rstrip(": ")
    while error.__cause__ is not None:
        error = error.__cause__
    place = place_of_error(error)
    return f"{text} ({place})" if place else text


def likely_cause(error: BaseException) -> str:
    """Return the likely cause of an error: the first of ``CAUSES`` whose pattern its types and text match."""
    text = f"{' '.join(kind.__name__ for kind in type(error).__mro__)}: {error}"
    found = (why for pattern, why in CAUSES.items() if re.search(pattern, text, re.DOTALL))
    return next(found, "an error in the strategy's own code, at the place shown")


CAUSES = {
    "SystemExit": "the strategy leaves the program: raise an error that says what is wrong instead",
    "is not visible here": "bid() or observe() uses a column that is not in reads, or that no source shows: name it in reads",
    "FrozenInstanceError": "the account or the feedback is written to: keep what you work out in attributes of self",
    "RecursionError": "a method calls itself without end, perhaps by a property or __getattr__ that looks itself up",
    "read-only|WRITEABLE": "an array that was handed over is written to: work on a copy (requests['value'].copy(), or "
    "x = x + 1, not x += 1)",
    "OverflowError.*infinity": "state.budget, budget_left and daily_budget are inf where there is no limit: test math.isfinite(...) first",
    "ZeroDivision|FloatingPointError|RuntimeWarning": "a division by nothing: no requests yet, no money left, or no budget "
    "at all (state.budget is inf)",
    "allowed: a numpy float64 array": "bid() answers codes or booleans as they are, or no array at all: "
    "np.asarray(bids, dtype=float)",
    "allowed: a finite number": "a division by nothing, such as inf / inf where there is no budget, 0 / 0 before the first "
    "request or when the money is gone; a negative bid needs np.maximum(bids, 0.0)",
    "NotImplementedError": "the method is missing, or has another name",
    "TypeError.*argument": "a method or constructor takes other arguments than it is given: bid(self, requests), "
    "observe(self, feedback), control(self, state)",
    "IndexError": "a table is shorter than the codes: a source's column holds 0 to k - 1 for its types and k for unmatched; "
    "or an empty batch, or one row, is indexed",
    "ImportError": f"a package that it needs is not installed for {sys.executable}",
}
"""Pattern of an error's types and text -> its likely cause."""


def why_no_bids(answer: object) -> str:
    """Return the likely cause of an answer that is no array of one bid a request."""
    if answer is None:
        return "bid() ends without return"
    if inspect.iscoroutine(answer):
        answer.close()
        return "bid() is an async function: def bid(self, requests)"
    if inspect.isgenerator(answer):
        return "bid() yields bids: return all of them in one array"
    if isinstance(answer, np.ndarray) and answer.ndim == 1:
        return (
            "an answer of another length: one that was kept from an earlier batch (by id(), or by time), a table by code that was "
            "not indexed with the column, or rows that were left out (bid 0 on them)"
        )
    return (
        "bid() answers one number, a list or a table: np.full(requests.n, x) makes one bid a request of a number, "
        "np.array(bids, dtype=float) an array of a list"
    )

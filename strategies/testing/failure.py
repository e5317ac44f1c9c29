"""How a check says what is wrong."""

from __future__ import annotations

from typing import NoReturn


class CheckFailed(AssertionError):  # noqa: N818 - it names what happened, in the words the author reads
    """A strategy does not keep what a check holds it to: what was expected, what came, and the likely cause."""

    def __init__(self, expected: str, came: str, cause: str) -> None:
        self.expected, self.came, self.cause = expected, came, cause
        super().__init__(f"expected: {expected}\n  came: {came}\n  likely cause: {cause}")


def expect(holds: object, expected: str, came: str, cause: str) -> None:
    """Raise ``CheckFailed`` unless it holds."""
    if not holds:
        raise CheckFailed(expected, came, cause)


def raised(doing: str, error: Exception) -> NoReturn:
    """``CheckFailed`` for whatever a strategy raised while it was ``doing`` something."""
    raise CheckFailed(f"{doing} goes through", f"{type(error).__name__}: {error}", _cause(error)) from error


def _cause(error: Exception) -> str:
    text = str(error)
    if "is not visible here" in text:
        return (
            "bid() or observe() uses a column that is not in reads, or that no source shows: name it in reads"
        )
    if "read-only" in text or "WRITEABLE" in text:
        return "what is handed over is written to: work on a copy (requests['value'].copy(), or x = x + 1, not x += 1)"
    if isinstance(error, ZeroDivisionError | FloatingPointError | RuntimeWarning) or "ZeroDivision" in text:
        return (
            "a division by nothing: no requests yet, no money left, or no budget at all (state.budget is inf)"
        )
    if "allowed: a finite number" in text:
        return (
            "a division by nothing, such as inf / inf where there is no budget, 0 / 0 before the first request or when the "
            "money is gone; a negative bid needs np.maximum(bids, 0.0)"
        )
    if isinstance(error, NotImplementedError):
        return "the method is missing, or has another name"
    if isinstance(error, TypeError) and "argument" in text:
        return "a method or constructor takes other arguments than it is given: bid(self, requests), observe(self, feedback), control(self, state)"
    if isinstance(error, IndexError):
        return (
            "a table is shorter than the codes: a source's column holds 0 to k - 1 for its types and k for unmatched; "
            "or an empty batch, or one row, is indexed"
        )
    return "an error in the strategy's own code; the traceback shows where"

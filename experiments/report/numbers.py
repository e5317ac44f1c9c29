"""Numbers, intervals and what an interval allows to claim, as text."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ..estimate.intervals import Estimate

CAVEAT = "interval: simulation error only"


def number(value: float) -> str:
    """Three significant digits: 1,230 or 0.00250 or 1.23e+15; "not known" for nan."""
    if math.isnan(value):
        return "not known"
    if math.isinf(value):
        return "infinite" if value > 0 else "-infinite"
    if value == 0:
        return "0"
    rounded = f"{value:.2e}"
    magnitude = int(rounded.partition("e")[2])
    return f"{float(rounded):,.{max(0, 2 - magnitude)}f}" if -5 <= magnitude <= 11 else rounded


def counted(count: int, noun: str) -> str:
    """Return a number with its noun: "1 replication", "1,200 replications"."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def shown(value: float, *, falls: bool = False) -> str:
    """A number; or "never", or where the value ``falls`` with what was tried and is still there at its end, "more"."""
    if math.isinf(value):
        return "more" if falls and value > 0 else "never"
    return number(value)


def paid_back(found: Estimate) -> str:
    """When something is paid back, which may be never, or not known."""
    if math.isnan(found.estimate):
        return "paid back after a time that is not known"
    if math.isinf(found.estimate):
        return f"not paid back{_months_between(found)}"
    return f"paid back after {duration(found)}"


def duration(found: Estimate) -> str:
    """Months with their interval."""
    return f"{shown(found.estimate)} months{_months_between(found)}"


def _months_between(found: Estimate) -> str:
    """The interval in brackets; none where both ends are "never"."""
    if math.isnan(found.ci_low) or math.isnan(found.ci_high):
        return " (no interval)"
    return "" if math.isinf(found.ci_low) else f" ({shown(found.ci_low)} to {shown(found.ci_high)})"


def interval(estimate: Estimate, *, sign: float = 1.0) -> str:
    """Both ends of the interval, as in "1.20 to 3.40", or "no interval"; of the loss where `sign` is -1."""
    if math.isnan(estimate.ci_low) or math.isnan(estimate.ci_high):
        return "no interval"
    low, high = sorted((sign * estimate.ci_low, sign * estimate.ci_high))
    return f"{number(low)} to {number(high)}"


def estimate_of(row: Mapping[Any, Any]) -> Estimate:
    """Return a row of a summary as an estimate."""
    return Estimate(row["estimate"], row["ci_low"], row["ci_high"], int(row["n_replications"]))


def claim(found: Estimate, gain: str, loss: str = "", none: str = "", unknown: str = "", **words: str) -> str:
    """Return what the interval allows to say.

    Args:
        found: the estimate.
        gain: where it is shown to be positive. As in the others, ``{amount}`` stands for the estimate, ``{interval}`` for
            its interval, and further names for ``words``.
        loss: where it is shown to be negative; both numbers change their sign. As a gain unless given.
        none: where no difference is shown; as a gain unless given.
        unknown: where there is no interval; as a gain unless given.
        words: such as ``unit``.
    """
    texts = {"positive": gain, "negative": loss, "no difference shown": none, "no interval": unknown}
    sign = -1.0 if loss and found.finding == "negative" else 1.0
    amount, ends = number(sign * found.estimate), interval(found, sign=sign)
    return (texts[found.finding] or gain).format(amount=amount, interval=ends, **words)


def listed(names: Sequence[str], between: str = "and") -> str:
    """Return names as in a sentence: "profile, context and history"."""
    *most, last = names
    return f"{', '.join(most)} {between} {last}" if most else last

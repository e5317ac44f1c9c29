"""What drawn worlds show, in words: in what share of them something is so, and which keys it goes with."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from ...estimate.intervals import LEVEL, Estimate
from ...estimate.ladder import P_HOLM, lookup
from ..numbers import interval, number

WHICH = "interval: which worlds were drawn"


def share_of(summary: pd.DataFrame, name: str) -> Estimate | None:
    """In what share of worlds that is so; None where no world was drawn."""
    return lookup(summary, "share_of_worlds", "worlds", name)


def percent(share: Estimate) -> str:
    """A share of worlds with its interval."""
    return f"{number(100 * share.estimate)} % ({number(100 * share.ci_low)} to {number(100 * share.ci_high)})"


def goes_with(summary: pd.DataFrame, estimand: str, what: str) -> Iterator[str]:
    """The keys of which a rank correlation with ``what`` is shown, the strongest first; corrected for how many were looked at."""
    rows = summary[summary["estimand"] == estimand]
    known = rows[rows[P_HOLM] < 1.0 - LEVEL] if P_HOLM in rows else rows[:0]
    shown = [
        (key, found) for key in known["arm"] if (found := lookup(rows, estimand, "rank_correlation", key))
    ]
    if shown:
        shown.sort(key=lambda one: -abs(one[1].estimate))
        each = ", ".join(f"{key} ({number(found.estimate)}, {interval(found)})" for key, found in shown)
        yield f"What {what} goes with (rank correlation, p below .05 after Holm for {len(rows)} keys): {each}."

"""Checks of what a strategy knows: the columns that it reads, and the feedback that it receives."""

from __future__ import annotations

import unittest

from jointbid.sim import VisibleRequests

from .case import Case, check
from .failure import expect_finite, expect_same
from .life import Life, call, live, no_feedback
from .trial import columns, wants


@check
def no_hidden_columns(case: Case) -> None:
    """Its bids depend on the columns in ``reads`` alone: without the others, and with the others scrambled."""
    strategy = live(case, case.fresh())
    if strategy.reads is None:
        raise unittest.SkipTest("reads is None: all that it may see is its own")
    shown, n = wants(strategy, case.market), 65
    there, other = columns(case.market, n), columns(case.market, n, seed=1)
    declared = VisibleRequests(n, {name: there[name] for name in shown})
    bids = case.ask(strategy, declared)
    scrambled = {**other, **declared}
    expect_same(
        bids,
        case.ask(strategy, VisibleRequests(n, scrambled)),
        "the same bids with any other columns beside those in reads",
        "bid() runs over all columns, or tests whether a column is there: use those in reads, by name; to use more, name "
        "them in reads",
    )


@check
def handles_outcomes(case: Case) -> None:
    """Feedback may be empty, and clicks and conversions come late, from requests of long ago, or never."""
    lives = {
        "with late clicks": Life(),
        "without clicks": Life(outcomes=0.0),
        "without feedback": Life(has_feedback=False),
    }
    for name, life in lives.items():
        strategy = case.fresh()
        call(strategy, "observe", no_feedback(case, strategy), 0.0)
        live(case, strategy, life)
        call(strategy, "observe", no_feedback(case, strategy), life.hour(life.steps))
        expect_finite(
            case.ask(strategy, case.batch(strategy)),
            f"finite bids after empty feedback and a life {name}",
            "a mean of nothing, or a rate with no impressions below it: return early where requests.n is 0, and start "
            "counts from a prior",
        )

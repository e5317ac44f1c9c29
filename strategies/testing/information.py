"""Checks of what a strategy knows: the columns that it reads, and the feedback that it receives."""

from __future__ import annotations

import unittest
from dataclasses import replace
from typing import Any

import numpy as np

from jointbid.sim import VisibleRequests
from jointbid.sim.visible import KnownOutcomes, frozen

from .case import Case, check
from .failure import expect_finite, expect_same, raised
from .life import Life, account, call, feedback_of, live, no_feedback
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


@check
def closing_account(case: Case) -> None:
    """It takes the closing account after the last request, with outcomes that are still to come and without a row."""
    if not hasattr(case.fresh(), "finish"):
        raise unittest.SkipTest("it has no finish(): it observes what is left")
    for life, steps in (
        (Life(lived=1.0), 2),
        (Life(lived=1.0), 0),
        (Life(np.inf, lived=1.0, outcomes=0.0), 1),
    ):
        strategy: Any = live(case, case.fresh(), life)
        rest = no_feedback(case, strategy)
        waiting: list[Any] = []
        for step in range(life.steps - 1, life.steps - 1 + steps) if strategy.learns else ():
            rest = feedback_of(case, strategy, step, life, waiting)
        rest = replace(rest, clicks=_to_come(rest.clicks), conversions=_to_come(rest.conversions))
        state = account(case, life.steps, life)
        try:
            strategy.finish(rest, state)
        except Exception as error:  # noqa: BLE001 - the author learns of any error
            raised(f"finish(feedback, state) with {rest.requests.n} rows at hour {state.hour:.4g}", error)


def _to_come(known: KnownOutcomes) -> KnownOutcomes:
    """Return outcomes of which every other one comes after the end."""
    return replace(known, pending=frozen(np.arange(len(known.hour)) % 2 == 0))

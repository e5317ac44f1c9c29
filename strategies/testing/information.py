"""Checks of what a strategy knows: what it reads, and what it is told."""

from __future__ import annotations

import unittest

import numpy as np

from jointbid.sim import VisibleRequests

from .case import Case
from .compare import expect_same
from .failure import expect, raised
from .life import Life, live, nothing_told
from .trial import wants


def no_hidden_columns(maker: object) -> None:
    """Its bids depend on the columns in ``reads`` alone: without the others, and with the others scrambled."""
    case = Case.of(maker)
    strategy = live(case, case.fresh())
    if strategy.reads is None:
        raise unittest.SkipTest("reads is None: all that it may see is its own")
    shown, n = wants(strategy, case.market), 65
    there, other = case.everything(n), case.everything(n, seed=1)
    declared = VisibleRequests(n, {name: there[name] for name in shown})
    bids = case.ask(strategy, declared)
    scrambled = {**other, **declared}
    expect_same(
        bids,
        case.ask(strategy, VisibleRequests(n, scrambled)),
        "the same bids whatever columns stand beside those in reads",
        "bid() runs over all columns, or asks whether a column is there: use those in reads, by name; to use more, name "
        "them in reads",
    )


def handles_outcomes(maker: object) -> None:
    """Feedback may be empty, and clicks and conversions come late, from requests of long ago, or never."""
    case = Case.of(maker)
    for life in (Life(), Life(outcomes=0.0), Life(told=False)):
        strategy = case.fresh()
        try:
            strategy.observe(nothing_told(case, strategy))
        except Exception as error:  # noqa: BLE001 - whatever it is, the author learns of it
            raised("observe() of no requests and no outcomes", error)
        live(case, strategy, life)
        try:
            strategy.observe(nothing_told(case, strategy))
        except Exception as error:  # noqa: BLE001 - see above
            raised("observe() of no requests and no outcomes", error)
        bids = case.ask(strategy, case.batch(strategy))
        said = (
            "without clicks" if not life.outcomes else "with late clicks" if life.told else "without feedback"
        )
        expect(
            np.isfinite(bids).all(),
            f"finite bids after empty feedback and a life {said}",
            f"{int((~np.isfinite(bids)).sum())} that are not",
            "a mean of nothing, or a rate with no impressions below it: return early where requests.n is 0, and start "
            "counts from a prior",
        )

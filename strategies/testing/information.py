"""Checks of what a strategy knows: the columns that it reads, and the feedback that it receives."""

from __future__ import annotations

import unittest
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jointbid.sim import Strategy, VisibleRequests
from jointbid.sim.visible import KnownOutcomes, frozen

from ..base import Priced
from .case import Case, check
from .failure import CheckFailed, expect_finite, expect_same
from .life import Life, account, call, close, feedback_of, live, no_feedback
from .trial import columns, wants


@check
def no_hidden_columns(case: Case) -> None:
    """Its bids, creatives and what it learns depend on the columns in ``reads`` alone, in each part of it.

    Without the others they are the same as with the others beside them. Of a strategy made of a valuation and a policy each
    part is asked by itself, as a wrapper may hide what a part looks for.
    """
    strategy = live(case, case.new())
    if strategy.reads is None and not isinstance(strategy, Priced):
        raise unittest.SkipTest("reads is None: all that it may see is its own")
    n = 65
    there, other = columns(case.market, n), columns(case.market, n, seed=1)
    for what, part, calls in _parts(case, strategy):
        shown = wants(part, case.market)
        declared = VisibleRequests(n, {name: there[name] for name in shown if name in there})
        scrambled = VisibleRequests(n, {**other, **declared})
        for method, call_it in calls.items():
            expect_same(
                call_it(part, declared),
                call_it(part, scrambled),
                f"the same answers of {what}{method}() with any other columns beside those in reads",
                PEEKS.format(method=f"{method}()"),
            )
    if strategy.learns:
        _learns_from_what_it_reads(case)


PEEKS = "{method} runs over all columns, or tests whether a column is there: use those in reads, by name; to use more, name them in reads"
Call = Callable[[Any, VisibleRequests], NDArray[Any]]


def _parts(case: Case, strategy: Strategy) -> Iterator[tuple[str, Any, dict[str, Call]]]:
    """Yield the strategy, and the valuation and the policy that it is made of, each with what can be asked of it."""
    if strategy.reads is not None:
        yield "", strategy, {"bid": case.ask, "creative": case.choose}
    if isinstance(strategy, Priced):
        yield (
            "its valuation's ",
            strategy.valuation,
            {"value": lambda part, requests: np.asarray(part.value(requests))},
        )
        if strategy.policy.reads is not None:
            yield "its policy's ", strategy.policy, {"bid": case.ask, "creative": case.choose}


def _learns_from_what_it_reads(case: Case) -> None:
    """Compare what it bids after feedback with its own columns alone, and with others beside them."""
    alone, beside = (live(case, case.new(), show=show) for show in (None, partial(_beside, case)))
    expect_same(
        case.ask(alone, case.batch(alone)),
        case.ask(beside, case.batch(beside)),
        "the same bids after feedback whose requests have any other columns beside those in reads",
        PEEKS.format(method="observe()"),
    )


def _beside(case: Case, requests: VisibleRequests) -> VisibleRequests:
    return VisibleRequests(requests.n, {**columns(case.market, requests.n, seed=2), **requests})


@check
def handles_outcomes(case: Case) -> None:
    """Feedback may be empty, and clicks and conversions come late, from requests of long ago, or never."""
    lives = {
        "with late clicks": Life(),
        "without clicks": Life(outcomes=0.0),
        "without feedback": Life(has_feedback=False),
        "where the exchange does not tell the minimum bid to win": Life(tells=False),
    }
    for name, life in lives.items():
        strategy = case.new()
        call(strategy, "observe", no_feedback(case, strategy), 0.0)
        try:
            live(case, strategy, life)
        except CheckFailed as failed:
            if not life.tells and "auction.tells" in str(failed):
                continue  # it refuses such an exchange, and names the key
            raise
        call(strategy, "observe", no_feedback(case, strategy), life.hour(life.steps))
        expect_finite(
            case.ask(strategy, case.batch(strategy)),
            f"finite bids after empty feedback and a life {name}",
            "a mean of nothing, or a rate with no impressions below it: return early where requests.n is 0, and start "
            "counts from a prior"
            if life.tells
            else "minimum_bid_to_win is nan with auction.tells=price_paid: use price_paid where won, or leave nan out",
        )


@check
def closing_account(case: Case) -> None:
    """It takes the closing account after the last request, with outcomes that are still to come and without a row."""
    if not hasattr(case.new(), "finish"):
        raise unittest.SkipTest("it has no finish(): it observes what is left")
    for life, steps in (
        (Life(lived=1.0), 2),
        (Life(lived=1.0), 0),
        (Life(np.inf, lived=1.0, outcomes=0.0), 1),
    ):
        strategy: Any = live(case, case.new(), life)
        rest = no_feedback(case, strategy)
        waiting: list[Any] = []
        for step in range(life.steps - 1, life.steps - 1 + steps) if strategy.learns else ():
            rest = feedback_of(case, strategy, step, life, waiting)
        rest = replace(rest, clicks=_to_come(rest.clicks), conversions=_to_come(rest.conversions))
        state = account(case, life.steps, life)
        close(strategy, (rest, state), state.hour)


def _to_come(known: KnownOutcomes) -> KnownOutcomes:
    """Return outcomes of which every other one comes after the end."""
    return replace(known, pending=frozen(np.arange(len(known.hour)) % 2 == 0))

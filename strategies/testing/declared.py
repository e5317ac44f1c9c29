"""Checks of a strategy's capability card: what it declares, verified by execution."""

from __future__ import annotations

import unittest
from math import inf

import numpy as np
from numpy.typing import NDArray

from ..base import Priced
from ..card import Card
from .case import Case, check
from .failure import CheckFailed, expect, first_difference
from .life import Life, feedback_of, live
from .trial import PRICE, ROWS

UNIT = 1024.0
"""The other currency: a power of two, so that rounding is the same in both."""
TOLERANCE = 1e-9


@check
def capability_card(case: Case) -> None:
    """It is stochastic, learns, paces and needs a budget exactly where it declares so, and plays in the auctions it names."""
    card = Card.of(case.new())
    _stochastic(case, card)
    _learns(case, card)
    _budget(case, card)
    for auction in card.meant_for if case.scenario is None else ():
        case.run(auction=auction)


@check
def scale_equivariance(case: Case) -> None:
    """If it declares ``scales``, its bids are the same with all money in another unit."""
    strategy = case.new()
    if not Card.of(strategy).scales:
        raise unittest.SkipTest("not claimed: scales is not True")
    if isinstance(strategy, Priced):
        raise unittest.SkipTest("its valuation is in currency: check the policy alone")
    bids = []
    for money in (1.0, UNIT):
        strategy = live(case, case.new(), Life(money=money))
        bids.append(case.ask(strategy, case.batch(strategy, money=money)) / money)
    one, other = bids
    off = np.abs(one - other) > TOLERANCE * np.maximum(np.abs(one), np.abs(other))
    row = int(np.argmax(off))
    expect(
        not off.any(),
        f"bids times {UNIT:.0f} where value, prices and budget are times {UNIT:.0f}",
        f"row {row}: {one[row]}, and {other[row]} times {UNIT:.0f}",
        "a constant in currency in the rule (a step, a limit, a least bid): divide by the budget per request or by a mean "
        "value, or leave scales False",
    )


def _stochastic(case: Case, card: Card) -> None:
    strategy = live(case, case.new())
    low, high = (case.batch(strategy, uniform=np.full(ROWS, u)) for u in (0.0, 0.999))
    answers = ((ask(strategy, low), ask(strategy, high)) for ask in (case.ask, case.choose))
    moves = "uniform" in low and any(first_difference(*pair) is not None for pair in answers)
    expect(
        moves == card.stochastic,
        f"stochastic is {moves}, as its bids and creatives {'move' if moves else 'do not move'} with the column uniform",
        f"stochastic = {card.stochastic}",
        "set stochastic = True"
        if moves
        else "it reads no uniform, or does nothing with it: stochastic = False",
    )


def _learns(case: Case, card: Card) -> None:
    untaught, taught = _bids(case, Life(has_feedback=False)), case.new()
    if card.learns:
        choices = _choices(case, Life(is_dull=True)), _choices(case, Life(has_feedback=False))
        pairs = [(_bids(case), untaught), choices]
        if all(first_difference(*pair) is None for pair in pairs):
            _learns_nothing(case)
        return
    live(case, taught, learns=True)
    same = first_difference(case.ask(taught, case.batch(taught)), untaught) is None
    expect(
        same,
        "what does not learn bids the same with feedback and without",
        "other bids",
        "learns is False, so the engine never calls observe(): set learns = True",
    )


def _learns_nothing(case: Case) -> None:
    """Raise ``CheckFailed`` for one that bids and shows the same with feedback as without."""
    feedback = [
        feedback_of(case, live(case, case.new(), Life(steps=step)), step, Life(), []) for step in (1, 4)
    ]
    if any(part.won.any() for part in feedback):
        cause = (
            "observe() stores what nothing uses in the same run (a table by hour is not looked up again: what is learned over many runs "
            "is a trained policy, docs/train-a-bidder.md), or waits for more than the 1,600 requests of this trial (let the number be "
            "a parameter); or set learns = False, which saves the engine the work"
        )
    else:
        usual = PRICE * case.scale
        cause = (
            f"it won nothing in this trial, where the usual price is {usual:.3g}, and so learned nothing: bid more before anything is known "
            "(from value, or from a parameter), or use feedback of lost requests (minimum_bid_to_win)"
        )
    raise CheckFailed(
        "what learns bids otherwise, or shows other creatives, after feedback than without",
        "the same bids on each request",
        cause,
    )


def _budget(case: Case, card: Card) -> None:
    small, large = (_bids(case, Life(budget=budget)) for budget in (10.0, 30.0))
    paces = first_difference(small, large) is not None
    expect(
        paces == card.paces,
        f"paces is {paces}, as its bids {'change' if paces else 'do not change'} with the budget",
        f"paces = {card.paces}",
        "set paces = True" if paces else "control() does nothing with state.budget; or set paces = False",
    )
    if card.needs_budget:
        cheap, dear = (_bids(case, Life(budget=inf, spend=spend)) for spend in (1.0, 9.0))
        expect(
            card.paces and first_difference(cheap, dear) is None,
            "what needs a budget paces, and bids without one as if money were no matter",
            "bids that change with what was spent, though there is no budget"
            if card.paces
            else "paces = False",
            "where state.budget is inf control() should do nothing; or set needs_budget = False",
        )


def _choices(case: Case, life: Life) -> NDArray[np.float64]:
    strategy = live(case, case.new(), life)
    return case.choose(strategy, case.batch(strategy))


def _bids(case: Case, life: Life | None = None) -> NDArray[np.float64]:
    strategy = live(case, case.new(), life)
    return case.ask(strategy, case.batch(strategy))

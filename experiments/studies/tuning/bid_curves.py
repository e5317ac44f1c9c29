"""Bid curves refitted on pilots, where the winner pays its bid: what each bidder should bid for a value, given what everybody holds.

Damped fictitious play: in every round one bidder of each side, who holds the same data, notes the prices that it meets; all
of its side then move from the curve that they bid by towards the best response to those prices (Brown 1951; for first-price
auctions Bichler et al. 2021). Prices are smeared, less from round to round: where rivals bid the same amount again and again, a best response
would outbid it by nothing at all, and no bidder would settle. Values and prices are taken to be independent, which they are where values are
private. What one bidder could still gain by its best curve in the end is the remaining regret.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from jointbid.sim.scenario import Scenario

from ...cells.cell import BidCurve, Cell
from ...cells.replications import TUNING
from ...errors import BadInput
from ...storage.cell_results import StudyState
from .tuned_parameter import Tuned, answer, check_parameter, deviations

PARAMETER = "curve"
ROUNDS = tuple((1.0 / k, 0.1 / k**0.75) for k in range(1, 21))
"""How far a side moves towards its best response, so that all rounds count alike in the end; and by what part of the mean price
either way prices are smeared."""
KNOTS = 33
NEAR = np.linspace(-1.0, 1.0, 5)
BIDS = 513

Row = NDArray[np.float64]


def check_curve(scenario: Scenario, parameter: str, point: str = "") -> BidCurve:
    """The configured curve, from which all start; ``point`` says where that is.

    Raises:
        BadInput: no curve, or a market in which a best response to prices alone is not the best that a bidder can do.
    """
    bidders, place = scenario.bidders, f"study.tune, at {point}" if point else "study.tune"
    start = bidders.strategy.params.get(parameter)
    if parameter != PARAMETER or start is None:
        raise BadInput(
            f"{place}: parameter = {parameter} needs values to try. Without values a bid curve is fitted: parameter = {PARAMETER}, "
            "with one to start from, as in bidders.strategy={name: shading, curve: [[0, 0], [2, 2]]}"
        )
    needs = {
        "auction.type=first_price": set(scenario.auction.shares) == {"first_price"},
        "auction.rank.rule=bid": scenario.auction.rank.rule == "bid",
        "one slot (auction.slots)": len(scenario.auction.slots) == 1,
        "bidders.values=private": bidders.values == "private" or bidders.count == 1,
        "bidders.budget=null": bidders.budget is None,
        "bidders.terms.daily_budget=null": bidders.terms.daily_budget is None,
    }
    if problems := [
        f"{place}: fitting a bid curve needs {what}" for what, holds in needs.items() if not holds
    ]:
        raise BadInput(problems)
    check_parameter(scenario, parameter, [start], point)
    return tuple((float(value), float(bid)) for value, bid in start)


def refit(arms: Sequence[Tuned], state: StudyState) -> Iterator[list[Cell]]:
    """Refit all arms in step: yields the cells of each round, and moves every side once they are there."""
    if not arms:
        return
    for step, smear in ROUNDS:
        yield [cell for arm in arms for cell in _watched(arm)]
        for arm in arms:
            for number, best in _best(arm, state, smear).items():
                side = arm.sides[number]
                assert isinstance(side.value, tuple)  # noqa: S101 - it began with a curve
                side.value = between(side.value, best, step)
    yield [cell for arm in arms for cell in _watched(arm)]
    smear = ROUNDS[-1][1]
    wanted = [(arm, number, curve) for arm in arms for number, curve in _best(arm, state, smear).items()]
    yield [cell for arm, number, curve in wanted for cell in deviations(arm, number, PARAMETER, [curve])]
    for arm, number, curve in wanted:
        answer(arm, number, PARAMETER, [curve], state, stay=True)


def best_curve(prices: Row, values: Row, smear: float) -> BidCurve:
    """The bids of the highest (v - b) P(price < b), b <= v, for values from 0 to the highest, as (value, bid).

    Args:
        prices: the highest rival bids that were met, sorted; currency, shape (n,).
        values: what impressions are worth, to know where the curve needs knots; currency, shape (m,).
        smear: each price stands for all that lie so far from it; currency.
    """
    even = np.linspace(0.0, values.max(), KNOTS)
    knots = np.unique(np.round(np.concatenate([even, np.quantile(values, np.linspace(0, 1, KNOTS))]), 9))
    some = np.quantile(prices, np.linspace(0.0, 1.0, BIDS))
    bids = np.unique(np.concatenate([[0.0], *(some + smear * part for part in NEAR)]))
    bids = bids[bids >= 0.0]
    wins = (_below(prices, bids + smear) - _below(prices, bids - smear)) / (2.0 * smear)
    gain = (knots[:, None] - bids) * wins
    gain[bids > knots[:, None]] = -1.0
    best = np.where(gain.max(axis=1) > 0.0, bids[gain.argmax(axis=1)], knots)  # who cannot win bids all
    return _curve(knots, np.minimum(np.maximum.accumulate(best), knots))


def between(one: BidCurve, other: BidCurve, step: float) -> BidCurve:
    """The curve that lies so large a part of the way from one to the other, at the other's knots."""
    knots, bids = np.array(other).T
    old = np.interp(knots, *np.array(one).T)
    return _curve(knots, old + step * (bids - old))


def _curve(knots: Row, bids: Row) -> BidCurve:
    return tuple(zip(knots.tolist(), np.round(bids, 9).tolist(), strict=True))


def _below(prices: Row, at: Row) -> Row:
    """The mean of how far ``at`` lies above each price, 0 where it lies below; the integral of their distribution function."""
    total, count = np.concatenate([[0.0], np.cumsum(prices)]), np.searchsorted(prices, at)
    below: Row = (count * at - total[count]) / len(prices)
    return below


def _watched(arm: Tuned) -> list[Cell]:
    """The arm as it is played now, one bidder of each side noting prices."""
    watched = tuple(side.bidders[0] for side in arm.sides)
    now = replace(arm.cell, parameter=PARAMETER, policies=tuple(sorted(arm.policies)), watched=watched)
    return [replace(now, replication=r) for r in TUNING]


def _best(arm: Tuned, state: StudyState, smear: float) -> dict[int, BidCurve]:
    """The best response of each side by its number; none where cells failed, or nothing was sold."""
    found = state.of(_watched(arm))
    rows = [row for _, result in found for row in result.rows]
    values = np.maximum([value for row in rows for value in row["values"]], 0.0)
    if len(found) < len(TUNING) or not len(values):
        return {}
    best = {}
    for number, side in enumerate(arm.sides):
        met = np.sort(
            [price for row in rows if row["advertiser"] == side.bidders[0] for price in row["prices"]]
        )
        best[number] = best_curve(met, values, max(smear * met.mean(), 1e-6))
    return best

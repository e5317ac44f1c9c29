"""The best purchases with all values and prices known beforehand: an upper bound, not a strategy.

It is computed after a run, from the values and prices of its requests.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

NOT_PLAYABLE = (
    "is no bidder but an upper bound that knows all values and prices beforehand; "
    "work it out after a run with jointbid.strategies.hindsight.hindsight(value, price, budget)"
)


@dataclass(frozen=True)
class Hindsight:
    """The best purchases in hindsight: which share of each request, and what they gain, are worth and cost, in currency."""

    share: NDArray[np.float64]
    gain: float
    value: float
    spend: float


def hindsight(
    value: NDArray[np.float64],
    price: NDArray[np.float64],
    budget: float = np.inf,
    objective: Literal["profit", "value"] = "profit",
    *,
    day: NDArray[np.integer[Any]] | None = None,
    daily_budget: float = np.inf,
) -> Hindsight:
    """The linear relaxation of the knapsack of requests (Dantzig 1957): best gain per unit of money first, the last in part.

    ``value`` is what each request is worth and ``price`` the least that buys it (the minimum bid to win; where no other
    bidder bids and there is no floor, 0), both in currency per impression, shape (n,); ``budget`` in currency.
    ``objective`` is what is gained: value less price, or value. With ``day``, the number of each request's day, shape
    (n,), no day costs more than ``daily_budget`` either: best gain per unit of money first is still best, as each day's
    limit lies within the one for all. The gain is at least that of every strategy on the same requests where one slot
    is sold and rivals' bids do not react, whichever price the auction charges, as no winner pays less than the price.
    Raises ``ValueError`` for arrays that do not match, a negative or infinite price, and a budget below 0.
    """
    value, price = np.asarray(value, dtype=np.float64), np.asarray(price, dtype=np.float64)
    if value.ndim != 1 or value.shape != price.shape:
        raise ValueError(f"value and price have shapes {value.shape} and {price.shape}: must be one, (n,)")
    if not np.isfinite(value).all() or not np.isfinite(price).all() or (price < 0).any():
        raise ValueError("value and price: must be finite numbers, and prices 0 or more")
    for name, amount in (("budget", budget), ("daily_budget", daily_budget)):
        if not amount >= 0:
            raise ValueError(f"{name} = {amount}: must be a number, 0 or more")
    if day is not None and np.shape(day) != value.shape:
        raise ValueError(f"day has shape {np.shape(day)}: must be that of value, {value.shape}")
    if objective not in {"profit", "value"}:
        raise ValueError(f"objective = {objective}: must be one of profit, value")
    gain = value - price if objective == "profit" else value
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        rate = np.where(gain > 0, gain / price, -np.inf)
    order, share = np.argsort(-rate, kind="stable"), np.where(gain > 0, 1.0, 0.0)
    if day is not None and np.isfinite(daily_budget):
        for number in np.unique(day):
            today = order[np.asarray(day)[order] == number]
            share[today] *= _afforded(share[today] * price[today], daily_budget)
    share[order] *= _afforded(share[order] * price[order], budget)
    return Hindsight(share, float(share @ gain), float(share @ value), float(share @ price))


def _afforded(cost: NDArray[np.float64], budget: float) -> NDArray[np.float64]:
    """The part of each purchase that is paid for, the first ones first; shape (n,)."""
    before = np.cumsum(cost) - cost
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):  # a cost near 0 divides to infinity
        return np.clip(np.where(cost > 0, (budget - before) / cost, 1.0), 0.0, 1.0)


def hindsight_slots(
    value: NDArray[np.float64],
    prices: NDArray[np.float64],
    rates: Sequence[float],
    budget: float = np.inf,
) -> float:
    """Return an upper bound of the profit where several slots are sold, of which each request gives one at most; in currency.

    It is the dual of the linear program that picks at most one slot a request within the budget (a multiple-choice knapsack;
    Sinha & Zoltners 1979), at the multiplier of the budget that makes it least.

    Args:
        value: of an impression in the best slot, currency, shape (n,).
        prices: the least that each slot costs per unit of click rate, currency, shape (n, slots).
        rates: the click rates of the slots, shape (slots,).
        budget: in currency.
    """
    from scipy.optimize import minimize_scalar

    weights, worth = np.asarray(rates, dtype=np.float64), np.asarray(value, dtype=np.float64)[:, None]

    def dual(multiplier: float) -> float:
        gains = (weights * (worth - (1.0 + multiplier) * prices)).max(axis=1)
        return float(np.maximum(gains, 0.0).sum() + (multiplier * budget if multiplier else 0.0))

    if not np.isfinite(budget) or len(worth) == 0:
        return dual(0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.where(prices > 0, worth / prices, 0.0)
    found = minimize_scalar(dual, bounds=(0.0, max(float(ratios.max()), 1.0)), method="bounded")
    return min(float(found.fun), dual(0.0))


def penalised(conversions: float, spend: float, target: float) -> float:
    """Return conversions x min(1, target / CPA) ^ 2: the score of AuctionNet's competition (NeurIPS 2024), whose CPA is spend a conversion."""
    if conversions <= 0:
        return 0.0
    return conversions * min(1.0, target * conversions / spend) ** 2 if spend > 0 else conversions


def hindsight_cpa(
    conversions: NDArray[np.float64], price: NDArray[np.float64], target: float, budget: float = np.inf
) -> float:
    """Return an upper bound of ``penalised``, conversions and prices known beforehand.

    For each spend the most conversions are those of the best purchases by conversions a price (Dantzig 1957), and the score rises
    with conversions where the spend is the same; between two purchases it counts the conversions after and the spend before.

    Args:
        conversions: expected, of an impression on each request, shape (n,).
        price: the least that buys it, currency, shape (n,).
        target: currency a conversion.
        budget: in currency.
    """
    useful = conversions > 0
    won, paid = conversions[useful], price[useful]
    with np.errstate(divide="ignore"):
        order = np.argsort(-won / paid, kind="stable")
    after, before = np.cumsum(won[order]), np.concatenate([[0.0], np.cumsum(paid[order])])[: len(order)]
    allowed = before <= budget
    return max(
        (penalised(a, s, target) for a, s in zip(after[allowed], before[allowed], strict=True)), default=0.0
    )

"""Budgets and spend: opened before the first auction, moved by the kernel alone, read as tables afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .auction.arrays import Ledger
from .cells import over_slots
from .response import mean_response
from .scenario import HOUR_US, MICROS, Scenario
from .scenario.base import MAX_SPEND_MICROS

UNLIMITED = np.int64(2**62)
"""What an unlimited budget holds: more than ``MAX_SPEND_MICROS`` and one more charge, so that it never lowers a bid."""


class SpendError(ValueError):
    """A run has spent more than 64 bits can count."""


def open_ledger(budgets: Sequence[float | None], slots: int) -> Ledger:
    """An empty ledger for these budgets (currency; None is unlimited) over this number of slots."""
    n = len(budgets)
    left = np.array([UNLIMITED if b is None else round(b * MICROS) for b in budgets], dtype=np.int64)
    return Ledger(
        left=left,
        spend=np.zeros(n, dtype=np.int64),
        wins=np.zeros((n, slots), dtype=np.int64),
        value=np.zeros(n),
        clicks=np.zeros(n),
        conversions=np.zeros(n),
        viewed=np.zeros(n),
        reach=np.zeros(n, dtype=np.int64),
        fees=np.zeros(1, dtype=np.int64),
    )


def bidder_columns(
    ledger: Ledger,
    names: Sequence[str],
    advertisers: Sequence[str],
    requests: int,
    people: int | None,
    *,
    is_drawn: bool,
) -> dict[str, Any]:
    """What the ledger holds of the table ``RunResult.bidders``.

    Where views are not drawn all impressions are seen; where people are not known each reaches a new one.
    """
    spend, wins = ledger.spend / MICROS, over_slots(ledger.wins)
    viewed = ledger.viewed if is_drawn else wins.astype(np.float64)
    return {
        "bidder": np.array(names, dtype=object),
        "advertiser": np.array(advertisers, dtype=object),
        "requests": np.full(len(names), requests, dtype=np.int64),
        "wins": wins,
        "win_rate": wins / max(requests, 1),
        "spend": spend,
        "value": ledger.value,
        "profit": ledger.value - spend,
        "clicks_expected": ledger.clicks,
        "conversions_expected": ledger.conversions,
        "viewed": viewed,
        "reach": viewed if people is None else ledger.reach.astype(np.float64),
    }


def market_totals(ledger: Ledger, scenario: Scenario, requests: int, data_cost: float) -> dict[str, float]:
    """The table ``RunResult.market``; sums are in the bidders' order, so that their bits are always the same.

    ``relevance`` is how much more people respond to what they were shown than to ads at random: 1 is no more; nan where nothing was shown,
    and of a log. Expected clicks of the simulated bidders' impressions (without clicks: worth), over what ads at random would have
    brought in the same slots. An ad that has worn out is less relevant.
    """
    revenue, fees, supply = sum(ledger.spend.tolist()), int(ledger.fees[0]), scenario.supply
    is_partial = supply.kind == "log" or scenario.rivals.landscape is not None  # others win, too
    brought = ledger.clicks if scenario.response.family == "logit" else ledger.value
    rated = float((ledger.wins.sum(axis=0) * np.array(scenario.auction.slots)).sum())
    at_random = 0.0 if supply.kind == "log" else rated * mean_response(scenario)
    return {
        "requests": float(requests),
        "revenue": revenue / MICROS,
        "exchange_fee": fees / MICROS,
        "publisher_revenue": (revenue - fees) / MICROS,
        "welfare": np.nan if is_partial else float(sum(ledger.value.tolist())),
        "data_cost": data_cost,
        "relevance": float(sum(brought.tolist())) / at_random if at_random > 0 else np.nan,
    }


def check_spend(ledger: Ledger, now_us: int) -> None:
    """Raise ``SpendError`` where all bidders together have spent more than ``MAX_SPEND_MICROS``."""
    spent = sum(ledger.spend.tolist())
    if spent > MAX_SPEND_MICROS:
        raise SpendError(
            f"spend of all bidders by hour {now_us / HOUR_US:.6g}: {spent / MICROS:.3g} in currency; allowed: at most "
            f"{MAX_SPEND_MICROS / MICROS:.3g} in one run; lower the bids, set bidders.budget, simulate fewer requests, "
            "or state money in a larger unit"
        )

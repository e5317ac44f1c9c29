"""Budgets and spend: opened before the first auction, moved by the kernel alone, read as tables afterwards."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .auction.arrays import Ledger
from .response import mean_response
from .scenario import HOUR_US, MICROS, LogSupply, Scenario
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
    ledger: Ledger, names: Sequence[str], advertisers: Sequence[str], requests: int
) -> dict[str, Any]:
    """What the ledger holds of the table ``RunResult.bidders``."""
    spend, wins = ledger.spend / MICROS, ledger.wins.sum(axis=1)
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
    }


def views(ledger: Ledger, *, is_drawn: bool, people: int | None) -> dict[str, Any]:
    """Return impressions seen and people reached. Where views are not drawn all are seen; where people are not known each reaches a new one."""
    viewed = ledger.viewed if is_drawn else ledger.wins.sum(axis=1).astype(np.float64)
    return {"viewed": viewed, "reach": viewed if people is None else ledger.reach.astype(np.float64)}


def market_totals(ledger: Ledger, requests: int, *, against_landscape: bool) -> dict[str, float]:
    """The table ``RunResult.market``; welfare is summed in the bidders' order, so that its bits are always the same."""
    revenue, fees = int(ledger.spend.sum()), int(ledger.fees[0])
    return {
        "requests": float(requests),
        "revenue": revenue / MICROS,
        "exchange_fee": fees / MICROS,
        "publisher_revenue": (revenue - fees) / MICROS,
        "welfare": np.nan if against_landscape else float(sum(ledger.value.tolist())),
    }


def relevance(ledger: Ledger, scenario: Scenario) -> float:
    """How much more people respond to what they were shown than to ads at random: 1 is no more; nan where nothing was shown.

    Expected clicks of the simulated bidders' impressions (without clicks: worth), over what ads at random would have
    brought in the same slots. An ad that has worn out is less relevant. A log does not have it.
    """
    if isinstance(scenario.supply, LogSupply):
        return np.nan
    brought = ledger.clicks if scenario.response.family == "logit" else ledger.value
    rated = float((ledger.wins.sum(axis=0) * np.array(scenario.auction.slots)).sum())
    at_random = rated * mean_response(scenario)
    return float(sum(brought.tolist())) / at_random if at_random > 0 else np.nan


def check_spend(ledger: Ledger, now_us: int) -> None:
    """Raise ``SpendError`` where all bidders together have spent more than ``MAX_SPEND_MICROS``."""
    spent = sum(ledger.spend.tolist())
    if spent > MAX_SPEND_MICROS:
        raise SpendError(
            f"spend of all bidders by hour {now_us / HOUR_US:.6g}: {spent / MICROS:.3g} in currency; allowed: at most "
            f"{MAX_SPEND_MICROS / MICROS:.3g} in one run; lower the bids, set bidders.budget, simulate fewer requests, "
            "or state money in a larger unit"
        )


class Series:
    """What the ledger and the policies' multipliers were every ``every_h``: the table ``RunResult.timeseries``.

    ``times_us`` is when its rows begin.
    """

    def __init__(self, horizon_h: float, every_h: float, bidders: int, slots: int) -> None:
        rows, self._every_h = math.ceil(horizon_h / every_h), every_h
        self.times_us = [round(row * every_h * HOUR_US) for row in range(rows)]
        self._spend = np.zeros((rows + 1, bidders), dtype=np.int64)
        self._wins = np.zeros((rows + 1, bidders, slots), dtype=np.int64)
        self._value = np.zeros((rows + 1, bidders))
        self._multipliers = np.full((rows, bidders), np.nan)
        self._noted = 0

    def note(self, ledger: Ledger, multipliers: Sequence[float]) -> None:
        """The next row begins."""
        self._spend[self._noted], self._wins[self._noted] = ledger.spend, ledger.wins
        self._value[self._noted] = ledger.value
        self._multipliers[self._noted] = multipliers
        self._noted += 1

    def columns(self, ledger: Ledger, names: Sequence[str]) -> dict[str, Any]:
        """The table, bidder by bidder; rows that begin after the last request have no multiplier."""
        self._spend[self._noted :], self._wins[self._noted :] = ledger.spend, ledger.wins
        self._value[self._noted :] = ledger.value
        rows, n = self._multipliers.shape
        hours = np.arange(rows) * self._every_h
        hours = hours if self._every_h % 1 else hours.astype(np.int64)
        wins = self._wins.sum(axis=2)
        return {
            "bidder": np.array(names, dtype=object).repeat(rows),
            "hour": hours[None].repeat(n, axis=0).ravel(),
            "spend": ((self._spend[1:] - self._spend[:-1]) / MICROS).T.ravel(),
            "wins": (wins[1:] - wins[:-1]).T.ravel(),
            "value": (self._value[1:] - self._value[:-1]).T.ravel(),
            "multiplier": self._multipliers.T.ravel(),
        }

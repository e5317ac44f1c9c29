"""The prices that bids meet in a replay: what they win and pay, which gain keeps to a budget, and which arm earns most."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from jointbid.sim.scenario import MICROS

from .bids import Floats, expected_values, tune_gain
from .engine import replay
from .plan import Requests

Rows = NDArray[np.bool_]
Won = tuple[NDArray[Any], Floats | None]
"""The rows that are won, or the probability of each, and what is paid for each in micros, where it is not its cost; shape (rows,)."""


class Prices(Protocol):
    """Prices of a log's rows. Bids are in micros, shape (rows,); `on` are the rows that count, shape (rows,)."""

    def gain(self, requests: Requests, bids: Floats, on: Rows, share: float) -> float:
        """Return the greatest gain up to 1 at which bids on some rows spend at most this share of what these rows cost."""

    def profit(self, requests: Requests, bids: Floats, on: Rows) -> float:
        """Return what bids earn on some rows without a budget, in micros."""

    def play(self, requests: Requests, bids: Mapping[str, Floats], share: float) -> Won:
        """Return what an advertiser wins whose departments bid so, each with its part of the budget; the higher bid competes."""

    def take(self, requests: Requests, bids: Floats) -> Won:
        """Return what bids without a budget win, row by row."""


@dataclass(frozen=True)
class LoggedPrices:
    """The log's own prices: one ledger of the engine keeps the budget; `seed` breaks ties between a bid and a price."""

    seed: int

    def gain(self, requests: Requests, bids: Floats, on: Rows, share: float) -> float:
        """See `Prices`."""
        cost = requests.cost[on]
        return tune_gain(bids[on], requests.prices[on], cost, share * cost.sum())

    def profit(self, requests: Requests, bids: Floats, on: Rows) -> float:
        """See `Prices`."""
        return float(requests.profit[on & (bids >= requests.prices)].sum())

    def play(self, requests: Requests, bids: Mapping[str, Floats], share: float) -> Won:
        """See `Prices`."""
        budget = share * float(requests.cost.sum()) / MICROS / len(bids) if np.isfinite(share) else None
        return replay(requests.log, requests.values, bids, budget, self.seed), None

    def take(self, requests: Requests, bids: Floats) -> Won:
        """See `Prices`; a tie is lost."""
        return np.rint(bids) > requests.prices, None


def tuned(prices: Prices, requests: Requests, odds: Floats, share: float) -> tuple[Floats, Floats]:
    """Return bids for every row in each view, under a gain tuned on the view's training rows.

    Args:
        prices: what the bids meet.
        requests: the log.
        odds: log-odds of a click per impression, shape (folds, rows).
        share: of the training rows' cost that may be spent on them; inf for no limit.

    Returns:
        bids in micros, shape (folds, rows); gains, shape (folds,).
    """
    bids = np.array([expected_values(view, requests.values) for view in odds])
    gains = np.ones(len(bids))
    for view, bid in enumerate(bids) if np.isfinite(share) else ():
        gains[view] = prices.gain(requests, bid, requests.folds != view, share)
    return bids * gains[:, None], gains


def votes(prices: Prices, requests: Requests, bids: Mapping[str, Floats]) -> Counter[str]:
    """Count in how many views which arm's bids, of shape (folds, rows), make the most profit on the view's training rows."""
    count: Counter[str] = Counter()
    for view in range(int(requests.folds.max()) + 1):
        on = requests.folds != view
        made = {arm: prices.profit(requests, bid[view], on) for arm, bid in bids.items()}
        count[max(made, key=lambda arm: made[arm])] += 1
    return count

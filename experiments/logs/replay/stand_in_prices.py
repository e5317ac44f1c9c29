"""Replay of a log without prices: a price landscape stands in for them, and each arm's outcome is an expectation over it.

In second price, a bid b wins a row with probability F(b) and pays the integral of p dF(p) up to b on average. Prices do not depend on
the row, so what a source tells of prices has no worth here. A budget holds on average, by a gain tuned on the training rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from jointbid.sim.landscape import Landscape as RivalPrices
from jointbid.sim.scenario import MICROS

from ...errors import BadInput
from .bids import Floats
from .plan import ReplayPlan, Requests
from .price_law import PriceLaw
from .prices import Rows, Won

ATOMS = 4_096
"""Equally likely prices by which a landscape is represented."""
_HALVINGS = 40


@dataclass(frozen=True)
class Landscape:
    """A price landscape by name, as equally likely prices in micros, that stands in for a log's prices (`prices.Prices`).

    Budgets are shares of what all rows cost on average.
    """

    name: str
    law: PriceLaw

    def gain(self, requests: Requests, bids: Floats, on: Rows, share: float) -> float:
        """See `Prices`."""
        weights, bid = requests.weights[on], bids[on]
        limit = share * self.law.mean * weights.sum()
        if self.law.payment(bid) @ weights <= limit:
            return 1.0
        low, high = 0.0, 1.0
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            is_dear = self.law.payment(middle * bid) @ weights > limit
            low, high = (low, middle) if is_dear else (middle, high)
        return low

    def profit(self, requests: Requests, bids: Floats, on: Rows) -> float:
        """See `Prices`."""
        worth, bid = requests.clicks[on] * requests.values[on], bids[on]
        return float(requests.weights[on] @ (worth * self.law.win_rate(bid) - self.law.payment(bid)))

    def play(self, requests: Requests, bids: Mapping[str, Floats], share: float) -> Won:  # noqa: ARG002 - gains keep the budget
        """See `Prices`."""
        return self.take(requests, np.max(list(bids.values()), axis=0))

    def take(self, requests: Requests, bids: Floats) -> Won:
        """See `Prices`."""
        return self.law.win_rate(bids), self.law.payment(bids) * requests.weights


def landscapes_of(plan: ReplayPlan, requests: Requests) -> list[Landscape]:
    """Return the landscapes that stand in for a log's prices.

    Raises:
        BadInput: the scenario's own without one, or without a click's value in its currency.
    """
    settings, middle = plan.settings, (np.arange(ATOMS) + 0.5) / ATOMS
    if settings.landscapes == "scenario":
        if plan.rivals.landscape is None:
            raise BadInput(
                "study.replay.landscapes = scenario: the scenario has no landscape (rivals.landscape)"
            )
        if settings.value_per_click is None:
            raise BadInput(
                "study.replay.landscapes = scenario: its prices are in currency, and what a click is worth in it is not known: "
                "say study.replay.value_per_click"
            )
        return [_of_atoms("scenario", RivalPrices(plan.rivals).quantile(middle) * MICROS)]
    weights, clicks = requests.weights, requests.clicks
    worth = float((weights * clicks * requests.values).sum() / weights.sum())
    return [
        _of_atoms(one.name, one.level * worth * np.exp(one.sigma * ndtri(middle) - one.sigma**2 / 2))
        for one in settings.landscapes
    ]


def _of_atoms(name: str, atoms: Floats) -> Landscape:
    return Landscape(name, PriceLaw.from_equally_likely(atoms))

"""Replay of a log without prices: a price landscape stands in for them, and each arm's outcome is an expectation over it.

In second price, a bid b wins a row with probability F(b) and pays the integral of p dF(p) up to b on average. Prices do not depend on
the row, so what a source tells of prices has no worth here. A budget holds on average, by a gain tuned on the training rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from jointbid.sim.landscape import Landscape
from jointbid.sim.scenario import MICROS

from ...errors import BadInput
from ...estimate.sides import BEST_SILO, BEST_SINGLE
from .bids import Floats, expected_values
from .crossfit import honest
from .ladder_models import Ladder
from .outcomes import SPLIT_BUDGET, ReplayOutcome
from .plan import ReplayPlan, Requests
from .price_law import PriceLaw

ATOMS = 4_096
"""Equally likely prices by which a landscape is represented."""
_HALVINGS = 40


@dataclass(frozen=True)
class Prices:
    """A price landscape by name, as equally likely prices in micros."""

    name: str
    law: PriceLaw


def landscapes_of(plan: ReplayPlan, requests: Requests) -> list[Prices]:
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
        return [_prices("scenario", Landscape(plan.rivals).quantile(middle) * MICROS)]
    weights, clicks = requests.weights, requests.clicks
    worth = float((weights * clicks * requests.values).sum() / weights.sum())
    return [
        _prices(one.name, one.level * worth * np.exp(one.sigma * ndtri(middle) - one.sigma**2 / 2))
        for one in settings.landscapes
    ]


def _prices(name: str, atoms: Floats) -> Prices:
    return Prices(name, PriceLaw.from_equally_likely(atoms))


def play_in_landscape(
    requests: Requests, prices: PriceLaw, tags: str, ladder: Ladder, share: float, split: int
) -> tuple[list[ReplayOutcome], dict[str, Counter[str]]]:
    """Return every arm's expected outcome under one budget, and each view's choice of the better silo, and of the better single source.

    Budgets are shares of what all rows cost on average; `split_budget` gives each owner its part, and the higher bid competes.
    """
    silos, sources = requests.log.roles.silos, requests.log.roles.sources
    outcomes: list[ReplayOutcome] = []
    views: dict[str, Floats] = {}

    def add(arm: str, bids: Floats, gain: float) -> None:
        won, paid = prices.win_rate(bids), prices.payment(bids) * requests.weights
        outcomes.append(ReplayOutcome(tags, share, split, arm, won, gain, paid))

    for arm, odds in ladder.odds.items():
        views[arm], gains = _tuned(requests, prices, odds, share)
        add(arm, honest(views[arm], requests.folds), float(gains.mean()))
    parts = [_tuned(requests, prices, ladder.odds[arm], share / len(silos)) for arm in silos]
    together = np.max([honest(bids, requests.folds) for bids, _ in parts], axis=0)
    add(SPLIT_BUDGET, together, float(np.mean([gains for _, gains in parts])))
    ballots = {
        name: votes_in(requests, prices, {arm: views[arm] for arm in candidates})
        for name, candidates in ((BEST_SILO, silos), (BEST_SINGLE, sources))
    }
    return outcomes, ballots


def _tuned(requests: Requests, prices: PriceLaw, odds: Floats, share: float) -> tuple[Floats, Floats]:
    """Return bids for every row in each view, shape (folds, rows), and gains that keep to the budget on its training rows."""
    bids = np.array([expected_values(view, requests.values) for view in odds])
    gains = np.ones(len(bids))
    for view, bid in enumerate(bids) if np.isfinite(share) else ():
        on = requests.folds != view
        weights, bid_on = requests.weights[on], bid[on]
        limit = share * prices.mean * weights.sum()
        if prices.payment(bid_on) @ weights > limit:
            low, high = 0.0, 1.0
            for _ in range(_HALVINGS):
                middle = (low + high) / 2
                low, high = (
                    (low, middle) if prices.payment(middle * bid_on) @ weights > limit else (middle, high)
                )
            gains[view] = low
    return bids * gains[:, None], gains


def votes_in(requests: Requests, prices: PriceLaw, bids: Mapping[str, Floats]) -> Counter[str]:
    """Count in how many views which arm's bids make the most profit on the view's training rows."""
    count: Counter[str] = Counter()
    worth: NDArray[np.float64] = requests.clicks * requests.values
    for view in range(int(requests.folds.max()) + 1):
        on = requests.folds != view
        made = {
            arm: float(
                requests.weights[on]
                @ (worth[on] * prices.win_rate(of[view][on]) - prices.payment(of[view][on]))
            )
            for arm, of in bids.items()
        }
        count[max(made, key=lambda arm: made[arm])] += 1
    return count

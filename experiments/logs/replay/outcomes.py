"""What each arm wins under each budget, in each split of the log into folds."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jointbid.sim.scenario import MICROS

from ...estimate.sides import BEST_SILO, BEST_SINGLE
from .bids import Floats
from .crossfit import honest
from .ladder_models import Ladder
from .plan import ReplayPlan, Requests
from .prices import Prices, tuned, votes

SPLIT_BUDGET = "split_budget"
UNLIMITED = float("inf")


@dataclass(frozen=True)
class ReplayOutcome:
    """One arm under one budget and one variant of the tags, in one split.

    Attributes:
        tags: the variant.
        share: the budget as a share of the log's cost; inf for no limit.
        split: number of the split into folds.
        arm: the arm.
        won: the rows won, or with prices of a landscape the probability of each, shape (rows,).
        gain: of the bids, the mean over the views.
        paid: what is paid for each row, in micros, where prices are of a landscape; shape (rows,).
    """

    tags: str
    share: float
    split: int
    arm: str
    won: NDArray[Any]
    gain: float
    paid: Floats | None = None

    def spend(self, requests: Requests) -> Floats:
        """Return what each row costs the arm, in micros; shape (rows,)."""
        return self.won * requests.cost if self.paid is None else self.paid


def play(
    prices: Prices, requests: Requests, tags: str, ladder: Ladder, share: float, split: int
) -> tuple[list[ReplayOutcome], dict[str, Counter[str]]]:
    """Play every arm under one budget, and count each view's choice of the better silo, and of the better single source.

    With a split budget each owner is a department with its share of the money, and the higher bid competes.

    Gains and votes come from the views' training rows alone.
    """
    folds, silos, sources = requests.folds, requests.log.roles.silos, requests.log.roles.sources
    outcomes: list[ReplayOutcome] = []
    views: dict[str, Floats] = {}

    def add(arm: str, bids: dict[str, Floats], gains: Floats) -> None:
        won, paid = prices.play(requests, bids, share)
        outcomes.append(ReplayOutcome(tags, share, split, arm, won, float(gains.mean()), paid))

    for arm, odds in ladder.odds.items():
        views[arm], gains = tuned(prices, requests, odds, share)
        add(arm, {"focal": honest(views[arm], folds)}, gains)
    parts = {
        owner: tuned(prices, requests, ladder.odds[arm], share / len(silos)) for arm, owner in silos.items()
    }
    together = {owner: honest(bids, folds) for owner, (bids, _) in parts.items()}
    add(SPLIT_BUDGET, together, np.concatenate([gains for _, gains in parts.values()]))
    ballots = {
        name: votes(prices, requests, {arm: views[arm] for arm in candidates})
        for name, candidates in ((BEST_SILO, silos), (BEST_SINGLE, sources))
    }
    return outcomes, ballots


def cells(plan: ReplayPlan, requests: Requests, outcomes: list[ReplayOutcome]) -> pd.DataFrame:
    """Return one row an outcome, totals over the log; money in currency, `replication` is the split."""
    rows = []
    full = float(requests.weights.sum())
    for outcome in outcomes:
        won = outcome.won.astype(np.float64)
        spend, value = (
            outcome.spend(requests).sum() / MICROS,
            (won * (requests.profit + requests.cost)).sum() / MICROS,
        )
        impressions, clicks = won @ requests.weights, won @ (requests.weights * requests.clicks)
        rows.append(
            {
                "study_point": f"tags={outcome.tags},budget={budget_label(outcome.share)}",
                "tags": outcome.tags,
                "budget_share": outcome.share,
                "arm": outcome.arm,
                "replication": outcome.split,
                "bidder": "focal",
                "advertiser": "all",
                "focal": True,
                "requests": full,
                "rows": len(won),
                "wins": impressions,
                "rows_won": round(float(won.sum())),
                "win_rate": impressions / full,
                "spend": spend,
                "value": value,
                "profit": value - spend,
                "clicks": clicks,
                "ecpc": spend / clicks if clicks else np.nan,
                "gain": outcome.gain,
                "seed": plan.seed,
            }
        )
    return pd.DataFrame(rows)


def budget_label(share: float) -> str:
    """Return "1/8" for .125, "unlimited" for no limit."""
    if not np.isfinite(share):
        return "unlimited"
    return f"1/{1 / share:.0f}" if abs(1 / share - round(1 / share)) < 1e-9 else f"{share:g}"

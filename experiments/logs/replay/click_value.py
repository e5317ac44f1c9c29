"""What joining is worth where a click is worth half or twice as much, or is valued by the training part alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
from scipy.special import expit

from ...estimate.sides import Weights
from .bids import Floats
from .bootstrap import interval_table
from .plan import ReplayPlan, Requests

AS_IS, HALF, DOUBLE, TRAINING = "as it is", "halved", "doubled", "eCPC of the training part"


def click_value_rows(
    plan: ReplayPlan, requests: Requests, odds: Mapping[str, Floats], of: Weights
) -> pd.DataFrame:
    """Return the value of joint data without a budget limit under each worth of a click.

    A bid at or above the price wins. Both the bids and what a click brings follow the worth. See `interval_table`.
    """
    columns = {name: gain_of(requests, odds, of, worth) for name, worth in _worths(plan, requests)}
    unit = f"{requests.log.currency} per million {requests.log.what}"
    return interval_table(plan, "click_value", columns, requests.weights, unit, requests.blocks.numbers)


def gain_of(requests: Requests, odds: Mapping[str, Floats], of: Weights, worth: Floats) -> Floats:
    """Return the weighted sum of arms' profits on each row, in micros, where a bid at or above the price wins; shape (rows,)."""
    total = np.zeros(len(worth))
    for arm, weight in of.items():
        won = expit(odds[arm]) * worth >= requests.prices
        total += weight * won * (requests.weights * requests.clicks * worth - requests.cost)
    return total


def _worths(plan: ReplayPlan, requests: Requests) -> Iterator[tuple[str, Floats]]:
    for name, factor in ((AS_IS, 1.0), (HALF, 0.5), (DOUBLE, 2.0)):
        yield name, requests.values * factor
    if plan.settings.value_per_click is None:
        yield TRAINING, _of_training(requests)


def _of_training(requests: Requests) -> Floats:
    """Return each row's worth of a click: its campaign's cost per click in the rows of the other folds; 0 without a click there."""
    frame = pd.DataFrame({
        "campaign": requests.log.frame["campaign"].astype(str).to_numpy(),
        "fold": requests.folds,
        "cost": requests.cost,
        "clicks": requests.weights * requests.clicks,
    })  # fmt: skip
    by_fold = frame.groupby(["campaign", "fold"])[["cost", "clicks"]].transform("sum")
    rest = frame.groupby("campaign")[["cost", "clicks"]].transform("sum") - by_fold
    clicks = rest["clicks"].to_numpy()
    return np.where(clicks > 0, rest["cost"].to_numpy() / np.where(clicks > 0, clicks, 1.0), 0.0)

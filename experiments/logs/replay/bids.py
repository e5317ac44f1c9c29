"""From click predictions to bids: what a click is worth, and what the budget allows."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit

from jointbid.sim.scenario import MICROS

from ..log_table import LogTable

Floats = NDArray[np.float64]
Micros = NDArray[np.int64]
BROUGHT = "value_micros"
"""The column of what a row's outcomes brought."""


def costs(log: LogTable) -> Micros:
    """Return what each row costs when it is won, in micros: weight x market price, bought whole; shape (rows,)."""
    whole = log.frame["weight"].to_numpy() * log.frame["price_micros"].to_numpy()
    return np.rint(whole).astype(np.int64)


def click_values(log: LogTable, value_per_click: float | None = None) -> Floats:
    """Return what a click is worth to each row's campaign, in micros: its eCPC in the whole log; shape (rows,).

    Where `value_per_click` is given, in currency, it is that for all. Where the log says what outcomes brought (`value_micros`), it is what
    they brought the campaign, a click.

    It is the campaign's price of a click, given from outside, not a prediction. A campaign without a click has none:
    a click is worth nothing to it, and it does not bid.
    """
    frame = log.frame
    if value_per_click is not None:
        return np.full(len(frame), value_per_click * MICROS)
    paid = frame["weight"] * frame[BROUGHT] if BROUGHT in frame else costs(log)
    sums = pd.DataFrame(
        {"cost": paid, "clicks": frame["weight"] * frame["click"], "campaign": frame["campaign"]}
    ).groupby("campaign")
    cost, clicks = sums["cost"].transform("sum"), sums["clicks"].transform("sum")
    return np.where(clicks > 0, cost / clicks.where(clicks > 0, 1.0), 0.0)


def expected_values(odds: Floats, values: Floats) -> Floats:
    """Return the expected value of an impression in micros, from the log-odds of a click."""
    return expit(odds) * values


def tune_gain(bids: Floats, prices: Micros, cost: Micros, budget: float) -> float:
    """Return the greatest gain g <= 1 at which bidding g x value on these rows costs at most `budget` micros.

    In a second-price auction the linear bid is optimal under a budget, and the truthful one (g = 1) without.
    """
    needed = np.full(len(bids), np.inf)
    np.divide(prices, bids, out=needed, where=bids > 0)
    order = np.argsort(needed, kind="stable")
    too_much = np.cumsum(cost[order]) > budget
    first = needed[order][too_much][:1]
    if not first.size or first[0] > 1:
        return 1.0
    below = needed[needed < first[0]]
    return float(below.max()) if below.size else 0.0

"""Bids on a log, replayed through the engine."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from jointbid.experiments.logs.log_table import LogTable, Roles, RowCount
from jointbid.experiments.logs.replay.bids import costs
from jointbid.experiments.logs.replay.engine import replay as replay_departments

HOUR_US = 3_600_000_000


def replay(log, values, bids, budget, seed):
    return replay_departments(log, values, {"focal": bids}, budget, seed)


def log_of(price, *, floor=0, weight=1.0, click=0, campaign="a") -> LogTable:
    n = len(price)
    frame = pd.DataFrame(
        {
            "time_us": np.arange(n) * (20 * HOUR_US // n),
            "campaign": campaign,
            "click": click,
            "price_micros": np.asarray(price, dtype=np.int64),
            "floor_micros": np.broadcast_to(np.asarray(floor, dtype=np.int64), n),
            "weight": np.broadcast_to(np.asarray(weight, dtype=np.float64), n),
        }
    )
    return LogTable(Roles(), currency="CNY", frame=frame, rows=RowCount(n, n), path="made-up")


def by_hand(log, bids, budget):
    """The ledger in five lines: rows in order, whole micros, whole rows, never more than is left."""
    won, left = np.zeros(len(log), dtype=bool), budget
    for row, (price, floor, weight) in enumerate(
        zip(log.frame["price_micros"], log.frame["floor_micros"], log.frame["weight"], strict=True)
    ):
        cost = round(price * weight)
        won[row] = round(bids[row]) > price and round(bids[row]) >= floor and cost <= left
        left -= cost * won[row]
    return won


@pytest.mark.parametrize("share", [None, 0.9, 0.3, 0.02, 1e-9])
def test_the_engine_replays_as_by_hand(share):
    rng = np.random.default_rng(5)
    price = 10 * rng.integers(1, 300, 3_000)
    log = log_of(
        price,
        floor=np.minimum(price, 10 * rng.integers(0, 90, 3_000)),
        weight=rng.choice([1.0, 112.2], 3_000),
    )
    bids = rng.lognormal(6.5, 1.0, 3_000)
    bids = np.where(np.rint(bids) == price, bids + 1, bids)  # no ties here
    everything = by_hand(log, bids, float("inf"))
    budget = None if share is None else share * costs(log)[everything].sum()
    won = replay(log, np.zeros(3_000), bids, None if budget is None else budget / 1e6, seed=1)
    assert np.array_equal(won, by_hand(log, bids, float("inf") if budget is None else round(budget)))
    if budget is not None:
        assert costs(log)[won].sum() <= budget
        assert costs(log)[won].sum() > 0.98 * budget - costs(log).max()


def test_no_bid_and_bids_below_the_floor_win_nothing():
    log = log_of([100, 100, 100], floor=[0, 100, 100])
    assert replay(log, np.zeros(3), np.array([0.0, 99.4, 101.0]), None, seed=1).tolist() == [
        False,
        False,
        True,
    ]


def test_a_tie_with_the_price_goes_either_way():
    won = replay(log_of(np.full(4_000, 500)), np.zeros(4_000), np.full(4_000, 500.0), None, seed=1)
    assert abs(won.mean() - 0.5) < 4 * 0.5 / np.sqrt(4_000)

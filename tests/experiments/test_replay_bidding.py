"""What a click is worth, gains under budgets, votes for the better source, and intervals over outcomes."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from jointbid.experiments.logs.log_table import LogTable, Roles, RowCount
from jointbid.experiments.logs.replay.bids import click_values, costs, tune_gain
from jointbid.experiments.logs.replay.bootstrap import ratio, resample, with_interval
from jointbid.experiments.logs.replay.prices import LoggedPrices, tuned, votes

PRICES = LoggedPrices(seed=1)


def weighted_log(price, weight, click, campaign) -> LogTable:
    frame = pd.DataFrame({"price_micros": price, "weight": weight, "click": click, "campaign": campaign})
    return LogTable(
        Roles(), currency="CNY", frame=frame, rows=RowCount(len(price), len(price)), path="made-up"
    )


def test_worth_of_a_click_and_cost_of_a_row():
    log = weighted_log(
        [100, 300, 500, 700], weight=[1, 2.5, 1, 2], click=[1, 0, 0, 0], campaign=["a", "a", "b", "b"]
    )
    assert costs(log).tolist() == [100, 750, 500, 1_400]
    assert click_values(log).tolist() == [850, 850, 0, 0]


def test_the_gain_spends_the_budget_and_never_overbids():
    rng = np.random.default_rng(2)
    bids, prices = rng.lognormal(7, 1, 5_000), rng.integers(10, 2_000, 5_000)
    cost = prices * rng.integers(1, 100, 5_000)

    def spend(gain):
        return cost[gain * bids >= prices].sum()

    for share in (0.001, 0.01, 0.1):
        gain = tune_gain(bids, prices, cost, share * cost.sum())
        assert 0 < gain < 1
        assert spend(gain * (1 + 1e-12)) <= share * cost.sum() < spend(gain * 1.02)
    assert tune_gain(bids, prices, cost, float(cost.sum())) == 1.0
    assert tune_gain(bids, prices, cost, 0.0) == 0.0
    assert tune_gain(np.zeros(3), np.ones(3, dtype=np.int64), np.ones(3, dtype=np.int64), 1.0) == 1.0


def test_gains_are_tuned_without_the_view_s_own_fold():
    rng = np.random.default_rng(4)
    folds = np.arange(600) % 3
    views, values = rng.normal(-3, 1, (3, 600)), np.full(600, 1e5)
    prices = rng.integers(10, 5_000, 600)
    requests = SimpleNamespace(folds=folds, values=values, prices=prices, cost=prices)
    _, gains = tuned(PRICES, requests, views, 0.05)
    prices[folds == 1] = 1
    _, again = tuned(PRICES, requests, views, 0.05)
    assert again[1] == gains[1]
    assert again[0] != gains[0]
    bids, gains = tuned(PRICES, requests, views, float("inf"))
    assert (gains == 1).all()
    assert bids[0] == pytest.approx(1e5 / (1 + np.exp(-views[0])))


def test_views_vote_by_profit_on_their_training_rows():
    requests = SimpleNamespace(
        folds=np.array([0, 1, 2]), prices=np.array([10, 10, 10]), profit=np.array([5.0, 3.0, -1.0])
    )
    bids = {"profile": np.tile([20.0, 0, 0], (3, 1)), "context": np.tile([0, 20.0, 0], (3, 1))}
    # View 0 sees rows 1, 2: context. View 1 sees rows 0, 2: profile. View 2 sees both: profile.
    assert votes(PRICES, requests, bids) == Counter({"profile": 2, "context": 1})


def test_intervals_cover_and_differences_stay_paired():
    rng = np.random.default_rng(1)
    base = rng.lognormal(0, 1, 2_000)
    totals = resample([{"a": base + 0.1, "b": base, "n": np.ones(2_000)}], 400, seed=9)
    _, low, high = with_interval(totals["a"] / totals["n"])
    se = base.std() / np.sqrt(2_000)
    assert low < base.mean() + 0.1 < high
    assert high - low == pytest.approx(2 * 1.96 * se, rel=0.15)
    difference = (totals["a"] - totals["b"]) / totals["n"]
    assert with_interval(difference) == pytest.approx((0.1, 0.1, 0.1))


def test_splits_take_turns_and_average():
    splits = [{"x": np.full(50, 1.0)}, {"x": np.full(50, 3.0)}, {"x": np.full(50, 5.0)}]
    total = resample(splits, 100, seed=1)["x"]
    assert sorted(Counter(total[1:].tolist()).values()) == [33, 33, 34]
    assert with_interval(total) == (150, 50, 250)


def test_percent_of_a_loss_is_not_stated():
    up = np.ones(3)
    assert ratio(up, np.array([4.0, 4.0, 5.0]))[0] == 0.25
    assert np.isnan(ratio(up, np.array([-4.0, 4.0, 5.0]))[0])
    assert np.isnan(with_interval(ratio(up, np.array([4.0, 4.0, -5.0])))[1])

"""Intervals of a replay against the spread of its figures over many logs of one market."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from jointbid.experiments.config.value_settings import Replay
from jointbid.experiments.estimate.sides import Sides
from jointbid.experiments.logs.log_table import LogTable, Roles, RowCount
from jointbid.experiments.logs.replay.bids import click_values
from jointbid.experiments.logs.replay.bootstrap import resample, tail, with_interval
from jointbid.experiments.logs.replay.folds import Blocks
from jointbid.experiments.logs.replay.outcomes import ReplayOutcome
from jointbid.experiments.logs.replay.plan import ReplayPlan, Requests
from jointbid.experiments.logs.replay.summary import arms, summarise
from jointbid.experiments.logs.replay.suspects import Suspects
from jointbid.sim.scenario import LogSupply

ROWS, HOURS, INF = 3_000, 48, float("inf")
WEIGHT = 20.0
"""Impressions that a row without a click stands for."""
ROLES = Roles(("x",), ("z",))
CHOSEN = {"best_silo": "profile", "best_single": "profile"}
SIDES = {("all", INF): Sides("best_silo", CHOSEN, {"profile": "cio", "context": "cmo"})}
JOINING = "joint - best_silo (cio)"


def made(rng, rows=ROWS, value_per_click=None):
    """A log of two campaigns, and by arm the chance of a click given what it sees."""
    x, z, second = (rng.random(rows) < 0.5 for _ in range(3))
    chance = {"none": np.full(rows, 0.1), "profile": 0.05 + 0.1 * x, "context": 0.07 + 0.06 * z}
    chance["joint"] = chance["profile"] + chance["context"] - 0.1
    click = (rng.random(rows) < chance["joint"]).astype(np.int64)
    hour = np.sort(rng.integers(0, HOURS, rows))
    frame = pd.DataFrame(
        {
            "time_us": hour * 3_600_000_000,
            "campaign": np.where(second, "a", "b"),
            "click": click,
            "price_micros": np.rint(rng.lognormal(7, 0.8, rows) * np.where(second, 2, 1)).astype(np.int64),
            "weight": np.where(click == 1, 1.0, WEIGHT),
        }
    )
    log = LogTable(ROLES, currency="CNY", frame=frame, rows=RowCount(rows, rows), path="made-up")
    values = click_values(log, value_per_click)
    return Requests(
        log, np.zeros(rows, np.int64), values, {}, Suspects(LogSupply(path="none")), Blocks(hour)
    ), chance


def study(requests, won, value_per_click=None, resamples=200):
    """The estimates from a log of which each arm wins these rows."""
    outcomes = [ReplayOutcome("all", INF, 0, arm, rows, 1.0) for arm, rows in won.items()]
    settings = Replay(bootstrap=resamples, value_per_click=value_per_click)
    plan = ReplayPlan(LogSupply(path="made-up"), settings, "best_silo", 1, 1)
    return summarise(plan, requests, outcomes, SIDES)


def truthful(rng, rows=ROWS, value_per_click=None):
    """The estimates where each arm bids what it knows."""
    requests, chance = made(rng, rows, value_per_click)
    chance |= {"stacked": chance["joint"], "summed": chance["joint"], "split_budget": chance["profile"]}
    prices = requests.prices
    won = {arm: known / WEIGHT * requests.values > prices for arm, known in chance.items()}
    return study(requests, won, value_per_click)


def profit(summary, estimand, arm):
    """Estimate and both ends."""
    rows = summary[(summary["metric"] == "focal_profit") & (summary["estimand"] == estimand)]
    return rows.set_index("arm").loc[arm, ["estimate", "ci_low", "ci_high"]].to_numpy(float)


def test_who_wins_everything_at_the_log_s_own_cost_per_click_earns_nothing_for_sure():
    """However many clicks happened, together they are worth what all impressions cost; at a fixed worth they are not."""
    requests, _ = made(np.random.default_rng(1))
    won = {arm: np.ones(ROWS, bool) for arm in arms(ROLES) if arm not in CHOSEN}
    assert profit(study(requests, won), "utility", "joint") == pytest.approx([0, 0, 0], abs=1e-6)
    requests, _ = made(np.random.default_rng(1), value_per_click=0.5)
    _, low, high = profit(study(requests, won, 0.5), "utility", "joint")
    assert high - low > 100


def test_the_worth_of_a_click_is_worked_out_anew_in_each_resample():
    """As where the whole log is priced again: resampled rows, the campaigns' cost per click in them, the rows won as they are."""
    rng = np.random.default_rng(2)
    requests, chance = made(rng)
    rows = chance["joint"] / WEIGHT * requests.values > requests.prices
    won = {arm: rows for arm in arms(ROLES) if arm not in CHOSEN}
    _, low, high = profit(study(requests, won, resamples=2_000), "utility", "joint")
    blocks, frame, again = requests.blocks.numbers, requests.log.frame, []
    members = [np.flatnonzero(blocks == block) for block in range(HOURS)]
    for _ in range(400):
        picked = np.concatenate([members[block] for block in rng.integers(0, HOURS, HOURS)])
        log = replace(requests.log, frame=frame.iloc[picked], rows=RowCount(len(picked), len(picked)))
        made_anew = replace(requests, log=log, values=click_values(log))
        again.append(made_anew.profit[rows[picked]].sum() / made_anew.weights.sum())
    assert high - low == pytest.approx(3.92 * np.std(again), rel=0.15)


@pytest.mark.coverage
@pytest.mark.parametrize(("value_per_click", "studies"), [(None, 1_000), (0.5, 400)])
def test_profits_and_their_differences_are_covered_by_intervals_as_wide_as_their_spread(
    value_per_click, studies
):
    """Logs of 48 hours, the truth from one of 2 million rows: each covered 95 times in 100, within 3 standard errors."""
    rng, off = np.random.default_rng(3), 3 * np.sqrt(0.95 * 0.05 / studies)
    keys = [("utility", "joint"), ("utility", "none"), ("value_of_joint_data", JOINING)]
    big = truthful(rng, 2_000_000, value_per_click)
    found = np.array([
        [profit(summary, *key) for key in keys]
        for summary in (truthful(rng, value_per_click=value_per_click) for _ in range(studies))
    ])  # fmt: skip
    for key, ends in zip(keys, found.transpose(1, 2, 0), strict=True):
        truth, (estimate, low, high) = profit(big, *key)[0], ends
        assert 0.9 < (high - low).mean() / 3.92 / estimate.std() < 1.15, key
        assert 0.95 - off < np.mean((low <= truth) & (truth <= high)) < 0.95 + off, key


def test_percentiles_move_outwards_where_few_units_are_resampled():
    """Student's quantile over n / (n - 1) (Hesterberg 2015): 95 % of 10 normal means are covered where plain percentiles cover 90 %."""
    assert tail(10**9) == pytest.approx(0.025, rel=1e-6)
    assert tail(10) == pytest.approx(0.00853, abs=1e-4)
    assert tail(1) == 0.0
    rng, hits = np.random.default_rng(5), {10: 0, np.inf: 0}
    for seed in range(400):
        found = resample([{"x": rng.normal(size=10)}], 400, seed)["x"]
        for units in hits:
            _, low, high = with_interval(found, units)
            hits[units] += low <= 0.0 <= high
    assert hits[10] / 400 > 0.95 - 3 * np.sqrt(0.95 * 0.05 / 400)
    assert hits[np.inf] / 400 < 0.93

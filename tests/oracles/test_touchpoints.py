"""Limits in which it is known what channels did, and what rules and tests must then say."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest

from jointbid.experiments.cells.attribution_rules import RULES
from jointbid.experiments.cells.attribution_season import (
    HELD_OUT,
    OBSERVED,
    WITHOUT,
    credit_column,
    credit_names,
    run_cell,
)
from jointbid.experiments.cells.cell import Cell
from jointbid.experiments.config.points import load
from jointbid.experiments.studies.attribution.firm import true_effects

pytestmark = pytest.mark.oracle
Z = 4.0
SMALL = ["supply.requests=60000", "audience.people=2000"]
LONG = "touchpoints.window_h=100000"
ONE = [
    "supply.context_types=1", "rivals.by_context=[]", "journey.lasting=2", "touchpoints.targets=null",
    "touchpoints.channels={video: {daily_budget: 1000, bid_cpm: 10}}",
]  # fmt: skip


def played(arms, *overrides, replications=1):
    """By arm, what the cells of each replication gave: a row a channel."""
    (point,) = load("attribution", ["scenario=touchpoints", *SMALL, *overrides])
    scenario = point.settings.scenario
    return [
        {arm: run_cell(Cell(scenario=scenario, arm=arm, seed=3, replication=r)).rows for arm in arms}
        for r in range(replications)
    ]


def without(*channels):
    return [OBSERVED, HELD_OUT, *(WITHOUT + channel for channel in channels)]


NAMES = ("mail", "retargeting", "social", "video")


@pytest.mark.slow
def test_where_ads_do_nothing_channels_did_nothing_and_only_the_test_knows():
    """lasting = 0: every removal is worth exactly 0; 12 tests of each channel, z <= 4; last touch credits what was bought anyway."""
    runs = played(without(*NAMES), "journey.lasting=0", replications=12)
    for run in runs:
        assert set(true_effects(run, NAMES).values()) == {0.0}
        for row in run[OBSERVED]:
            assert row["purchases_without_ads"] == pytest.approx(row["purchases_expected"])
            assert row[credit_column("unified/last_touch")] > 20
            assert row[credit_column("silo/last_touch")] > 20
    for number in range(len(NAMES)):
        found = np.array([run[HELD_OUT][number]["holdout_effect"] for run in runs])
        errors = np.array([run[HELD_OUT][number]["holdout_error"] for run in runs])
        assert abs(found.mean()) <= Z * sqrt((errors**2).sum()) / len(runs)
        assert (np.abs(found) <= Z * errors).all()


def test_one_channel_without_which_no_account_buys_is_credited_with_what_it_did():
    """base = 0, no window: all rules give it every purchase, whose mean is the removal effect; 10 runs, z <= 4, Poisson at most."""
    runs = played([OBSERVED, WITHOUT + "video"], *ONE, LONG, "journey.base=0", replications=10)
    truth = np.array([true_effects(run, ["video"])["video"] for run in runs])
    for rule in RULES:
        given = np.array([run[OBSERVED][0][credit_column(f"unified/{rule}")] for run in runs])
        np.testing.assert_allclose(given, [run[OBSERVED][0]["purchases"] for run in runs], err_msg=rule)
        assert abs((given - truth).sum()) <= Z * sqrt(truth.sum())


@pytest.mark.slow
def test_the_test_of_one_channel_is_unbiased_and_its_interval_covers():
    """A randomised test of the only channel, with money for all: mean of 30 within z = 4 of the removal's, 26 or more of 30 cover."""
    runs = played(without("video"), *ONE, replications=30)
    truth = np.array([true_effects(run, ["video"])["video"] for run in runs])
    found, errors = (
        np.array([run[HELD_OUT][0][name] for run in runs]) for name in ("holdout_effect", "holdout_error")
    )
    assert truth.min() > 3 * errors.mean(), "there is something to find"
    assert abs((found - truth).mean()) <= Z * sqrt((errors**2).sum()) / len(runs)
    assert (np.abs(found - truth) <= 1.96 * errors).sum() >= 26


def test_credits_overstate_the_more_the_more_exposure_follows_intent():
    """With targeting the same channel touches more of those who buy anyway: purchases credited per one that it brought."""

    def overstated(targeting):
        channel = f"touchpoints.channels.retargeting.targeting={targeting}"
        budget = "touchpoints.channels.retargeting.daily_budget=0.15"
        bid = "touchpoints.channels.retargeting.bid_cpm=2"
        (run,) = played(
            [OBSERVED, WITHOUT + "retargeting"], channel, budget, bid, "journey.lasting=[1,0.01,1,1]"
        )
        return run[OBSERVED][1][credit_column("silo/last_touch")] / run[OBSERVED][1]["wins"]

    assert overstated(8) > 1.1 * overstated(1)


def test_one_log_gives_each_purchase_away_once_and_owners_claim_some_of_them_twice():
    (run,) = played([OBSERVED])
    rows = run[OBSERVED]
    touched, bought = rows[0]["touched"], sum(row["purchases"] for row in rows)
    for name in credit_names():
        total = sum(row[credit_column(name)] for row in rows)
        if name.startswith("unified"):
            assert total == pytest.approx(touched)
        else:
            assert touched < total <= 2 * bought
    assert 0 < touched <= bought


def test_owners_who_share_one_log_claim_nothing_twice():
    one_house = "touchpoints.channels.mail.owner=cmo"
    (run,) = played([OBSERVED], one_house)
    for rule in RULES:
        for row in run[OBSERVED]:
            assert row[credit_column(f"silo/{rule}")] == row[credit_column(f"unified/{rule}")]

"""Creatives that are chosen, against closed forms.

theta_k = a_k + b_k x + c_k z + d_k x z with x, z = -1, +1, independent; the price is U[0, M]. One who bids on the data s and
shows by the data t, k*(t) being the best creative there, wins U = E[E[theta_k* | s]^2] / (2M) in a second-price auction
(theory of one bidder: the bid is a calibrated mean). n = 32 replications of 25,000 requests.
"""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from tests.experiments.stored import stored

from jointbid.experiments.cells.bidders import run_cell
from jointbid.experiments.cells.cell import Cell
from jointbid.experiments.estimate.ladder import ladder_summary, lookup
from jointbid.experiments.estimate.sides import Sides
from jointbid.experiments.storage.cell_results import table

pytestmark = pytest.mark.oracle

M = 3.0
BASE = {"a": 1.0, "b": 0.25, "c": 0.15, "d": 0.0}
ADDS = {"plain": {}, "matched": {"a": -0.05, "d": 0.4}, "obtrusive": {"a": 0.15, "b": -0.1, "d": -0.3}}
CELLS = list(product((-1, 1), repeat=2))


@pytest.fixture
def chosen(scenario):
    return scenario(
        response=BASE,
        creative=ADDS,
        source={"profile": {}, "context": {}},
        rivals={"landscape": "uniform", "high": M},
        bidders={"creative": "chosen"},
    )


def theta(creative, x, z):
    a, b, c, d = (BASE[key] + ADDS[creative].get(key, 0.0) for key in "abcd")
    return a + b * x + c * z + d * x * z


def mean(values, sees, x, z):
    """E[values | what one sees of (x, z)]."""
    alike = [cell for cell in CELLS if all(cell[i] == (x, z)[i] for i in sees)]
    return np.mean([values[cell] for cell in alike])


SEES = {"none": (), "profile": (0,), "context": (1,), "joint": (0, 1)}


def expected(arm):
    bids_on, _, shows_by = arm.partition("/")
    sees, shows = SEES[bids_on], SEES[shows_by or bids_on]
    shown = {}
    for cell in CELLS:
        worth = [mean({c: theta(k, *c) for c in CELLS}, shows, *cell) for k in ADDS]
        shown[cell] = theta(list(ADDS)[int(np.argmax(np.round(worth, 12)))], *cell)
    return np.mean([mean(shown, sees, *cell) ** 2 for cell in CELLS]) / (2 * M)


ARMS = [
    "none",
    "profile",
    "context",
    "joint",
    "joint/profile",
    "profile/joint",
    "joint/context",
    "context/joint",
]


@pytest.mark.few(3)
@pytest.mark.parametrize("arm", ARMS)
def test_each_department_on_its_own_data(chosen, profit, lands, arm):
    lands(profit(chosen, arm), expected(arm), resolution=0.02 * expected(arm))


def test_the_two_shares_add_up_to_the_value_of_joint_data(chosen):
    small = chosen.model_copy(update={"supply": chosen.supply.model_copy(update={"requests": 2_000})})
    cells = [Cell(small, arm, replication=r) for arm in [*ARMS, "stacked"] for r in range(4)]
    sides = Sides("best_silo", {"best_silo": "profile"}, {"profile": "cio", "context": "cmo"})
    with stored([(cell, run_cell(cell)) for cell in cells]) as found:
        summary = ladder_summary(table(found), sides)
    value, bids, shows = (
        lookup(summary, name).estimate for name in ("value_of_joint_data", "bidding_better", "showing_better")
    )
    assert bids + shows == pytest.approx(value)
    assert shows == pytest.approx(
        1e6 * sum(expected(one) - expected(two) for one, two in (("joint", "joint/profile"), ("profile/joint", "profile"))) / 2,
        rel=0.15,
    )  # fmt: skip


def test_with_no_creative_better_anywhere_else_than_everywhere_there_is_nothing_to_show_better(
    scenario, profit
):
    same = scenario(
        requests=4_000,
        response=BASE,
        creative={"plain": {}, "louder": {"a": 0.1}},
        source={"profile": {}, "context": {}},
        rivals={"landscape": "uniform", "high": M},
        bidders={"creative": "chosen"},
    )
    for one, other in (("joint", "joint/profile"), ("profile", "profile/joint")):
        assert profit(same, one, replications=3).tolist() == profit(same, other, replications=3).tolist()


def test_creatives_that_are_alike_are_as_good_as_one(scenario, profit):
    parts = {
        "response": BASE,
        "source": {"profile": {}, "context": {}},
        "rivals": {"landscape": "uniform", "high": M},
    }
    twins = scenario(requests=4_000, creative={"one": {}, "two": {}}, bidders={"creative": "chosen"}, **parts)
    alone = scenario(requests=4_000, creative={"one": {}}, **parts)
    for arm in ("none", "profile", "stacked", "joint"):
        assert profit(twins, arm, replications=2).tolist() == profit(alone, arm, replications=2).tolist()


@pytest.mark.slow
def test_what_exploring_costs_falls_with_the_data_and_rises_with_the_creatives(scenario, profit):
    """From a log of n impressions each of K creatives is learned from n / K: with few, the joint choice loses to the siloed."""

    def loss(creatives, n):
        market = scenario(
            requests=4_000,
            response=BASE | {"noise_sd": 1.0},
            creative={f"c{k}": {"d": 0.1 * np.cos(2 * np.pi * k / creatives)} for k in range(creatives)},
            source={"profile": {}, "context": {}},
            rivals={"landscape": "uniform", "high": M},
            bidders={"creative": "chosen"},
        )
        options = {"valuation": "learned", "train_requests": n, "learner": "cell_means"}
        return profit(market, "joint", replications=16) - profit(market, "joint", replications=16, **options)

    few, many, rich = loss(2, 800), loss(12, 800), loss(12, 80_000)
    assert few.mean() > 0
    assert many.mean() > 2 * few.mean()
    assert rich.mean() < 0.1 * many.mean()


def test_learned_departments_with_much_data_are_the_exact_ones(chosen, profit):
    small = chosen.model_copy(update={"supply": chosen.supply.model_copy(update={"requests": 4_000})})
    options = {"valuation": "learned", "train_requests": 400_000, "learner": "table"}
    for arm in ("joint", "profile/joint", "joint/profile"):
        exact = profit(small, arm, replications=2)
        assert profit(small, arm, replications=2, **options) == pytest.approx(exact, rel=0.01)

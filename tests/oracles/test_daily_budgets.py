"""A daily budget of b on each of d days is worth what a budget of b d is, where demand is even. v and p both U[0,1], second price.

The fluid optimum is the same (rho = 1/24: utility .125, ``theory`` of budgets); what differs is the transient, and money that
is left at midnight. n = 4 replications of 8,000 auctions a day (20 of greed). Greed is no pacing: it gets rho on each day, as on all.
"""

from __future__ import annotations

import numpy as np
import pytest

from jointbid.sim import Entrant
from jointbid.sim.scenario import StrategySpec, Terms
from jointbid.strategies.market import MarketFacts
from jointbid.strategies.registry import make

pytestmark = pytest.mark.oracle

A_DAY, RHO = 8_000, 1 / 24
PACED = {  # strategy -> the most that the two may differ by, of the fluid optimum
    "pid_spend": 0.03,
    "adaptive_pacing": 0.04,
    "mirror_descent": 0.05,
    "fluid_pacing": 0.02,
    "rlb": 0.02,
    "target_ros": 0.05,
    "portfolio": 0.03,
    "throttling": 0.03,
}


def play(scenario, market, name, hours, budget=None, replications=4, start=None, **terms):
    s = scenario(
        requests=round(A_DAY * hours / 24),
        supply={"horizon_h": hours},
        response={"family": "private_value"},
        rivals={"landscape": "uniform", "high": 1},
    )
    strategy = make(StrategySpec(name=name, **(start or {})), MarketFacts.of(s))
    got = market(
        s, {"focal": Entrant(strategy, budget=budget, terms=Terms(**terms))}, replications=replications
    )
    return {column: got[column][:, 0] for column in ("profit", "spend")}


@pytest.mark.few(4)
@pytest.mark.parametrize(
    ("name", "days"), [*((name, 3) for name in PACED), ("pid_spend", 7), ("adaptive_pacing", 7)]
)
def test_a_daily_budget_is_as_good_as_the_sum(scenario, market, name, days):
    b = RHO * A_DAY
    total = play(scenario, market, name, 24 * days, budget=b * days)
    daily = play(scenario, market, name, 24 * days, daily_budget=b)
    margin = PACED[name] * 0.125
    assert abs((daily["profit"] - total["profit"]).mean()) < margin
    assert daily["spend"].mean() > 0.97 * RHO
    if name != "throttling":
        assert daily["profit"].mean() > 0.75 * 0.125


def test_greed_is_as_bad_on_each_day(scenario, market, lands):
    """Until the day's money is gone each auction gains 1/6 for 1/6: profit rho, a third of what pacing gets."""
    lands(play(scenario, market, "truthful", 72, daily_budget=RHO * A_DAY, replications=20)["profit"], RHO)


LITTLE = {"pid_spend": {}, "adaptive_pacing": {"mu": 48**0.5 / 6**0.5 - 1}, "fluid_pacing": {}}
"""Strategies at rho = 1/48; adaptive pacing starts at mu*, which it would spend the run on learning."""


@pytest.mark.parametrize("name", LITTLE)
def test_a_part_of_a_last_day_has_a_whole_day_s_money(scenario, market, name):
    """36 hours, rho = 1/48 a day: alpha = sqrt(6 rho), alpha/3 - rho, first with rho and for 12 hours with 2 rho."""
    rho = 1 / 48
    got = play(scenario, market, name, 36, start=LITTLE[name], daily_budget=rho * A_DAY)
    worth = [np.sqrt(6 * r) / 3 - r for r in (rho, 2 * rho)]
    assert got["profit"].mean() == pytest.approx((2 * worth[0] + worth[1]) / 3, rel=0.1)
    assert got["spend"].mean() > 0.95 * rho * 4 / 3


@pytest.mark.few(1)
@pytest.mark.parametrize("name", LITTLE)
def test_a_budget_besides_that_binds_is_spread_over_the_days(scenario, market, name):
    """Three days of at most 1/24 a request, and half of that in all: as one budget of rho = 1/48, utility .0970."""
    b = RHO * A_DAY
    got = play(scenario, market, name, 72, start=LITTLE[name], budget=1.5 * b, daily_budget=b)
    alone = play(scenario, market, name, 72, start=LITTLE[name], budget=1.5 * b)
    assert got["profit"].mean() == pytest.approx(alone["profit"].mean(), rel=0.04)
    assert got["profit"].mean() > 0.9 * (np.sqrt(6 / 48) / 3 - 1 / 48)

"""Policies without a state: constant, random, MCPC, ORTB."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize

from jointbid.sim import Entrant, Scenario, VisibleRequests, simulate
from jointbid.strategies.market import MarketFacts
from jointbid.strategies.policies.constant import Constant, Random
from jointbid.strategies.policies.linear import MCPC, Linear
from jointbid.strategies.policies.ortb import ORTB1, ORTB2

KNOWN = MarketFacts.of(
    Scenario.model_validate({"rivals": {"landscape": "lognormal", "mu": -1, "sigma": 0.5}})
)
UNKNOWN = MarketFacts.of(Scenario())


def batch(**columns):
    arrays = {name: np.asarray(column, dtype=float) for name, column in columns.items()}
    return VisibleRequests(len(next(iter(arrays.values()))), arrays)


def test_constant_and_random_look_at_no_value():
    assert Constant(0.3).bid(batch(value=[0, 1, 9])).tolist() == [0.3] * 3
    assert Random(2.0).bid(batch(uniform=[0, 0.25, 0.5])).tolist() == [0.0, 0.5, 1.0]
    assert Constant(0.3).reads == ()
    assert Random(0.3).reads == ("uniform",)


def test_left_out_levels_come_from_the_landscape():
    median = math.exp(-1)
    assert Constant(market=KNOWN).level == pytest.approx(median)
    assert Random(market=KNOWN).high == pytest.approx(2 * median)
    assert ORTB1(market=KNOWN).c == ORTB2(market=KNOWN).c == pytest.approx(median)


@pytest.mark.parametrize(
    ("policy", "name"), [(Constant, "level"), (Random, "high"), (ORTB1, "c"), (ORTB2, "c")]
)
@pytest.mark.parametrize("market", [None, UNKNOWN])
def test_without_a_landscape_they_must_be_given(policy, name, market):
    with pytest.raises(ValueError, match=rf"^{name} is needed where no price landscape is known"):
        policy(market=market)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Constant(-1), r"^level = -1: must be a finite number, 0 or more"),
        (lambda: Random(math.nan), r"^high = nan: must be a finite number, 0 or more"),
        (lambda: MCPC(max_cpc=-0.1), r"^max_cpc = -0.1: must be a finite number, 0 or more"),
        (lambda: MCPC(value_per_click=0), r"^value_per_click = 0: must be a finite number above 0"),
        (lambda: ORTB1(c=0), r"^c = 0: must be a finite number above 0"),
        (lambda: ORTB2(c=1, lam="much"), r"^lam = much: must be a finite number above 0"),
        (lambda: ORTB1(c=True), r"^c = True: must be a finite number above 0"),
    ],
)
def test_parameters_out_of_range_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_mcpc_bids_its_limit_times_the_click_rate():
    ctr = np.array([0.0, 0.001, 0.02])
    assert MCPC(0.5, value_per_click=2.0).bid(batch(value=2.0 * ctr)) == pytest.approx(0.5 * ctr)
    assert MCPC(value_per_click=2.0).bid(batch(value=2.0 * ctr)).tolist() == (2.0 * ctr).tolist()
    assert MCPC(0.5, value_per_click=2.0).multiplier == 0.25


WIN = {ORTB1: lambda b, c: b / (c + b), ORTB2: lambda b, c: b**2 / (c**2 + b**2)}


@given(
    policy=st.sampled_from([ORTB1, ORTB2]),
    value=st.floats(1e-3, 1e3),
    c=st.floats(1e-2, 1e2),
    lam=st.floats(0.05, 20),
)
def test_ortb_is_where_the_surplus_is_highest(policy, value, c, lam):
    x = value / lam
    best = optimize.minimize_scalar(
        lambda share: -(1 - share) * WIN[policy](share * x, c),
        bounds=(0, 1),
        method="bounded",
        options={"xatol": 1e-10},
    )
    assert policy(c, lam).bid(batch(value=[value]))[0] == pytest.approx(best.x * x, rel=2e-4)


@given(value=st.floats(1e-3, 1e3), c=st.floats(1e-2, 1e2), lam=st.floats(0.05, 20))
def test_ortb_is_the_formula_of_the_paper(value, c, lam):
    first, second = (policy(c, lam).bid(batch(value=[value]))[0] for policy in (ORTB1, ORTB2))
    k = (value + math.sqrt(c**2 * lam**2 + value**2)) / (c * lam)
    assert first == pytest.approx(math.sqrt(c * value / lam + c**2) - c, rel=1e-6, abs=1e-10 * c)
    assert second == pytest.approx(c * (k ** (1 / 3) - k ** (-1 / 3)), rel=1e-6, abs=1e-10 * c)


def test_small_values_keep_their_digits():
    """b1 -> x / 2 and b2 -> 2 x / 3 where x is small against c."""
    tiny = batch(value=[1e-12, 0.0])
    assert ORTB1(50.0).bid(tiny)[0] == pytest.approx(0.5e-12, rel=1e-9)
    assert ORTB2(50.0).bid(tiny)[0] == pytest.approx(2e-12 / 3, rel=1e-9)
    assert ORTB1(50.0).bid(tiny)[1] == ORTB2(50.0).bid(tiny)[1] == 0.0


@pytest.mark.parametrize(
    ("strategy", "share"),
    [(Constant(0.5), 1 / 2), (Random(1.0), 1 / 2), (Random(0.5), 1 / 4), (Linear(1.0), 1 / 2)],
)
def test_in_a_market_they_win_what_their_bids_are_good_for(strategy, share):
    """Prices are U[0, 1]: P(win) is the mean bid; 40,000 auctions, z = 4."""
    market = Scenario.model_validate(
        {
            "supply": {"requests": 40_000},
            "response": {"family": "private_value"},
            "rivals": {"landscape": "uniform", "high": 1},
        }
    )
    won = simulate(market, {"focal": Entrant(strategy)}, 1).of("focal")["win_rate"]
    assert won == pytest.approx(share, abs=4 * math.sqrt(share * (1 - share) / 40_000))

"""Fluid pacing, RLB and the hindsight bound: what is worked out from a known landscape, or afterwards."""

from __future__ import annotations

import math
from dataclasses import fields
from functools import cache

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import integrate, optimize, stats

from jointbid.sim import AccountState, Feedback, Scenario, VisibleRequests
from jointbid.strategies.hindsight import hindsight
from jointbid.strategies.market import MarketFacts
from jointbid.strategies.policies.fluid import FluidPacing
from jointbid.strategies.policies.prices import PriceTable
from jointbid.strategies.policies.rlb import RLB, value_function

UNIFORM = {"landscape": "uniform", "high": 1.0}
EVEN = ((np.arange(2_000) + 0.5) / 2_000).tolist()


def rules(rivals=UNIFORM, auction="second_price", floor_cpm=0.0, **supply):
    return MarketFacts.of(
        Scenario.model_validate(
            {"supply": supply, "auction": {"type": auction, "floor_cpm": floor_cpm}, "rivals": rivals}
        )
    )


def batch(value):
    return VisibleRequests(len(value), {"value": np.asarray(value, dtype=float)})


def account(rho, *, seen=0, spend=0.0, expected=1_000):
    budget = rho * expected
    return AccountState(0.0, 24.0, seen, expected, spend, 0, budget, budget - spend)


def feedback(requests, bid, won, paid, least):
    """What a bidder receives; the rest is left out."""
    known = {"requests": requests, "bid": bid, "won": won, "price_paid": paid, "minimum_bid_to_win": least}
    return Feedback(**{field.name: known.get(field.name) for field in fields(Feedback)})


def shown(policy, value):
    none = np.zeros(len(value))
    policy.observe(feedback(batch(value), none, none.astype(bool), none, none))
    return policy


# what a bid pays


@pytest.mark.parametrize(
    ("market", "law", "floor"),
    [
        (rules(), stats.uniform(), 0.0),
        (rules(floor_cpm=300), stats.uniform(), 0.3),
        (
            rules({"landscape": "lognormal", "mu": -1, "sigma": 0.8}),
            stats.lognorm(0.8, scale=math.exp(-1)),
            0.0,
        ),
        (rules({"landscape": "normal", "mu": 0.2, "sigma": 0.3}), stats.norm(0.2, 0.3), 0.0),
    ],
)
@pytest.mark.parametrize("bid", [0.05, 0.31, 0.7, 1.5])
def test_the_mean_payment_is_the_integral_of_the_price(market, law, floor, bid):
    table = PriceTable(market)
    above = max(floor, 0.0)
    expected = 0.0
    if bid >= floor:
        expected = floor * law.cdf(floor) + integrate.quad(lambda p: p * law.pdf(p), above, bid, limit=200)[0]
    assert np.interp(bid, table.bids, table.paid) == pytest.approx(expected, rel=1e-3, abs=1e-5)
    assert np.interp(bid, table.bids, table.win) == pytest.approx(
        law.cdf(bid) if bid >= floor else 0.0, abs=1e-4
    )


@pytest.mark.parametrize("sigma", [0.0, 0.7])
def test_the_mean_payment_with_placement_floors(sigma):
    """Half of the placements have a floor of about .5; by 200,000 draws of max(floor, price)."""
    market = rules(floor_share=0.5, floor_mu=math.log(0.5), floor_sigma=sigma)
    rng = np.random.default_rng(4)
    floor = np.where(
        rng.random(200_000) < 0.5, np.exp(math.log(0.5) + sigma * rng.standard_normal(200_000)), 0.0
    )
    price = np.maximum(floor, rng.random(200_000))
    table = PriceTable(market)
    for bid in (0.3, 0.55, 0.9):
        paid = np.where(price <= bid, price, 0.0)
        error = paid.std() / np.sqrt(len(paid))
        assert np.interp(bid, table.bids, table.paid) == pytest.approx(paid.mean(), abs=4 * error)


# fluid pacing


@pytest.mark.parametrize("rho", [1 / 54, 1 / 24, 2 / 27, 0.3])
@pytest.mark.parametrize("knowing", [True, False])
def test_fluid_multipliers_in_closed_form(rho, knowing):
    """v, p U[0, 1]: sqrt(6 rho) in second price; in first price bids are half of it and cost v^2/(4 m^2): sqrt(12 rho)."""
    for auction, factor in (("second_price", 6), ("first_price", 12)):
        policy = FluidPacing(rules(auction=auction), values=EVEN if knowing else None)
        assert policy.learns != knowing
        (policy if knowing else shown(policy, EVEN)).control(account(rho))
        assert policy.multiplier == pytest.approx(min(1.0, math.sqrt(factor * rho)), rel=1e-4)
        bid = policy.bid(batch([0.8]))[0]
        assert bid == pytest.approx(
            0.8 * policy.multiplier / (1 if auction == "second_price" else 2), rel=1e-4
        )


def test_it_is_the_least_of_the_dual():
    """min over mu of E[(v - (1 + mu) p)+] + mu rho, by quadrature against lognormal prices and two values."""
    law, rho = stats.lognorm(0.8, scale=math.exp(-1)), 0.08

    def dual(mu):
        def surplus(v):
            return integrate.quad(lambda p: (v - (1 + mu) * p) * law.pdf(p), 0, v / (1 + mu))[0]

        return 0.5 * surplus(0.4) + 0.5 * surplus(1.2) + mu * rho

    best = optimize.minimize_scalar(dual, bounds=(0, 10), method="bounded", options={"xatol": 1e-8})
    policy = FluidPacing(rules({"landscape": "lognormal", "mu": -1, "sigma": 0.8}), values=[0.4, 1.2])
    policy.control(account(rho))
    assert policy.mu == pytest.approx(best.x, rel=2e-3)
    assert policy.mu > 0.2


def test_it_plans_for_what_is_left_or_for_the_whole():
    rest, whole = (FluidPacing(rules(), values=EVEN, plan=plan) for plan in ("rest", "whole"))
    for policy in (rest, whole):
        policy.control(account(1 / 24, seen=500, spend=1_000 / 24 - 500 / 96))
    assert rest.multiplier == pytest.approx(math.sqrt(6 / 96), rel=1e-4)
    assert whole.multiplier == pytest.approx(0.5, rel=1e-4)


def test_until_it_knows_values_it_bids_the_value():
    policy = FluidPacing(rules(), mu=1.5)
    policy.observe(feedback(VisibleRequests(0, {}), *[np.empty(0)] * 4))
    policy.control(account(1 / 24))
    assert policy.bid(batch([1.0])).tolist() == [0.4]


def test_without_a_budget_it_is_not_paced():
    policy = FluidPacing(rules(), values=EVEN)
    policy.control(account(math.inf))
    assert policy.multiplier == 1.0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: FluidPacing(rules(rivals={})),
            r"^fluid pacing needs a price landscape: set rivals\.landscape",
        ),
        (lambda: FluidPacing(rules(auction="gsp")), r"of first_price or of second_price alone, not of gsp"),
        (lambda: FluidPacing(rules(), values=[]), r"^values = \[\]: must hold an amount at least"),
        (lambda: FluidPacing(rules(), values=[1, -1]), r"^values = -1: must be a finite number, 0 or more"),
        (lambda: FluidPacing(rules(), mu=-1), r"^mu = -1: must be a finite number, 0 or more"),
        (lambda: FluidPacing(rules(), plan="all"), r"^plan = all: must be one of rest, whole"),
        (lambda: RLB(rules(rivals={})), r"^rlb needs a price landscape: set rivals\.landscape"),
        (lambda: RLB(rules(), mean=0), r"^mean = 0: must be a finite number above 0"),
        (lambda: RLB(rules(), unit=-1), r"^unit = -1: must be a finite number above 0"),
        (lambda: RLB(rules(), levels=2.5), r"^levels = 2.5: must be a whole number, 1 or more"),
        (lambda: RLB(rules(), auctions=0), r"^auctions = 0: must be a whole number, 1 or more"),
    ],
)
def test_parameters_out_of_range_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


# RLB

TEN = np.array([0.0] + [0.1] * 10)


def test_value_function_of_the_paper():
    """10 auctions, a budget of 20, price uniform on 1 to 10, value 1 a win."""
    assert value_function(TEN, 10, 20)[10, 20] == pytest.approx(5.244335, abs=5e-7)


@pytest.mark.parametrize("price", [TEN, np.array([0.2, 0.0, 0.5, 0.1]), np.array([1.0])])
def test_value_function_is_the_recursion(price):
    @cache
    def best(t, b):
        if t == 0:
            return 0.0
        take = [(p, 1 + best(t - 1, b - d)) for d, p in enumerate(price) if d <= b]
        skip = best(t - 1, b)
        return skip + sum(p * max(0.0, won - skip) for p, won in take)

    table = value_function(price, 7, 12)
    assert table == pytest.approx(np.array([[best(t, b) for b in range(13)] for t in range(8)]))
    assert (np.diff(table, axis=0) >= -1e-12).all()
    assert (np.diff(table, axis=1) >= -1e-12).all()


def whole_prices():
    return rules({"landscape": "histogram", "edges": [k + 0.5 for k in range(11)], "weights": [1] * 10})


@pytest.mark.parametrize(("seen", "spend"), [(0, 0.0), (3, 5.0), (8, 12.0), (9, 19.0), (9, 20.0)])
@pytest.mark.parametrize("value", [0.4, 1.0, 2.5])
def test_it_buys_where_winning_gains(seen, spend, value):
    """A price d is bought iff v / mean + V(t - 1, b - d) - V(t - 1, b) >= 0 and d is affordable."""
    policy = RLB(whole_prices(), mean=1.0, unit=1.0, levels=10)
    policy.control(account(2.0, seen=seen, spend=spend, expected=10))
    (bid,) = policy.bid(batch([value]))
    before, b = value_function(TEN, 10, 20)[10 - seen - 1], int(20 - spend)
    for d in range(1, 11):
        assert (bid > d) == (d <= b and value + before[b - d] - before[b] >= 0)


def test_the_mean_value_is_learned():
    knowing, learned, fresh = (RLB(rules(), mean=mean) for mean in (0.5, None, None))
    assert (knowing.learns, learned.learns) == (False, True)
    shown(learned, [0.1, 0.5, 0.9])
    for policy in (knowing, learned, fresh):
        policy.control(account(1 / 24))
    value = [0.0, 0.2, 0.5, 1.0]
    assert learned.bid(batch(value)) == pytest.approx(knowing.bid(batch(value)))
    bids = knowing.bid(batch(value))
    assert bids[0] == 0.0
    assert (np.diff(bids) > 0).all()
    assert fresh.bid(batch([0.2, 1.0])) == pytest.approx(bids[2])  # each counts as average


def test_without_a_budget_it_bids_the_value():
    policy = RLB(rules())
    policy.control(account(math.inf))
    assert policy.bid(batch([0.3])).tolist() == [0.3]


# hindsight

amounts = st.lists(st.tuples(st.floats(0, 1), st.floats(0.001, 1)), min_size=1, max_size=12)


@given(amounts, st.floats(0, 3), st.sampled_from(["profit", "value"]))
def test_hindsight_is_the_linear_programme(rows, budget, objective):
    value, price = np.array(rows).T
    gain = value - price if objective == "profit" else value
    best = optimize.linprog(-gain, A_ub=[price], b_ub=[budget], bounds=(0, 1))
    found = hindsight(value, price, budget, objective)
    # The solver may leave out rows that would each gain less than 1e-7 (HiGHS's dual tolerance).
    assert found.gain == pytest.approx(-best.fun, abs=1e-7 * len(rows))
    assert found.spend <= budget + 1e-9
    assert found.gain == pytest.approx(found.value - (found.spend if objective == "profit" else 0), abs=1e-9)
    assert ((found.share > 0) & (found.share < 1)).sum() <= 1


@example([(1.0, 0.5)], 1.0, 5e-324, 1)
@given(amounts, st.floats(0, 3), st.floats(0, 2), st.integers(1, 3))
def test_hindsight_holds_each_day_s_budget_and_the_one_for_all(rows, budget, daily, days):
    value, price = np.array(rows).T
    day = np.arange(len(value)) % days
    limits = [price, *(np.where(day == number, price, 0.0) for number in range(days))]
    best = optimize.linprog(price - value, A_ub=limits, b_ub=[budget, *[daily] * days], bounds=(0, 1))
    found = hindsight(value, price, budget, day=day, daily_budget=daily)
    assert found.gain == pytest.approx(-best.fun, abs=1e-7 * len(rows))
    assert (np.array(limits) @ found.share <= np.array([budget, *[daily] * days]) + 1e-9).all()


def test_free_and_unlimited():
    found = hindsight(np.array([0.5, 0.2, 0.0]), np.array([0.0, 0.5, 0.0]), 0.0)
    assert found.share.tolist() == [1.0, 0.0, 0.0]
    assert hindsight(np.array([0.5, 0.2]), np.array([0.1, 0.5])).gain == pytest.approx(0.4)
    assert hindsight(np.array([0.5, 0.2]), np.array([0.1, 0.5]), objective="value").gain == pytest.approx(0.7)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1.0], [1.0, 2.0]), r"have shapes \(1,\) and \(2,\)"),
        (([1.0], [-1.0]), r"prices 0 or more"),
        (([math.nan], [1.0]), r"must be finite numbers"),
        (([1.0], [1.0], -1), r"^budget = -1: must be a number, 0 or more"),
        (([1.0], [1.0], math.nan), r"^budget = nan"),
        (([1.0], [1.0], 1, "clicks"), r"^objective = clicks: must be one of profit, value"),
    ],
)
def test_hindsight_refuses_what_makes_no_sense(arguments, message):
    with pytest.raises(ValueError, match=message):
        hindsight(*arguments)


def test_hindsight_refuses_days_that_do_not_fit():
    with pytest.raises(ValueError, match=r"^daily_budget = -1"):
        hindsight([1.0], [1.0], day=np.zeros(1, int), daily_budget=-1)
    with pytest.raises(ValueError, match=r"^day has shape \(2,\)"):
        hindsight([1.0], [1.0], day=np.zeros(2, int), daily_budget=1)

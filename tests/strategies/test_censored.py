"""Landscapes learned from what an exchange tells, and shading by them."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats

from jointbid.sim import AccountState, Feedback, Scenario, VisibleRequests
from jointbid.sim.auction.mechanisms import MECHANISMS
from jointbid.strategies.bins import EDGES, bin_of
from jointbid.strategies.market import MarketFacts
from jointbid.strategies.policies.censored import (
    BestResponse,
    CensoredPrices,
    isotonic,
    kaplan_meier,
    lognormal,
)
from jointbid.strategies.policies.learned_shading import LearnedShading

STATE = AccountState(1.0, 24.0, 10, 100, 0.0, 0, np.inf, np.inf)


def rules(auction="first_price"):
    return MarketFacts.of(Scenario.model_validate({"auction": {"type": auction}}))


def gather(price, bid, feedback):
    """What a bidder receives of auctions with these prices when it bids so."""
    prices, price, bid = CensoredPrices(), np.asarray(price, dtype=float), np.asarray(bid, dtype=float)
    prices.add(bid, bid >= price, price, feedback)
    return prices


def batch(**columns):
    arrays = {name: np.asarray(column) for name, column in columns.items()}
    return VisibleRequests(len(next(iter(arrays.values()))), arrays)


# bins


@given(st.floats(1e-6, 1e8))
def test_a_bin_holds_what_is_at_most_its_end(money):
    j = bin_of(np.array([money]))[0]
    assert money <= EDGES[j]
    assert j == 0 or EDGES[j - 1] < money
    assert EDGES[j] / money < 1.0055


# Kaplan-Meier


def test_kaplan_meier_by_hand():
    """Prices 1, 2 and 4 are known, one is above 2 and one above 3: 4/5, 4/5 x 3/4, and nothing left."""
    prices = gather([1, 2, 9, 9, 4], [5, 5, 2, 3, 5], "winning_price")
    held, win = kaplan_meier(prices)
    assert held.tolist() == bin_of(np.array([1.0, 2.0, 4.0])).tolist()
    assert win == pytest.approx([0.2, 0.4, 1.0])


@given(st.lists(st.floats(0.01, 10), min_size=1, max_size=50))
def test_with_all_prices_known_it_is_the_empirical_law(price):
    held, win = kaplan_meier(gather(price, np.ones(len(price)), "minimum_bid"))
    assert win == pytest.approx([np.mean(np.array(price) <= EDGES[j]) for j in held])


def test_kaplan_meier_sees_through_the_censoring():
    """20,000 U[0, 1] prices and independent bids: within 4 standard errors (Greenwood: at most those at P(known) = 1/2)."""
    rng = np.random.default_rng(1)
    price, bid = rng.random(20_000), rng.random(20_000)
    held, win = kaplan_meier(gather(price, bid, "winning_price"))
    assert held[-1] == bin_of(np.array([price[bid >= price].max()]))[0]
    for x in (0.2, 0.5, 0.8):
        seen = win[held <= bin_of(np.array([x]))[0]][-1]
        assert seen == pytest.approx(x, abs=4 * np.sqrt(x * (1 - x) / (20_000 * (1 - x) / 2)) + 0.005)
    seen_prices = price[bid >= price]
    assert np.mean(seen_prices <= 0.5) > 0.7  # what a mean over the wins alone would say


# wins and losses alone


@given(st.lists(st.tuples(st.floats(0.1, 10), st.booleans()), min_size=1, max_size=40))
def test_isotonic_rises_and_keeps_the_total(rows):
    bid, won = np.array([b for b, _ in rows]), np.array([w for _, w in rows])
    prices = CensoredPrices()
    prices.add(bid, won, np.zeros(len(bid)), "win_lose")
    held, win = isotonic(prices)
    assert (np.diff(win) >= -1e-12).all()
    tried = (prices.below + prices.above)[held]
    assert win @ tried == pytest.approx(won.sum())


def test_isotonic_finds_the_law():
    rng = np.random.default_rng(2)
    price, bid = rng.random(50_000), rng.random(50_000)
    held, win = isotonic(gather(price, bid, "win_lose"))
    for x in (0.2, 0.5, 0.8):
        assert win[held <= bin_of(np.array([x]))[0]][-1] == pytest.approx(x, abs=0.05)


# lognormal


def misfit(p, price, bid, feedback):
    """Minus the log-likelihood of (mu, log sigma), known or not, row by row."""
    law, won = stats.norm(p[0], np.exp(p[1])), bid >= price
    seen_prices = {"minimum_bid": np.ones_like(won), "winning_price": won, "win_lose": np.zeros_like(won)}[
        feedback
    ]
    x, b = np.log(price), np.log(bid)
    fits = np.where(seen_prices, law.logpdf(x), np.where(won, law.logcdf(b), law.logsf(b)))
    return -fits.sum()


@pytest.mark.parametrize("feedback", ["minimum_bid", "winning_price", "win_lose"])
def test_lognormal_is_the_likeliest(feedback):
    rng = np.random.default_rng(3)
    price, bid = np.exp(rng.normal(-1, 0.7, 150)), np.exp(rng.normal(-1, 0.9, 150))
    best = optimize.minimize(
        misfit, [0.0, 0.0], (price, bid, feedback), method="Nelder-Mead", options={"xatol": 1e-5}
    )
    held, win = lognormal(gather(price, bid, feedback))
    law = stats.norm(best.x[0], np.exp(best.x[1]))
    assert win == pytest.approx(law.cdf(np.log(EDGES[held])), abs=0.006)
    assert len(held) > 500


def test_lognormal_with_free_impressions():
    """Half of the prices are 0: all that is known of them is that any bid wins."""
    prices = gather([0.0] * 50 + [1.0] * 50, np.ones(100), "minimum_bid")
    held, win = lognormal(prices)
    at = held.tolist().index(bin_of(np.array([1.0]))[0])
    assert 0.3 < win[at] <= 1.0


def test_wins_above_all_losses_leave_it_finite():
    held, win = lognormal(gather([0.5] * 40, np.linspace(0.1, 0.9, 40), "win_lose"))
    assert np.isfinite(win).all()
    at = held.tolist().index(bin_of(np.array([0.5]))[0])
    assert win[at - 60] < 0.05
    assert win[at + 60] > 0.95


@pytest.mark.parametrize("won", [True, False])
def test_nothing_but_wins_or_losses_leaves_it_finite(won):
    prices = CensoredPrices()
    prices.add(np.full(10, 0.5), np.full(10, won), np.zeros(10), "win_lose")
    _, win = lognormal(prices)
    assert np.isfinite(win).all()
    assert (win.max() > 0.9) if won else (win.min() < 0.1)


# the best response


@given(
    st.lists(st.tuples(st.floats(0.01, 5), st.floats(0.01, 1)), min_size=1, max_size=30),
    st.lists(st.floats(0, 10), min_size=1, max_size=5),
)
def test_no_other_bid_earns_more(steps, values):
    bid = np.unique([b for b, _ in steps])
    win = np.cumsum([w for _, w in steps])[: len(bid)]
    win /= max(win[-1], 1.0)
    value = np.array(values)
    answer = BestResponse(bid, win).of(value)
    chance = np.where(answer > 0, win[np.maximum(np.searchsorted(bid, answer, side="right") - 1, 0)], 0.0)
    best = np.maximum(((value[:, None] - bid) * win).max(axis=1), 0.0)
    assert (value - answer) * chance == pytest.approx(best, abs=1e-9)
    assert (answer <= value).all()


# the policy


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LearnedShading("kaplan"), r"^estimator = kaplan: must be one of kaplan_meier, lognormal"),
        (
            lambda: LearnedShading(feedback="none"),
            r"^feedback = none: must be one of win_lose, winning_price, minimum_bid",
        ),
        (lambda: LearnedShading(explore=2), r"^explore = 2: must be a number from 0 to 1"),
        (lambda: LearnedShading(least=0.5), r"^least = 0.5: must be a whole number, 1 or more"),
        (lambda: LearnedShading(market=rules("soft_floor")), r"^learned shading knows no soft floors"),
    ],
)
def test_parameters_out_of_range_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_what_it_declares_follows_from_what_it_receives():
    seen_prices, guessing = LearnedShading(), LearnedShading(feedback="win_lose")
    assert (seen_prices.reads, seen_prices.stochastic, seen_prices.learns) == (("value",), False, True)
    assert (guessing.reads, guessing.stochastic) == (("value", "uniform"), True)
    second = LearnedShading(feedback="win_lose", market=rules("second_price"))
    assert (second.reads, second.stochastic, second.learns) == (("value",), False, False)
    assert second.bid(batch(value=[0.7])).tolist() == [0.7]


def test_before_it_knows_it_tries():
    assert LearnedShading().bid(batch(value=[0.8])).tolist() == [0.4]
    assert LearnedShading(feedback="win_lose").bid(batch(value=[0.8], uniform=[0.25])).tolist() == [0.2]


def feedback(requests, bid, won, paid, least):
    """What a bidder receives; the rest is left out."""
    known = {"requests": requests, "bid": bid, "won": won, "price_paid": paid, "minimum_bid_to_win": least}
    return Feedback(**{field.name: known.get(field.name) for field in fields(Feedback)})


def taught(policy, price, bid):
    """The policy after a batch of auctions at these prices."""
    price, bid = np.asarray(price, dtype=float), np.asarray(bid, dtype=float)
    won = bid >= price
    policy.observe(feedback(batch(value=bid), bid, won, np.where(won, bid, 0.0), price))
    policy.control(STATE)
    return policy


def test_it_bids_just_what_the_price_has_been():
    policy = taught(LearnedShading(), [0.25] * 100, [0.5] * 100)
    bids = policy.bid(batch(value=[0.1, 0.3, 2.0]))
    assert bids[0] == 0.05  # the price was never below .1: as good as no bid
    assert bids[1:] == pytest.approx(0.25, rel=0.006)
    assert (bids[1:] >= 0.25).all()


def test_it_waits_for_enough_auctions_that_it_bid_in():
    policy = taught(LearnedShading(least=50), [0.25] * 99, [0.5] * 49 + [0.0] * 50)
    assert policy.bid(batch(value=[2.0])).tolist() == [1.0]
    assert taught(policy, [0.25], [0.5]).bid(batch(value=[2.0]))[0] == pytest.approx(0.25, rel=0.006)


def test_it_goes_on_trying_where_prices_are_not_known():
    policy = taught(LearnedShading(feedback="winning_price", explore=0.1), [0.25] * 200, [0.5] * 200)
    bids = policy.bid(batch(value=[2.0, 2.0, 2.0], uniform=[0.05, 0.1, 0.9]))
    assert bids == pytest.approx([1.0, 0.25, 0.25], rel=0.006)


def test_in_a_mixed_market_it_shades_where_the_price_is_the_bid():
    mixed = MarketFacts.of(
        Scenario.model_validate({"auction": {"type": {"first_price": 1, "second_price": 1}}})
    )
    policy = LearnedShading(market=mixed)
    assert policy.reads == ("value", "auction_type")
    at = np.array([MECHANISMS["first_price"], MECHANISMS["second_price"]])
    assert policy.bid(batch(value=[0.8, 0.8], auction_type=at)).tolist() == [0.4, 0.8]

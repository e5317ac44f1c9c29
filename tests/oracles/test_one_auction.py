"""One auction of n bidders with private values. n = 32 replications of 25,000 auctions each.

Sources: Vickrey 1961, Myerson 1981 (both formats, with and without a reserve); H_n - 1 for exponential values is the
mean of the second highest of n exponentials.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize, stats

from jointbid.strategies.base import Policy
from jointbid.strategies.policies.linear import Linear, Truthful

pytestmark = pytest.mark.oracle

MARKETS = [(1, 1.0), (2, 1.0), (3, 1.0), (5, 1.0), (10, 1.0), (2, 0.4), (4, 3.0)]  # bidders, highest value


class ReserveEquilibrium(Policy):
    """First price, values U[0, high], reserve r: (n-1)v/n + r^n / (n v^(n-1)), from r on."""

    def __init__(self, n, r):
        self.n, self.r = n, r

    def bid(self, requests):
        v, n, r = requests["value"], self.n, self.r
        bid = (n - 1) * v / n + r**n / (n * np.maximum(v, r) ** (n - 1))
        return np.where(v >= r, bid, 0.0)


def private(scenario, auction, reserve=0.0, **response):
    return scenario(
        response={"family": "private_value", **response},
        auction={"type": auction, "floor_cpm": 1000 * reserve},
    )


def seats(n, strategy):
    return {f"bidder_{i}": strategy for i in range(n)}


@pytest.mark.parametrize(("n", "high"), MARKETS)
def test_second_price(scenario, market, lands, n, high):
    got = market(private(scenario, "second_price", high=high), seats(n, Truthful()))
    lands(got["revenue"], high * (n - 1) / (n + 1))
    lands(got["welfare"], high * n / (n + 1))
    for bidder in range(n):
        lands(got["profit"][:, bidder], high / (n * (n + 1)))
        lands(got["wins"][:, bidder], 1 / n)


@pytest.mark.few(2)
@pytest.mark.parametrize(("n", "high"), MARKETS[1:])
def test_first_price_equilibrium_gives_the_same_revenue(scenario, market, lands, n, high):
    got = market(private(scenario, "first_price", high=high), seats(n, Linear((n - 1) / n)))
    lands(got["revenue"], high * (n - 1) / (n + 1))
    lands(got["welfare"], high * n / (n + 1))
    lands(got["profit"].mean(axis=1), high / (n * (n + 1)))
    second = market(private(scenario, "second_price", high=high), seats(n, Truthful()))
    lands(got["revenue"] - second["revenue"], 0.0, resolution=2e-3 * high)
    assert np.allclose(
        got["welfare"], second["welfare"], atol=1e-5 * high
    )  # the same winner (but for rounded ties)


@pytest.mark.parametrize(("n", "high"), MARKETS)
def test_first_price_with_bidders_still_truthful(scenario, market, lands, n, high):
    got = market(private(scenario, "first_price", high=high), seats(n, Truthful()))
    lands(got["revenue"], high * n / (n + 1))
    assert np.abs(got["profit"]).max() < 1e-6  # pays its value, up to rounding to micros


def second_price_revenue(n, r):
    return (n - 1) / (n + 1) + r**n - 2 * n * r ** (n + 1) / (n + 1)


@pytest.mark.few(5)
@pytest.mark.parametrize(("r", "high"), [(0.3, 3.0), (0.5, 1.0), (0.8, 1.0)])
@pytest.mark.parametrize("n", [1, 2, 3, 5, 10])
def test_second_price_with_reserve(scenario, market, lands, n, r, high):
    got = market(private(scenario, "second_price", r * high, high=high), seats(n, Truthful()))
    lands(got["revenue"], high * second_price_revenue(n, r))
    lands(got["wins"].sum(axis=1), 1 - r**n)
    lands(got["welfare"], high * n / (n + 1) * (1 - r ** (n + 1)))


def test_revenues_at_the_best_reserve_are_those_of_the_table():
    assert [second_price_revenue(n, 0.5) for n in (1, 2, 5)] == pytest.approx([0.25, 5 / 12, 0.671875])
    assert second_price_revenue(3, 0.5) == pytest.approx(0.53125)


@pytest.mark.few(2)
@pytest.mark.parametrize("n", [1, 2, 5])
@pytest.mark.parametrize("other", [0.4, 0.6])
def test_the_best_reserve_is_half_the_highest_value(scenario, market, lands, n, other):
    """Paired differences on the same values: a reserve of 1/2 beats its neighbours by what the formula says."""
    best, next_to_it = (
        market(private(scenario, "second_price", r), seats(n, Truthful()))["revenue"] for r in (0.5, other)
    )
    lands(
        best - next_to_it,
        second_price_revenue(n, 0.5) - second_price_revenue(n, other),
        resolution=0.6 * (second_price_revenue(n, 0.5) - second_price_revenue(n, other)),
    )


@pytest.mark.few(3)
@pytest.mark.parametrize(
    ("n", "r", "high"),
    [(1, 0.5, 1.0), (2, 0.5, 1.0), (3, 0.5, 1.0), (5, 0.5, 1.0), (3, 0.3, 3.0), (2, 0.7, 0.5)],
)
def test_first_price_with_reserve(scenario, market, lands, n, r, high):
    bidders = seats(n, ReserveEquilibrium(n, r * high))
    got = market(private(scenario, "first_price", r * high, high=high), bidders)
    lands(got["revenue"], high * second_price_revenue(n, r))
    second = market(private(scenario, "second_price", r * high, high=high), seats(n, Truthful()))
    lands(got["revenue"] - second["revenue"], 0.0, resolution=2e-3 * high)


@pytest.mark.few(3)
@pytest.mark.parametrize(("n", "mean"), [(1, 1.0), (2, 1.0), (3, 1.0), (4, 1.0), (5, 2.5), (10, 0.2)])
def test_exponential_values(scenario, market, lands, n, mean):
    """SPA revenue H_n - 1, welfare H_n, surplus 1/n each."""
    harmonic = sum(1 / k for k in range(1, n + 1))
    got = market(private(scenario, "second_price", law="exponential", high=mean), seats(n, Truthful()))
    lands(got["revenue"], mean * (harmonic - 1))
    lands(got["welfare"], mean * harmonic)
    lands(got["profit"].mean(axis=1), mean / n)


# one bidder against a price landscape


def known_value(scenario, v, auction, **rivals):
    return scenario(response={"a": v}, auction={"type": auction}, rivals=rivals)


BINS = 1200  # fine enough for F = b^k, and a third of them is whole


@pytest.mark.few(2)
@pytest.mark.parametrize(("v", "k"), [(0.8, 1), (0.8, 3), (0.5, 2), (0.9, 2), (0.4, 1)])
def test_best_first_price_bid_against_a_power_law(scenario, profit, lands, v, k):
    """F = b^k on [0, 1]: b* = kv/(k+1), seen in how often it wins and in what it earns."""
    edges = np.linspace(0, 1, BINS + 1)
    rivals = {"landscape": "histogram", "edges": edges.tolist(), "weights": np.diff(edges**k).tolist()}
    s = known_value(scenario, v, "first_price", **(rivals if k > 1 else {"landscape": "uniform", "high": 1}))
    best = k * v / (k + 1)
    lands(profit(s, "none", metric="wins"), best**k, resolution=0.005)
    lands(profit(s, "none"), (v - best) * best**k)
    lands(profit(s, "none", metric="spend"), best * best**k)


@pytest.mark.few(2)
@pytest.mark.parametrize(("v", "mu", "sigma"), [(1.2, 0.0, 0.8), (3.0, 0.5, 0.5), (0.7, -1.0, 1.2)])
@pytest.mark.parametrize("law", ["lognormal", "normal"])
def test_best_first_price_bid_against_a_numerical_optimum(scenario, profit, lands, law, v, mu, sigma):
    F = stats.lognorm(sigma, scale=np.exp(mu)).cdf if law == "lognormal" else stats.norm(mu, sigma).cdf
    found = optimize.minimize_scalar(
        lambda b: -(v - b) * F(b), bounds=(0, v), method="bounded", options={"xatol": 1e-10}
    )
    s = known_value(scenario, v, "first_price", landscape=law, mu=mu, sigma=sigma)
    lands(profit(s, "none", metric="wins"), F(found.x), resolution=0.005)
    lands(profit(s, "none"), -found.fun)


@pytest.mark.parametrize(("high", "most"), [(1.0, 1.0), (1.0, 2.5), (0.6, 3.0)])
def test_private_values_against_a_uniform_landscape(scenario, profit, lands, high, most):
    """v ~ U[0, h], p ~ U[0, M], h <= M: SPA E[v^2]/(2M) = h^2/(6M); first price, best bid v/2: half of it."""
    for auction, expected in (("second_price", high**2 / (6 * most)), ("first_price", high**2 / (12 * most))):
        s = scenario(
            requests=10_000,
            response={"family": "private_value", "high": high},
            auction={"type": auction},
            rivals={"landscape": "uniform", "high": most},
        )
        lands(profit(s, "none"), expected)


@pytest.mark.parametrize("rho", [1 / 24, 1 / 54])
def test_linear_pacing_in_the_fluid_limit(scenario, market, lands, rho):
    """Section 2: v, p ~ U[0, 1], SPA, bid alpha v: alpha = sqrt(6 rho) spends rho; value alpha/3, utility alpha/3 - rho."""
    s = scenario(response={"family": "private_value"}, rivals={"landscape": "uniform", "high": 1})
    alpha = np.sqrt(6 * rho)
    got = market(s, {"focal": Linear(alpha)})
    lands(got["spend"][:, 0], rho)
    lands(got["value"][:, 0], alpha / 3)
    lands(got["profit"][:, 0], alpha / 3 - rho)

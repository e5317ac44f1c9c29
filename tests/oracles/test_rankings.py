"""Rules of who wins. n = 32 replications of 25,000 auctions in the laws.

Sources: Lahaie & Pennock 2007 (rank by bid x quality ** exponent), Myerson 1981 (rank by virtual value; revenue is the mean virtual
value of the winners). The formula for squashed qualities is our own derivation.
"""

from __future__ import annotations

from math import prod

import numpy as np
import pytest
from scipy import integrate

from jointbid.sim import simulate
from jointbid.strategies.policies.constant import Constant
from jointbid.strategies.policies.linear import Linear, Truthful

pytestmark = pytest.mark.oracle

TWO_HIGHS = {"rule": "virtual_value", "by_bidder": {"b0": 1.0, "b1": 2.0}}
UNEQUAL = {"b0": Truthful(), "b1": Linear(2.0)}  # values U[0,1] and U[0,2]


def ranked(scenario, rank, auction="second_price", **rules):
    return scenario(response={"family": "private_value"}, auction={"type": auction, "rank": rank, **rules})


def squashed_revenue(slopes):
    """Truthful bids, values U[0,1]: a score is U[0, slope], and the winner k pays the best other score m over its slope.

    The mean of m (1 - m / slope_k) over the law G of m, by parts, is the integral of (2 m / slope_k - 1) G(m).
    """

    def mean_payment(k):
        others = [*slopes[:k], *slopes[k + 1 :]]
        part = lambda m: (2 * m / slopes[k] - 1) * prod(min(m / r, 1.0) for r in others)  # noqa: E731
        return integrate.quad(part, 0, slopes[k], points=sorted(r for r in others if r < slopes[k]))[0]

    return sum(mean_payment(k) / slope for k, slope in enumerate(slopes))


def test_squashed_revenue_of_two_in_closed_form():
    for r in (1.0, 1.5, 4.0):
        assert squashed_revenue([1.0, r]) == pytest.approx(2 / (3 * r) - 1 / (3 * r**2))


@pytest.mark.parametrize("exponent", [0.0, 0.5, 1.0])
@pytest.mark.parametrize(
    ("auction", "qualities"), [("second_price", [1, 4]), ("gsp", [1, 0.5, 3]), ("vcg", [2, 4, 1])]
)
def test_squashed_quality(scenario, market, lands, exponent, auction, qualities):
    rank = {
        "rule": "quality",
        "exponent": exponent,
        "by_bidder": {f"b{k}": q for k, q in enumerate(qualities)},
    }
    got = market(ranked(scenario, rank, auction), {f"b{k}": Truthful() for k in range(len(qualities))})
    lands(got["revenue"], squashed_revenue([float(q) ** exponent for q in qualities]))


@pytest.mark.parametrize("seed", range(6))
def test_generalised_second_price_by_quality(scenario, seed):
    """Each slot's winner pays its rate x the next score over its own slope; enumerated for bids that stay as they are."""
    rng = np.random.default_rng(seed)
    bids, qualities, exponent = rng.uniform(0.5, 2, 5), rng.uniform(0.2, 3, 5), rng.choice([0.25, 0.6, 1.0])
    rates, n = [1.0, 0.6, 0.25], 10
    rank = {
        "rule": "quality",
        "exponent": exponent,
        "by_bidder": {f"b{k}": q for k, q in enumerate(qualities)},
    }
    bidders = {f"b{k}": Constant(bid) for k, bid in enumerate(bids)}
    run = simulate(ranked(lambda **parts: scenario(n, **parts), rank, "gsp", slots=rates), bidders, seed=1)
    slopes = qualities**exponent
    order = np.argsort(-bids * slopes)
    spend = np.zeros(5)
    for rate, winner, following in zip(rates, order, order[1:], strict=False):
        spend[winner] = n * rate * bids[following] * slopes[following] / slopes[winner]
    assert run.bidders["spend"] == pytest.approx(spend, abs=n * 6e-6)
    assert (run.bidders["spend"] > 0).sum() == 3


def test_the_optimal_auction_of_two_unequal_bidders(scenario, market, lands):
    """Myerson: E max(0, 2 v - 1, 2 w - 2) for v, w uniform on [0, 1] and [0, 2], more than any common floor earns."""
    best = integrate.quad(lambda x: 1 - min((x + 1) / 2, 1) * (x + 2) / 4, 0, 2, points=[1])[0]
    assert best == pytest.approx(31 / 48)
    got = market(ranked(scenario, TWO_HIGHS), UNEQUAL)
    lands(got["revenue"], best)
    envelope = integrate.quad(lambda v: (1 - v) * (v + 0.5) / 2, 0.5, 1)[0]  # P(b1's virtual value is lower)
    lands(got["profit"][:, 0], envelope)
    for floor in (0.0, 0.5, 0.75, 1.0):
        plain = market(ranked(scenario, {}, floor_cpm=1000 * floor), UNEQUAL)["revenue"]
        assert (got["revenue"] - plain).mean() > 0.02


def test_equal_bidders_by_virtual_value_have_the_reserve_of_a_half(scenario, market):
    rank = {"rule": "virtual_value", "by_bidder": {"b0": 1.0, "b1": 1.0}}
    bidders = {"b0": Truthful(), "b1": Truthful()}
    optimal = market(ranked(scenario, rank), bidders, replications=2)
    reserve = market(ranked(scenario, {}, floor_cpm=500), bidders, replications=2)
    assert all((optimal[name] == reserve[name]).all() for name in optimal)


@pytest.mark.parametrize("rank", [TWO_HIGHS, {"rule": "quality", "by_bidder": {"b1": 2.0}, "exponent": 0.5}])
@pytest.mark.parametrize("gain", [0.8, 1.25])
def test_truth_is_best_in_a_second_price_auction(scenario, market, rank, gain):
    truthful = market(ranked(scenario, rank), UNEQUAL)["profit"][:, 0]
    other = market(ranked(scenario, rank), UNEQUAL | {"b0": Linear(gain)})["profit"][:, 0]
    lost = truthful - other
    assert lost.mean() > 4 * lost.std(ddof=1) / np.sqrt(len(lost))

"""Who is owed what among several sources, and what sellers lose where people cannot be distinguished.

n = 32 replications of 25,000 requests (Shapley; theory.md section 5) and 24 of 4,000 auctions (section 4).
"""

from __future__ import annotations

import numpy as np
import pytest

from jointbid.strategies.base import Priced
from jointbid.strategies.policies.linear import Truthful
from jointbid.strategies.valuations.tables import CellValues

pytestmark = pytest.mark.oracle


@pytest.mark.parametrize(("a", "b", "c", "d", "M"), [(1.0, 0.3, 0.2, 0.1, 2.0), (2.0, -0.5, 0.4, 0.3, 4.0)])
def test_shapley_shares_are_halves_of_the_interaction(scenario, profit, lands, a, b, c, d, M):
    """Section 5: phi_profile = (b^2 + d^2/2)/(2M), .02375 in the base example; shares sum to U_J - U_none."""
    s = scenario(
        response={"a": a, "b": b, "c": c, "d": d},
        source={"profile": {}, "context": {}},
        rivals={"landscape": "uniform", "high": M},
    )
    u = {arm: profit(s, arm) for arm in ("none", "profile", "context", "joint")}
    for one, other, own in (("profile", "context", b), ("context", "profile", c)):
        share = (u[one] - u["none"] + u["joint"] - u[other]) / 2
        lands(share, (own**2 + d**2 / 2) / (2 * M))
    assert pytest.approx(0.02375) == (0.3**2 + 0.1**2 / 2) / 4


@pytest.mark.parametrize(
    ("law", "n", "mean", "revenue"),
    [
        ("uniform", 5, 0.5, 4 / 6),
        ("uniform", 2, 0.5, 1 / 3),
        ("exponential", 50, 1.0, sum(1 / k for k in range(2, 51))),
        ("exponential", 2, 1.0, 0.5),
    ],
)
def test_what_sellers_lose_when_targeting_is_removed(scenario, market, lands, law, n, mean, revenue):
    """Section 4: 1 - E[v]/Rev(n): 25 % for five uniform values, 71 % for fifty exponential ones, a gain in thin markets."""
    s = scenario(requests=4_000, response={"family": "private_value", "law": law})
    names = [f"bidder_{number}" for number in range(n)]
    targeted = market(s, dict.fromkeys(names, Truthful()), replications=24)["revenue"]
    blind = market(
        s, dict.fromkeys(names, Priced(CellValues((), np.array(mean)), Truthful())), replications=24
    )
    assert np.allclose(blind["revenue"], mean, rtol=0, atol=1e-9)
    lands(1 - blind["revenue"] / targeted, 1 - mean / revenue, resolution=0.05)
    if n == 50:
        assert 1 - mean / revenue == pytest.approx(0.71, abs=0.005)

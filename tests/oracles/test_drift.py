"""Products that drift: what their states must look like, and what it is worth to know them sooner."""

from __future__ import annotations

from math import log, sqrt
from typing import Any

import numpy as np
import pytest

from jointbid.sim import Entrant, Scenario, simulate
from jointbid.sim.drift import Products, rows_by_product
from jointbid.sim.response import truth
from jointbid.sim.scenario import HOUR_US
from jointbid.sim.streams import Streams
from jointbid.strategies.base import Priced
from jointbid.strategies.policies.linear import Truthful
from jointbid.strategies.valuations.bayes import bayes

pytestmark = pytest.mark.oracle
Z = 4.0
A, B, C, D, M = 1.0, 0.3, 0.2, 0.1, 2.0


def market(half_life_h: float = 12.0, **parts: Any) -> Scenario:
    """The base example of the closed forms with products in place of people: theta = a + b x + c z + d x z, p ~ U[0, M]."""
    base: dict[str, Any] = {
        "supply": {"requests": 40_000, "horizon_h": 2_400.0, "context_types": 2},
        "audience": {"profile_types": 2, "drift": {"half_life_h": half_life_h}},
        "response": {"family": "additive", "a": A, "b": B, "c": C, "interaction": D},
        "source": {"profile": {}, "context": {}},
        "rivals": {"landscape": "uniform", "high": M},
        "bidders": {"values": "common", "control_interval_h": 100.0},
        "engine": {"series_h": 100.0},
    }
    for name, part in parts.items():
        base[name] = {**base.get(name, {}), **part} if isinstance(part, dict) else part
    return Scenario.model_validate(base)


def utility(scenario: Scenario, sources: tuple[str, ...], replications: int) -> np.ndarray:
    """Profit a request in each replication of who bids what its data say."""
    brain = Priced(bayes(scenario, sources), Truthful())
    runs = [simulate(scenario, {"me": Entrant(brain, sources)}, 11, r).of("me") for r in range(replications)]
    return np.array([run["profit"] / run["requests"] for run in runs])


def close(found: np.ndarray, expected: float) -> None:
    assert abs(found.mean() - expected) <= Z * found.std(ddof=1) / sqrt(len(found)), (found.mean(), expected)


@pytest.mark.parametrize("age_h", [3.0, 12.0, 30.0])
def test_a_state_correlates_with_itself_by_its_half_life(age_h: float) -> None:
    """corr = 2^(-t / half-life): a chain that is redrawn at a constant rate. 4,000 products, one pair each; z <= 4."""
    scenario = market(supply={"context_types": 4_000, "horizon_h": 100.0})
    products = Products(scenario, Streams(1, 0), round(50 * HOUR_US))
    every = rows_by_product(np.arange(4_000, dtype=np.int32), 4_000)
    now, then = (
        products.state_at(every, np.full(4_000, round(t * HOUR_US))) * 2.0 - 1.0 for t in (20.0, 20.0 - age_h)
    )
    expected = 0.5 ** (age_h / 12.0)
    assert abs((now * then).mean() - expected) <= Z * sqrt((1 - expected**2) / 4_000)
    assert abs(now.mean()) <= Z / sqrt(4_000), "each of two states is as likely"


def test_changes_come_at_the_rate_that_the_half_life_says() -> None:
    """Redrawn at rate ln 2 / H, and half of the redraws show something else: Poisson over 2,400 h and 200 products, z <= 4."""
    scenario = market(supply={"context_types": 200})
    products = Products(scenario, Streams(2, 0), 0)
    grid = np.arange(0.0, 2_400.0, 0.05)
    times = np.rint(grid * HOUR_US).astype(np.int64)
    changes = 0
    for p in range(200):
        rows = rows_by_product(np.full(len(times), p, np.int32), 200)
        changes += int((np.diff(products.state_at(rows, times)) != 0).sum())
    expected = 200 * 2_400 * log(2) / 12 / 2
    assert abs(changes - expected) <= Z * sqrt(expected)


@pytest.mark.few(2)
@pytest.mark.parametrize("latency_h", [0.0, 4.0, 12.0, 36.0])
def test_freshness_is_worth_what_the_closed_form_says(latency_h: float) -> None:
    """U = (a^2 + c^2 + r^2 (b^2 + d^2)) / 2M with r = 2^(-age / H): theory of stale copies, 40 runs, z <= 4.

    An hour of freshness is then worth 2 ln 2 / H x r^2 (b^2 + d^2) / 2M at age t.
    """
    found = utility(market(source={"profile": {"latency_h": latency_h}}), ("profile", "context"), 40)
    r = 0.5 ** (latency_h / 12.0)
    close(found, (A**2 + C**2 + r**2 * (B**2 + D**2)) / (2 * M))


def test_a_nightly_copy_of_known_age_is_worth_the_mean_over_its_ages() -> None:
    """Mean of r^2 over ages L to L + 24 h: 2^(-2L/H) (1 - 2^(-48/H)) / (48 ln 2 / H); 40 runs, z <= 4."""
    found = utility(
        market(source={"profile": {"latency_h": 2.0, "sync_interval_h": 24.0}}), ("profile", "context"), 40
    )
    rate = 2 * log(2) / 12.0
    mean = np.exp(-rate * 2.0) * (1 - np.exp(-rate * 24.0)) / (rate * 24.0)
    close(found, (A**2 + C**2 + mean * (B**2 + D**2)) / (2 * M))


def test_taken_for_fresh_an_old_copy_harms_once_its_correlation_is_below_a_half() -> None:
    """U = (a^2 + c^2 + (2 r - 1)(b^2 + d^2)) / 2M, naive; 40 runs, z <= 4."""
    source = {"profile": {"latency_h": 24.0, "use": "naive"}}
    scenario = market(source=source)
    close(utility(scenario, ("profile", "context"), 40), (A**2 + C**2 - 0.5 * (B**2 + D**2)) / (2 * M))


def test_where_nothing_drifts_an_hour_of_freshness_is_worth_nothing() -> None:
    """A half-life of a century: yesterday's copy is today's, on the same draws."""
    fresh = market(half_life_h=870_000.0, supply={"requests": 4_000})
    old = market(half_life_h=870_000.0, supply={"requests": 4_000}, source={"profile": {"latency_h": 24.0}})
    one, other = (utility(each, ("profile", "context"), 4) for each in (fresh, old))
    np.testing.assert_allclose(one, other, rtol=1e-4)


def test_the_products_states_are_the_law_that_valuations_reckon_with() -> None:
    """Over many half-lives every product is in each state as often: the mean worth of requests is that of the law; z <= 4."""
    scenario = market(half_life_h=1.0, supply={"requests": 100_000})
    world = truth(scenario)
    assert float((world.law * world.theta).sum()) == pytest.approx(A)
    close(utility(scenario, (), 20), A**2 / (2 * M))

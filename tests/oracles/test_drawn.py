"""Section 3, items 1, 3, 6 and 7, the k adopters of section 4 and the Shapley shares of 5, at drawn parameters.

n = 20 replications of 20,000 requests an example; arms meet the same requests, so that what is asserted are paired differences.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jointbid.experiments.cells.bidders import run_cell
from jointbid.experiments.cells.cell import Cell
from jointbid.experiments.cells.lattice import Lattice

pytestmark = pytest.mark.oracle

few = settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
sizes = st.sampled_from([-0.5, -0.35, -0.2, 0.2, 0.3, 0.4, 0.5])
redundancies = st.sampled_from([-0.5, -0.2, 0.0, 0.3, 0.6])
R, N = 20, 20_000


@pytest.fixture
def world(scenario):
    """A market whose bids stay in [0, M] in every arm, and M."""

    def build(b, c, d, q=0.0, profile=None, horizon_h=1.0, auction="second_price"):
        a = 1.5 * (abs(b) + abs(c) + abs(d)) + 0.2
        M = 2 * a
        s = scenario(
            requests=N,
            supply={"horizon_h": horizon_h},
            response={"a": a, "b": b, "c": c, "d": d, "q": q},
            source={"profile": profile or {}, "context": {}},
            rivals={"landscape": "uniform", "high": M},
            auction={"type": auction},
        )
        return s, M

    return build


@pytest.mark.slow
@few
@given(b=sizes, c=sizes, d=sizes, q=redundancies)
def test_what_each_set_earns(world, profit, lands, b, c, d, q):
    """Item 1: E[vhat^2]/(2M) in second price, half of it in first price; and the synergy of both sources (item 3)."""
    for auction, share in (("second_price", 1.0), ("first_price", 0.5)):
        s, M = world(b, c, d, q, auction=auction)
        a = s.response.a
        squares = {
            "none": (a + d * q) ** 2,
            "profile": (a + d * q) ** 2 + (b + c * q) ** 2,
            "context": (a + d * q) ** 2 + (c + b * q) ** 2,
            "joint": a**2 + b**2 + c**2 + d**2 + 2 * b * c * q + 2 * a * d * q,
        }
        u = {arm: profit(s, arm, replications=R) for arm in squares}
        for arm, square in squares.items():
            lands(u[arm], share * square / (2 * M))
        synergy = d**2 * (1 - q**2) - 2 * b * c * q - q**2 * (b**2 + c**2)
        unit = (b**2 + c**2 + d**2) / (2 * M)
        lands(
            u["joint"] - u["profile"] - u["context"] + u["none"],
            share * synergy / (2 * M),
            resolution=0.2 * unit,
        )


@few
@given(b=sizes, c=sizes, d=sizes, q=redundancies)
@pytest.mark.slow
def test_the_ladder(world, profit, lands, b, c, d, q):
    """Items 1 and 3: join against stacked, profile, context and summed."""
    s, M = world(b, c, d, q)
    u = {arm: profit(s, arm, replications=R) for arm in ("profile", "context", "stacked", "summed", "joint")}
    own, unit = d**2 * (1 - q**2), b**2 + c**2 + d**2
    twice = q**2 * (b**2 + c**2 + 2 * b * c * q)
    for arm, gain in {
        "stacked": own,
        "profile": (c**2 + d**2) * (1 - q**2),
        "context": (b**2 + d**2) * (1 - q**2),
        "summed": own + twice,
    }.items():
        lands(u["joint"] - u[arm], gain / (2 * M), resolution=0.1 * unit / (2 * M))


@pytest.mark.slow
@few
@given(b=sizes, c=sizes, d=sizes)
def test_shapley_shares(world, profit, lands, b, c, d):
    """Section 5: (b^2 + d^2/2)/(2M) and (c^2 + d^2/2)/(2M), by the study's own weights; together U_J - U_none."""
    s, M = world(b, c, d)
    lattice, unit = Lattice(("profile", "context")), (b**2 + c**2 + d**2) / (2 * M)
    u = {arm: profit(s, arm, replications=R) for arm in lattice.arms}
    shares = {
        source: sum(weight * u[arm] for arm, weight in lattice.shapley(source).items())
        for source in lattice.sources
    }
    lands(shares["profile"], (b**2 + d**2 / 2) / (2 * M), resolution=0.15 * unit)
    lands(shares["context"], (c**2 + d**2 / 2) / (2 * M), resolution=0.15 * unit)
    np.testing.assert_allclose(sum(shares.values()), u["joint"] - u["none"], rtol=0, atol=1e-9)
    lands(sum(shares.values()), unit, resolution=0.15 * unit)


@few
@given(b=sizes, c=sizes, d=sizes, q=redundancies)
def test_split_departments(world, profit, lands, b, c, d, q):
    """Item 3: the higher bid B of E[theta|x] and E[theta|z] wins: E[2 theta B - B^2]/(2M), and joining both against it."""
    s, M = world(b, c, d, q)
    a, x, z = s.response.a, np.array([[-1.0], [1.0]]), np.array([[-1.0, 1.0]])
    law, theta = (1 + q * x * z) / 4, a + b * x + c * z + d * x * z
    B = np.maximum(a + d * q + (b + c * q) * x, a + d * q + (c + b * q) * z)
    split, joint = ((law * (2 * theta * v - v**2)).sum() / (2 * M) for v in (B, theta))
    u = {arm: profit(s, arm, replications=R) for arm in ("split_budget", "joint")}
    lands(u["split_budget"], split)
    lands(u["joint"] - u["split_budget"], joint - split)


@few
@given(
    b=sizes, c=sizes, d=sizes, m=st.sampled_from([0.1, 0.35, 0.6, 0.95]), e=st.sampled_from([0.0, 0.2, 0.5])
)
def test_matching_and_false_matches(world, profit, lands, b, c, d, m, e):
    """Item 6: U(m) = m U_J + (1-m) U_C, with r = 1 - e in U_J."""
    s, M = world(b, c, d, profile={"match_rate": m, "false_match_rate": e})
    step = (b**2 + d**2) / (2 * M)
    gain = m * (1 - e) ** 2 * step
    lands(
        profit(s, "joint", replications=R) - profit(s, "context", replications=R),
        gain,
        resolution=0.15 * step,
    )


@pytest.mark.slow
@few
@given(
    b=sizes, c=sizes, d=sizes,
    rate=st.sampled_from([0.05, 0.2, 0.4]), every=st.sampled_from([0.0, 1.0, 3.0]), latency=st.sampled_from([0.0, 0.5, 2.0]),
)  # fmt: skip
def test_staleness(world, profit, lands, b, c, d, rate, every, latency):
    """Item 7: mean r^2 counts where the age is known, 2 (mean r) - 1 where the copy is taken for fresh."""
    copy = {"flip_rate_per_h": rate, "sync_interval_h": every, "latency_h": latency}

    def mean(speed):
        cycle = (1 - np.exp(-speed * every)) / (speed * every) if every else 1.0
        return np.exp(-speed * latency) * cycle

    s, M = world(b, c, d, profile=copy, horizon_h=12.0)
    step = (b**2 + d**2) / (2 * M)
    gain = profit(s, "joint", replications=R) - profit(s, "context", replications=R)
    lands(gain, mean(4 * rate) * step, resolution=0.15 * step)
    s, _ = world(b, c, d, profile={**copy, "use": "naive"}, horizon_h=12.0)
    gain = profit(s, "joint", replications=R) - profit(s, "context", replications=R)
    lands(gain, (2 * mean(2 * rate) - 1) * step, resolution=0.2 * step)


@few
@given(b=st.sampled_from([0.15, 0.3, 0.5, -0.4]), n=st.integers(2, 6), data=st.data())
def test_k_adopters(scenario, lands, b, n, data):
    """Section 4 [D]: an adopter earns b 2^-k (k < n) or b 2^(1-n) (k = n); who stays out 0, or the last one b 2^-(n-1)."""
    k = data.draw(st.integers(1, n))
    s = scenario(
        requests=N,
        response={"a": 1.0, "b": b},
        source={"profile": {}, "context": {}},
        bidders={"count": n, "strategy": "truthful"},
    )
    rows = [run_cell(Cell(s, "profile", who=k, replication=r)).rows for r in range(R)]
    got, size = np.array([[row["profit"] for row in run] for run in rows]) / N, abs(b)
    lands(got[:, :k].mean(axis=1), size * 2.0 ** -min(k, n - 1), resolution=0.05 * size)
    if k < n:
        lands(got[:, k:].mean(axis=1), size * 2.0 ** (1 - n) if k == n - 1 else 0.0, resolution=0.05 * size)

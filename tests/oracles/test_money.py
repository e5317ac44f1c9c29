"""Section 3, item 10, through the engine and the command: what joining nets, and where it breaks even.

theta = a + b x + c z + d x z, q = 0, p ~ U[0, M], silo context: joining the profile at match rate m is worth
v = m (b^2 + d^2)/(2M) a request and takes one look-up of k on each. With N requests a month, K once and F a month, a month
brings N (v - k) - F. n = 16 replications of 20,000 requests; what is found lies within twice the half-width of its own
interval, which is at most 8 % of the truth.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import pytest

from jointbid.experiments.config.points import load
from jointbid.experiments.estimate.ladder import lookup
from jointbid.experiments.studies.session import run_study
from jointbid.experiments.studies.value.study import Value

pytestmark = pytest.mark.oracle

N, YEAR = 2e6, 12


class World(NamedTuple):
    """The response, the match rate, and the terms: k in currency a look-up, K and F, months, a yearly rate."""

    a: float
    b: float
    c: float
    d: float
    M: float
    m: float
    k: float
    K: float
    F: float
    months: int
    rate: float

    @property
    def whole(self):
        """What joining is worth a request at match rate 1."""
        return (self.b**2 + self.d**2) / (2 * self.M)

    @property
    def month(self):
        return N * (self.m * self.whole - self.k) - self.F

    @property
    def annuity(self):
        month = (1 + self.rate) ** (1 / YEAR) - 1
        return sum((1 + month) ** -number for number in range(1, self.months + 1))

    @property
    def keys(self):
        return {
            "scenario": "theory",
            "response.a": self.a,
            "response.b": self.b,
            "response.c": self.c,
            "response.interaction": self.d,
            "rivals.high": self.M,
            "source.profile.match_rate": self.m,
            "source.profile.cost_per_lookup_cpm": 1e3 * self.k,
            "money.requests_per_month": N,
            "money.integration_once": self.K,
            "money.integration_monthly": self.F / 2,
            "money.fees_monthly": self.F / 2,
            "money.horizon_months": self.months,
            "money.discount_rate": self.rate,
            "study.silo": "context",
            "study.lattice": "false",
            "study.replications": 16,
            "study.point.replications": 16,
            "study.point.requests": 20_000,
            "supply.requests": 20_000,
            "plot.enabled": "false",
            "executor": "serial",
        }


BASE = World(1.0, 0.3, 0.2, 0.1, 2.0, 1.0, 0.002, 60_000.0, 4_000.0, 60, 0.0)
WORLDS = [
    BASE,
    World(1.2, -0.4, 0.15, 0.2, 3.0, 0.7, 0.004, 25_000.0, 3_000.0, 24, 0.08),
    World(2.0, 0.7, -0.3, -0.4, 4.0, 0.45, 0.0, 150_000.0, 10_000.0, 36, 0.2),
]


EACH = [WORLDS[0], *(pytest.param(world, marks=pytest.mark.slow) for world in WORLDS[1:])]


@pytest.fixture(scope="module")
def studied(tmp_path_factory):
    """The summary of the study in a world, each made once."""
    made = {}

    def study(world, *more):
        if (world, more) not in made:
            folder = tmp_path_factory.mktemp("money")
            keys = [f"{key}={value}" for key, value in world.keys.items()]
            (point,) = load("value", [*keys, *more, f"results_dir={folder}"])
            made[world, more] = run_study(point, Value).summary
        return made[world, more]

    return study


def lands(found, truth):
    half = (found.ci_high - found.ci_low) / 2
    assert half <= 0.08 * abs(truth), f"blind: half-width {half:.3g}, theory {truth:.6g}"
    assert abs(found.estimate - truth) <= 2 * half, f"{found}, theory {truth:.6g}"


@pytest.mark.parametrize("world", EACH)
@pytest.mark.slow
def test_a_month_the_present_value_and_the_payback(studied, world):
    """m = N (v - k) - F; m - K/months; m x annuity - K; K / m."""
    summary = studied(world)
    lands(lookup(summary, "net_value", "net_value"), world.month - world.K / world.months)
    lands(lookup(summary, "net_value", "npv"), world.month * world.annuity - world.K)
    lands(lookup(summary, "payback_month", "payback_month"), world.K / world.month)


@pytest.mark.few(1)
@pytest.mark.parametrize("world", EACH)
def test_break_even_price_of_data(studied, world):
    """A look-up may cost v - (F + K/months)/N, at any present cost."""
    fixed = (world.F + world.K / world.months) / N
    lands(
        lookup(studied(world), "break_even_data_price", "data_price_cpm"),
        1e3 * (world.m * world.whole - fixed),
    )


@pytest.mark.parametrize("world", EACH)
def test_break_even_match_rate(studied, world):
    """m* = ((F + K/months)/N + k) / VOJD, with VOJD at m = 1, along the curve over the match rate."""
    fixed = (world.F + world.K / world.months) / N
    lands(lookup(studied(world), "break_even_match_rate", "match_rate"), (fixed + world.k) / world.whole)


@pytest.mark.slow
@pytest.mark.parametrize("world", EACH)
def test_break_even_latency(studied, world):
    """Look-ups of mean l before a deadline T (answer at once): (1 - exp(-T/l)) U_J = U_C + k + (F + K/months)/N."""
    whole = world._replace(m=1.0)
    deadline, u_context = 100.0, (whole.a**2 + whole.c**2) / (2 * whole.M)
    needed = (u_context + whole.k + (whole.F + whole.K / whole.months) / N) / (u_context + whole.whole)
    truth = -deadline / math.log(1 - needed)
    points = [round(part * truth, 3) for part in (0.8, 0.9, 0.97, 1.03, 1.1, 1.25)]
    asked = f"study.curves=[{{over: source.profile.lookup_latency_ms, values: {points}}}]"
    summary = studied(whole, f"auction.tmax_ms={deadline}", "bidders.answer_ms=0", asked)
    lands(lookup(summary, "break_even_latency", "lookup_latency_ms"), truth)


@pytest.mark.slow
def test_never(studied):
    """A dearer look-up than joining is worth is never paid back, and no match rate is enough."""
    summary = studied(BASE._replace(k=0.03))
    assert lookup(summary, "payback_month", "payback_month").estimate == math.inf
    assert lookup(summary, "break_even_match_rate", "match_rate").estimate == math.inf
    assert lookup(summary, "net_value", "npv").ci_high < 0

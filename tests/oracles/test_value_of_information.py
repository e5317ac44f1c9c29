"""What data is worth to one bidder whose competition is fixed.

theta = a + b x + c z + d x z with x, z = -1, +1 and corr(x, z) = q; the price is U[0, M]. In a second-price auction
U(s) = E[vhat^2]/(2M) for the calibrated predictor vhat = E[theta | s], and (E theta^2 - MSE)/(2M) for any predictor with
bids in [0, M]. n = 32 replications of 25,000 requests, the same requests in every arm: differences are paired.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from scipy import stats

from jointbid.sim import simulate
from jointbid.strategies.base import Priced
from jointbid.strategies.policies.linear import Linear, Truthful
from jointbid.strategies.valuations.tables import CellValues

pytestmark = pytest.mark.oracle


class World(NamedTuple):
    a: float
    b: float
    c: float
    d: float
    q: float
    M: float

    @property
    def law(self):
        """P(x, z), indexed [x, z] = [-1, +1] x [-1, +1]."""
        return np.array([[1 + self.q, 1 - self.q], [1 - self.q, 1 + self.q]]) / 4

    @property
    def theta(self):
        x, z = np.array([[-1.0], [1.0]]), np.array([[-1.0, 1.0]])
        return self.a + self.b * x + self.c * z + self.d * x * z

    def predictor(self, arm):
        """What each arm bids in each cell [x, z], by summing over the four cells."""
        law, theta = self.law, self.theta
        mean = np.full((2, 2), (law * theta).sum())
        by_x = np.repeat((law * theta).sum(1, keepdims=True) / law.sum(1, keepdims=True), 2, axis=1)
        by_z = np.repeat((law * theta).sum(0, keepdims=True) / law.sum(0, keepdims=True), 2, axis=0)
        if arm == "stacked":
            design = np.stack([np.ones(4), by_x.ravel(), by_z.ravel()])
            weights = np.linalg.lstsq(
                (design * np.sqrt(law.ravel())).T, (theta * np.sqrt(law)).ravel(), rcond=None
            )
            return (weights[0] @ design).reshape(2, 2)
        return {
            "none": mean,
            "profile": by_x,
            "context": by_z,
            "joint": theta,
            "summed": by_x + by_z - mean,
            "split_budget": np.maximum(by_x, by_z),
        }[arm]

    def utility(self, v):
        """U of any predictor of [x, z] with values in [0, M]: (E theta^2 - E(theta - v)^2)/(2M)."""
        assert v.min() >= 0
        assert v.max() <= self.M
        return float((self.law * (2 * self.theta * v - v**2)).sum() / (2 * self.M))

    def parts(self):
        return {
            "response": {"a": self.a, "b": self.b, "c": self.c, "d": self.d, "q": self.q},
            "source": {"profile": {}, "context": {}},
            "rivals": {"landscape": "uniform", "high": self.M},
        }


BASE = World(1.0, 0.3, 0.2, 0.1, 0.0, 2.0)


def drawn(seed):
    """A world whose bids stay in [0, M] in every arm."""
    rng = np.random.default_rng(seed)
    b, c, d = rng.uniform(0.15, 0.45, 3) * rng.choice([-1, 1], 3)
    a = 2 * (abs(b) + abs(c) + abs(d)) + rng.uniform(0.1, 0.5)
    return World(a, b, c, d, rng.uniform(-0.6, 0.6), 2 * a)


WORLDS = [BASE, BASE._replace(q=0.4), World(2.0, 0.5, -0.3, 0.25, -0.3, 4.0), *map(drawn, range(2))]
ARMS = ("none", "profile", "context", "stacked", "joint", "summed", "split_budget")


def test_base_numbers_are_those_of_the_table():
    numbers = {"none": 0.25, "profile": 0.2725, "context": 0.26, "joint": 0.285, "split_budget": 0.26125}
    assert {arm: BASE.utility(BASE.predictor(arm)) for arm in numbers} == pytest.approx(numbers)


@pytest.mark.few(12)
@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("arm", ARMS)
def test_every_arm_earns_what_its_predictor_is_worth(scenario, profit, lands, world, arm):
    lands(profit(scenario(**world.parts()), arm), world.utility(world.predictor(arm)))


@pytest.mark.few(2)
@pytest.mark.parametrize("world", WORLDS)
def test_the_ladder_in_closed_form(scenario, profit, lands, world):
    """Item 3 [D]: all steps, as paired differences."""
    _, b, c, d, q, M = world
    u = {arm: profit(scenario(**world.parts()), arm) for arm in ARMS}
    lands(u["joint"] - u["stacked"], d**2 * (1 - q**2) / (2 * M))
    lands(u["joint"] - u["profile"], (c**2 + d**2) * (1 - q**2) / (2 * M))
    lands(u["joint"] - u["context"], (b**2 + d**2) * (1 - q**2) / (2 * M))
    twice = q**2 * (b**2 + c**2 + 2 * b * c * q)
    lands(u["joint"] - u["summed"], (d**2 * (1 - q**2) + twice) / (2 * M))
    lands(u["stacked"] - u["summed"], twice / (2 * M), resolution=max(twice / (8 * M), 1e-4))


@pytest.mark.few(2)
@pytest.mark.parametrize("world", [*WORLDS, BASE._replace(q=-0.5)])
def test_synergy(scenario, profit, lands, world):
    """[d^2(1-q^2) - 2bcq - q^2(b^2+c^2)]/(2M): .0025 at q = 0."""
    _, b, c, d, q, M = world
    u = {arm: profit(scenario(**world.parts()), arm) for arm in ("joint", "profile", "context", "none")}
    synergy = (d**2 * (1 - q**2) - 2 * b * c * q - q**2 * (b**2 + c**2)) / (2 * M)
    lands(
        u["joint"] - u["profile"] - u["context"] + u["none"], synergy, resolution=max(abs(synergy) / 4, 1e-3)
    )


def test_without_interaction_and_redundancy_summed_is_stacked_is_joint(scenario, profit):
    s = scenario(**BASE._replace(d=0.0).parts())
    assert np.allclose(profit(s, "summed"), profit(s, "joint"), rtol=0, atol=1e-9)
    assert np.allclose(profit(s, "stacked"), profit(s, "joint"), rtol=0, atol=1e-9)


@pytest.mark.few(2)
@pytest.mark.parametrize("world", [BASE, BASE._replace(d=0.0), BASE._replace(q=0.4), drawn(7)])
def test_split_departments_do_worse_than_the_better_of_them(scenario, profit, lands, world):
    """Item 3: B = max of the two predictors wins; in the base example .26125, below profile alone (.2725)."""
    s = scenario(**world.parts())
    gap = world.utility(world.predictor("split_budget")) - world.utility(world.predictor("profile"))
    lands(profit(s, "split_budget") - profit(s, "profile"), gap, resolution=max(abs(gap) / 4, 5e-4))


@pytest.mark.few(1)
@pytest.mark.parametrize("world", WORLDS[:4])
def test_first_price_halves_everything(scenario, profit, lands, world):
    """Item 1: against the same landscape the best bid is vhat/2, and what it earns is half."""
    s = scenario(**world.parts(), auction={"type": "first_price"})
    for arm in ("none", "profile", "context", "stacked", "joint"):
        lands(profit(s, arm), world.utility(world.predictor(arm)) / 2)
    step = world.d**2 * (1 - world.q**2) / (4 * world.M)
    lands(profit(s, "joint") - profit(s, "stacked"), step, resolution=step / 2)


# item 2: any predictor


def priced(table, policy):
    """A bidder with any table [x, z] of beliefs; the rows of what is unmatched are never asked for."""
    return {"focal": Priced(CellValues(("profile", "context"), np.pad(table, ((0, 1), (0, 1)))), policy)}


@pytest.mark.few(2)
@pytest.mark.parametrize("seed", range(6))
def test_regret_is_the_mean_squared_error(scenario, market, lands, seed):
    """U = (E theta^2 - MSE)/(2M) for random beliefs in [0, M]; regret against joint is MSE/(2M), paired."""
    world = BASE if seed == 0 else drawn(100 + seed)
    beliefs = np.random.default_rng(seed).uniform(0, world.M, (2, 2))
    s = scenario(**world.parts())
    wrong = market(s, priced(beliefs, Truthful()))["profit"][:, 0]
    right = market(s, priced(world.theta, Truthful()))["profit"][:, 0]
    lands(wrong, world.utility(beliefs), resolution=0.02 * world.M)
    lands(right - wrong, float((world.law * (world.theta - beliefs) ** 2).sum() / (2 * world.M)))


@pytest.mark.few(4)
@pytest.mark.parametrize("arm", ["none", "profile", "joint", "summed"])
@pytest.mark.parametrize(("world", "rho"), [(BASE, 0.05), (BASE._replace(q=0.4), 0.1), (drawn(11), 0.05)])
def test_value_won_under_a_binding_budget(scenario, market, lands, world, rho, arm):
    """Item 3: any predictor v, paced to spend rho an auction, wins the value sqrt(2 rho/M) E[theta v]/sqrt(E v^2)."""
    v = world.predictor(arm)
    square, cross = float((world.law * v**2).sum()), float((world.law * world.theta * v).sum())
    gain = np.sqrt(2 * rho * world.M / square)
    assert gain * v.max() <= world.M
    got = market(scenario(**world.parts()), priced(v, Linear(gain)))
    lands(got["spend"][:, 0], rho)
    lands(got["value"][:, 0], np.sqrt(2 * rho / world.M) * cross / np.sqrt(square))


@pytest.mark.few(1)
@pytest.mark.parametrize(("b", "c", "rho"), [(0.5, 0.4, 0.05), (0.4, -0.5, 0.1), (0.3, 0.6, 0.08)])
def test_a_binding_budget_makes_substitutes_of_what_adds_up(scenario, market, lands, b, c, rho):
    """Item 9: utility sqrt(2 rho E[vhat^2]/M) - rho in every arm; at d = 0 synergy is 0 without a budget, and below 0 with it.

    100,000 requests a replication, to tell the two apart.
    """
    world = World(1.0, b, c, 0.0, 0.0, 2.0)
    s, arms = scenario(requests=100_000, **world.parts()), ("joint", "profile", "context", "none")
    u, free, expected = {}, {}, {}
    for arm in arms:
        v = world.predictor(arm)
        square = float((world.law * v**2).sum())
        assert rho <= square / (2 * world.M), "the budget binds"
        u[arm] = market(s, priced(v, Linear(np.sqrt(2 * rho * world.M / square))))["profit"][:, 0]
        free[arm] = market(s, priced(v, Truthful()))["profit"][:, 0]
        expected[arm] = np.sqrt(2 * rho * square / world.M) - rho
        lands(u[arm], expected[arm])
    signs = dict(zip(arms, (1, -1, -1, 1), strict=True))
    synergy = sum(sign * expected[arm] for arm, sign in signs.items())
    assert synergy < 0
    lands(sum(sign * u[arm] for arm, sign in signs.items()), synergy, resolution=0.8 * abs(synergy))
    lands(sum(sign * free[arm] for arm, sign in signs.items()), 0.0, resolution=0.8 * abs(synergy))


# more types than two


@pytest.mark.few(1)
@pytest.mark.parametrize(("types", "q"), [(3, 0.0), (8, 0.4), (16, -0.3)])
def test_many_types_without_interaction(scenario, profit, lands, types, q):
    """Scores of variance 1 with correlation q, d = 0: E theta^2 = a^2+b^2+c^2+2bcq, and one source knows a+(b+cq)x."""
    a, b, c, M = 2.0, 0.3, 0.2, 4.0
    s = scenario(
        supply={"context_types": types},
        audience={"profile_types": types},
        response={"a": a, "b": b, "c": c, "q": q},
        source={"profile": {}, "context": {}},
        rivals={"landscape": "uniform", "high": M},
    )
    joint = a**2 + b**2 + c**2 + 2 * b * c * q
    lands(profit(s, "joint"), joint / (2 * M))
    for arm, own, other in (("profile", b, c), ("context", c, b)):
        one = a**2 + (own + other * q) ** 2
        lands(profit(s, "joint") - profit(s, arm), (joint - one) / (2 * M))
    lands(profit(s, "joint") - profit(s, "none"), (joint - a**2) / (2 * M))


@pytest.mark.parametrize(("types", "q", "seed"), [(3, 0.35, 1), (5, -0.6, 2), (7, 0.0, 3)])
def test_regret_is_the_mean_squared_error_of_many_cells_too(scenario, market, lands, types, q, seed):
    """MSE/(2M) for random beliefs in [0, M] about types^2 cells; with probability |q| both sources show one fact, or its opposite."""
    a, b, c, d, M = 3.0, 0.5, -0.4, 0.3, 6.5
    score = -np.diff(stats.norm.pdf(stats.norm.ppf(np.linspace(0, 1, types + 1))))  # means of normal bins
    x = (score / score.std())[:, None]
    theta = a + b * x + c * x.T + d * x * x.T
    assert 0 < theta.min() < theta.max() < M
    same = np.eye(types) if q >= 0 else np.eye(types)[::-1]
    law = (1 - abs(q)) / types**2 + abs(q) * same / types
    beliefs = np.random.default_rng(seed).uniform(0, M, (types, types))
    s = scenario(
        supply={"context_types": types},
        audience={"profile_types": types},
        response={"a": a, "b": b, "c": c, "d": d, "q": q},
        source={"profile": {}, "context": {}},
        rivals={"landscape": "uniform", "high": M},
    )
    right, wrong = (market(s, priced(v, Truthful()))["profit"][:, 0] for v in (theta, beliefs))
    mse = float((law * (theta - beliefs) ** 2).sum())
    lands(right - wrong, mse / (2 * M), resolution=0.05 * mse / (2 * M))


def test_the_sink_sees_the_same_money(scenario):
    """What the table says was spent is the sum of what the sink saw paid."""
    paid = []
    s = scenario(**BASE.parts())
    run = simulate(
        s, priced(BASE.theta, Truthful()), 1, sink=lambda batch: paid.append(batch["paid_micros"].sum())
    )
    assert run.bidders["spend"][0] == sum(paid) / 1e6

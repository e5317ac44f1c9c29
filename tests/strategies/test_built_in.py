"""What every built-in strategy must hold to, whatever its rule; and what it declares, checked by what it does."""

from __future__ import annotations

import copy
import pickle
import re
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from sim import AccountState, Entrant, Feedback, Scenario, VisibleRequests, simulate
from sim.auction.mechanisms import MECHANISMS
from sim.scenario import StrategySpec
from strategies.base import Priced
from strategies.market import Market
from strategies.registry import BUILT_IN, make
from strategies.valuations.tables import CellValues

NAMES = list(BUILT_IN)
PAGE = (Path(__file__).parents[2] / "docs" / "strategies.md").read_text("utf-8")
N = 40


def scenario(auction="second_price", requests=1_200, **engine):
    return Scenario.model_validate(
        {
            "supply": {"requests": requests, "horizon_h": 1},
            "response": {"family": "private_value"},
            "rivals": {"landscape": "lognormal", "mu": -1, "sigma": 0.6},
            "auction": {"type": auction},
            "bidders": {"control_interval_requests": 100},
            "engine": engine,
        }
    )


def built(name, auction="second_price"):
    return make(StrategySpec(name=name), Market.of(scenario(auction)))


def batch(u=None):
    value = np.linspace(0.0, 1.0, N)
    columns = {"value": value, "u": np.full(N, 0.5) if u is None else u, "at": np.zeros(N, dtype=np.int8)}
    return VisibleRequests(N, columns)


def feedback(requests, bid, won, paid, least):
    """What a bidder is told; whatever else there is to tell is left out."""
    known = {"requests": requests, "bid": bid, "won": won, "price_paid": paid, "minimum_bid_to_win": least}
    return Feedback(**{field.name: known.get(field.name) for field in fields(Feedback)})


def lived(policy, budget=20.0, spend=3.0):
    """The policy after three control steps with some feedback between them."""
    for step in range(3):
        if step and policy.learns:
            rng = np.random.default_rng(step)
            price, bid = 0.5 * rng.random(200), 0.8 * rng.random(200)
            seen = VisibleRequests(200, {"value": rng.random(200), "u": rng.random(200)})
            won = bid >= price
            policy.observe(feedback(seen, bid, won, np.where(won, price, 0.0), price))
        money = {"spend": step * spend, "budget": budget, "budget_left": budget - step * spend}
        counts = {"wins": step * 20, "clicks": 5.0 * step, "conversions": 2.0 * step}
        policy.control(AccountState(0.1 * step, 1.0, 100 * step, 1_000, **money, **counts))
    return policy


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("auction", ["second_price", "first_price"])
def test_each_row_stands_alone_and_is_a_bid(name, auction):
    policy, rows = lived(built(name, auction)), batch(np.linspace(0, 0.99, N))
    together = policy.bid(rows)
    assert together.shape == (N,)
    assert together.dtype == np.float64
    assert np.isfinite(together).all()
    assert (together >= 0).all()
    alone = [policy.bid(VisibleRequests(1, {k: v[i : i + 1] for k, v in rows.items()}))[0] for i in range(N)]
    assert together.tolist() == alone
    assert policy.bid(VisibleRequests(0, {k: v[:0] for k, v in rows.items()})).shape == (0,)


@pytest.mark.parametrize("name", NAMES)
def test_copies_and_pickles_bid_the_same(name):
    policy = lived(built(name))
    expected = policy.bid(batch()).tolist()
    for other in (copy.deepcopy(policy), pickle.loads(pickle.dumps(policy)), lived(built(name))):
        assert other.bid(batch()).tolist() == expected


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("auction", ["second_price", "first_price"])
def test_how_many_requests_travel_together_changes_nothing(name, auction):
    strategy = built(name, auction)
    one, all_ = (
        simulate(scenario(auction, max_block=most), {"focal": Entrant(strategy, budget=50.0)}, 3)
        for most in (1, 4_096)
    )
    for table in ("bidders", "timeseries"):
        a, b = getattr(one, table), getattr(all_, table)
        assert all(np.array_equal(a[k], b[k], equal_nan=a[k].dtype.kind == "f") for k in a), table
    assert one.of("focal")["spend"] <= 50.0
    assert one.of("focal")["wins"] > 0


@pytest.mark.parametrize("name", NAMES)
def test_without_feedback_or_requests_it_goes_on(name):
    """The opening account: nothing seen, nothing told."""
    policy = built(name)
    policy.observe(feedback(VisibleRequests(0, {}), *[np.empty(0)] * 4))
    policy.control(AccountState(0.0, 1.0, 0, 1_000, 0.0, 0, 20.0, 20.0))
    assert np.isfinite(policy.bid(batch())).all()


# what it declares


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("auction", ["second_price", "first_price"])
def test_stochastic_is_what_moves_with_u(name, auction):
    policy = lived(built(name, auction))
    low, high = (policy.bid(batch(np.full(N, u))).tolist() for u in (0.0, 0.999))
    assert (low != high) == policy.stochastic == ("u" in policy.reads)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("auction", ["second_price", "first_price"])
def test_it_reads_what_it_says(name, auction):
    policy, rows = lived(built(name, auction)), batch()
    declared = VisibleRequests(N, {column: rows[column] for column in policy.reads})
    assert policy.bid(declared).tolist() == policy.bid(rows).tolist()
    for column in policy.reads:
        with pytest.raises(KeyError, match=column):
            policy.bid(VisibleRequests(N, {k: v for k, v in rows.items() if k != column}))


@pytest.mark.parametrize("name", NAMES)
def test_paces_is_what_minds_its_budget(name):
    """With the same account otherwise, a budget of 10 or of 30; and it needs one if money is no matter without."""
    policies = [lived(built(name), budget) for budget in (10.0, 30.0)]
    small, large = (policy.bid(batch()).tolist() for policy in policies)
    assert (small != large) == policies[0].paces
    assert policies[0].paces or not policies[0].needs_budget
    cheap, dear = (lived(built(name), np.inf, spend).bid(batch()).tolist() for spend in (1.0, 9.0))
    if policies[0].needs_budget:
        assert cheap == dear


@pytest.mark.parametrize(
    "name", [name for name in NAMES if built(name).learns or built(name, "first_price").learns]
)
def test_what_learns_changes_with_what_it_is_told(name):
    auction = "second_price" if built(name).learns else "first_price"
    taught, untaught = built(name, auction), built(name, auction)
    lived(taught)
    untaught.learns = False
    lived(untaught)
    assert taught.bid(batch()).tolist() != untaught.bid(batch()).tolist()


@pytest.mark.parametrize("name", NAMES)
def test_the_docs_say_what_the_class_does(name):
    row = re.search(rf"^\| [^|]*`{name}`[^|]* \|[^|]*\|[^|]*\| ([^|]*) \| ?([^|]*) ?\|$", PAGE, re.MULTILINE)
    assert row, f"docs/strategies.md has no row for {name}"
    policy = built(name)
    meant = ", ".join({"vcg": "VCG"}.get(t, t.replace("_", " ")) for t in policy.meant_for) or "any"
    assert row[1] == meant
    assert set(policy.meant_for) <= set(MECHANISMS)
    assert (row[2].strip() == "yes") == policy.needs_budget


@pytest.mark.parametrize("name", NAMES)
def test_behind_a_valuation_it_plays_by_visible_cells(name):
    """A whole market with types: the policy sees values through ``Priced`` in bids and in feedback."""
    market = Scenario.model_validate(
        {
            "supply": {"requests": 2_000, "horizon_h": 1},
            "source": {"profile": {}},
            "rivals": {"landscape": "uniform", "high": 2},
            "bidders": {"control_interval_requests": 200},
        }
    )
    policy = make(StrategySpec(name=name), Market.of(market))
    strategy = Priced(CellValues(("profile",), np.array([0.7, 1.3, 1.0])), policy)
    row = simulate(market, {"focal": Entrant(strategy, budget=200.0)}, 1).of("focal")
    assert 0 < row["wins"] < 2_000

"""Every built-in strategy passes the kit in two mechanisms; and what the kit does not ask of others, it is held to here."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from jointbid.sim import Entrant, Scenario, VisibleRequests, simulate
from jointbid.sim.auction.mechanisms import MECHANISMS
from jointbid.sim.scenario import StrategySpec
from jointbid.strategies.base import Priced, VectorisedPolicy
from jointbid.strategies.card import Card
from jointbid.strategies.market import MarketFacts
from jointbid.strategies.registry import BUILT_IN, make
from jointbid.strategies.testing import Case, parametrize_with_checks
from jointbid.strategies.testing.life import live
from jointbid.strategies.testing.trial import visible
from jointbid.strategies.valuations.bayes import bayes
from jointbid.strategies.valuations.tables import CellValues

AUCTIONS = ("second_price", "first_price")
CASES = [Case(BUILT_IN[name], auction, label=name) for name in BUILT_IN for auction in AUCTIONS]
PAGE = (Path(__file__).parents[2] / "docs" / "strategies.md").read_text("utf-8")


def priced(market):
    """A valuation before a policy, as the studies build it."""
    scenario = Case(BUILT_IN["truthful"]).market
    return Priced(bayes(scenario, tuple(scenario.source)), make(StrategySpec(name="pid_spend"), market))


@parametrize_with_checks([*CASES[::2], priced])
def test_it_passes_the_kit(strategy, check):
    check(strategy)


@pytest.mark.slow
@parametrize_with_checks(CASES[1::2])
def test_it_passes_the_kit_in_first_price(strategy, check):
    check(strategy)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_it_reads_each_column_that_it_names(case):
    policy = live(case, case.new())
    rows = case.batch(policy)
    assert policy.stochastic == ("uniform" in policy.reads)
    for column in policy.reads:
        with pytest.raises(KeyError, match=column):
            policy.bid(VisibleRequests(rows.n, {k: v for k, v in rows.items() if k != column}))


@pytest.mark.parametrize("name", list(BUILT_IN))
def test_the_docs_say_what_the_class_does(name):
    row = re.search(rf"^\| [^|]*`{name}`[^|]* \|[^|]*\|[^|]*\| ([^|]*) \| ?([^|]*) ?\|$", PAGE, re.MULTILINE)
    assert row, f"docs/strategies.md has no row for {name}"
    policy = Case(BUILT_IN[name]).new()
    meant = ", ".join({"vcg": "VCG"}.get(t, t.replace("_", " ")) for t in policy.meant_for) or "any"
    assert row[1] == meant
    assert set(policy.meant_for) <= set(MECHANISMS)
    assert (row[2].strip() == "yes") == policy.needs_budget


@pytest.mark.parametrize("name", list(BUILT_IN))
def test_it_says_what_a_bid_costs(name):
    """Five million bids a second on one core; the kit's check `speed` holds it to half, as machines are busy."""
    assert Card.of(Case(BUILT_IN[name]).new()).bids_per_second == VectorisedPolicy.bids_per_second


@pytest.mark.parametrize("case", CASES, ids=str)
def test_it_wins_in_the_trial_market(case):
    """Otherwise the kit's runs would prove nothing."""
    row = case.run(50.0).of("focal")
    assert 0 < row["wins"] < row["requests"]
    assert row["clicks"] > 0
    assert {"profile", "context", "age_profile", "uniform"} < set(visible(case.market))


@pytest.mark.parametrize("name", list(BUILT_IN))
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
    policy = make(StrategySpec(name=name), MarketFacts.of(market))
    strategy = Priced(CellValues(("profile",), np.array([0.7, 1.3, 1.0])), policy)
    row = simulate(market, {"focal": Entrant(strategy, budget=200.0)}, 1).of("focal")
    assert 0 < row["wins"] < 2_000

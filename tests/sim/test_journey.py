"""Accounts on a journey: conserved, block by block the same, known to bidders only through sources."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from jointbid.sim import Entrant, RunResult, Scenario, simulate
from jointbid.sim.journey.accounts import BuyerAccounts
from jointbid.sim.journey.process import APPROVED, BOUGHT, STAGES, backwards, stationary, transitions
from jointbid.sim.scenario import HOUR_US
from jointbid.sim.streams import Streams
from jointbid.strategies.base import Priced
from jointbid.strategies.policies.linear import Truthful
from jointbid.strategies.valuations.bayes import bayes

MONTH_H = 730.0


def market(**parts: Any) -> Scenario:
    """Two hundred accounts of two over two years, sources of stage and interest; ``parts`` change it."""
    base: dict[str, Any] = {
        "supply": {"requests": 4_000, "horizon_h": 24 * MONTH_H, "context_types": 2},
        "audience": {"people": 400, "profile_types": 2},
        "response": {"family": "additive", "a": 0.0},
        "journey": {"group": 2, "margin": 100.0, "appetite": (0.6, 1.4), "run_out_h": 6 * MONTH_H},
        "source": {
            "stage": {"match_rate": 0.7, "accuracy": 0.8, "sync_interval_h": 400.0, "latency_h": 250.0},
            "interest": {"match_rate": 0.6, "accuracy": 0.9, "latency_h": 30.0},
        },
        "rivals": {"landscape": "lognormal", "mu": 0.0},
        "bidders": {"values": "common", "control_interval_h": 168.0},
        "engine": {"series_h": MONTH_H},
    }
    for name, part in parts.items():
        base[name] = {**base.get(name, {}), **part} if isinstance(part, dict) else part
    return Scenario.model_validate(base)


def played(scenario: Scenario, names: tuple[str, ...] = ("me", "you"), replication: int = 0) -> RunResult:
    """A run in which everybody sees all data and bids the value."""
    brain = Priced(bayes(scenario, tuple(scenario.source)), Truthful())
    return simulate(
        scenario, {name: Entrant(brain, tuple(scenario.source)) for name in names}, 1, replication
    )


@pytest.mark.parametrize("most", [1, 13])
def test_how_many_requests_travel_together_changes_nothing(most: int) -> None:
    scenario = market(supply={"requests": 600}, response={"viewability": 0.5}, audience={"people": 60})
    whole = played(scenario)
    parts = played(
        scenario.model_copy(update={"engine": scenario.engine.model_copy(update={"max_block": most})})
    )
    for table in ("bidders", "timeseries", "journey"):
        mine, yours = getattr(whole, table), getattr(parts, table)
        assert list(mine) == list(yours)
        for column in mine:
            np.testing.assert_array_equal(mine[column], yours[column], err_msg=f"{table}.{column}")
    assert whole.of("me")["purchases_expected"] > whole.of("me")["purchases_without_ads"]


def test_people_and_purchases_are_conserved() -> None:
    result = played(market(), ("me", "you", "they"))
    journey, bidders = result.journey, result.bidders
    census = np.stack([journey[stage] for stage in STAGES])
    assert (census.sum(axis=0) == 200).all()
    assert (census >= 0).all()
    assert journey["decisions"][-1] == bidders["purchases"].sum() + journey["bought_outside"][-1]
    assert journey["decisions"][-1] > 0
    assert bidders["purchases_expected"].sum() < journey["decisions_expected"][-1]
    assert (bidders["purchases_expected"] >= bidders["purchases_without_ads"]).all()
    np.testing.assert_allclose(
        bidders["value"], 100.0 * (bidders["purchases_expected"] - bidders["purchases_without_ads"])
    )


def test_who_decides_has_bought_somewhere() -> None:
    scenario = market()
    accounts = BuyerAccounts(scenario, Streams(1, 0), "everyone", 0, 1)
    for _ in range(60):
        before, decided = accounts.stage.copy(), int(accounts.tally.decisions[0])
        accounts.advance()
        left = (before == APPROVED) & (accounts.stage != APPROVED)
        assert (accounts.stage[left] == BOUGHT).all()
        assert int(accounts.tally.decisions[0]) - decided == left.sum()


def test_without_interest_there_are_no_sales() -> None:
    result = played(market(journey={"appetite": 0.0}))
    assert result.journey["decisions"][-1] == 0
    assert (result.bidders["value"] == 0).all()
    assert (result.journey["aware"] == 200).all()


def test_equal_preference_gives_equal_shares() -> None:
    result = played(market(journey={"power": 0.0, "outside": 2.0}), ("a", "b", "c"))
    shares = result.bidders["purchases_expected"] / result.journey["decisions_expected"][-1]
    np.testing.assert_allclose(shares, 1 / 5)


def test_a_run_is_the_same_again_and_stages_move_independently_of_advertising() -> None:
    scenario = market()
    one, again = played(scenario), played(scenario)
    without_ads = simulate(scenario, {}, 1, 0)
    np.testing.assert_array_equal(one.bidders["value"], again.bidders["value"])
    for stage in STAGES:
        np.testing.assert_array_equal(one.journey[stage], without_ads.journey[stage])


def test_how_far_back_a_copy_reaches_does_not_change_the_world() -> None:
    scenario, streams = market(), Streams(3, 1)
    near = BuyerAccounts(scenario, streams, "everyone", 0, 1)
    far = BuyerAccounts(scenario, streams, "everyone", round(3000 * HOUR_US), 1)
    for _ in range(5):
        np.testing.assert_array_equal(near.stage, far.stage)
        near.advance()
        far.advance()


def test_people_of_one_account_share_profile_and_stage() -> None:
    accounts = BuyerAccounts(market(), Streams(1, 0), "everyone", 0, 1)
    stages = accounts.stages_at(np.zeros(400, np.int64), np.arange(400))
    np.testing.assert_array_equal(stages[::2], stages[1::2])
    np.testing.assert_array_equal(stages[::2], accounts.stage)


def test_laws_are_laws() -> None:
    scenario = market()
    law, step, back = stationary(scenario), transitions(scenario), backwards(scenario)
    np.testing.assert_allclose(step.sum(axis=2), 1.0)
    np.testing.assert_allclose(back.sum(axis=2), 1.0)
    np.testing.assert_allclose(np.einsum("xs,xst->xt", law, step), law)
    np.testing.assert_allclose(np.einsum("xs,xst->xt", law, back), law)


def test_a_copy_that_never_arrives_is_the_run_without_it() -> None:
    never = market(source={"stage": {"latency_h": float("inf")}, "interest": {"match_rate": 0.6}})
    without = Priced(bayes(never, ("interest",)), Truthful())
    with_it = Priced(bayes(never, ("stage", "interest")), Truthful())
    a = simulate(never, {"me": Entrant(without, ("interest",))}, 1, 0)
    b = simulate(never, {"me": Entrant(with_it, ("stage", "interest"))}, 1, 0)
    for column in ("value", "spend", "wins"):
        np.testing.assert_array_equal(a.bidders[column], b.bidders[column])


def test_contradictions_are_listed_together() -> None:
    with pytest.raises(ValidationError) as refused:
        market(
            journey={"group": 3, "appetite": (1.0, 1.0, 1.0), "lasting": (1.0,) * 5},
            bidders={"values": "private"},
            source={"stage": {"flip_rate_per_h": 0.1}},
        )
    text = str(refused.value)
    for part in (
        "journey.group = 3: audience.people = 400",
        "leave bidders.values=common",
        "journey.appetite: 3 numbers for 2 profile types",
        "journey.lasting: 5 numbers for 2 context types",
        "source.stage.flip_rate_per_h",
    ):
        assert part in text


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"audience": {"people": None}}, "requires audience.people"),
        ({"journey": None}, "source.stage"),
        ({"journey": {"step_h": 2_000.0}}, "stay_h.approved: 1680 h on average"),
        ({"journey": {"power": 0.0, "outside": 0.0}}, "advertising changes nothing"),
        ({"response": {"family": "private_value"}}, "an impression leaves nothing behind"),
    ],
)
def test_what_makes_no_journey_is_refused(parts: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        market(**parts)

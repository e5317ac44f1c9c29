"""Tracking: what it corrects by hand, ripe and raw labels, and what unripe ones do to one who takes them at their word."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from jointbid.sim import AccountState, Entrant, Scenario, simulate
from jointbid.sim.visible import Feedback, KnownOutcomes, VisibleRequests
from jointbid.strategies.base import Priced
from jointbid.strategies.policies.linear import Truthful
from jointbid.strategies.policies.tracking import Tracking
from jointbid.strategies.valuations.bayes import bayes


def feedback_of(values: list[float], positions: list[int], sold: list[int]) -> Feedback:
    """Impressions won at these values, and conversions of some positions."""
    n, value = len(values), np.array(values)
    nothing = KnownOutcomes(
        VisibleRequests(0, {}), np.empty(0, np.int64), np.empty(0, np.int16), np.empty(0), np.empty(0)
    )
    known = KnownOutcomes(
        VisibleRequests(0, {}), np.array(sold, np.int64), np.zeros(len(sold), np.int16),
        np.zeros(len(sold)), np.ones(len(sold)),
    )  # fmt: skip
    return Feedback(
        VisibleRequests(n, {"value": value}), np.array(positions, np.int64), value, np.ones(n, bool),
        np.zeros(n, bool), value, value, np.ones(n, bool), np.zeros(n, np.int16), nothing, known,
    )  # fmt: skip


def at(hour: float) -> AccountState:
    return AccountState(hour, 100.0, 0, 100, 0.0, 0, np.inf, np.inf)


def times(policy: Tracking, *values: float) -> list[float]:
    asked = np.array(values)
    return (policy.bid(VisibleRequests(len(asked), {"value": asked})) / asked).tolist()


def test_ripe_labels_by_hand() -> None:
    """Forty impressions at 1 and forty at 2, of which 11 and 10 sell in time: 21 for 120 of value is what is usual."""
    policy = Tracking(memory_h=1e9, label_h=5.0, labels="ripe", prior=2.0)
    policy.control(at(0.0))
    policy.observe(feedback_of([1.0] * 40 + [2.0] * 40, list(range(80)), [*range(10), *range(40, 50)]))
    policy.control(at(4.0))
    assert times(policy, 1.0, 2.0) == [1.0, 1.0], "not ripe"
    policy.observe(feedback_of([], [], [11]))  # known within five hours, and counted with its impression
    policy.control(at(5.0))
    rate = 21 / 120
    expected = [(11 + 2) / (40 * rate + 2), (10 + 2) / (80 * rate + 2)]
    assert times(policy, 1.0, 2.0) == pytest.approx(expected)
    policy.observe(feedback_of([], [], [12]))  # too late
    policy.control(at(6.0))
    assert times(policy, 1.0, 2.0) == pytest.approx(expected)
    assert times(policy, 7.0) == [1.0], "nothing is known of that level"


def test_raw_labels_count_at_once_and_late_ones_when_they_come() -> None:
    policy = Tracking(memory_h=1e9, label_h=5.0, labels="raw", prior=1.0, worth=4.0)
    policy.control(at(0.0))
    policy.observe(feedback_of([1.0] * 40, list(range(40)), [0, 1]))
    policy.control(at(1.0))
    assert times(policy, 1.0) == pytest.approx([(2 + 1) / (10 + 1)])
    policy.observe(feedback_of([], [], [5, 6, 7]))
    policy.control(at(2.0))
    assert times(policy, 1.0) == pytest.approx([(5 + 1) / (10 + 1)])


def test_memory_halves() -> None:
    policy = Tracking(memory_h=10.0, labels="raw", prior=1.0, worth=1.0)
    policy.control(at(0.0))
    policy.observe(feedback_of([1.0] * 3, [0, 1, 2], []))
    policy.control(at(0.0))
    assert times(policy, 1.0) == pytest.approx([1 / 4])
    policy.control(at(10.0))
    assert times(policy, 1.0) == pytest.approx([1 / 2.5])
    policy.observe(feedback_of([1.0] * 1_000, list(range(3, 1_003)), []))
    policy.control(at(10.0))
    assert times(policy, 1.0) == [1 / 5], "and no bid is moved further"


def market(half_life_h: float) -> Scenario:
    """Three products that sell often, half of it known only after a day."""
    late = {"law": "empirical", "points": [[0, 0], [0.35, 1], [0.5, 24], [1, 720]]}
    return Scenario.model_validate(
        {
            "supply": {"requests": 40_000, "horizon_h": 480.0, "context_types": 3},
            "audience": {"profile_types": 2, "drift": {"half_life_h": half_life_h}},
            "response": {
                "family": "logit", "a": -1.0, "c": 0.4, "value_per_click": 0.0,
                "conversion": {"a": -1.0, "b": 1.2, "value": 10.0, "delay_h": late},
            },
            "source": {"profile": {}, "context": {}},
            "rivals": {"landscape": "lognormal", "mu": -0.3, "sigma": 0.8},
            "bidders": {"values": "common"},
        }
    )  # fmt: skip


def profit(scenario: Scenario, policy: Any) -> np.ndarray:
    brain = Priced(bayes(scenario, ("context",)), policy)
    seat = {"me": Entrant(brain, ("context",))}
    return np.array([simulate(scenario, seat, 4, r).of("me")["profit"] for r in range(4)])


@pytest.mark.slow
def test_where_states_last_outcomes_tell_and_unripe_labels_at_their_word_mislead() -> None:
    """On the same four runs: raw labels against what is usual gain in each; a fast learner who takes them at their word, less."""
    scenario = market(half_life_h=240.0)
    blind = profit(scenario, Truthful())
    relative = profit(scenario, Tracking(memory_h=24.0, label_h=720.0))
    fooled = profit(scenario, Tracking(memory_h=3.0, label_h=720.0, worth=10.0))
    assert (relative > blind).all()
    assert fooled.sum() < 0.97 * relative.sum()


@pytest.mark.slow
def test_where_products_never_change_or_change_at_once_there_is_nothing_to_track() -> None:
    """A half-life of a minute: what lately happened says nothing, and the noise of learning costs a little."""
    scenario = market(half_life_h=1 / 60)
    gained = profit(scenario, Tracking()) - profit(scenario, Truthful())
    assert gained.mean() < 0.01 * abs(profit(scenario, Truthful())).mean()

"""Touchpoints and holdouts: the same block by block, conserved, and contradictions refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError

from jointbid.sim import Entrant, RunResult, Scenario, VisibleRequests, simulate
from jointbid.sim.scenario import HOUR_US, Holdout, Terms
from jointbid.sim.serving import people_held_out
from jointbid.sim.streams import Streams
from jointbid.sim.touchpoints import Touches, TouchLog, paths
from jointbid.strategies.base import Policy

PEOPLE = 300


def market(**parts: Any) -> Scenario:
    """Three hundred people over two months, three channels; ``parts`` change it."""
    base: dict[str, Any] = {
        "supply": {"requests": 6_000, "horizon_h": 1_440.0, "context_types": 3},
        "audience": {"people": PEOPLE, "profile_types": 2},
        "response": {"family": "additive", "a": 0.0, "viewability": 0.7},
        "journey": {
            "step_h": 24.0,
            "stay_h": dict.fromkeys(
                ("unaware", "aware", "interested", "considering", "approved", "bought", "lapsed"), 72.0
            ),
            "lasting": (1.0, 2.0, 0.5),
            "outside": 2.0,
        },
        "touchpoints": {
            "channels": {
                "mail": {"owner": "cio", "daily_budget": 0.5, "bid_cpm": 5.0, "targeting": 2.0},
                "social": {"daily_budget": 0.3, "bid_cpm": 5.0},
                "video": {"daily_budget": 0.3, "bid_cpm": 9.0},
            },
            "targets": "interest",
        },
        "source": {"context": {}, "interest": {"match_rate": 0.8, "accuracy": 0.9, "latency_h": 5.0}},
        "rivals": {"landscape": "uniform", "high": 0.01},
        "bidders": {"values": "common", "control_interval_h": 24.0},
        "engine": {"series_h": 24.0},
    }
    for name, part in parts.items():
        base[name] = {**base.get(name, {}), **part} if isinstance(part, dict) else part
    return Scenario.model_validate(base)


class Here(Policy):
    """One level in one channel."""

    reads = ("context",)

    def __init__(self, channel: int) -> None:
        self._channel = channel

    def bid(self, requests: VisibleRequests) -> NDArray[np.float64]:
        return np.where(requests["context"] == self._channel, 0.006, 0.0)


def played(
    scenario: Scenario, holdouts: dict[int, Holdout] | None = None, replication: int = 0
) -> tuple[RunResult, Touches]:
    """A campaign in each channel, and the log of what was seen."""
    seats = {
        name: Entrant(
            Here(number),
            ("context",),
            None,
            "me",
            Terms(daily_budget=0.4, holdout=(holdouts or {}).get(number)),
        )
        for number, name in enumerate(("mail", "social", "video"))
    }
    log = TouchLog(3)
    result = simulate(scenario, seats, 1, replication, sink=log)
    return result, log.touches()


@pytest.mark.parametrize("most", [1, 13])
@pytest.mark.parametrize("tmax_ms", [None, 100.0])
def test_how_many_requests_travel_together_changes_nothing(most: int, tmax_ms: float | None) -> None:
    late = {"answer_ms": {"law": "exponential", "mean": 40.0}} if tmax_ms else {}
    throttle = {"late_share": 0.05, "review_h": 24.0} if tmax_ms else None
    scenario = market(
        supply={"requests": 900}, auction={"tmax_ms": tmax_ms, "throttle": throttle}, bidders=late
    )
    out = {0: Holdout(share=0.4), 2: Holdout(share=0.3)}
    whole, seen = played(scenario, out)
    engine = scenario.engine.model_copy(update={"max_block": most})
    parts, also = played(scenario.model_copy(update={"engine": engine}), out)
    for table in ("bidders", "timeseries", "journey", "purchases"):
        mine, yours = getattr(whole, table), getattr(parts, table)
        assert list(mine) == list(yours)
        for column in mine:
            np.testing.assert_array_equal(mine[column], yours[column], err_msg=f"{table}.{column}")
    for name in ("account", "time_us", "channel"):
        np.testing.assert_array_equal(getattr(seen, name), getattr(also, name))
    assert len(seen.account) > 50


def test_every_purchase_is_written_down_once_and_belongs_to_who_is_there() -> None:
    result, _ = played(market())
    bought = result.purchases
    assert len(bought["hour"]) == result.bidders["purchases"].sum() > 20
    assert set(bought["advertiser"].tolist()) == {"me"}
    assert (bought["account"] >= 0).all()
    assert (bought["account"] < PEOPLE).all()
    pairs = np.stack([bought["hour"], bought["account"]])
    assert np.unique(pairs, axis=1).shape == pairs.shape, "none buys twice at one step"
    decided = result.journey["decisions"][-1]
    assert decided == result.bidders["purchases"].sum() + result.journey["bought_outside"][-1]


def test_who_is_held_out_sees_nothing_and_everybody_else_what_there_was() -> None:
    scenario = market(supply={"requests": 3_000})
    streams = Streams(1, 0)
    _, before = played(scenario)
    out = Holdout(share=0.3)
    _, seen = played(scenario, {1: out})
    held = people_held_out(out, "social", streams, PEOPLE)
    assert 0.2 < held.mean() < 0.4
    assert not held[seen.account[seen.channel == 1]].any()
    for channel in (0, 2):
        mine, other = before.of([channel]), seen.of([channel])
        np.testing.assert_array_equal(mine.account, other.account)
    assert (people_held_out(Holdout(share=0.6), "social", streams, PEOPLE) >= held).all()
    group = people_held_out(Holdout(share=0.3, group="g"), "mail", streams, PEOPLE)
    np.testing.assert_array_equal(
        group, people_held_out(Holdout(share=0.3, group="g"), "video", streams, PEOPLE)
    )
    assert (group != held).any()


def test_an_empty_holdout_changes_nothing() -> None:
    plain, seen = played(market())
    empty, also = played(market(), {0: Holdout(share=0.0)})
    np.testing.assert_array_equal(plain.bidders["spend"], empty.bidders["spend"])
    np.testing.assert_array_equal(seen.account, also.account)


def test_without_impressions_no_purchase_where_the_base_is_0() -> None:
    result, seen = played(market(journey={"base": 0.0}))
    assert (result.bidders["purchases_without_ads"] == 0).all()
    first = {int(account): int(t) for account, t in zip(seen.account[::-1], seen.time_us[::-1], strict=True)}
    hours = result.purchases["hour"].tolist()
    for account, hour in zip(result.purchases["account"].tolist(), hours, strict=True):
        assert first[account] < hour * 3_600_000_000


def test_paths_run_from_one_purchase_to_the_next() -> None:
    hour = 3_600_000_000
    touches = Touches(
        np.array([0, 0, 0, 0, 1, 2]), np.array([1, 5, 10, 12, 3, 4]) * hour, np.array([0, 1, 2, 0, 1, 2])
    )
    bought = {"hour": np.array([10.0, 3.0, 11.0]), "account": np.array([0, 2, 2])}
    found = paths(touches, bought, window_h=8.0)
    # the first is too old; the third comes with the purchase, and so after it
    assert found.channel.tolist() == [1, 2, 0, 1, 2]
    assert found.bought.tolist() == [True, False, False, False, True]
    np.testing.assert_array_equal(found.before_h, [5.0, np.nan, np.nan, np.nan, 7.0])
    assert found.path[1] == found.path[2] != found.path[3]
    assert (found.touched, found.purchases) == (2, 3)


@pytest.mark.parametrize(("step", "last_h"), [(1, 1e3), (10**6, 2e4), (10**9, 1.7e6)])
def test_paths_are_the_same_for_any_numbers_of_people_and_the_length_of_the_run(
    step: int, last_h: float
) -> None:
    """At 10^9 people or two centuries account x time does not fit 64 bits."""
    rng = np.random.default_rng(7)
    account, time_us = np.sort(rng.integers(0, 40, 300)), rng.integers(0, 900 * HOUR_US, 300)
    order = np.lexsort((time_us, account))
    touches = Touches(account[order], time_us[order], rng.integers(0, 3, 300))
    buyer, hour = rng.integers(0, 40, 60), rng.integers(0, 900, 60).astype(float)
    small = paths(touches, {"hour": hour, "account": buyer}, window_h=50.0)
    far = np.append(hour, last_h), np.append(buyer * step, 40 * step)
    large = paths(
        Touches(touches.account * step, touches.time_us, touches.channel),
        {"hour": far[0], "account": far[1]},
        window_h=50.0,
    )
    assert small.touched > 10
    assert large.touched == small.touched
    np.testing.assert_array_equal(large.before_h, small.before_h)
    np.testing.assert_array_equal(large.bought, small.bought)
    np.testing.assert_array_equal(np.diff(large.path) == 0, np.diff(small.path) == 0)


def test_contradictions_are_listed_together() -> None:
    with pytest.raises(ValidationError) as refused:
        market(
            supply={"context_types": 2},
            journey={"group": 2, "lasting": 1.0},
            touchpoints={"targets": "context"},
            bidders={"count": 2, "budget": 5.0},
            rivals={"landscape": None},
            source={"context": {"match_rate": 0.5}},
        )
    text = str(refused.value)
    for part in (
        "touchpoints.channels: 3 channels for 2 context types",
        "journey.group = 2: with touchpoints must be 1",
        "rivals.landscape: with touchpoints",
        "bidders.budget: with touchpoints",
        "source: with touchpoints a channel knows its own requests",
        "touchpoints.targets = context: must be a source that shows interest; there is: interest",
    ):
        assert part in text


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"journey": None, "source": {"context": {}}}, "touchpoints: requires journey"),
        ({"touchpoints": {"targets": None}}, "touchpoints.channels.mail.targeting = 2: must be 1"),
        ({"journey": {"base": 0.0, "outside": 0.0}}, "could buy from none"),
        ({"touchpoints": {"holdout": 1.0}}, "less than 1"),
    ],
)
def test_what_makes_no_touchpoints_is_refused(parts: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        market(**parts)

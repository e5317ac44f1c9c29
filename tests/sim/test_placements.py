"""Placements differ in cost, and the time series says what came back by when."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from jointbid.sim import Scenario, VisibleRequests, simulate
from jointbid.strategies.base import Policy


class Everything(Policy):
    """Wins all that is on offer in some contexts."""

    reads = ("context",)

    def __init__(self, *contexts: int) -> None:
        self.contexts = contexts

    def bid(self, requests: VisibleRequests) -> np.ndarray[Any, np.dtype[np.float64]]:
        return np.where(np.isin(requests["context"], self.contexts), 1e6, 0.0)


def market(**rivals: Any) -> Scenario:
    return Scenario.model_validate(
        {
            "supply": {"requests": 4_000, "horizon_h": 48, "context_types": 2},
            "source": {"context": {}},
            "rivals": {"landscape": "uniform", "high": 2.0, **rivals},
            "bidders": {"values": "common"},
        }
    )


def test_a_placement_costs_its_multiple_of_the_landscape() -> None:
    """Second price, everything won: what is paid are the outside prices themselves, to the micro's rounding."""
    plain, dear = market(), market(by_context=(3.0, 1.0))
    for context, factor in ((0, 3.0), (1, 1.0)):
        paid = [simulate(s, {"me": Everything(context)}, 1).of("me")["spend"] for s in (plain, dear)]
        assert paid[0] > 100
        assert paid[1] == pytest.approx(factor * paid[0], rel=1e-6)


def test_equal_levels_change_nothing() -> None:
    one, two = (simulate(s, {"me": Everything(0, 1)}, 1) for s in (market(), market(by_context=(1.0, 1.0))))
    np.testing.assert_array_equal(one.bidders["spend"], two.bidders["spend"])


def test_value_over_time_adds_up() -> None:
    run = simulate(market(), {"me": Everything(0), "you": Everything(1)}, 1)
    for name in ("me", "you"):
        mine = run.timeseries["bidder"] == name
        assert run.timeseries["value"][mine].sum() == pytest.approx(run.of(name)["value"])
        assert (run.timeseries["value"][mine] > 0).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rivals": {"landscape": "uniform", "by_context": (1.0,)}}, "1 numbers for 2 context types"),
        ({"rivals": {"by_context": (1.0, 2.0)}}, "needs a price landscape"),
        (
            {"rivals": {"landscape": "uniform", "by_context": (1.0, 2.0)}, "bidders": {}},
            "bidders.values=common",
        ),
    ],
)
def test_levels_without_a_landscape_or_common_contexts_are_refused(change: Any, message: str) -> None:
    base = {"supply": {"context_types": 2}, "bidders": {"values": "common"}}
    with pytest.raises(ValidationError, match=message):
        Scenario.model_validate({**base, **change})

"""Placements differ in cost, and the time series says what came back by when."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from jointbid.sim import Scenario, VisibleRequests, simulate
from jointbid.sim.landscape import Landscape
from jointbid.sim.scenario import Rivals
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


SLOPE = 0.8


def prices(strategies: Any, **change: Any) -> np.ndarray[Any, np.dtype[np.int64]]:
    """What is to be beaten on each request, as the auction log has it."""
    blocks: list[Any] = []
    scenario = market(context_slope=SLOPE)
    simulate(scenario.model_copy(update=change), strategies, 1, sink=blocks.append)
    return np.concatenate([b["other_micros"] for b in blocks])


def test_a_slope_multiplies_prices_by_the_scores_exponential() -> None:
    """Two types score -1 and 1."""
    plain, sloping = market(), market(context_slope=SLOPE)
    for context, score in ((0, -1), (1, 1)):
        paid = [simulate(s, {"me": Everything(context)}, 1).of("me")["spend"] for s in (plain, sloping)]
        assert paid[1] == pytest.approx(np.exp(SLOPE * score) * paid[0], rel=1e-6)


def test_prices_by_context_do_not_depend_on_blocks_or_on_who_else_bids() -> None:
    alone = prices({"me": Everything(0, 1)})
    engine = market().engine.model_copy(update={"max_block": 1})
    np.testing.assert_array_equal(alone, prices({"me": Everything(0, 1)}, engine=engine))
    np.testing.assert_array_equal(alone, prices({"idle": Everything(), "me": Everything(0, 1)}))


def test_with_private_values_prices_follow_the_one_bidders_context_and_none_of_several() -> None:
    bidders = market().bidders.model_copy(update={"values": "private"})

    def ratio(*others: str) -> float:
        """Spend in the good context over that in the bad one; exp(1.6) = 4.95 where prices follow the bidder's context."""
        scenario = market(context_slope=SLOPE).model_copy(update={"bidders": bidders})
        rest = {name: Everything() for name in others}
        spent = [simulate(scenario, {"me": Everything(c), **rest}, 1).of("me")["spend"] for c in (1, 0)]
        return float(spent[0] / spent[1])

    assert ratio() == pytest.approx(np.exp(2 * SLOPE), rel=0.1)
    assert ratio("you") == pytest.approx(1.0, rel=0.1)


@pytest.mark.parametrize(
    ("rivals", "response", "message"),
    [
        ({"context_slope": 0.2}, {}, "rivals.context_slope = 0.2: needs a price landscape"),
        ({"landscape": "uniform", "context_slope": 0.2}, {"family": "private_value"}, "must be 0 with"),
        ({"landscape": "uniform", "context_slope": 5}, {}, "less than or equal to 4"),
    ],
)
def test_a_slope_that_means_nothing_is_refused(rivals: Any, response: Any, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Scenario.model_validate({"rivals": rivals, "response": response})


@pytest.mark.parametrize(
    "rivals",
    [
        {"landscape": "uniform", "high": 2.0},
        {"landscape": "lognormal", "mu": -1.0, "sigma": 0.7},
        {"landscape": "normal", "mu": 1.0, "sigma": 0.2},
        {"landscape": "histogram", "edges": (0.1, 0.5, 2.0), "weights": (1.0, 3.0)},
    ],
)
def test_quantiles_of_a_mixture_invert_its_distribution(rivals: Any) -> None:
    law = Landscape(Rivals.model_validate(rivals)).mixed(np.array([0.5, 1.0, 3.0]), np.array([0.2, 0.3, 0.5]))
    u = np.linspace(0.01, 0.99, 33)
    np.testing.assert_allclose(law.cdf(law.quantile(u)), u, atol=1e-9)

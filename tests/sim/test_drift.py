"""Products that drift: block by block the same, the same past however far back one looks, contradictions refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from jointbid.sim import Entrant, Scenario, simulate
from jointbid.sim.drift import Products, rows_by_product
from jointbid.sim.scenario import HOUR_US
from jointbid.sim.streams import Streams
from jointbid.strategies.base import Priced
from jointbid.strategies.policies.linear import Truthful
from jointbid.strategies.valuations.bayes import bayes


def market(**parts: Any) -> Scenario:
    """Five products with three states over four days; ``parts`` change it."""
    base: dict[str, Any] = {
        "supply": {"requests": 2_000, "horizon_h": 96.0, "context_types": 5},
        "audience": {"profile_types": 3, "people": 100, "drift": {"half_life_h": 6.0}},
        "response": {"family": "additive", "a": 1.0, "b": 0.3, "c": 0.2, "interaction": 0.1},
        "source": {"profile": {"sync_interval_h": 24.0, "latency_h": 3.0, "accuracy": 0.9}, "context": {}},
        "rivals": {"landscape": "uniform", "high": 2.0},
        "bidders": {"values": "common"},
    }
    for name, part in parts.items():
        base[name] = {**base.get(name, {}), **part} if isinstance(part, dict) else part
    return Scenario.model_validate(base)


@pytest.mark.parametrize("most", [1, 17])
@pytest.mark.parametrize("interval_h", [0.0, 24.0])
def test_how_many_requests_travel_together_changes_nothing(most: int, interval_h: float) -> None:
    scenario = market(source={"profile": {"sync_interval_h": interval_h, "latency_h": 3.0}, "context": {}})
    brain = Priced(bayes(scenario, ("profile", "context")), Truthful())
    engine = scenario.engine.model_copy(update={"max_block": most})
    whole, parts = (
        simulate(each, {"me": Entrant(brain, ("profile", "context"))}, 1, 0)
        for each in (scenario, scenario.model_copy(update={"engine": engine}))
    )
    for table in ("bidders", "timeseries"):
        for column, mine in getattr(whole, table).items():
            np.testing.assert_array_equal(mine, getattr(parts, table)[column], err_msg=f"{table}.{column}")


def test_how_far_back_a_copy_reaches_does_not_change_the_world() -> None:
    scenario, streams = market(), Streams(3, 1)
    near, far = (Products(scenario, streams, round(back * HOUR_US)) for back in (10.0, 500.0))
    product = rows_by_product(np.tile(np.arange(5, dtype=np.int32), 200), 5)
    time_us = np.rint(np.linspace(-10.0, 96.0, 1_000) * HOUR_US).astype(np.int64)
    np.testing.assert_array_equal(near.state_at(product, time_us), far.state_at(product, time_us))
    assert len(set(near.state_at(product, time_us).tolist())) == 3


def test_a_copy_that_never_arrives_is_the_run_without_it() -> None:
    scenario = market(source={"profile": {"latency_h": float("inf")}, "context": {}})
    one, other = (
        simulate(scenario, {"me": Entrant(Priced(bayes(scenario, data), Truthful()), data)}, 1, 0)
        for data in (("context",), ("profile", "context"))
    )
    for column in ("value", "spend", "wins"):
        np.testing.assert_array_equal(one.bidders[column], other.bidders[column])


def test_a_source_ages_as_the_products_do_and_its_copy_with_it() -> None:
    scenario = market(source={"feed": {"copy_of": "profile"}, "profile": {}, "context": {}})
    for name in ("profile", "feed"):
        assert scenario.data_of(name).flip_rate_per_h == pytest.approx(np.log(2) / 12)
    assert scenario.data_of("context").flip_rate_per_h == 0


def test_contradictions_are_listed_together() -> None:
    with pytest.raises(ValidationError) as refused:
        market(
            audience={"consent": 0.5},
            response={"redundancy": 0.2},
            bidders={"values": "private"},
            source={"profile": {"flip_rate_per_h": 0.1}, "stock": {"shows": "profile"}},
        )
    text = str(refused.value)
    for part in (
        "audience.consent: with audience.drift must be 1",
        "response.redundancy: with audience.drift must be 0",
        "bidders.values: with audience.drift must be common",
        "source.stock: with audience.drift one source alone may show the profile",
        "source.profile.flip_rate_per_h: a product changes as audience.drift says",
    ):
        assert part in text
    with pytest.raises(ValidationError, match="greater than or equal"):
        market(audience={"drift": {"half_life_h": 0.0}})

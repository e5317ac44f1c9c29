"""Shelves that sales empty: block by block the same, no unit lost or made, no purchase from an empty one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from jointbid.sim import Entrant, Scenario, simulate
from jointbid.sim.scenario import HOUR_US
from jointbid.sim.stock import Shelves
from jointbid.sim.streams import Streams
from jointbid.strategies.base import Priced
from jointbid.strategies.policies.constant import Constant
from jointbid.strategies.policies.linear import Truthful
from jointbid.strategies.valuations.bayes import bayes

ALL = ("profile", "stock", "context")


def market(**parts: Any) -> Scenario:
    """Three products with three states over ten days, sold out every few days; ``parts`` change it."""
    base: dict[str, Any] = {
        "supply": {"requests": 4_000, "horizon_h": 240.0, "context_types": 3},
        "audience": {"profile_types": 3, "drift": {"half_life_h": 12.0}},
        "response": {
            "family": "logit",
            "a": -0.5,
            "value_per_click": 0.05,
            "viewability": 0.8,
            "conversion": {"a": -1.5, "b": 0.5, "value": 2.0, "after_view": 0.2, "delay_h": {"mean": 5}},
        },
        "stock": {"units": (4, 6, 9), "lead_h": 20.0},
        "source": {"profile": {}, "stock": {"sync_interval_h": 12.0, "latency_h": 2.0}, "context": {}},
        "rivals": {"landscape": "uniform", "high": 0.4},
        "bidders": {"values": "common"},
    }
    for name, part in parts.items():
        merged = isinstance(part, dict) and name != "source"
        base[name] = {**base.get(name, {}), **part} if merged else part
    return Scenario.model_validate(base)


def informed(scenario: Scenario, data: tuple[str, ...] = ALL, **about: Any) -> Entrant:
    return Entrant(Priced(bayes(scenario, data), Truthful()), data, **about)


@pytest.mark.parametrize("most", [1, 17])
@pytest.mark.parametrize("interval_h", [0.0, 12.0])
def test_how_many_requests_travel_together_changes_nothing(most: int, interval_h: float) -> None:
    scenario = market(
        source={"stock": {"sync_interval_h": interval_h, "latency_h": 2.0}, "profile": {}, "context": {}}
    )
    engine = scenario.engine.model_copy(update={"max_block": most})
    entrants = {"me": informed(scenario), "other": informed(scenario, ("context",))}
    whole, parts = (
        simulate(each, entrants, 1, 0) for each in (scenario, scenario.model_copy(update={"engine": engine}))
    )
    for table in ("bidders", "timeseries", "stock"):
        for column, mine in getattr(whole, table).items():
            np.testing.assert_array_equal(mine, getattr(parts, table)[column], err_msg=f"{table}.{column}")


def test_no_unit_is_lost_or_made() -> None:
    scenario = market()
    run = simulate(scenario, {"me": informed(scenario), "other": informed(scenario, ("profile",))}, 1, 0)
    stock = run.stock
    np.testing.assert_array_equal(stock["units"] + stock["delivered"] - stock["sold"], stock["left"])
    for name in ("me", "other"):
        row = run.of(name)
        realised = row["conversions"] + row["conversions_censored"] + row["conversions_unattributed"]
        assert stock["sold"][stock["advertiser"] == name].sum() == realised
    assert (stock["delivered"] > 0).any()
    assert (stock["delivered"] % stock["units"] == 0).all(), "deliveries are whole"
    assert (stock["sold_out_h"] > 0).any()


def test_departments_sell_from_one_shelf() -> None:
    scenario = market()
    seats = {name: informed(scenario, (name,), advertiser="house") for name in ("profile", "context")}
    run = simulate(scenario, seats, 1, 0)
    assert run.stock["advertiser"].tolist() == ["house"] * 3
    both = [run.of(name) for name in seats]
    sold = sum(row[f"conversions{part}"] for row in both for part in ("", "_censored", "_unattributed"))
    assert run.stock["sold"].sum() == sold
    assert both[0]["sold_out_h"] == pytest.approx(run.stock["sold_out_h"].mean())
    assert both[1]["sold_out_h"] == 0.0, "counted once"


def test_no_person_buys_from_an_empty_shelf() -> None:
    """Row by row: an impression is worth its click alone, exactly where the product's shelf was empty at the last count."""
    scenario = market(stock={"units": 3, "lead_h": 10.0})
    rows: list[dict[str, np.ndarray]] = []
    simulate(scenario, {"me": Entrant(Constant(1.0))}, 1, 0, sink=lambda block: rows.append(dict(block)))
    log = {name: np.concatenate([block[name] for block in rows]) for name in rows[0]}
    click = log["click_probability"] * scenario.response.value_per_click
    empty = np.isclose(log["value"], click)
    assert 0.2 < empty.mean() < 0.9
    assert (log["conversion_us"][empty] == -1).all()
    assert (log["conversion_us"][~empty] >= 0).any()
    assert (log["conversion_probability"][empty] == 0).all()
    assert np.isclose((log["click_us"][empty] >= 0).mean(), (log["click_us"][~empty] >= 0).mean(), atol=0.03)


def test_more_than_can_be_sold_is_the_run_without_stock() -> None:
    plain = market(stock=None, source={"profile": {}, "context": {}})
    full = market(stock={"units": 1000}, source={"profile": {}, "context": {}})
    for data in ((), ("context",), ("profile", "context")):
        one, other = (
            simulate(scenario, {"me": Entrant(Priced(bayes(plain, data), Truthful()), data)}, 1, 0)
            for scenario in (plain, full)
        )
        for column, mine in one.bidders.items():
            np.testing.assert_array_equal(mine, other.bidders[column], err_msg=column)


@pytest.mark.parametrize("lost", [{"latency_h": float("inf")}, {"match_rate": 0.0}])
def test_a_source_that_shows_nothing_is_the_run_without_it(lost: dict[str, float]) -> None:
    scenario = market(source={"profile": {}, "stock": lost, "context": {}})
    one, other = (
        simulate(scenario, {"me": informed(scenario, data)}, 1, 0) for data in (("profile", "context"), ALL)
    )
    for column in ("value", "spend", "wins", "sold_out_h"):
        np.testing.assert_array_equal(one.bidders[column], other.bidders[column])


def test_a_copy_shows_the_count_of_its_time() -> None:
    scenario = market(stock={"units": 5, "lead_h": 1.0, "step_h": 1.0})
    shelves = Shelves(scenario, Streams(1, 0), ["me"])
    product = np.zeros(1, dtype=np.int32)
    for sold in (2, 1, 2, 0):
        shelves.sell("me", np.repeat(product, sold))
        shelves.count()
    hours = {-30.0: 5, 0.5: 5, 1.0: 3, 2.5: 2, 3.0: 0, 4.0: 5, 4.9: 5}
    for hour, units in hours.items():
        at = np.array([round(hour * HOUR_US)])
        assert shelves.units_at("me", product, at) == units, hour


def test_sales_between_two_counts_wait_for_the_delivery() -> None:
    scenario = market(stock={"units": 3, "lead_h": 1.0})
    shelves = Shelves(scenario, Streams(1, 0), ["me"])
    shelves.sell("me", np.zeros(4, dtype=np.int32))
    shelves.count()
    assert shelves.columns()["left"][0] == -1
    assert shelves.is_empty("me").tolist() == [True, False, False]
    shelves.count()
    assert shelves.columns()["left"][0] == 2


def test_contradictions_are_listed_together() -> None:
    with pytest.raises(ValidationError) as refused:
        market(
            response={"conversion": None, "family": "additive", "value_per_click": 1.0},
            stock={"units": (4, 5), "believed_sales_per_h": (0.1,)},
            bidders={"values": "private"},
            rivals={"landscape": None},
            source={"stock": {"flip_rate_per_h": 0.1}, "shelf": {"shows": "stock"}},
        )
    text = str(refused.value)
    for part in (
        "stock.units: 2 numbers for 3 context types",
        "stock.believed_sales_per_h: 1 numbers for 3 context types",
        "stock: nothing is sold where there are no conversions",
        "response.family: with stock must be logit",
        "bidders.values: with stock must be common",
        "source.shelf: one source alone may show the stock; make it a copy_of stock",
        "source.stock.flip_rate_per_h: stock changes as sales and deliveries do",
    ):
        assert part in text
    with pytest.raises(
        ValidationError, match=r"stock\.believed_sales_per_h = null: is worked out from prices"
    ):
        market(rivals={"landscape": None})
    with pytest.raises(ValidationError, match=r"lead_h = 0\.5: must be at least stock\.step_h = 1"):
        market(stock={"lead_h": 0.5})
    for source in ({"stock": {}}, {"shelf": {"shows": "stock"}}):
        with pytest.raises(
            ValidationError,
            match=r"shows: stock needs stock; without it leave the source out \(~source\.\w+\), or show one of profile",
        ):
            market(stock=None, source=source)

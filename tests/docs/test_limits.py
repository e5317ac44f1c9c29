"""docs/limits.md states the code's own limits, and each holds at its value and just above."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from contextlib import nullcontext
from importlib import import_module
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from jointbid.experiments.config.checks import all_checks
from jointbid.experiments.config.points import load
from jointbid.experiments.errors import BadInput
from jointbid.sim import BidError, Entrant, LogColumns, Scenario, VisibleRequests, simulate
from jointbid.sim.ledger import SpendError, check_spend, open_ledger
from jointbid.sim.memory import open_memory
from jointbid.sim.response import fading
from jointbid.sim.scenario import MICROS, Cap, Response, Terms
from jointbid.strategies.base import Policy

ROOT = Path(__file__).parents[2]
ROW = re.compile(
    r"^\|(?P<what>.*)\|(?P<most>[^|]*)\|\s*`(?P<name>[\w.]+)`\s*\|(?P<above>[^|]*)\|$", re.MULTILINE
)
PAGE = {row["name"]: row for row in ROW.finditer((ROOT / "docs/limits.md").read_text(encoding="utf-8"))}
REFUSED = (ValidationError, BadInput)


def value_of(name: str) -> float:
    module, _, constant = name.rpartition(".")
    return getattr(import_module(module), constant)


class Steady(Policy):
    """The same bid on everything."""

    def __init__(self, bid: float) -> None:
        self._bid = bid
        self.reads: tuple[str, ...] = ()

    def bid(self, requests: VisibleRequests) -> np.ndarray:
        return np.full(requests.n, self._bid)


def market(**parts: Any) -> Scenario:
    base: dict[str, Any] = {"supply": {"requests": 4}}
    return Scenario.model_validate({**base, **parts})


def of_key(*path: str, **others: Any) -> Callable[[float], object]:
    """Set one key of a market."""

    def build(number: float) -> object:
        tree: Any = int(number) if float(number).is_integer() and number < 1e18 else number
        for key in reversed(path):
            tree = {key: tree}
        return market(**{**others, path[0]: {**others.get(path[0], {}), **tree[path[0]]}})

    return build


def of_command(*overrides: str) -> Callable[[float], object]:
    return lambda number: load(overrides[0], [one.format(number) for one in overrides[1:]])


def bid(number: float) -> object:
    return simulate(market(), {"focal": Steady(number)}, 1)


def money(number: float) -> object:
    bid(number)
    landscape = {"landscape": "histogram", "edges": [0, number], "weights": [1]}
    sale = {"family": "logit", "value_per_click": number, "b": -number, "conversion": {"value": number}}
    market(bidders={"budget": number, "terms": {"daily_budget": number}}, rivals=landscape, response=sale)
    return simulate(market(), {"focal": Entrant(Steady(1.0), budget=number)}, 1)


def charge(micros: float) -> object:
    """A bid on rows that stand for a million impressions each."""
    n, weight = 3, 1e6
    log = LogColumns(
        time_us=np.arange(n), price_micros=np.zeros(n, np.int64), floor_micros=np.zeros(n, np.int64),
        weight=np.full(n, weight), value=np.ones(n), click=np.zeros(n), columns={},
    )  # fmt: skip
    scenario = market(supply={"kind": "log", "path": "made"})
    return simulate(scenario, {"focal": Steady(micros / weight / MICROS)}, 1, log=log)


def spend(micros: float) -> object:
    ledger = open_ledger([None, None, None], 1)
    ledger.spend[:] = [int(micros) // 3, int(micros) // 3, int(micros) - 2 * (int(micros) // 3)]
    check_spend(ledger, 3_600_000_000)
    return ledger


def remembered(number: float) -> object:
    return open_memory(int(number), {"focal": Terms()}, ["focal"])


def sources(number: float) -> object:
    (point,) = load("value", ["scenario=theory"])
    copies = {f"s{i}": {"shows": "profile"} for i in range(int(number))}
    scenario = point.settings.scenario.model_copy(update={"source": market(source=copies).source})
    problems = [
        *chain.from_iterable(
            check() for check in all_checks(point.settings.model_copy(update={"scenario": scenario}))
        )
    ]
    if any("sources; a study takes" in line for line in problems):
        raise BadInput(problems)
    return problems


def cells_of_truth(number: float) -> object:
    """Three numbers of types whose product is the number, or the least that is more."""
    return market(
        audience={"profile_types": 1024, "history_types": 1 + (number > 2**20)},
        supply={"context_types": 1024},
    )


def visible_cells(number: float) -> object:
    """Three sources of 128 codes are 2^21 combinations."""
    types = 127 if number == 2**21 else 128
    return market(audience={"profile_types": types}, source={name: {"shows": "profile"} for name in "abc"})


def bidders(number: float) -> object:
    """Their number is looked at before anything is opened for them."""
    try:
        return simulate(market(), dict.fromkeys(map(str, range(int(number))), 0), 1)  # type: ignore[arg-type]
    except TypeError:
        return number


LOG_CHANNEL = {"daily_budget": 1, "bid_cpm": 1}
JOURNEY = {"audience": {"people": 10}, "journey": {}, "bidders": {"values": "common"}}


def channels(number: float) -> object:
    from jointbid.sim.scenario import Touchpoints

    return Touchpoints.model_validate({"channels": {f"c{i}": LOG_CHANNEL for i in range(int(number))}})


def fatigue(number: float) -> object:
    """The last step of fatigue is that of the most impressions that are remembered."""
    assert len(fading(Response(fatigue=0.1))) == number + 1
    return number


def creatives(number: float) -> object:
    return TypeAdapter(Scenario.model_fields["creative"].annotation).validate_python({}) or market(
        creative={f"c{i}": {} for i in range(int(number))}
    )


TRIALS: dict[str, tuple[Callable[[float], object], type[Exception] | tuple[type[Exception], ...] | None]] = {
    "jointbid.sim.scenario.base.MAX_MONEY": (money, (BidError, ValidationError)),
    "jointbid.sim.scenario.base.MAX_CHARGE_MICROS": (charge, BidError),
    "jointbid.sim.scenario.base.MAX_SPEND_MICROS": (spend, SpendError),
    "jointbid.sim.scenario.base.MAX_CLICK_RATE": (lambda n: market(auction={"slots": [n]}), REFUSED),
    "jointbid.experiments.config.study_settings.MAX_AMOUNT": (of_command("value", "scenario=theory", "money.integration_once={}"), REFUSED),
    "jointbid.sim.scenario.base.MAX_LOG_SIGMA": (of_key("rivals", "sigma", rivals={"landscape": "lognormal"}), REFUSED),
    "jointbid.sim.scenario.auction.MAX_CONTEXT_SLOPE": (of_key("rivals", "context_slope", rivals={"landscape": "lognormal"}), REFUSED),
    "jointbid.sim.scenario.base.MAX_RATIO": (of_key("supply", "nonclick_weight", supply={"kind": "log", "path": "made"}), REFUSED),
    "jointbid.sim.scenario.base.MAX_HOURS": (of_key("supply", "horizon_h"), REFUSED),
    "jointbid.sim.scenario.supply.MAX_REQUESTS_PER_H": (of_key("supply", "requests", supply={"horizon_h": 1}), REFUSED),
    "jointbid.sim.scenario.supply.MOST_ROWS": (of_key("supply", "most_rows", supply={"kind": "log", "path": "made"}), None),
    "jointbid.sim.scenario.base.MAX_TYPES": (of_key("audience", "profile_types"), REFUSED),
    "jointbid.sim.scenario.checks.MAX_CELLS_OF_TRUTH": (cells_of_truth, REFUSED),
    "jointbid.sim.scenario.checks.MAX_VISIBLE_CELLS": (visible_cells, REFUSED),
    "jointbid.experiments.cells.lattice.MAX_SOURCES": (sources, REFUSED),
    "jointbid.sim.scenario.people.MAX_PEOPLE": (of_key("audience", "people"), REFUSED),
    "jointbid.sim.memory.MAX_REMEMBERED": (remembered, ValueError),
    "jointbid.sim.auction.booking.MAX_SEEN": (fatigue, AssertionError),
    "jointbid.sim.scenario.bidders.MAX_CAP": (lambda n: Cap(impressions=int(n)), REFUSED),
    "jointbid.sim.scenario.bidders.MAX_SEATS": (of_key("bidders", "count"), REFUSED),
    "jointbid.sim.brains.MAX_BIDDERS": (bidders, ValueError),
    "jointbid.sim.scenario.auction.MAX_SLOTS": (lambda n: market(auction={"slots": [1.0] * int(n)}), REFUSED),
    "jointbid.sim.scenario.parts.MAX_CREATIVES": (creatives, REFUSED),
    "jointbid.sim.scenario.touchpoints.MAX_CHANNELS": (channels, REFUSED),
    "jointbid.sim.scenario.stock.MAX_UNITS": (lambda n: TypeAdapter(import_module("jointbid.sim.scenario.stock").Units).validate_python(int(n)), REFUSED),
    "jointbid.sim.scenario.journey.MAX_HALF_LIFE_H": (of_key("journey", "half_life_h", **JOURNEY), REFUSED),
    "jointbid.sim.scenario.journey.MAX_POWER": (of_key("journey", "power", **JOURNEY), REFUSED),
    "jointbid.experiments.config.settings.MAX_SEED": (of_command("value", "scenario=theory", "seed={}"), REFUSED),
}  # fmt: skip
"""Limit -> what takes a number up to it, and what it raises above; None: it goes another way there."""
BELOW = {
    "jointbid.experiments.cells.replications.PILOTS": of_command("value", "scenario=theory", "study.replications={}"),
    "jointbid.experiments.cells.replications.NEXT_SEASON": of_command("attribution", "scenario=touchpoints", "study.replications={}"),
}  # fmt: skip
"""Limits that are the first number refused."""
ELSEWHERE = {"jointbid.sim.scenario.base.MAX_MICROS", "jointbid.sim.bidder_session.MAX_CELLS"}
"""The same in another unit; and one that is tried below."""


def above(number: float) -> float:
    return number + 1 if isinstance(number, int) else math.nextafter(number, math.inf)


@pytest.mark.parametrize("name", PAGE)
def test_the_page_has_the_number_of_the_code(name: str) -> None:
    assert float(PAGE[name]["most"].replace(",", "")) == float(value_of(name))


def test_every_limit_of_the_code_is_on_the_page_and_every_one_on_the_page_is_tried() -> None:
    declared = set()
    for room in ("sim", "strategies", "experiments"):
        for file in sorted((ROOT / room).rglob("*.py")):
            module = ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            found = re.findall(r"^(MAX_\w+)(?:: [^=]+)? = ", file.read_text(encoding="utf-8"), re.MULTILINE)
            declared |= {f"jointbid.{module}.{constant}" for constant in found}
    assert declared <= set(PAGE)
    assert set(PAGE) == {*TRIALS, *BELOW, *ELSEWHERE}


@pytest.mark.parametrize("name", TRIALS)
def test_a_limit_is_taken_at_its_value_and_not_above(name: str) -> None:
    build, error = TRIALS[name]
    most = value_of(name)
    assert build(most) is not None
    more = most * 1.001 if name.endswith(("MAX_CHARGE_MICROS",)) else above(most)
    with pytest.raises(error) if error else nullcontext():
        build(most + 1024 if name.endswith("MAX_SPEND_MICROS") else more)


@pytest.mark.parametrize("name", BELOW)
def test_replications_are_fewer_than_those_that_decide_something(name: str) -> None:
    first = value_of(name)
    assert BELOW[name](first - 1)
    with pytest.raises(BadInput, match=r"study\.replications"):
        BELOW[name](first)


@pytest.mark.parametrize("types", [255, 254])
def test_more_cells_than_one_question_holds_are_asked_row_by_row_with_the_same_numbers(types: int) -> None:
    """Two sources of 256 codes are 65,536 cells; eight copies of them are 2^64, which is 0 in 64 bits."""

    class ByCode(Policy):
        def __init__(self, *reads: str) -> None:
            self.reads = reads

        def bid(self, requests: VisibleRequests) -> np.ndarray:
            return 0.5 + requests["a"] / 512 + requests["b"] / 1024

    copies = {f"{name}{i}": {"copy_of": name} for i in range(3) for name in ("a", "b")}
    shown = {"a": {"shows": "profile"}, "b": {"shows": "context"}}
    scenario = market(
        supply={"requests": 300, "context_types": types},
        audience={"profile_types": types},
        source={**shown, **copies},
        rivals={"landscape": "uniform", "high": 1.0},
    )
    few, many = (
        simulate(scenario, {"focal": ByCode(*reads)}, 1).bidders
        for reads in (("a", "b"), ("a", "b", *copies))
    )
    assert 0 < few["wins"][0] < 300
    for column in ("wins", "spend", "value"):
        np.testing.assert_array_equal(few[column], many[column])

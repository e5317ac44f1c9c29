"""Shelves that sales empty: how long they are empty, what it is worth to know, and what an old copy still tells."""

from __future__ import annotations

from math import exp, sqrt
from typing import Any

import numpy as np
import pytest

from jointbid.sim import Entrant, Scenario, simulate
from jointbid.strategies.base import Policy, Priced
from jointbid.strategies.policies.constant import Constant
from jointbid.strategies.policies.linear import Truthful
from jointbid.strategies.valuations import shelf
from jointbid.strategies.valuations.bayes import bayes

pytestmark = pytest.mark.oracle
Z = 4.0
SALE, MARGIN, M = 0.02, 50.0, 2.0
"""The share of those who see the ad that buy; prices are U[0, M]."""
WORTH = SALE * MARGIN
A_REQUEST_H = 60_000 / 2_400


def market(**parts: Any) -> Scenario:
    """One product, of whose ads all are clicked and the share SALE sells, over 2,400 hours; counted every half hour."""
    base: dict[str, Any] = {
        "supply": {"requests": 60_000, "horizon_h": 2_400.0, "context_types": 1},
        "audience": {"profile_types": 1},
        "response": {
            "family": "logit",
            "a": 40.0,
            "value_per_click": 0.0,
            "conversion": {"a": float(np.log(SALE / (1 - SALE))), "value": MARGIN},
        },
        "stock": {"units": 6, "lead_h": 30.0, "step_h": 0.5},
        "source": {"stock": {}},
        "rivals": {"landscape": "uniform", "high": M},
        "bidders": {"values": "common", "control_interval_h": 100.0},
        "engine": {"series_h": 100.0},
    }
    for name, part in parts.items():
        base[name] = {**base.get(name, {}), **part} if isinstance(part, dict) else part
    return Scenario.model_validate(base)


def share_there(units: int, lead_h: float, sales_per_h: float) -> float:
    """The share of time with units left, by the renewal of a shelf: units / rate with, lead without."""
    return units / sales_per_h / (units / sales_per_h + lead_h)


def runs(scenario: Scenario, entrant: Entrant, column: str, replications: int = 8) -> np.ndarray:
    """A column of the bidder's row in each replication."""
    return np.array([simulate(scenario, {"me": entrant}, 5, r).of("me")[column] for r in range(replications)])


def close(found: np.ndarray, expected: float, slack: float = 0.0) -> None:
    error = found.std(ddof=1) / sqrt(len(found))
    assert abs(found.mean() - expected) <= Z * error + slack, (found.mean(), expected, error)


@pytest.mark.parametrize(
    ("units", "lead_h"),
    [(6, 30.0), pytest.param(1, 20.0, marks=pytest.mark.slow), pytest.param(20, 5.0, marks=pytest.mark.slow)],
)
@pytest.mark.slow
def test_a_shelf_is_empty_as_long_as_renewal_theory_says(units: int, lead_h: float) -> None:
    """Sold at a Poisson rate to the last unit, then a delivery: share empty = lead / (lead + units / rate), and the engine within z <= 4.

    The chain counts in steps, and notices half a step late on average that a shelf is empty; the engine counts as the chain does.
    """
    rate = A_REQUEST_H * SALE
    scenario = market(stock={"units": units, "lead_h": lead_h, "believed_sales_per_h": rate})
    chain = shelf.stationary(scenario)[0, 0]
    noticed = 1.0 - share_there(units, lead_h, 1.0 / (1.0 / rate + 0.25 / units))
    assert chain == pytest.approx(noticed, rel=0.005)
    assert noticed == pytest.approx(1.0 - share_there(units, lead_h, rate), rel=0.02)
    empty = runs(scenario, Entrant(Constant(level=M)), "sold_out_h") / 2_400.0
    close(empty, chain, slack=0.01 * chain)  # the first shelf is full, which is not the long run


@pytest.mark.slow
def test_what_it_is_worth_to_know_the_shelf() -> None:
    """Who knows bids w while there are units: s w^2 / 2M a request, s the share of time that its own sales leave some.

    Who does not know bids b = s' w, s' what it believes of s, and gains s w b / M - b^2 / 2M at the s that follows from its own bids.
    """
    believed = 0.2
    scenario = market(stock={"believed_sales_per_h": believed})
    rate = A_REQUEST_H * SALE
    knows = share_there(6, 30.0, rate * WORTH / M)
    informed = Entrant(Priced(bayes(scenario, ("stock",)), Truthful()), ("stock",))
    close(runs(scenario, informed, "profit") / 60_000, knows * WORTH**2 / (2 * M), slack=0.002)
    bid = (1.0 - shelf.stationary(scenario)[0, 0]) * WORTH
    assert bid == pytest.approx(share_there(6, 30.0, believed) * WORTH, rel=0.01)
    there = share_there(6, 30.0, rate * bid / M)
    blind = Entrant(Priced(bayes(scenario, ()), Truthful()), ())
    close(runs(scenario, blind, "profit") / 60_000, there * WORTH * bid / M - bid**2 / (2 * M), slack=0.002)


def test_what_one_who_knows_all_sells_is_what_is_believed() -> None:
    """Left out, the belief is the rate at which truthful bids win, times the share that buys: w / M x SALE of the requests."""
    assert shelf.sales_per_h(market())[0] == pytest.approx(A_REQUEST_H * SALE * WORTH / M)
    halved = market(stock={"believed_sales_per_h": (0.5,)})
    assert shelf.sales_per_h(halved).tolist() == [0.5]


class Noting(Policy):
    """Wins everything, and keeps what it was shown."""

    reads = ("stock",)
    learns = True
    seen: dict[int, int] = {}  # noqa: RUF012 - shared with the copy that plays

    def bid(self, requests):
        return np.full(requests.n, M)

    def observe(self, feedback) -> None:
        self.seen.update(zip(feedback.position.tolist(), feedback.requests["stock"].tolist(), strict=True))


class Rows:
    """A sink of which request was worth what."""

    def __init__(self) -> None:
        self.position: list[int] = []
        self.value: list[float] = []

    def __call__(self, block: Any) -> None:
        self.position += block["position"].tolist()
        self.value += block["value"].tolist()


@pytest.mark.slow
def test_an_old_copy_tells_what_the_chain_says() -> None:
    """P(units left now | units in a copy six hours old), by how many the copy shows: within z <= 4 of what was true, cycles counted."""
    rate = A_REQUEST_H * SALE
    scenario = market(stock={"believed_sales_per_h": rate}, source={"stock": {"latency_h": 6.0}})
    codes, values, cycles = [], [], 0
    for replication in range(6):
        Noting.seen.clear()
        sink = Rows()
        run = simulate(scenario, {"me": Entrant(Noting())}, 5, replication, sink=sink)
        cycles += int(run.stock["delivered"][0]) // 6
        codes += [Noting.seen.get(place, -1) for place in sink.position]
        values += sink.value
    shown, value = np.array(codes), np.array(values)
    law = shelf.stationary(scenario)[0]
    now_then = law[:, None] * shelf.units_then(scenario, ("stock",), believed=True)[0]
    there = now_then[1:].sum(axis=0) / now_then.sum(axis=0)
    assert there[0] == pytest.approx(1.0 - exp(-6.0 / 30.0), abs=0.01)  # nearly: some of it is sold again
    said = bayes(scenario, ("stock",))
    for units in range(7):
        error = sqrt(there[units] * (1.0 - there[units]) / cycles)
        true = (value[shown == units] > WORTH / 2).mean()
        assert true == pytest.approx(there[units], abs=Z * error), units
        assert said.value({"stock": np.array([units])}) == pytest.approx(WORTH * there[units], rel=1e-6)  # type: ignore[arg-type]
    assert there[1] < 0.4
    assert there[6] > 0.9

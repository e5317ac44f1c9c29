"""Shelves that sales empty: how long they are empty, what it is worth to know, and what an old copy still tells."""

from __future__ import annotations

from math import exp, sqrt
from typing import Any

import numpy as np
import pytest

from sim import Entrant, Scenario, simulate
from strategies.base import Policy, Priced
from strategies.policies.constant import Constant
from strategies.policies.linear import Truthful
from strategies.valuations import shelf
from strategies.valuations.bayes import bayes

pytestmark = pytest.mark.oracle
Z = 4.0
SALE, MARGIN, M = 0.02, 50.0, 2.0
"""Of everybody who sees the ad so many buy; prices are U[0, M]."""
WORTH = SALE * MARGIN
A_REQUEST_H = 100_000 / 4_000


def market(**parts: Any) -> Scenario:
    """One product, of whose ads all are clicked and the share SALE sells, over 4,000 hours; counted every quarter of an hour."""
    base: dict[str, Any] = {
        "supply": {"requests": 100_000, "horizon_h": 4_000.0, "context_types": 1},
        "audience": {"profile_types": 1},
        "response": {
            "family": "logit",
            "a": 40.0,
            "value_per_click": 0.0,
            "conversion": {"a": float(np.log(SALE / (1 - SALE))), "value": MARGIN},
        },
        "stock": {"units": 6, "lead_h": 30.0, "step_h": 0.25},
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


def runs(scenario: Scenario, entrant: Entrant, column: str, replications: int = 12) -> np.ndarray:
    """A column of the bidder's row in each replication."""
    return np.array([simulate(scenario, {"me": entrant}, 5, r).of("me")[column] for r in range(replications)])


def close(found: np.ndarray, expected: float, slack: float = 0.0) -> None:
    error = found.std(ddof=1) / sqrt(len(found))
    assert abs(found.mean() - expected) <= Z * error + slack, (found.mean(), expected, error)


@pytest.mark.parametrize(("units", "lead_h"), [(1, 20.0), (6, 30.0), (20, 5.0)])
def test_a_shelf_is_empty_as_long_as_renewal_theory_says(units: int, lead_h: float) -> None:
    """Sold at a Poisson rate to the last unit, then a delivery: share empty = lead / (lead + units / rate). z <= 4."""
    scenario = market(stock={"units": units, "lead_h": lead_h})
    empty = runs(scenario, Entrant(Constant(level=M)), "sold_out_h") / 4_000.0
    expected = 1.0 - share_there(units, lead_h, A_REQUEST_H * SALE)
    close(empty, expected, slack=0.01 * expected)  # the first shelf is full, which is not the long run
    believed = shelf.stationary(
        market(stock={"units": units, "lead_h": lead_h, "believed_sales_per_h": A_REQUEST_H * SALE})
    )
    assert believed[0, 0] == pytest.approx(expected, rel=0.01)  # counted in steps


def test_what_it_is_worth_to_know_the_shelf() -> None:
    """Who knows bids w while there are units: s w^2 / 2M a request, s the share of time that its own sales leave some.

    Who does not know bids b = s' w, s' what it believes of s, and gains s w b / M - b^2 / 2M at the s that follows from its own bids.
    """
    believed = 0.2
    scenario = market(stock={"believed_sales_per_h": believed})
    rate = A_REQUEST_H * SALE
    knows = share_there(6, 30.0, rate * WORTH / M)
    informed = Entrant(Priced(bayes(scenario, ("stock",)), Truthful()), ("stock",))
    close(runs(scenario, informed, "profit") / 100_000, knows * WORTH**2 / (2 * M), slack=0.002)
    bid = (1.0 - shelf.stationary(scenario)[0, 0]) * WORTH
    assert bid == pytest.approx(share_there(6, 30.0, believed) * WORTH, rel=0.01)
    there = share_there(6, 30.0, rate * bid / M)
    blind = Entrant(Priced(bayes(scenario, ()), Truthful()), ())
    close(runs(scenario, blind, "profit") / 100_000, there * WORTH * bid / M - bid**2 / (2 * M), slack=0.002)


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


def test_an_old_copy_tells_what_the_chain_says() -> None:
    """P(units left now | units in a copy six hours old), by how many the copy shows: within .04 of what was true over the run."""
    rate = A_REQUEST_H * SALE
    scenario = market(stock={"believed_sales_per_h": rate}, source={"stock": {"latency_h": 6.0}})
    Noting.seen.clear()
    rows: list[tuple[np.ndarray, np.ndarray]] = []
    for replication in range(1):
        simulate(
            scenario, {"me": Entrant(Noting())}, 5, replication,
            sink=lambda block: rows.append((block["position"].copy(), block["value"].copy())),
        )  # fmt: skip
    position, value = (np.concatenate(column) for column in zip(*rows, strict=True))
    shown = np.array([Noting.seen.get(place, -1) for place in position.tolist()])
    law = shelf.stationary(scenario)[0]
    now_then = law[:, None] * shelf.units_then(scenario, ("stock",), believed=True)[0]
    there = now_then[1:].sum(axis=0) / now_then.sum(axis=0)
    assert there[0] == pytest.approx(1.0 - exp(-6.0 / 30.0), abs=0.01)  # nearly: some of it is sold again
    said = bayes(scenario, ("stock",))
    for units in range(7):
        true = (value[shown == units] > WORTH / 2).mean()
        assert true == pytest.approx(there[units], abs=0.04), units
        assert said.value({"stock": np.array([units])}) == pytest.approx(WORTH * there[units], rel=1e-6)  # type: ignore[arg-type]
    assert there[1] < 0.4 < 0.95 < there[6]

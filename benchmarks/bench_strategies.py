"""Bids a second of one bidder on one core: each policy on continuous values, each valuation on its codes (`bids_per_second`)."""

from __future__ import annotations

import numpy as np
import pytest

from jointbid.sim import VisibleRequests
from jointbid.strategies.per_request import PerRequest
from jointbid.strategies.registry import BUILT_IN
from jointbid.strategies.testing import Case
from jointbid.strategies.testing.life import live
from jointbid.strategies.valuations.features import Features
from jointbid.strategies.valuations.ftrl import FTRL
from jointbid.strategies.valuations.tables import CellValues
from jointbid.strategies.valuations.thompson import Thompson

ROWS = 65_536
TYPES = 17
SOURCES = ("profile", "context")


class OneByOne(PerRequest):
    """A rule of one line, in plain Python."""

    def bid_one(self, request):
        return 0.9 * request["value"]


POLICIES = [(name, auction) for name in BUILT_IN for auction in ("second_price", "first_price")]
VALUATIONS = {
    "table": CellValues(SOURCES, np.random.default_rng(1).random((TYPES, TYPES))),
    "ftrl": FTRL(Features(SOURCES, (TYPES, TYPES))),
    "thompson": Thompson(Features(SOURCES, (TYPES, TYPES))),
}


def note(benchmark):
    if benchmark.enabled:
        benchmark.extra_info["bids_per_second"] = round(ROWS / benchmark.stats.stats.min)


@pytest.mark.parametrize(("name", "auction"), [*POLICIES, ("one by one", "second_price")])
def test_policies(benchmark, name, auction):
    case = Case(BUILT_IN.get(name, OneByOne), auction)
    policy = live(case, case.new())
    batch = case.batch(policy, ROWS)
    benchmark(lambda: policy.bid(batch))
    note(benchmark)


@pytest.mark.parametrize("name", VALUATIONS)
def test_valuations(benchmark, name):
    rng = np.random.default_rng(2)
    columns = {source: rng.integers(0, TYPES, ROWS) for source in SOURCES} | {"uniform": rng.random(ROWS)}
    valuation = VALUATIONS[name]
    batch = VisibleRequests(ROWS, {column: columns[column] for column in valuation.reads})
    benchmark(lambda: valuation.value(batch))
    note(benchmark)

"""Small runs: what an episode, a small cell or a plugin's trial costs beside its auctions.

Bidders pace adaptively, or only read their accounts and bid their values; the scenario and the bidders are those of the run before (a warm scenario).
The table's extra columns have milliseconds a run, set-up included (`ms_run`), and microseconds of Python a control step
(`us_step`): the difference between a run with 48 control steps and one with a single one, over the 47 more.
"""

from __future__ import annotations

import time

import numpy as np
import pytest

from jointbid.sim import Entrant, Scenario, simulate
from jointbid.strategies.base import Policy, Priced
from jointbid.strategies.policies.pacing import AdaptivePacing
from jointbid.strategies.valuations.bayes import bayes

REQUESTS, STEPS, TYPES = 1_000, 48, 8
PAIRS = 60


class Reader(Policy):
    """Reads its account, and bids its values."""

    left = 0.0

    def control(self, state):
        self.left = state.budget_left

    def bid(self, requests):
        return requests["value"]


POLICIES = {"paces": AdaptivePacing, "reads": Reader}


def market(bidders, steps, policy=AdaptivePacing):
    """Two days of the scenario with this number of control steps, and its bidders; the time series has one row."""
    scenario = Scenario.model_validate(
        {
            "supply": {"requests": REQUESTS, "context_types": TYPES, "horizon_h": 48},
            "audience": {"profile_types": TYPES},
            "response": {"a": 1, "b": 0.3, "c": 0.2, "interaction": 0.02},
            "source": {"profile": {"match_rate": 0.8}, "context": {}},
            "bidders": {"control_interval_h": 48 / steps, "values": "common"},
            "engine": {"series_h": 48},
        }
    )
    prices = bayes(scenario, ("profile", "context"))
    budget = 0.8 * REQUESTS / bidders
    return scenario, {f"bidder_{i}": Entrant(Priced(prices, policy()), budget=budget) for i in range(bidders)}


def seconds(case):
    """CPU seconds of one run."""
    begin = time.process_time()
    simulate(*case, seed=1)
    return time.process_time() - begin


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("bidders", [1, 2, 8])
def test_a_small_run(benchmark, bidders, policy):
    many, single = market(bidders, STEPS, POLICIES[policy]), market(bidders, 1, POLICIES[policy])
    seconds(many)
    seconds(single)
    benchmark(simulate, *many, seed=1)
    if benchmark.enabled:
        pairs = np.array([(seconds(many), seconds(single)) for _ in range(PAIRS)])
        benchmark.extra_info["ms_run"] = round(1e3 * float(np.median(pairs[:, 0])), 2)
        step = np.median(pairs[:, 0] - pairs[:, 1]) / (STEPS - 1)
        benchmark.extra_info["us_step"] = round(1e6 * float(step), 1)

"""What a run keeps for the next one, and what it leaves behind."""

from __future__ import annotations

import gc
from dataclasses import replace

import pytest

from jointbid import Policy, Priced, Truthful, bayes, simulate
from jointbid.sim import Scenario

SCENARIO = Scenario.model_validate(
    {
        "supply": {"requests": 400, "context_types": 4, "horizon_h": 12},
        "audience": {"profile_types": 4},
        "response": {"a": 1, "b": 0.3, "c": 0.2, "interaction": 0.02},
        "source": {"profile": {"match_rate": 0.8}, "context": {}},
        "rivals": {"landscape": "uniform", "high": 2.0},
    }
)


class Reader(Policy):
    """Looks at its account, and answers with the column that it was given."""

    def control(self, state):
        self.left = state.budget_left

    def bid(self, requests):
        return requests["value"]


class Turner(Reader):
    """Bids a third from the third control step on; each time with the same array, or with a copy that can be written to."""

    def __init__(self, *, copies):
        self.steps, self.copies = 0, copies

    def control(self, state):
        self.steps += 1

    def bid(self, requests):
        bids = requests["value"]
        if self.steps > 3:
            bids = requests["value"] / 3
            bids.flags.writeable = False
        return bids.copy() if self.copies else bids


def priced(policy, sources=("profile", "context")):
    return Priced(bayes(SCENARIO, sources), policy)


def test_a_run_leaves_little_to_the_garbage_collector():
    for control_every in (1.0, 12.0):
        scenario = SCENARIO.model_copy(
            update={"bidders": SCENARIO.bidders.model_copy(update={"control_interval_h": control_every})}
        )
        bidders = {"me": priced(Reader())}
        simulate(scenario, bidders, seed=1)
        gc.collect()
        gc.disable()
        try:
            simulate(scenario, bidders, seed=1)
            assert (
                gc.collect() < 20
            )  # the counts of events refer to their table; a run in a circle left 140 objects
        finally:
            gc.enable()


@pytest.mark.parametrize("most", [1, 65_536])
def test_an_array_that_is_answered_again_counts_as_what_it_holds(most):
    engine = SCENARIO.engine.model_copy(update={"max_block": most})
    scenario = SCENARIO.model_copy(update={"engine": engine})
    once, again = (
        simulate(scenario, {"me": priced(Turner(copies=copies))}, seed=1) for copies in (False, True)
    )
    assert once.of("me") == again.of("me")
    assert once.of("me")["wins"] < simulate(scenario, {"me": priced(Reader())}, seed=1).of("me")["wins"]


def test_another_valuation_in_the_same_strategy_is_asked():
    strategy = priced(Truthful())
    first = simulate(SCENARIO, {"me": strategy}, seed=1).of("me")
    strategy.valuation = replace(strategy.valuation, table=strategy.valuation.table / 2)
    second = simulate(SCENARIO, {"me": strategy}, seed=1).of("me")
    alone = simulate(SCENARIO, {"me": Priced(strategy.valuation, Truthful())}, seed=1).of("me")
    assert second["profit"] == alone["profit"] != first["profit"]

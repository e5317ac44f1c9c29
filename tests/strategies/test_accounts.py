"""Who has a `control` of its own is shown its account at each control step; for the others a run is the same without it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from jointbid.sim import Entrant, Scenario, simulate
from jointbid.strategies.base import Policy, Priced
from jointbid.strategies.policies.linear import Truthful
from jointbid.strategies.policies.pacing import AdaptivePacing
from jointbid.strategies.valuations.bayes import bayes

MARKET = Scenario.model_validate(
    {
        "supply": {"requests": 400, "horizon_h": 6},
        "response": {"family": "logit", "a": 0.0, "b": 0.5, "value_per_click": 2.0},
        "source": {"profile": {}},
        "rivals": {"landscape": "uniform", "high": 1},
        "bidders": {"values": "common"},
    }
)


class Looks(Truthful):
    """Bids the value, and notes the hours of its control steps."""

    seen: list[float] = []  # noqa: RUF012 - shared with the copy that plays

    def control(self, state):
        self.seen.append(state.hour)


class LooksItself(Priced):
    def control(self, state):
        Looks.seen.append(state.hour)


class Duck:
    """No policy of ours."""

    reads, learns = (), False

    def bid(self, requests):
        return np.ones(requests.n)

    def observe(self, feedback):
        pass

    def control(self, state):
        Looks.seen.append(state.hour)


def priced(policy, kind=Priced):
    return kind(bayes(MARKET, ("profile",)), policy)


@pytest.fixture(autouse=True)
def _nothing_seen():
    Looks.seen.clear()


def test_only_a_control_of_ones_own_asks_for_an_account():
    assert not priced(Truthful()).looks_at_account
    assert priced(AdaptivePacing()).looks_at_account
    assert priced(Truthful(), LooksItself).looks_at_account
    assert Looks().looks_at_account
    assert not Policy().looks_at_account


@pytest.mark.parametrize("strategy", [priced(Looks()), priced(Truthful(), LooksItself), Duck()])
def test_who_looks_is_shown_each_step(strategy):
    simulate(MARKET, {"me": Entrant(strategy)}, 1)
    assert sorted(set(Looks.seen)) == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]


def test_a_run_is_the_same_with_it_and_without():
    looking, blind = (
        simulate(MARKET, {"me": Entrant(priced(policy), budget=40.0)}, 1) for policy in (Looks(), Truthful())
    )
    assert looking.bidders["clicks"][0] > 10
    for table in ("bidders", "timeseries"):
        one, other = (
            pd.DataFrame(getattr(run, table)).drop(columns="multiplier", errors="ignore")
            for run in (looking, blind)
        )
        pd.testing.assert_frame_equal(one, other, check_exact=True)

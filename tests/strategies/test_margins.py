"""Valuations where one sale earns more than another: exact, fitted, learning on; and who may learn of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from jointbid.sim import Entrant, Scenario, simulate
from jointbid.sim.training import randomised_log
from jointbid.strategies.base import Priced
from jointbid.strategies.policies.linear import Truthful
from jointbid.strategies.valuations.bayes import bayes
from jointbid.strategies.valuations.learned import ONLINE, learned, learned_stacked
from jointbid.strategies.valuations.stacking import stacked_bayes
from jointbid.strategies.valuations.start import started
from jointbid.strategies.valuations.tables import CellValues

BOTH = ("profile", "context")
SALE = {"a": -0.5, "b": 0.5, "c": 0.2, "after_view": 0.05}


def market(value=(2.0, 12.0), **parts) -> Scenario:
    """Two profile types, and two contexts that tell a little of them."""
    response = {"family": "logit", "a": -1.0, "b": 0.3, "q": 0.4, "value_per_click": 0.3}
    return Scenario.model_validate(
        {
            "supply": {"requests": 1000, "context_types": 2},
            "response": {**response, "conversion": {**SALE, "value": value}},
            "source": {"profile": {}, "context": {}},
            **parts,
        }
    )


def table_of(valuation):
    return valuation.table if isinstance(valuation, CellValues) else valuation.expected()


def test_the_exact_valuation_reckons_with_each_types_margin():
    """What the profile's owner knows is its own margin; by context it is that of who comes there."""
    dear, cheap, both = market((12.0, 12.0)), market((2.0, 2.0)), market()
    low, high, mixed = (bayes(s, ("profile",)).table for s in (cheap, dear, both))
    assert mixed[:2] == pytest.approx([low[0], high[1]])
    by_context = bayes(both, ("context",)).table[:2]
    assert (bayes(cheap, ("context",)).table[:2] < by_context).all()
    assert (by_context < bayes(dear, ("context",)).table[:2]).all()
    assert by_context[1] - by_context[0] > 0.1, "the second context is where the dear sales are"
    assert len(stacked_bayes(both).weights) == 3


@pytest.mark.few(2)
@pytest.mark.parametrize("learner", ["logistic", "table", "cell_means", "ftrl", "thompson"])
def test_learned_from_much_is_exact(learner):
    scenario = market()
    log = randomised_log(scenario, 1, 0, 400_000)
    exact, fitted = bayes(scenario, BOTH).table[:2, :2], table_of(learned(scenario, log, BOTH, learner))
    assert fitted[:2, :2] == pytest.approx(exact, abs=0.25 if learner == "ftrl" else 0.08)
    assert np.ptp(exact) > 1.0
    assert len(learned_stacked(scenario, log, learner).weights) == 3


@pytest.mark.parametrize("learner", ["logistic", "table", "cell_means", "ftrl", "thompson"])
def test_margins_belong_to_the_cio(learner):
    """Margins that go with the context teach the cmo's house nothing; the cio's sees those of its own types."""
    scenario = market()
    log = randomised_log(scenario, 1, 0, 50_000)
    other = replace(log, margin=np.flip(log.margin, 2), margin_square=np.flip(log.margin_square, 2))
    of_cmo, of_other = (table_of(learned(scenario, each, ("context",), learner)) for each in (log, other))
    assert of_cmo == pytest.approx(of_other)
    of_cio = table_of(learned(scenario, log, ("profile",), learner))
    assert of_cio[1] > 5 * of_cio[0]


@pytest.mark.parametrize("learner", ["logistic", "table", "ftrl", "thompson"])
def test_equal_margins_are_one_number(learner):
    one, many = (
        table_of(learned(s, randomised_log(s, 1, 0, 20_000), BOTH, learner))
        for s in (market(5.0), market((5.0, 5.0)))
    )
    assert one == pytest.approx(many, abs=0.15 if learner in ONLINE else 0.02)


@pytest.mark.parametrize("learner", ["logistic", "table", "cell_means"])
def test_a_log_without_a_sale_has_nothing_to_say_of_margins(learner):
    scenario = market()
    log = randomised_log(scenario, 1, 0, 2_000)
    empty = replace(
        log, **{part: 0.0 * getattr(log, part) for part in ("conversions", "margin", "margin_square")}
    )
    assert np.isfinite(table_of(learned(scenario, empty, BOTH, learner))).all()


@pytest.mark.parametrize("learner", ONLINE)
def test_own_sales_teach_what_each_earned(learner):
    """It starts from a log in which all sales earned alike, and learns from its own that they do not."""
    scenario = market(supply={"requests": 60_000, "context_types": 2}, bidders={"values": "common"})
    log = randomised_log(scenario, 1, 0, 300)
    valuation = started(ONLINE[learner], scenario, log, BOTH)
    run = simulate(scenario, {"me": Entrant(keeper := _Keeps(valuation), BOTH)}, 1)
    assert run.of("me")["margin"] > 0
    exact = bayes(scenario, BOTH).table[:2, :2]
    assert table_of(keeper.valuation)[:2, :2] == pytest.approx(exact, abs=0.35)


class _Keeps(Priced):
    """Bids the same on all, and can be looked at afterwards."""

    def __init__(self, valuation):
        super().__init__(valuation, Truthful())

    def __deepcopy__(self, memo):
        return self

    def bid(self, requests):
        return np.ones(requests.n)

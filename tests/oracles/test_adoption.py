"""The k-adopter law: how a private edge erodes, and where adoption stops. Sources: Hummel & McAfee 2016, and [D]."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.experiments.stored import stored

from jointbid.experiments.cells.bidders import run_cell
from jointbid.experiments.cells.cell import Cell
from jointbid.experiments.config.points import load
from jointbid.experiments.estimate.adoption import label
from jointbid.experiments.estimate.ladder import lookup
from jointbid.experiments.storage.cell_results import table
from jointbid.experiments.studies.adoption import Adoption
from jointbid.experiments.studies.best_responses import best_responses

pytestmark = pytest.mark.oracle


def study(n, b, cost=0.0, values="private", replications=6, requests=8_000, beliefs="null"):
    """The summary of the study at these parameters, through the real engine."""
    keys = {
        "scenario": "theory_rivals",
        "bidders.count": n,
        "bidders.values": values,
        "bidders.beliefs": beliefs,
        "response.b": b,
        "response.c": 0,
        "response.interaction": 0,
        "supply.requests": requests,
        "study.arm": "profile",
        "study.cost_per_request": cost,
        "study.replications": replications,
    }
    (point,) = load("adoption", [f"{key}={value}" for key, value in keys.items()])
    asked = Adoption(point.settings)
    with stored([(cell, run_cell(cell)) for cell in asked.cells()]) as found:
        return asked.summary(table(found))


@pytest.fixture(scope="module")
def five():
    return study(5, 0.3)


@settings(max_examples=6, deadline=None)
@given(st.integers(2, 5), st.floats(0.1, 0.9), st.floats(0.25, 0.75), st.integers(-1, 4))
def test_how_many_adopt(n, b, between, power):
    """k* = max(0, min(n-1, floor(log2(b / kappa)))), drawn parameters away from powers of two."""
    cost = b * 2.0 ** -(power + between)
    rows = study(n, b, cost)
    rows = rows[rows["estimand"] == "equilibrium_adopters"]
    assert list(rows["estimate"]) == [max(0, min(n - 1, math.floor(math.log2(b / cost))))]
    assert (rows["ci_low"] == rows["ci_high"]).all(), "the study is too small to tell"


@pytest.mark.parametrize(("cost", "adopters"), [(0.1, 1), (0.03, 3), (0.012, 4), (0.45, 0)])
def test_the_numbers_of_five_bidders(five, cost, adopters):
    """n = 5, b = .3: kappa .1 -> 1, .03 -> 3, .012 -> 4, .45 -> 0. One study of 6 x 8,000 requests; only the cost differs."""
    from jointbid.experiments.estimate.adoption import Gain, equilibria

    found = [lookup(five, "gain_from_adopting", arm=label(k)) for k in range(1, 6)]
    gains = [Gain(k, gain, gain.ci_low, gain.ci_high) for k, gain in enumerate(found, 1)]
    assert equilibria(gains, cost).numbers == (adopters,)


def test_each_adopter_gains_half_of_the_one_before(five, lands_on):
    """b/2, b/4 ... b 2^-(n-1), and the last one nothing: it is served well enough by what the others leave."""
    for k in range(1, 5):
        lands_on(lookup(five, "gain_from_adopting", arm=label(k)), 0.3 * 2.0**-k)
    lands_on(lookup(five, "gain_from_adopting", arm=label(5)), 0.0)


def test_private_values_cost_those_who_stay_out_nothing_and_a_common_value_does():
    """Private: 0 while k <= n-2, and more for the last one. Common: two who bid a lose b/2 together to the informed one."""
    private = study(3, 0.3)
    assert lookup(private, "loss_from_staying_out", arm=label(1)).finding == "no difference shown"
    assert lookup(private, "loss_from_staying_out", arm=label(2)).finding == "positive"
    common = study(3, 0.3, values="common", beliefs="naive")
    assert lookup(common, "loss_from_staying_out", arm=label(1)).finding == "negative"


@pytest.mark.parametrize(("beliefs", "adopters"), [("null", 1), ("winning", 1), ("naive", 4)])
def test_a_common_value_is_bought_by_one_where_the_others_reckon_with_winning(beliefs, adopters):
    """n = 5, b = .3, cost .03: one informed bidder gains b and a second one nothing [D]; of naive bidders 4 adopt, and none loses more."""
    rows = study(5, 0.3, 0.03, values="common", replications=3, requests=2_000, beliefs=beliefs)
    assert list(rows.loc[rows["estimand"] == "equilibrium_adopters", "estimate"]) == [adopters]


class Played:
    """A ledger that plays what it is asked for."""

    def of(self, cells):
        return [(cell, run_cell(cell)) for cell in cells]


@pytest.mark.parametrize(
    ("values", "beliefs", "k", "cost", "regrets"),
    [
        ("private", "naive", 1, 0.1, (0.0, 0.0)),
        ("common", "winning", 1, 0.03, (0.0, 0.0)),
        ("common", "naive", 2, 0.03, (0.03, 0.0)),
    ],
)
def test_what_one_firm_could_still_gain(scenario, values, beliefs, k, cost, regrets):
    """n = 3, b = .3. To bid the value is dominant where values are private, and a - b an answer to one informed bidder [D].

    Naive bids keep a second adopter in who would save the cost by not bidding: both informed bidders earn 0 [D].
    The answer that did best on 3 x 1,000 requests plays 8 x 1,000 others: within .01, and the interval holds the truth where one is played.
    """
    s = scenario(
        requests=1_000,
        response={"a": 1.0, "b": 0.3},
        source={"profile": {}, "context": {}},
        bidders={"count": 3, "strategy": "truthful", "values": values, "beliefs": beliefs},
    )
    cells = {n: Cell(s, "profile" if n else "none", who=n or 1) for n in range(4)}
    found = {adopts: answers.regret(Played(), 8) for adopts, answers in best_responses(cells, k, cost)}
    for adopts, regret in zip((True, False), regrets, strict=True):
        assert found[adopts].estimate == pytest.approx(regret, abs=0.01)
        if regret:
            assert found[adopts].ci_low - 1e-9 <= regret <= found[adopts].ci_high + 1e-9


@pytest.fixture
def lands_on():
    def check(found, truth):
        """Within twice the half-width of its own 95 % interval."""
        half = (found.ci_high - found.ci_low) / 2
        assert half < 0.01
        assert abs(found.estimate - truth) <= 2 * half

    return check

"""What is looked up, how often that matches, what it costs; and how relevant what people were shown is to them."""

from __future__ import annotations

import numpy as np
import pytest

from jointbid.experiments.cells.bidders import entrants
from jointbid.experiments.cells.cell import Cell
from jointbid.sim import Entrant, simulate
from jointbid.sim.trial import BATCHES
from jointbid.strategies.base import Priced
from jointbid.strategies.policies.linear import Truthful
from jointbid.strategies.valuations.bayes import bayes

N = 4_000
PRICED = {
    "profile": {"match_rate": 0.6, "cost_per_lookup_cpm": 0.05, "cost_per_match_cpm": 1.5},
    "context": {"cost_per_lookup_cpm": 0.001},
}


@pytest.fixture
def market(bidding):
    def build(**parts):
        supply = {"requests": N, **parts.pop("supply", {})}
        return bidding.build(
            supply=supply,
            **{
                "source": PRICED,
                "response": {"b": 0.3, "c": 0.2},
                "rivals": {"landscape": "uniform", "high": 2},
            }
            | parts,
        )

    return build


def look(bidding, *reads, **more):
    return Entrant(bidding.Steady(1.0, reads), **more)


def test_every_request_is_looked_up_in_every_source_that_is_read(market, bidding):
    result = simulate(
        market(),
        {
            "none": look(bidding),
            "profile": look(bidding, "profile"),
            "both": look(bidding, "context", "profile"),
            "never": look(bidding, "profile", terms=None, budget=0.0),
        },
        1,
    )
    rows = {name: result.of(name) for name in ("none", "profile", "both", "never")}
    assert [row["lookups"] for row in rows.values()] == [0, N, 2 * N, N]
    matched = rows["profile"]["matches"]
    assert abs(matched / N - 0.6) < 4 * np.sqrt(0.24 / N)
    assert rows["both"]["matches"] > N
    assert rows["profile"]["data_cost"] == pytest.approx((0.05 * N + 1.5 * matched) / 1000, abs=1e-6)
    assert rows["none"]["data_cost"] == 0
    assert result.market["data_cost"] == pytest.approx(
        sum(row["data_cost"] for row in rows.values()), abs=1e-9
    )
    spent = sum(row["spend"] for row in rows.values())
    assert spent == pytest.approx(result.market["revenue"])  # data are paid for beside the auction


def test_what_is_matched_is_what_is_not_unmatched(market, bidding):
    seen = []

    class Looking(bidding.Steady):
        def __deepcopy__(self, memo):
            return self

        def bid(self, requests):
            seen.append(requests["profile"].copy())
            return np.ones(requests.n)

    source = {"profile": {"match_rate": (0.8, 0.4), "coverage": 0.7}}
    s = market(source=source, audience={"consent": {"b": 1}, "people": 50})
    row = simulate(s, {"focal": Looking(1.0, ("profile", "uniform"))}, 1).of("focal")
    assert row["matches"] == (np.concatenate(seen[BATCHES:]) < 2).sum()
    assert 0 < row["matches"] < 0.7 * N


def test_no_bidder_pays_for_requests_that_it_is_not_sent(market, bidding):
    """Outside its flight, or where the exchange does not ask; late answers are paid for."""
    slow = {"profile": {"lookup_latency_ms": {"mean": 1000}, "cost_per_lookup_cpm": 1}}
    auction = {"tmax_ms": 100, "throttle": {"review_h": 1, "least": 0.1}}
    s = market(source=slow, auction=auction)
    late = simulate(s, {"focal": look(bidding, "profile")}, 1).of("focal")
    assert late["unsent"] > 0
    assert late["lookups"] == N - late["unsent"]
    assert late["data_cost"] == pytest.approx(late["lookups"] / 1000)
    half = market(bidders={"terms": {"flight_h": [0, 12]}})
    seen = simulate(half, {"focal": look(bidding, "profile")}, 1).of("focal")["lookups"]
    assert abs(seen - N / 2) < 5 * np.sqrt(N / 4)


@pytest.mark.parametrize("values", ["private", "common"])
@pytest.mark.parametrize("exclusive", [False, True])
def test_a_source_that_is_not_exclusive_is_the_rivals_too(market, bidding, values, exclusive):
    """They hold it whatever they else hold; where all look at the same facts it shows all of them the same."""
    bought = {"shows": "profile", "owner": "agency", "accuracy": 0.8, "exclusive": exclusive}
    s = market(
        source={"profile": {}, "context": {}, "bought": bought},
        bidders={"count": 2, "values": values, "strategy": "truthful"},
        rivals={},
    )
    assert entrants(Cell(s, "joint"))["rival_1"].information == (() if exclusive else ("bought",))
    assert entrants(Cell(s, "none"))["focal"].information == ()
    shown = {"one": [], "two": []}

    class Looking(bidding.Steady):
        def __init__(self, name):
            super().__init__(1.0, ("bought", "uniform"))
            self._name = name

        def __deepcopy__(self, memo):
            return self

        def bid(self, requests):
            shown[self._name].append(requests["bought"].copy())
            return np.ones(requests.n)

    simulate(s, {name: Looking(name) for name in shown}, 1)
    one, two = (np.concatenate(codes[BATCHES:]) for codes in shown.values())
    assert (one == two).all() == (values == "common" and not exclusive)


# relevance


@pytest.mark.parametrize("family", ["additive", "logit"])
def test_relevance_is_response_over_that_to_ads_at_random(market, family):
    """Bids on what is known of both facts win where people respond: E[theta F(theta)] / (E[theta] E[F(theta)])."""
    s = market(
        source={"profile": {}, "context": {}},
        response={"family": family, "b": 0.6, "c": 0.3, "a": 1 if family == "additive" else -1, "value_per_click": 4},
        supply={"requests": 40_000},
    )  # fmt: skip
    seen = simulate(s, {"focal": Priced(bayes(s, ("profile", "context")), Truthful())}, 1).market["relevance"]
    level = s.response.a + np.array([0.9, 0.3, -0.3, -0.9])
    worth = level if family == "additive" else 4 / (1 + np.exp(-level))
    wins = np.minimum(worth / 2, 1)
    assert seen == pytest.approx((worth * wins).mean() / (worth.mean() * wins.mean()), rel=0.02)
    blind = simulate(s, {"focal": Priced(bayes(s, ()), Truthful())}, 1).market["relevance"]
    assert blind == pytest.approx(1, abs=0.02)


def test_relevance_knows_slots_and_is_unknown_where_nothing_was_shown(market, bidding):
    s = market(auction={"type": "vcg", "slots": [1.0, 0.5]}, rivals={})
    two = {"one": look(bidding), "two": look(bidding)}
    assert simulate(s, two, 1).market["relevance"] == pytest.approx(1, abs=0.02)
    assert np.isnan(simulate(s, {"idle": Entrant(bidding.Steady(0.0))}, 1).market["relevance"])

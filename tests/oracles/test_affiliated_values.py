"""Values between private and common: what correlation the market has, and what winning tells there.

theta_i = a + b x_i, x_i = -1, +1. With probability s = sqrt(r), for each bidder apart, x_i is the x of all, and otherwise its own: r is the
correlation of two bidders' values. k of n know their x_i; the others know nothing. The oracle lists all states and all draws; second price,
ties drawn. Of the engine n = 16 replications of 4,000 auctions each.
"""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest

from jointbid.experiments.cells.bidders import run_cell
from jointbid.experiments.cells.cell import Cell
from jointbid.sim.audience import COMMON, Visits, draw_types
from jointbid.sim.sources import Facts, SourceDraws, codes, matched
from jointbid.sim.streams import Streams
from jointbid.strategies.valuations.bayes import bayes, winning

pytestmark = pytest.mark.oracle

A, B = 1.0, 0.3
REQUESTS, REPLICATIONS = 4_000, 16


def states(n, r):
    """Yield each bidder's x, and the probability of that."""
    s = math.sqrt(r)
    for shared in (-1, 1):
        for own in product(((True, 0), (False, -1), (False, 1)), repeat=n):
            chance = 0.5 * math.prod(s if same else (1 - s) / 2 for same, _ in own)
            yield [shared if same else x for same, x in own], chance


def expected(n, k, r, belief):
    """Return the expected profit of one informed and of one uninformed bidder, the revenue, and the uninformed bid."""
    blind = A
    if (
        belief == "winning"
    ):  # E[theta | all informed see -1]: at that bid an equally blind rival cannot make it lose
        low = [(x[-1], p) for x, p in states(n, r) if all(known == -1 for known in x[:k])]
        blind = A + B * sum(x * p for x, p in low) / sum(p for _, p in low)
    profit, revenue = np.zeros(n), 0.0
    for x, p in states(n, r):
        bids = [A + B * one if i < k else blind for i, one in enumerate(x)]
        winners = [i for i, bid in enumerate(bids) if bid == max(bids)]
        price = sorted(bids)[-2]
        revenue += p * price
        for i in winners:
            profit[i] += p / len(winners) * (A + B * x[i] - price)
    return profit[0], profit[-1], revenue, blind


def market(scenario, n, r, belief):
    return scenario(
        requests=REQUESTS,
        response={"a": A, "b": B},
        source={"profile": {}, "context": {}},
        bidders={"count": n, "strategy": "truthful", "values": r, "beliefs": belief},
    )


@pytest.mark.parametrize("belief", ["naive", "winning"])
@pytest.mark.parametrize(("n", "k", "r"), [(2, 1, 0.5), (3, 1, 0.3), (3, 2, 0.5), (4, 2, 0.8)])
def test_profits_and_revenue_are_those_of_all_states(scenario, lands, n, k, r, belief):
    s = market(scenario, n, r, belief)
    rows = [run_cell(Cell(s, "profile", who=k, replication=one)).rows for one in range(REPLICATIONS)]
    profit = np.array([[row["profit"] for row in run] for run in rows]) / REQUESTS
    informed, blind, revenue, _ = expected(n, k, r, belief)
    lands(profit[:, :k].mean(axis=1), informed, resolution=0.1 * B)
    lands(profit[:, k:].mean(axis=1), blind, resolution=0.1 * B)
    lands(np.array([run[0]["revenue"] for run in rows]) / REQUESTS, revenue, resolution=0.1 * B)


@pytest.mark.parametrize(("n", "k", "r"), [(3, 1, 0.3), (4, 2, 0.8), (5, 4, 0.6)])
def test_the_blind_do_not_lose_and_gain_nothing_where_there_are_two(scenario, n, k, r):
    """Theirs is the bid at which winning against one another makes nothing; naive ones lose."""
    _, blind, _, bid = expected(n, k, r, "winning")
    found = winning(market(scenario, n, r, "winning"), (), [("profile",)] * k + [()] * (n - k - 1))
    assert float(found.table) == pytest.approx(bid, rel=1e-9)
    assert blind == pytest.approx(0.0, abs=1e-12) if n - k > 1 else blind > 0
    naive = expected(n, k, r, "naive")[1]
    assert naive < blind - 1e-3 if n - k > 1 else naive == pytest.approx(blind)


@pytest.mark.parametrize("kinds", [("profile",), ("profile", "context")])
def test_the_limits_are_private_and_common_values(scenario, kinds):
    """Close to 0 what is expected, close to 1 the least that the informed could think; several kinds of informed rivals."""

    def of(values):
        s = scenario(
            response={"a": A, "b": B, "c": 0.2, "interaction": 0.1, "redundancy": 0.3},
            source={"profile": {}, "context": {}},
            audience={"profile_types": 4},
            bidders={"count": 3, "values": values, "beliefs": "winning" if values else None},
        )
        return s, winning(s, ("context",), [kinds, kinds]).table

    private, _ = of(0)
    assert private.bidders.values == "private"
    assert of(1e-12)[1] == pytest.approx(bayes(private, ("context",)).table, rel=1e-5)
    common, least = of(1)
    assert common.bidders.values == "common"
    if kinds == (
        "profile",
    ):  # rivals who see no context: at 1 they are taken for ones who do, which is more cautious
        assert (of(1 - 1e-12)[1] >= least - 1e-9).all()
    else:
        assert of(1 - 1e-12)[1] == pytest.approx(least, rel=1e-5)
    middle = of(0.5)[1]
    assert (middle[:2] > least[:2] + 1e-3).all()
    assert (middle[:2] < bayes(private, ("context",)).table[:2] - 1e-3).all()


@pytest.mark.parametrize("people", [None, 700])
def test_two_bidders_values_have_the_stated_correlation(scenario, people):
    """Profiles, contexts and histories of two advertisers, and each with those of all: r, and its root."""
    r, n = 0.4, 40_000
    s = scenario(
        response={"redundancy": 0.3, "history": 0.1, "history_redundancy": -0.2},
        audience={"profile_types": 4, "history_types": 3, "people": people},
        bidders={"count": 2, "values": r},
    )
    drawn = {}
    for owner in ("focal", "rival_1", COMMON):
        parts = [
            draw_types(s, Streams(seed, 0), owner, Visits.at(s, Streams(seed, 0), 0, n // 40))
            for seed in range(40)
        ]
        drawn[owner] = [
            np.array([part[factor] for part in parts]) for factor in ("profile", "context", "history")
        ]
    for factor in range(3):
        one, other, everyone = (drawn[owner][factor].astype(float) for owner in ("focal", "rival_1", COMMON))
        found = [[np.corrcoef(one[i], each[i])[0, 1] for i in range(40)] for each in (other, everyone)]
        for values, wanted in zip(found, (r, math.sqrt(r)), strict=True):
            assert np.mean(values) == pytest.approx(wanted, abs=4 * np.std(values) / math.sqrt(40))
    same = (drawn["focal"][0] == drawn[COMMON][0]) & (drawn["focal"][1] == drawn[COMMON][1])
    assert same.mean() > math.sqrt(r)  # all facts of a person go together


def test_a_source_sold_to_all_errs_alike_on_people_who_are_the_same_to_all(scenario):
    s = scenario(
        source={"profile": {"accuracy": 0.7, "match_rate": 0.8, "exclusive": False}, "context": {}},
        audience={"profile_types": 4},
        bidders={"count": 2, "values": 0.36},
    )
    streams, n = Streams(1, 0), 20_000
    visits = Visits.at(s, streams, 0, n)
    shown = {}
    for owner in ("focal", "rival_1", COMMON):
        facts = Facts.at(s, streams, owner, visits)
        draws = SourceDraws.at(s, streams, owner, "profile", visits)
        found = matched(s, "profile", facts, draws)
        shown[owner] = codes(
            s, "profile", facts, draws, None, np.zeros(n, dtype=np.int64), lambda found=found: found
        )
    for owner in ("focal", "rival_1"):
        apart = np.mean(shown[owner] == shown[COMMON])
        chance = 0.2**2 + 4 * 0.2**2  # unmatched, or one of four types
        assert apart == pytest.approx(0.6 + 0.4 * chance, abs=0.015)


def test_a_number_beyond_0_and_1_is_no_correlation(scenario):
    with pytest.raises(ValueError, match="values"):
        scenario(bidders={"values": 1.2})
    with pytest.raises(ValueError, match="must be common, or a correlation above 0"):
        scenario(bidders={"values": 0, "beliefs": "winning"}, source={"profile": {}})

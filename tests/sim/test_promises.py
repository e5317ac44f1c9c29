"""What must hold of whole markets: draws by name, information through sources alone, money conserved, runs as functions."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

from jointbid.experiments.cells.bidders import entrants
from jointbid.experiments.cells.cell import Cell
from jointbid.sim import Entrant, Scenario, simulate
from jointbid.sim.trial import BATCHES
from jointbid.strategies.base import Policy, Priced
from jointbid.strategies.policies.linear import Linear, Truthful
from jointbid.strategies.policies.pacing import AdaptivePacing
from jointbid.strategies.valuations.bayes import bayes

THEORY = {
    "supply": {"requests": 4_000},
    "response": {"a": 1, "b": 0.3, "c": 0.2, "d": 0.1, "q": 0.3},
    "source": {"profile": {}, "context": {}},
    "rivals": {"landscape": "uniform", "high": 2},
}


def build(base=THEORY, **parts):
    merged = {key: dict(value) if isinstance(value, dict) else value for key, value in base.items()}
    for key, value in parts.items():
        merged[key] = {**merged.get(key, {}), **value} if isinstance(value, dict) else value
    return Scenario.model_validate(merged)


def run(scenario, bidders, seed=1, replication=0):
    """(result, every auction's columns)."""
    batches = []
    result = simulate(scenario, bidders, seed, replication, sink=batches.append)
    return result, {name: np.concatenate([b[name] for b in batches]) for name in batches[0]}


def tables(result):
    return {
        f"{table}.{name}": column.tolist()
        for table in ("bidders", "timeseries")
        for name, column in getattr(result, table).items()
        if name not in {"bidder", "advertiser", "multiplier", "lookups"}
    }


def table_of(result, bidder):
    return {name: value for name, value in result.of(bidder).items() if name != "advertiser"}


class Probe(Policy):
    """Bids 1 and keeps what it saw of each request in a list that outlives the run."""

    def __init__(self, reads, seen):
        self.reads, self._keep = reads, seen.append

    def __deepcopy__(self, memo):
        return self

    def bid(self, requests):
        self._keep({name: requests[name].copy() for name in self.reads})
        return np.ones(requests.n)


def seen_by(scenario, reads, *, bidder="focal", others=None, **options):
    batches = []
    simulate(scenario, {**(others or {}), bidder: Probe((*reads, "hour"), batches)}, 1, **options)
    return {name: np.concatenate([b[name] for b in batches[BATCHES:]]) for name in reads}  # after the trial


# promise 7: a pure function; promise 3: randomness by name


def paced(scenario, n, budget=150.0):
    names = ["focal", *(f"rival_{i}" for i in range(1, n))]
    valuation = bayes(scenario, ("profile", "context"))
    return {name: Entrant(Priced(valuation, AdaptivePacing()), budget=budget) for name in names}


LIVE = build(rivals={"landscape": None}, auction={"floor_cpm": 600})


def test_the_same_call_gives_the_same_tables_and_leaves_its_arguments_alone():
    bidders = paced(LIVE, 3)
    one = simulate(LIVE, bidders, 1)
    assert bidders["focal"].strategy.policy.mu == 0.5
    assert tables(one) == tables(simulate(LIVE, bidders, 1))
    assert tables(one) != tables(simulate(LIVE, bidders, 2))
    assert tables(one) != tables(simulate(LIVE, bidders, 1, replication=1))


def test_results_are_frozen():
    result = simulate(LIVE, paced(LIVE, 2), 1)
    for table in (result.bidders, result.timeseries):
        for column in table.values():
            with pytest.raises(ValueError, match="read-only"):
                column[0] = column[0]


def test_permuting_bidders_permutes_outcomes():
    bidders = {f"b{i}": Entrant(Linear(1.0), None, [None, 20.0][i % 2]) for i in range(5)}
    s = build({"supply": {"requests": 4_000}, "response": {"family": "private_value"}})
    forward, _ = run(s, bidders)
    backward, _ = run(s, dict(reversed(bidders.items())))
    for name in bidders:
        assert forward.of(name) == backward.of(name)
    assert forward.market["revenue"] == backward.market["revenue"]


def test_permuting_bidders_permutes_outcomes_where_all_bids_tie():
    names = ["a", "b", "c", "d"]
    s = build(rivals={"landscape": None}, source={})
    forward, _ = run(s, dict.fromkeys(names, Priced(bayes(s, ()), Truthful())))
    backward, _ = run(s, dict.fromkeys(reversed(names), Priced(bayes(s, ()), Truthful())))
    assert [forward.of(n) for n in names] == [backward.of(n) for n in names]


@pytest.mark.parametrize("values", ["private", "common"])
def test_adding_a_bidder_shifts_no_other_bidders_draws(values):
    s = build(
        LIVE.model_dump(), bidders={"values": values}, source={"profile": {"match_rate": 0.6}, "context": {}}
    )
    alone = seen_by(s, ("profile", "context", "uniform", "floor"))
    valuation = bayes(s, ("profile",))
    crowd = {name: Priced(valuation, Truthful()) for name in ("rival_1", "aaa", "zzz")}
    together = seen_by(s, ("profile", "context", "uniform", "floor"), others=crowd)
    for name, column in alone.items():
        assert column.tobytes() == together[name].tobytes(), name


def test_a_bidder_who_never_bids_changes_nothing():
    bidders = paced(LIVE, 3)
    one = simulate(LIVE, bidders, 1)
    two = simulate(LIVE, {"idle": Priced(bayes(LIVE, ()), Linear(0.0)), **bidders}, 1)
    assert [one.of(name) for name in bidders] == [two.of(name) for name in bidders]


def test_private_facts_differ_between_bidders_and_common_ones_do_not():
    for values, same in (("private", False), ("common", True)):
        s = build(LIVE.model_dump(), bidders={"values": values})
        one, two = (
            seen_by(s, ("profile", "context", "uniform"), bidder=name) for name in ("focal", "rival_1")
        )
        assert (one["profile"].tobytes() == two["profile"].tobytes()) == same
        assert one["uniform"].tobytes() != two["uniform"].tobytes()


def test_arms_meet_the_same_market():
    """Requests, people and prices do not depend on what anybody does or knows."""
    auctions = []
    for arm in ("none", "joint", "split_budget"):
        _, columns = run(LIVE, entrants(Cell(LIVE, arm)))
        auctions.append(columns["time_us"].tobytes())
    assert len(set(auctions)) == 1


@pytest.mark.parametrize("false", [0.0, 0.3])
def test_match_rate_is_a_monotone_coupling(false):
    """Matched at a low rate, matched at a higher one, and then with the same code."""
    codes = [
        seen_by(
            build(source={"profile": {"match_rate": m, "false_match_rate": false}, "context": {}}),
            ("profile",),
        )["profile"]
        for m in (0.0, 0.2, 0.5, 0.9, 1.0)
    ]
    assert (codes[0] == 2).all()
    assert (codes[-1] < 2).all()
    for low, high in pairwise(codes):
        assert (high[low < 2] == low[low < 2]).all()
        assert (low < 2).sum() < (high < 2).sum()


def test_staleness_and_false_matches_are_monotone_couplings():
    truth = seen_by(build(), ("profile",))["profile"]
    for knob, values in (("latency_h", (0.0, 0.4, 1.0, 5.0)), ("false_match_rate", (0.0, 0.1, 0.4, 1.0))):
        faults = [
            {"flip_rate_per_h": 0.25, knob: value} if knob == "latency_h" else {knob: value}
            for value in values
        ]
        right = [
            seen_by(build(source={"profile": fault, "context": {}}), ("profile",))["profile"] == truth
            for fault in faults
        ]
        assert right[0].all()
        for better, worse in pairwise(right):
            assert (better | ~worse).mean() > 0.999  # what is redrawn once stays redrawn
            assert worse.sum() < better.sum()


# promise 4: information moves through sources alone


@pytest.mark.parametrize("absent", [{"match_rate": 0.0}, {"latency_h": math.inf}, {"match_rate": (0.0, 0.0)}])
@pytest.mark.parametrize("live", [False, True])
@pytest.mark.parametrize("q", [0.0, 0.3])
def test_a_source_that_shows_nothing_is_no_source(absent, live, q):
    """Bit for bit: profile == none, and joint == stacked == context."""
    s = build(
        source={"profile": absent, "context": {"match_rate": 0.8}},
        response={"q": q},
        rivals={"landscape": None} if live else {},
        bidders={"count": 3, "strategy": "truthful", "budget": 500.0},
    )
    results = {
        arm: tables(simulate(s, entrants(Cell(s, arm)), 1)) for arm in ("none", "profile", "context", "joint")
    }
    assert results["profile"] == results["none"]
    assert results["joint"] == results["context"]
    assert results["joint"] != results["none"]
    bare = build(s.model_dump(), source={"profile": absent, "context": {"match_rate": 0.8}}).model_copy(
        update={"source": {"context": s.source["context"]}}
    )
    assert tables(simulate(bare, entrants(Cell(bare, "context")), 1)) == results["context"]


@pytest.mark.parametrize("seed", range(60))
def test_a_source_that_shows_nothing_moves_no_bid_of_half_a_micro(seed):
    """E[theta] = 1.0000005 lies between two micros: the last bit of a sum decides where it is rounded to."""
    rng = np.random.default_rng(seed)
    b, c, d = np.round(rng.uniform(-0.3, 0.3, 3), 3)
    profile, context = map(int, rng.integers(1, 6, 2))
    s = build(
        supply={"context_types": context},
        audience={"profile_types": profile},
        response={"a": 1.0000005, "b": b, "c": c, "d": d, "q": round(rng.uniform(-1, 1), 2)},
        source={"profile": {"match_rate": 0.0}, "context": {}},
    )
    joint, alone = bayes(s, ("profile", "context")).table[-1], bayes(s, ("context",)).table
    assert np.rint(1e6 * joint).tolist() == np.rint(1e6 * alone).tolist()
    assert np.rint(1e6 * bayes(s, ("profile",)).table[-1]) == np.rint(1e6 * bayes(s, ()).table)


def test_synced_but_never_arriving_is_no_source_either():
    absent = {"sync_interval_h": 1.0, "latency_h": math.inf, "flip_rate_per_h": 0.3}
    s = build(source={"profile": absent, "context": {}})
    results = [tables(simulate(s, entrants(Cell(s, arm)), 1)) for arm in ("joint", "context")]
    assert results[0] == results[1]


# promise 5: money is conserved


class PricesOf(Policy):
    """Bids what its own random column says, at most 2."""

    reads = ("uniform",)

    def bid(self, requests):
        return 2.0 * requests["uniform"]


@pytest.mark.parametrize("auction", ["second_price", "first_price"])
@pytest.mark.parametrize("landscape", [None, "uniform"])
def test_money_is_conserved_per_auction(auction, landscape):
    s = build(
        rivals={"landscape": landscape, "high": 2},
        auction={"type": auction, "floor_cpm": 400},
        supply={"floor_share": 0.4, "floor_mu": -0.7, "floor_sigma": 0.3},
    )
    budgets = [None, 300.0, 12.345678, 0.0]
    result, auctions = run(s, {f"b{i}": Entrant(PricesOf(), budget=b) for i, b in enumerate(budgets)})
    winner, paid, top, other = (auctions[k] for k in ("winner", "paid_micros", "bid_micros", "other_micros"))
    sold = winner >= 0
    for number, budget in enumerate(budgets):
        row = result.of(f"b{number}")
        spent = int(paid[winner == number].sum())
        assert row["spend"] == spent / 1e6
        assert row["wins"] == (winner == number).sum()
        assert row["profit"] == row["value"] - row["spend"]
        if budget is not None:
            assert row["spend"] <= budget
            assert row["budget_left"] == pytest.approx(budget - row["spend"], abs=1e-9)
    assert result.of("b2")["budget_left"] < 2.0
    assert result.of("b3")["wins"] == 0
    assert result.market["revenue"] == paid.sum() / 1e6
    assert (paid[~sold] == 0).all()
    assert (paid[sold] >= 400_000).all()
    assert (paid[sold] <= top[sold]).all()
    if auction == "first_price":
        assert (paid[sold] == top[sold]).all()
    else:
        assert (paid[sold] >= other[sold]).all()
    if landscape is None:
        assert result.market["welfare"] == pytest.approx(result.bidders["value"].sum(), rel=1e-12)
        surplus = result.bidders["profit"].sum()
        assert result.market["welfare"] == pytest.approx(surplus + result.market["revenue"], rel=1e-12)
    else:
        assert math.isnan(result.market["welfare"])
    hours = result.timeseries
    for number in range(len(budgets)):
        mine = hours["bidder"] == f"b{number}"
        assert hours["wins"][mine].sum() == (winner == number).sum()
        assert hours["spend"][mine].sum() == pytest.approx(paid[winner == number].sum() / 1e6, abs=1e-9)


def test_a_budget_spent_to_the_last_micro():
    """First price, bids of 1, a budget of 2.5: two impressions at 1, one at the .5 that is left, then none."""
    s = build({"supply": {"requests": 50}, "response": {"a": 1}})
    result, auctions = run(s, {"focal": Entrant(Priced(bayes(s, ()), Truthful()), budget=2.5)})
    assert result.of("focal")["wins"] == 50  # second price, alone, no floor: free
    s = build(s.model_dump(), auction={"type": "first_price"})
    result, auctions = run(s, {"focal": Entrant(Priced(bayes(s, ()), Truthful()), budget=2.5)})
    assert auctions["paid_micros"][:4].tolist() == [1_000_000, 1_000_000, 500_000, 0]
    assert result.of("focal")["budget_left"] == 0.0


# mechanism, seen from outside


def test_a_lone_bidder_above_the_floor_wins():
    for auction, price in (("second_price", 0.6), ("first_price", 1.0)):
        s = build({"supply": {"requests": 100}}, auction={"type": auction, "floor_cpm": 600})
        result = simulate(s, {"focal": Priced(bayes(s, ()), Truthful())}, 1)
        assert (result.of("focal")["wins"], result.of("focal")["spend"]) == (100, pytest.approx(100 * price))
    s = build({"supply": {"requests": 100}}, auction={"floor_cpm": 1001})
    assert simulate(s, {"focal": Priced(bayes(s, ()), Truthful())}, 1).of("focal")["wins"] == 0


@pytest.mark.parametrize("landscape", [None, "uniform"])
def test_no_bidder(landscape):
    s = build(rivals={"landscape": landscape})
    result, auctions = run(s, {})
    assert len(result.bidders["bidder"]) == len(result.timeseries["bidder"]) == 0
    assert result.market["revenue"] == 0.0
    assert result.market["requests"] == 4_000
    assert set(auctions["winner"]) == ({-2} if landscape is None else {-1})


@pytest.mark.parametrize("bidders", [2, 3, 7])
def test_exact_ties_are_won_uniformly_and_independently(bidders):
    """n = 40,000 auctions in which all bid the same: each wins 1/n within 4 standard errors; the next is unrelated."""
    n = 40_000
    s = build({"supply": {"requests": n}})
    valuation = bayes(s, ())
    result, auctions = run(s, {f"b{i}": Priced(valuation, Truthful()) for i in range(bidders)})
    share = result.bidders["win_rate"]
    assert np.abs(share - 1 / bidders).max() < 4 * np.sqrt((1 / bidders) * (1 - 1 / bidders) / n)
    repeats = (auctions["winner"][1:] == auctions["winner"][:-1]).mean()
    assert abs(repeats - 1 / bidders) < 4 * np.sqrt((1 / bidders) * (1 - 1 / bidders) / n)
    assert result.market["revenue"] == pytest.approx(n)


def test_ties_with_the_landscape_are_won_half_the_time():
    n = 40_000
    s = build({"supply": {"requests": n}}, rivals={"landscape": "normal", "mu": 1.0, "sigma": 0.0})
    result = simulate(s, {"focal": Priced(bayes(s, ()), Truthful())}, 1)
    assert abs(result.of("focal")["win_rate"] - 0.5) < 4 * 0.5 / np.sqrt(n)


def test_one_more_bidder_never_lowers_a_second_price():
    s = build(rivals={"landscape": None})
    bidders = {f"b{i}": PricesOf() for i in range(4)}
    _, few = run(s, {name: bidders[name] for name in ("b0", "b1", "b2")})
    _, many = run(s, bidders)
    assert (many["paid_micros"] >= few["paid_micros"]).all()
    assert (many["paid_micros"] > few["paid_micros"]).any()


# section 5: scale, and relabelling


@pytest.mark.parametrize("auction", ["second_price", "first_price"])
@pytest.mark.parametrize("k", [2.0, 3.0, 8.0])
def test_scaling_all_money_scales_money_and_nothing_else(auction, k):
    """Values, prices, floors and budgets by k, step sizes by 1/k: the same allocation, money by k.

    Bids are rounded to micros, so values lie on a grid of 2 micros and the policy's multiplier is fixed.
    """
    gain = {"truthful": Truthful(), "linear": Linear(0.75)}
    runs = []
    for scale in (1.0, k):
        s = build(
            response={"a": scale, "b": 0.25 * scale, "c": 0.125 * scale, "d": 0.0625 * scale, "q": 0.0},
            rivals={"landscape": None},
            auction={"type": auction, "floor_cpm": 500 * scale},
        )
        valuation = bayes(s, ("profile", "context"))
        bidders = {name: Entrant(Priced(valuation, p), budget=900.0 * scale) for name, p in gain.items()}
        bidders["unlimited"] = Entrant(Priced(bayes(s, ("profile",)), Truthful()), ("profile",))
        runs.append(run(s, bidders))
    (one, first), (two, second) = runs
    assert (first["winner"] == second["winner"]).all()
    assert np.allclose(second["paid_micros"], k * first["paid_micros"], rtol=0, atol=0.5)
    for name in ("spend", "value", "profit"):
        assert two.bidders[name] == pytest.approx(k * one.bidders[name], rel=1e-9)
    assert two.bidders["wins"].tolist() == one.bidders["wins"].tolist()


def test_pacing_is_scale_free_with_its_step_by_one_over_k():
    multipliers = []
    for k in (1.0, 4.0):
        s = build(response={"a": k, "b": 0.25 * k, "c": 0.0, "d": 0.0}, rivals={"high": 2 * k})
        policy = AdaptivePacing(step=0.01 / k)
        result = simulate(s, {"focal": Entrant(Priced(bayes(s, ("profile",)), policy), budget=300.0 * k)}, 1)
        multipliers.append(result.timeseries["multiplier"])
    assert multipliers[1] == pytest.approx(multipliers[0], rel=1e-3)
    assert np.ptp(multipliers[0]) > 0.01


def test_calendar_counts_what_happened():
    s = build(
        supply={"horizon_h": 6},
        source={"profile": {"sync_interval_h": 2.0, "latency_h": 0.5, "flip_rate_per_h": 0.1}, "context": {}},
        bidders={"control_interval_h": 1.5},
    )
    result = simulate(s, paced(s, 2), 1)
    assert result.calendar["sync profile"] == 3  # at .5, 2.5 and 4.5 h
    assert result.calendar["control"] == 3  # at 1.5, 3 and 4.5 h; the run ends before 6


def test_the_age_of_a_copy_is_what_the_clock_says():
    """Refresh every 2 h, latency .5 h: at hour t the copy in use was taken at the last even hour before t - .5."""
    source = {"profile": {"sync_interval_h": 2.0, "latency_h": 0.5, "flip_rate_per_h": 0.1}, "context": {}}
    s = build(supply={"horizon_h": 9}, source=source)
    batches = []
    simulate(s, {"focal": Probe(("age_profile", "hour"), batches)}, 1)
    age, hour = (np.concatenate([b[name] for b in batches[BATCHES:]]) for name in ("age_profile", "hour"))
    assert age == pytest.approx(hour - 2 * np.floor((hour - 0.5) / 2), abs=1e-9)
    assert age.min() >= 0.5
    assert age.max() < 2.5

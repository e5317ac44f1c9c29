"""Promise 2, one ledger, bit for bit: the result does not depend on how many requests travel together.

Markets are drawn over everything that a scenario can say, with budgets that run out and bids on a coarse grid, so that
ties are common; a spy on the kernel counts in how many of them a budget and a tie decided something. `engine.max_block=1`
is the reference. `make blocks` draws thousands; the environment variable JOINTBID_MARKETS says how many.
"""

from __future__ import annotations

import math
import os
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import sim.simulation
import sim.supply
import sim.tables
from sim import Entrant, LogColumns, Scenario, simulate
from sim.auction.arrays import OUTSIDE
from sim.auction.kernel import clear
from sim.streams import word
from sim.scenario import Terms
from strategies.base import Policy, Priced
from strategies.policies.linear import Linear, Truthful
from strategies.policies.pacing import AdaptivePacing
from strategies.valuations.bayes import bayes

BLOCKS = (1, 2, 7, 64, 65_536)
GRID = 0.125


class Coarse:
    """Another strategy's bids on a grid."""

    def __init__(self, inner):
        self.inner, self.reads, self.learns = inner, inner.reads, inner.learns

    @property
    def multiplier(self):
        return self.inner.multiplier

    def bid(self, requests):
        return GRID * np.rint(self.inner.bid(requests) / GRID)

    def observe(self, feedback):
        self.inner.observe(feedback)

    def control(self, state):
        self.inner.control(state)


class Stochastic(Policy):
    """Row-wise and random: bids what its own column `u` says, by the hour."""

    reads = ("u", "hour", "floor")

    def bid(self, requests):
        return 2.0 * requests["u"] * (1.0 + 0.25 * np.floor(requests["hour"])) + 0.5 * requests["floor"]


class Reactive(Policy):
    """Learns: everything in its feedback and its account moves its gain, which it bids times the value."""

    learns = True

    def __init__(self):
        self.gain = self.multiplier = 1.0

    def bid(self, requests):
        return self.gain * requests["value"]

    def observe(self, feedback):
        if len(feedback.bid):
            missed = (feedback.minimum_bid_to_win - feedback.bid)[~feedback.won]
            push = 0.3 * np.tanh(missed.mean()) if len(missed) else -0.1
            regret = feedback.price_paid.sum() / feedback.bid.sum() if feedback.bid.sum() > 0 else 0.0
            seen = sum(float(np.asarray(column).sum()) for column in feedback.requests.values())
            self.gain *= 1.0 + push - 0.2 * regret + 0.05 * feedback.clicked.mean() + 0.01 * math.sin(seen)
            self.gain = self.multiplier = float(np.clip(self.gain, 0.25, 4.0))

    def control(self, state):
        if state.budget_left < state.budget * state.hours_left / state.horizon_h:
            self.gain = self.multiplier = 0.9 * self.gain


POLICIES = {
    "truthful": Truthful,
    "linear": lambda: Linear(0.8),
    "pacing": lambda: AdaptivePacing(0.2),
    "reactive": Reactive,
}


TYPES = [
    "second_price",
    "first_price",
    "soft_floor",
    "gsp",
    "vcg",
    {"second_price": 1, "first_price": 2},
    {"soft_floor": 0.2, "vcg": 0.5, "first_price": 0.3},
]
SLOTS = [[1.0], [1.0], [1.0, 0.6], [200.0, 100.0], [2.5, 1.0, 0.3], [1.0, 1.0, 0.5, 0.25]]


# drawing markets: `pick` takes a sequence and gives one of its elements


def draw_source(pick):
    return {
        "match_rate": pick([0.0, 0.6, 1.0, 1.0, (0.9, 0.3)]),
        "false_match_rate": pick([0.0, 0.2]),
        "sync_interval_h": pick([0.0, 0.4, 1.1]),
        "latency_h": pick([0.0, 0.3, 1.7, math.inf]),
        "flip_rate_per_h": pick([0.0, 0.0, 0.5]),
        "age_known": pick([True, False]),
        "use": pick(["calibrated", "naive"]),
    }


def draw_scenario(pick):
    family = pick(["additive", "additive", "logit", "private_value"])
    sources = [] if family == "private_value" else pick([["profile"], ["profile", "context"], ["context"]])
    return Scenario.model_validate(
        {
            "supply": {
                "requests": pick([20, 40, 60, 120]),
                "horizon_h": pick([1.0, 3.0, 5.5, 50.0]),
                "hourly": pick([(1.0,), (1.0, 3.0, 0.0, 2.0)]),
                "floor_share": pick([0.0, 0.5]),
                "floor_mu": math.log(0.75),
                "floor_sigma": pick([0.0, 0.4]),
            },
            "response": {
                "family": family,
                "a": 1.0,
                "b": 0.4,
                "c": 0.25,
                "d": pick([-0.2, 0.0, 0.1]),
                "q": pick([0.0, 0.4, -0.7]),
                "value_per_click": 1.5,
                "high": 2.0,
            },
            "source": {name: draw_source(pick) for name in sources},
            "auction": {
                "type": pick(TYPES),
                "slots": pick(SLOTS),
                "floor_cpm": pick([0.0, 0.0, 500.0, 875.0]),
                "floor_steps": pick([[], [], [{"hour": 0.6, "floor_cpm": 750}, {"hour": 2, "floor_cpm": 0}]]),
                "soft_floor_cpm": pick([0.0, 1000.0, 1250.0]),
                "bidder_floor_cpm": pick([{}, {"bidder_0": 750.0, "bidder_1": 1125.0, "bidder_5": 1000.0}]),
                "fee": pick([0.0, 0.15, 0.5]),
            },
            "rivals": pick(
                [
                    {},
                    {},
                    {"landscape": "uniform", "high": 2.0},
                    {"landscape": "lognormal", "mu": -0.2, "sigma": 0.7},
                    {"landscape": "normal", "mu": 1.0, "sigma": 0.0},
                ]
            ),
            "bidders": {
                "values": pick(["private", "common"]),
                "control_interval_h": pick([0.25, 1.0, 0.7]),
                "control_interval_requests": pick([None, None, 1, 7, 60]),
            },
        }
    )


def draw_strategy(pick, scenario, information, kinds):
    kind = pick(kinds)
    if kind == "stochastic":
        return Coarse(Stochastic())
    policy = POLICIES[kind]()
    if scenario.response.family == "private_value":
        return Coarse(policy)
    return Coarse(Priced(bayes(scenario, information), policy))


def draw_terms(pick):
    return Terms(
        flight_h=pick([None, None, (0.3, 2.5)]),
        day_parts=pick([(), (), (0, 1, 3, 7, 20)]),
        daily_budget=pick([None, 2.75]),
    )


def draw_market(pick):
    """A scenario and its bidders: 0 to 12, some of them campaigns of one advertiser; in half of the markets all of them
    look up tables, which is what joint cells and shortlists are for."""
    scenario = draw_scenario(pick)
    held = tuple(scenario.source)
    kinds, numbers = pick(
        [
            (["truthful", "linear", "pacing"], [2, 5, 6, 8, 8, 12]),
            ([*POLICIES, "stochastic"], [0, 1, 1, 2, 3, 4, 6, 12]),
        ]
    )
    terms = pick([False, True])
    bidders = {}
    for number in range(pick(numbers)):
        information = pick([held, held[:1], ()]) if held else None
        budget = pick([None, 1.0, 3.3, 12.345678, 40.0])
        bidders[f"bidder_{number}"] = Entrant(
            draw_strategy(pick, scenario, information or (), kinds),
            information,
            None if budget is None else round(budget * scenario.auction.slots[0], 6),
            pick([None, None, None, "one firm"]),
            draw_terms(pick) if terms else None,
        )
    return scenario, bidders


def run(scenario, bidders, max_block, log=None):
    """Every table of a run, and every auction of it."""
    batches = []
    engine = scenario.engine.model_copy(update={"max_block": max_block})
    scenario = scenario.model_copy(update={"engine": engine})
    result = simulate(scenario, bidders, 11, 3, log=log, sink=batches.append)
    auctions = {name: np.concatenate([batch[name] for batch in batches]) for name in batches[0]}
    return {
        "bidders": result.bidders,
        "timeseries": result.timeseries,
        "market": {name: np.array([value]) for name, value in result.market.items()},
        "auctions": auctions,
    }


def assert_identical(one, other, label):
    for table, columns in one.items():
        assert list(columns) == list(other[table])
        for name, column in columns.items():
            same = column.dtype == other[table][name].dtype and (
                column.tolist() == other[table][name].tolist()
                if column.dtype == object
                else column.tobytes() == other[table][name].tobytes()
            )
            assert same, f"{table}.{name} differs at {label}"


def check_blocks(scenario, bidders, log=None):
    """The reference, having found every other number of requests that travel together to give the same."""
    reference = run(scenario, bidders, BLOCKS[0], log)
    for max_block in BLOCKS[1:]:
        assert_identical(reference, run(scenario, bidders, max_block, log), f"max_block={max_block}")
    return reference


LAYOUTS = {
    "no joint cells": {"MAX_CELLS": 0},
    "joint cells, everybody asked": {"FEW": 10**9},
    "a shortlist however few they are": {"FEW": 0},
    "a shortlist as short as can be": {"FEW": 0, "SPARE": 0},
}


def check_layouts(reference, scenario, bidders):
    """How bids are looked up decides nothing either."""
    for label, numbers in LAYOUTS.items():
        with pytest.MonkeyPatch.context() as patch:
            for name, number in numbers.items():
                patch.setattr(sim.tables, name, number)
            assert_identical(reference, run(scenario, bidders, 64), label)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_any_market_is_one_ledger(data):
    check_blocks(*draw_market(lambda options: data.draw(st.sampled_from(options))))


# a fixed list of drawn markets; budgets and ties decide in a third of them, or the list is worth nothing


MARKETS, GROUPS = int(os.environ.get("JOINTBID_MARKETS", "330")), 6


def drawn(number):
    """Market `number` of a fixed list."""
    rng = np.random.default_rng((20_260, number))
    return draw_market(lambda options: options[rng.integers(len(options))])


def standing(i, requests, bids, seats, most, left):
    """Who stands at request i, best first: (bid, priority, advertiser), the best bid of each; apart from the kernel."""
    best = {}
    for k in range(len(left)):
        column = bids.column[k]
        cell = bids.stride * requests.cells[column, i] if column >= 0 else i
        bid = min(int(bids.numbers[bids.offset[k] + cell]), math.floor(left[k] / most))
        if bid > 0 and bid >= max(requests.floor[i], seats.floor[k]):
            entry = (bid, int(priority(seats.key[k + 1], requests.start + i)), int(seats.house[k + 1]))
            best[entry[2]] = max(entry, best.get(entry[2], entry))
    if requests.price[i] >= max(requests.floor[i], 0):
        priced = int(priority(seats.key[0], requests.start + i))
        best[OUTSIDE] = (int(requests.price[i]), priced, OUTSIDE)
    return sorted(best.values(), reverse=True)


class Spy:
    """Stands before the kernel and counts the requests at which a budget or a tie decides who gets what."""

    def __init__(self):
        self.happened = Counter()

    def __call__(self, first, last, block, requests, rules, bids, outcomes, seats, shortlist, *rest):
        left, slots, most = rest[0].left, len(rules.rates), rules.rates[0]
        assert last == first + 1
        free = standing(first, requests, bids, seats, most, [2**62] * len(left))[: slots + 1]
        bound = standing(first, requests, bids, seats, most, left)[: slots + 1]
        ranks = [bid for bid, _, _ in bound]
        self.happened["budget"] += [(bid, who) for bid, _, who in free] != [
            (bid, who) for bid, _, who in bound
        ]
        self.happened["tie"] += any(a == b for a, b in pairwise(ranks))
        self.happened["requests"] += 1
        self.happened["joint cells"] += bool(bids.shared)
        self.happened["shortlist"] += len(shortlist.block) > 0
        clear(first, last, block, requests, rules, bids, outcomes, seats, shortlist, *rest)


def facts_of(scenario, bidders, happened, tables):
    """What is true of a market, to be counted."""
    auction, sources = scenario.auction, scenario.source.values()
    kinds = [type(getattr(b.strategy.inner, "policy", b.strategy.inner)).__name__ for b in bidders.values()]
    terms = [bidder.terms for bidder in bidders.values() if bidder.terms]
    return {
        **{what: happened[what] > 0 for what in ("budget", "tie", "joint cells", "shortlist")},
        "several budgets": (tables["bidders"]["budget_left"] < GRID).sum() > 1,
        "floor": auction.floor_cpm > 0 or scenario.supply.floor_share > 0,
        "floor by the hour": len(auction.floor_steps) > 0,
        "floors of bidders' own": bool(auction.bidder_floor_cpm),
        "soft floor": "soft_floor" in auction.shares and auction.soft_floor_cpm > 0,
        "fee": auction.fee > 0,
        "slots": len(auction.slots) > 1,
        "mixed": len(auction.shares) > 1,
        "landscape": scenario.rivals.landscape is not None,
        "sync": any(s.sync_interval_h and not s.never_arrives for s in sources),
        "aged": any(s.ages and s.age_known for s in sources),
        "campaigns": sum(b.advertiser == "one firm" for b in bidders.values()) > 1,
        "every request": scenario.bidders.control_interval_requests == 1,
        "flight": any(t.flight_h for t in terms),
        "day parts": any(t.day_parts for t in terms),
        "daily budget": any(t.daily_budget for t in terms) and scenario.supply.horizon_h > 24,
        "nobody": not bidders,
        "alone": len(bidders) == 1,
        "crowd": len(bidders) == 12,
        scenario.response.family: True,
        scenario.bidders.values: True,
        **dict.fromkeys((*auction.shares, *kinds), True),
    }


@pytest.mark.parametrize("group", range(GROUPS))
def test_drawn_markets_are_one_ledger(group):
    """In blocks of any size, and looked up in any way; a budget and a tie each decide in a third of them."""
    seen = Counter()
    numbers = range(group, MARKETS, GROUPS)
    for number in numbers:
        scenario, bidders = drawn(number)
        spy = Spy()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sim.simulation, "clear", spy)
            watched = run(scenario, bidders, 1)
        assert spy.happened["requests"] == scenario.supply.requests
        reference = check_blocks(scenario, bidders)
        assert_identical(reference, watched, "the spy")
        check_layouts(reference, scenario, bidders)
        facts = facts_of(scenario, bidders, spy.happened, reference)
        seen.update(fact for fact, true in facts.items() if true)
        seen.update(
            f"{what} with a shortlist" for what in ("budget", "tie") if facts["shortlist"] and facts[what]
        )
    assert min(seen["budget"], seen["tie"]) >= len(numbers) / 3, seen
    assert seen["shortlist"] >= len(numbers) / 8, seen
    assert {kind for kind in KINDS if not seen[kind]} == set()


@pytest.mark.parametrize("group", range(GROUPS))
def test_drawn_markets_in_several_slices_are_one_ledger(group, monkeypatch):
    """Supply comes in slices; short ones here, so that many a block ends at one and control steps fall across them."""
    monkeypatch.setattr(sim.supply, "SLICE", 32)
    for number in range(group, MARKETS // 6, GROUPS):
        check_blocks(*drawn(number))


def test_control_steps_by_count_go_on_across_slices(monkeypatch):
    monkeypatch.setattr(sim.supply, "SLICE", 32)
    seen = []

    class Diary(Policy):
        reads = ()

        def __deepcopy__(self, memo):
            return self

        def bid(self, requests):
            return np.ones(requests.n)

        def control(self, state):
            seen.append(state.requests_seen)

    bidders = {"control_interval_requests": 7}
    simulate(
        Scenario.model_validate({"supply": {"requests": 300}, "bidders": bidders}), {"focal": Diary()}, 1
    )
    assert seen == list(range(0, 300, 7))


KINDS = [
    *("budget with a shortlist", "tie with a shortlist", "several budgets", "floor", "floor by the hour"),
    *(
        "floors of bidders' own",
        "soft floor",
        "fee",
        "slots",
        "mixed",
        "landscape",
        "sync",
        "aged",
        "campaigns",
    ),
    *("every request", "flight", "day parts", "daily budget", "nobody", "alone", "crowd", "joint cells"),
    *("second_price", "first_price", "soft_floor", "gsp", "vcg", "additive", "logit", "private_value"),
    *("private", "common", "Truthful", "Linear", "AdaptivePacing", "Reactive", "Stochastic"),
]


# a log, whose rows stand for many impressions


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("auction", ["second_price", "first_price", "soft_floor", "vcg"])
def test_a_replayed_log_is_one_ledger(auction, seed):
    rng = np.random.default_rng(seed)
    n = 300
    log = LogColumns(
        time_us=np.sort(rng.integers(0, 3 * 3_600_000_000, n)),
        price_micros=125_000 * rng.integers(0, 16, n),
        floor_micros=250_000 * rng.integers(0, 4, n),
        weight=rng.choice([1.0, 2.0, 37.5], n),
        value=rng.exponential(1.0, n),
        click=(rng.random(n) < 0.2).astype(float),
        columns={"value": rng.exponential(1.0, n)},
    )
    scenario = Scenario.model_validate(
        {
            "supply": {"kind": "log", "path": "", "horizon_h": 3.0},
            "auction": {
                "type": auction,
                "slots": [[1.0], [2.0, 0.5]][seed % 2],
                "soft_floor_cpm": 700,
                "fee": 0.1,
            },
            "bidders": {"control_interval_requests": [None, 7, 1][seed % 3]},
        }
    )
    bidders = {kind: Entrant(Coarse(POLICIES[kind]()), budget=60.0) for kind in POLICIES}
    check_blocks(scenario, bidders, log)
    assert (run(scenario, bidders, 64, log)["bidders"]["budget_left"] < 60.0).all()


class Constant(Policy):
    """Reads nothing: one cell serves every request."""

    reads = ()

    def __init__(self, bid):
        self._bid = bid

    def bid(self, requests):
        return np.full(requests.n, self._bid)


@pytest.mark.parametrize("auction", ["first_price", "vcg"])
def test_a_shortlist_knows_the_weight_of_a_row(auction):
    """A row of weight w costs w times as much: who can afford it is not known when the list is made."""
    n, bids = 60, [2.0, 1.75, 1.5, 1.25, 1.25, 1.0, 0.5, 0.25]
    log = LogColumns(
        time_us=np.arange(n),
        price_micros=np.full(n, 125_000),
        floor_micros=np.zeros(n, dtype=np.int64),
        weight=np.random.default_rng(1).choice([0.5, 1.0, 37.5], n),
        value=np.ones(n),
        click=np.zeros(n),
        columns={},
    )
    supply = {"kind": "log", "path": "", "horizon_h": 1.0}
    scenario = Scenario.model_validate({"supply": supply, "auction": {"type": auction, "slots": [1.0, 0.5]}})
    bidders = {f"bidder_{i}": Entrant(Constant(bid), budget=9.0 + 9.0 * i) for i, bid in enumerate(bids)}
    reference = check_blocks(scenario, bidders, log)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sim.tables, "FEW", 10**9)
        assert_identical(reference, run(scenario, bidders, 64, log), "everybody asked")
    assert (reference["bidders"]["budget_left"] < 0.5).sum() > 2


# by rows or by cells


class ByRow(Priced):
    """Declares a column that it ignores, so that the engine cannot ask it by cell."""

    @property
    def reads(self):
        return (*super().reads, "hour")


@pytest.mark.parametrize("number", range(30))
def test_asked_by_row_or_by_cell_the_ledger_is_the_same(number):
    """A table look-up answered once per visible cell, and the same answered for every row."""
    rng = np.random.default_rng((7, number))
    scenario = draw_scenario(lambda options: options[rng.integers(len(options))])
    while not scenario.source:  # private values are continuous: there is nothing to ask by cell
        scenario = draw_scenario(lambda options: options[rng.integers(len(options))])
    held = tuple(scenario.source)
    tables = []
    for asked in (Priced, ByRow):
        bidders = {
            f"{kind}_{len(seen)}": Entrant(Coarse(asked(bayes(scenario, seen), policy())), seen, budget)
            for kind, policy in POLICIES.items()
            if kind != "reactive"  # its feedback holds the columns that it reads, and `hour` is one more
            for seen, budget in ((held, 5.0), (held[:1], None))
        }
        tables.append(run(scenario, bidders, 64))
    assert_identical(*tables, "rows against cells")


def test_blocks_longer_than_a_slice():
    """`max_block` above 65,536 with a bidder asked by row: blocks stay within the tables laid out for them."""
    scenario = Scenario.model_validate({"supply": {"requests": 70_000, "horizon_h": 0.5}})
    bidders = {"first": Stochastic(), "second": Stochastic()}
    assert_identical(run(scenario, bidders, 65_536), run(scenario, bidders, 1 << 20), "max_block=2**20")

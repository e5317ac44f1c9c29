"""Promise 2, one ledger, bit for bit: the result does not depend on how many requests travel together.

Markets are drawn with budgets that run out and bids on a coarse grid, so that ties are common; a spy on the kernel counts
in how many of them a budget and a tie decided something. `engine.max_block=1` is the reference.
"""

from __future__ import annotations

import math
from collections import Counter
from functools import cache

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import sim.simulation
import sim.supply
from sim import Entrant, LogColumns, Scenario, simulate
from sim.auction.kernel import clear
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
                "requests": pick([50, 90, 150, 400]),
                "horizon_h": pick([1.0, 3.0, 5.5]),
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
                "type": pick(["second_price", "first_price"]),
                "floor_cpm": pick([0.0, 0.0, 500.0, 875.0]),
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


def draw_strategy(pick, scenario, information):
    kind = pick([*POLICIES, "stochastic"])
    if kind == "stochastic":
        return Coarse(Stochastic())
    policy = POLICIES[kind]()
    if scenario.response.family == "private_value":
        return Coarse(policy)
    return Coarse(Priced(bayes(scenario, information), policy))


def draw_market(pick):
    """A scenario and its bidders: 0 to 12, some of them two departments of one advertiser."""
    scenario = draw_scenario(pick)
    held = tuple(scenario.source)
    bidders = {}
    for number in range(pick([0, 1, 2, 2, 3, 4, 6, 8, 12])):
        information = pick([held, held[:1], ()]) if held else None
        entrant = Entrant(
            draw_strategy(pick, scenario, information or ()),
            information,
            pick([None, 1.0, 3.3, 12.345678, 40.0]),
            pick([None, None, None, "one firm"]),
        )
        bidders[f"bidder_{number}"] = entrant
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
    reference = run(scenario, bidders, BLOCKS[0], log)
    for max_block in BLOCKS[1:]:
        assert_identical(reference, run(scenario, bidders, max_block, log), f"max_block={max_block}")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_any_market_is_one_ledger(data):
    check_blocks(*draw_market(lambda options: data.draw(st.sampled_from(options))))


DRAWS, GROUPS = 144, 4


def drawn(number):
    """Market `number` of a fixed list."""
    rng = np.random.default_rng((20_260, number))
    return draw_market(lambda options: options[rng.integers(len(options))])


@pytest.mark.parametrize("group", range(GROUPS))
def test_drawn_markets_are_one_ledger(group):
    for number in range(group, DRAWS, GROUPS):
        check_blocks(*drawn(number))


@pytest.mark.parametrize("group", range(GROUPS))
def test_drawn_markets_in_several_slices_are_one_ledger(group, monkeypatch):
    """Supply comes in slices; short ones here, so that many a block ends at one and control steps fall across them."""
    monkeypatch.setattr(sim.supply, "SLICE", 32)
    for number in range(group, DRAWS // 3, GROUPS):
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


# the draws are worth something: budgets and ties decide in a third of them


def decided(first, requests, bids, seats, ledger):
    """(a budget cut a bid that counted, the top bid was tied) at request `first`, worked out apart from the kernel."""
    cut, standing = False, []
    for k in range(len(ledger.left)):
        column = bids.column[k]
        bid = bids.numbers[bids.offset[k] + (requests.cells[column, first] if column >= 0 else first)]
        cut |= bool(bid > ledger.left[k] and bid >= requests.floor[first])
        bid = min(bid, ledger.left[k])
        if bid > 0 and bid >= requests.floor[first]:
            standing.append((int(bid), int(seats.advertiser[k])))
    if requests.price[first] >= max(requests.floor[first], 0):
        standing.append((int(requests.price[first]), -1))
    best = max((bid for bid, _ in standing), default=0)
    return cut, len({who for bid, who in standing if bid == best}) > 1


@cache
def tally():
    """In how many of the drawn markets what happened."""
    seen = Counter()

    def spy(mechanism, first, last, requests, bids, outcomes, seats, ledger, record):
        cut, tied = decided(first, requests, bids, seats, ledger)
        happened.update({"cut": cut, "tied": tied, "requests": 1})
        clear(mechanism, first, last, requests, bids, outcomes, seats, ledger, record)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sim.simulation, "clear", spy)
        for number in range(DRAWS):
            happened = Counter()
            scenario, bidders = drawn(number)
            tables = run(scenario, bidders, 1)
            assert happened["requests"] == scenario.supply.requests
            kinds = [
                type(getattr(b.strategy.inner, "policy", b.strategy.inner)).__name__ for b in bidders.values()
            ]
            facts = {
                "budget": happened["cut"] > 0,
                "tie": happened["tied"] > 0,
                "several budgets": (tables["bidders"]["budget_left"] < GRID).sum() > 1,
                "floor": scenario.auction.floor_cpm > 0 or scenario.supply.floor_share > 0,
                "landscape": scenario.rivals.landscape is not None,
                "sync": any(s.sync_interval_h and not s.never_arrives for s in scenario.source.values()),
                "aged": any(s.ages and s.age_known for s in scenario.source.values()),
                "departments": sum(b.advertiser == "one firm" for b in bidders.values()) > 1,
                "every request": scenario.bidders.control_interval_requests == 1,
                "nobody": not bidders,
                "alone": len(bidders) == 1,
                "crowd": len(bidders) == 12,
                scenario.auction.type: True,
                scenario.response.family: True,
                scenario.bidders.values: True,
                **dict.fromkeys(kinds, True),
            }
            seen.update(name for name, true in facts.items() if true)
    return seen


@pytest.mark.parametrize("what", ["budget", "tie"])
def test_budgets_and_ties_decide_in_a_third_of_the_draws(what):
    assert tally()[what] >= DRAWS / 3, tally()


def test_every_kind_of_market_is_among_the_draws():
    kinds = (
        "several budgets",
        "floor",
        "landscape",
        "sync",
        "aged",
        "departments",
        "every request",
        "nobody",
    )
    kinds += (
        "alone",
        "crowd",
        "second_price",
        "first_price",
        "additive",
        "logit",
        "private_value",
        "private",
    )
    kinds += ("common", "Truthful", "Linear", "AdaptivePacing", "Reactive", "Stochastic")
    assert {kind: tally()[kind] for kind in kinds if tally()[kind] < 5} == {}


# a log, whose rows stand for many impressions


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("auction", ["second_price", "first_price"])
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
            "auction": {"type": auction},
            "bidders": {"control_interval_requests": [None, 7, 1][seed % 3]},
        }
    )
    bidders = {kind: Entrant(Coarse(POLICIES[kind]()), budget=60.0) for kind in POLICIES}
    check_blocks(scenario, bidders, log)
    assert (run(scenario, bidders, 64, log)["bidders"]["budget_left"] < 60.0).all()


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

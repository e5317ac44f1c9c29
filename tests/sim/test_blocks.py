"""Promise 2, one ledger, bit for bit: the result does not depend on how many requests travel together.

Markets are drawn over everything that a scenario can say (`markets`), with budgets that run out, caps that fill up and bids
on a coarse grid, so that ties are common; a spy on the kernel (`spying`) counts in how many of them a budget, a cap and a
tie decided something. `engine.max_block=1` is the reference. `make blocks` draws thousands; the environment variable
JOINTBID_MARKETS says how many. Of the fixed list each market is run in two of the four other block sizes, and looked up in two of the
four ways, in turn: each size and each way has 165 markets. `make blocks` has all of them in each market; a way goes with another size from
one market to the next, so that all pairs occur.
"""

from __future__ import annotations

import os
from collections import Counter

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jointbid.experiments.cells.bidders import run_cell
from jointbid.experiments.cells.cell import Cell
from jointbid.experiments.config.settings import ExecutorSettings
from jointbid.experiments.execution.pool import run_tasks
from jointbid.experiments.execution.tasks import Task
from jointbid.sim import Entrant, LogColumns, Scenario, auctions, simulate, supply, tables
from jointbid.strategies.base import Policy, Priced
from jointbid.strategies.valuations.bayes import bayes

BLOCKS = (1, 2, 7, 64, 65_536)


@pytest.fixture
def check_blocks(markets, spying):
    """The reference, having found every other number of requests that travel together to give the same."""

    def check(scenario, bidders, log=None, reference=None, sizes=BLOCKS[1:]):
        reference = reference or markets.run(scenario, bidders, BLOCKS[0], log)
        for max_block in sizes:
            other = markets.run(scenario, bidders, max_block, log)
            spying.assert_identical(reference, other, f"max_block={max_block}")
        return reference

    return check


LAYOUTS = {
    "no joint cells": {"MAX_CELLS": 0},
    "joint cells, everybody asked": {"FEW": 10**9},
    "a shortlist however few they are": {"FEW": 0},
    "a shortlist as short as can be": {"FEW": 0, "SPARE": 0},
}


@pytest.fixture
def check_layouts(markets, spying):
    """How bids are looked up decides nothing either; each way in blocks of a size."""

    def check(reference, scenario, bidders, layouts, sizes):
        for label, max_block in zip(layouts, sizes, strict=True):
            with pytest.MonkeyPatch.context() as patch:
                for name, number in LAYOUTS[label].items():
                    patch.setattr(tables, name, number)
                other = markets.run(scenario, bidders, max_block)
            spying.assert_identical(reference, other, f"{label}, max_block={max_block}")

    return check


@pytest.mark.parametrize("examples", [8, pytest.param(40, marks=pytest.mark.slow)])
def test_any_market_is_one_ledger(markets, check_blocks, examples):
    @settings(max_examples=examples, suppress_health_check=[HealthCheck.too_slow])
    @given(data=st.data())
    def check(data):
        check_blocks(*markets.draw_market(lambda options: data.draw(st.sampled_from(options))))

    check()


# a fixed list of drawn markets; budgets, caps and ties decide in a third of them, or the list is worth nothing


MARKETS, GROUPS = int(os.environ.get("JOINTBID_MARKETS", "330")), 6
IS_WHOLE = "JOINTBID_MARKETS" in os.environ


def in_turn(number, several):
    """Two of four that come round with the number of a market; all of them for `make blocks`, the first one in turn."""
    several, first = list(several), number // GROUPS % 4
    return [several[(first + step) % 4] for step in range(4 if IS_WHOLE else 2)]


@pytest.mark.parametrize("group", [0, *(pytest.param(n, marks=pytest.mark.slow) for n in range(1, GROUPS))])
def test_drawn_markets_are_one_ledger(markets, spying, check_blocks, check_layouts, group):
    """In blocks of any size, looked up in any way, watched or not; a budget, a cap and a tie each decide in a third of them."""
    seen = Counter()
    numbers = range(group, MARKETS, GROUPS)
    for number in numbers:
        scenario, bidders = markets.drawn(number)
        spy = spying.Spy(scenario, bidders)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(auctions, "clear", spy)
            reference = markets.run(scenario, bidders, 1)
        assert spy.happened["requests"] == scenario.supply.requests
        sizes = in_turn(number, BLOCKS[1:])
        if spy.happened["joint cells"]:
            check_layouts(reference, scenario, bidders, in_turn(number // 4, LAYOUTS), sizes)
        else:  # there is one way alone
            check_blocks(scenario, bidders, reference=reference, sizes=sizes)
        unwatched = markets.run(scenario, bidders, sizes[-1], watched=False)
        spying.assert_identical(unwatched, reference, "no sink")
        facts = spying.facts_of(scenario, bidders, spy.happened, reference)
        decided = [what for what in ("budget", "tie", "cap") if facts[what]]
        seen.update(fact for fact, true in facts.items() if true)
        seen.update(f"{what} with a shortlist" for what in decided if facts["shortlist"])
        seen["all three"] += len(decided) == 3
    assert min(seen["budget"], seen["tie"], seen["cap"]) >= len(numbers) / 3, seen
    assert min(seen["shortlist"], seen["all three"]) >= len(numbers) / 8, seen
    assert {kind for kind in spying.KINDS if not seen[kind]} == set()


@pytest.mark.parametrize("group", range(GROUPS))
def test_drawn_markets_in_several_slices_are_one_ledger(markets, check_blocks, group, monkeypatch):
    """Supply comes in slices; short ones here, so that many a block ends at one and control steps fall across them."""
    monkeypatch.setattr(supply, "SLICE", 32)
    for number in range(group, MARKETS // 6, GROUPS):
        check_blocks(*markets.drawn(number), sizes=in_turn(number, BLOCKS[1:]))


def test_control_steps_by_count_go_on_across_slices(monkeypatch):
    monkeypatch.setattr(supply, "SLICE", 32)
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


def test_here_and_in_processes_the_ledger_is_the_same(markets):
    """Cells of markets with people, caps and deadlines, one after the other and in two processes."""
    scenarios = [markets.drawn(number)[0] for number in range(40)]
    capped = [s for s in scenarios if s.bidders.terms.caps and s.auction.tmax_ms and s.source]
    parts = {
        "bidders": {
            "strategy": "truthful",
            "count": 3,
            "budget": 5.0,
            "terms": {"caps": [{"impressions": 2}]},
        }
    }
    cells = [
        Cell(Scenario.model_validate(s.model_dump() | parts), "joint", replication=number)
        for number, s in enumerate([s for s in capped if s.stock is None][:3])
    ]
    found = []
    for settings_ in (ExecutorSettings(name="serial"), ExecutorSettings(name="process", jobs=2)):
        done = run_tasks([Task((cell,), run_cell) for cell in cells], settings_)
        outcomes = {outcome.item.replication: outcome for task in done for outcome in task.outcomes}
        found.append([repr(outcomes[number].result) for number in range(3)])
    assert found[0] == found[1]
    assert len({*found[0], repr(None)}) == 4


# a log, whose rows stand for many impressions


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("auction", ["second_price", "first_price", "soft_floor", "vcg"])
@pytest.mark.few(1)
def test_a_replayed_log_is_one_ledger(markets, check_blocks, auction, seed):
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
            "supply": {"kind": "log", "path": "log", "horizon_h": 3.0},
            "auction": {
                "type": auction,
                "slots": [[1.0], [2.0, 0.5]][seed % 2],
                "soft_floor_cpm": 700,
                "fee": 0.1,
            },
            "bidders": {"control_interval_requests": [None, 7, 1][seed % 3]},
        }
    )
    bidders = {
        kind: Entrant(markets.Coarse(policy()), budget=60.0) for kind, policy in markets.POLICIES.items()
    }
    reference = check_blocks(scenario, bidders, log)
    assert (reference["bidders"]["budget_left"] < 60.0).all()
    assert reference["bidders"]["clicks"].sum() > 0


class Constant(Policy):
    """Reads nothing: one cell serves every request."""

    reads = ()

    def __init__(self, bid):
        self._bid = bid

    def bid(self, requests):
        return np.full(requests.n, self._bid)


@pytest.mark.parametrize("auction", ["first_price", "vcg"])
def test_a_shortlist_knows_the_weight_of_a_row(markets, spying, check_blocks, auction):
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
    supply = {"kind": "log", "path": "log", "horizon_h": 1.0}
    scenario = Scenario.model_validate({"supply": supply, "auction": {"type": auction, "slots": [1.0, 0.5]}})
    bidders = {f"bidder_{i}": Entrant(Constant(bid), budget=9.0 + 9.0 * i) for i, bid in enumerate(bids)}
    reference = check_blocks(scenario, bidders, log)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "FEW", 10**9)
        spying.assert_identical(reference, markets.run(scenario, bidders, 64, log), "everybody asked")
    assert (reference["bidders"]["budget_left"] < 0.5).sum() > 2


# by rows or by cells


class ByRow(Priced):
    """Declares a column that it ignores, so that the engine cannot ask it by cell."""

    @property
    def reads(self):
        return (*super().reads, "hour")


@pytest.mark.few(10)
@pytest.mark.parametrize("number", range(30))
def test_asked_by_row_or_by_cell_the_ledger_is_the_same(markets, spying, number):
    """A table look-up answered once per visible cell, and the same answered for every row."""
    rng = np.random.default_rng((7, number))
    scenario = markets.draw_scenario(lambda options: options[rng.integers(len(options))])
    while not scenario.source:  # private values are continuous: there is nothing to ask by cell
        scenario = markets.draw_scenario(lambda options: options[rng.integers(len(options))])
    held = tuple(scenario.source)
    tables = []
    for asked in (Priced, ByRow):
        bidders = {
            f"{kind}_{len(seen)}": Entrant(
                markets.Coarse(asked(bayes(scenario, seen), policy())), seen, budget
            )
            for kind, policy in markets.POLICIES.items()
            if kind != "reactive"  # its feedback holds the columns that it reads, and `hour` is one more
            for seen, budget in ((held, 5.0), (held[:1], None))
        }
        tables.append(markets.run(scenario, bidders, 64))
    spying.assert_identical(*tables, "rows against cells")


def test_blocks_longer_than_a_slice(markets, spying):
    """`max_block` above 65,536 with a bidder asked by row: blocks stay within the tables laid out for them."""
    scenario = Scenario.model_validate({"supply": {"requests": 70_000, "horizon_h": 0.5}})
    bidders = {"first": markets.Stochastic(), "second": markets.Stochastic()}
    one, other = (markets.run(scenario, bidders, most) for most in (65_536, 1 << 20))
    spying.assert_identical(one, other, "max_block=2**20")

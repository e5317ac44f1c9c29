"""The compiled kernel against a plain reading of the rules."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import floor as whole

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.auction import compiled
from sim.auction.arrays import (
    NOBODY,
    OUTSIDE,
    Bids,
    Outcomes,
    Record,
    Requests,
    Rules,
    Seats,
    Shortlist,
)
from sim.compiled import cache_folder
from sim.auction.kernel import clear
from sim.auction.mechanisms import MECHANISMS
from sim.streams import word
from sim.ledger import open_ledger

START = 100
OUTSIDE_KEY = 7
SECOND, FIRST, SOFT, VCG = (MECHANISMS[name] for name in ("second_price", "first_price", "soft_floor", "vcg"))


@dataclass
class Case:
    """One little market: ``tables[b][k][c]`` is what bidder k asks for in cell c during block b."""

    rates: list[float]
    tables: list[list[list[int]]]
    cell: list[int]
    cuts: list[int]
    mechanism: list[int]
    floor: list[int]
    price: list[int]
    weight: list[float]
    advertiser: list[int]
    budget: list[int]
    own_floor: list[int]
    keys: list[int]
    soft: int = 0
    fee: float = 0.0

    def bid(self, k, i):
        block = sum(cut <= i for cut in self.cuts)
        return self.tables[block][k][self.cell[i]]

    @property
    def n(self):
        return len(self.floor)

    @property
    def blocks(self):
        return [0, *self.cuts, self.n]


def case(bids, floor=0, price=-1, mechanism=SECOND, rates=(1.0,), **more):
    """One request, met by these bids."""
    k = len(bids)
    fields = {
        "weight": [],
        "advertiser": list(range(k)),
        "budget": [10**9] * k,
        "own_floor": [0] * k,
        "keys": list(range(11, 11 + k)),
    }
    table = [[[b] for b in bids]]
    return Case(list(rates), table, [0], [], [mechanism], [floor], [price], **fields | more)


# the rules, read plainly, in exact fractions


def rate_of(bid, others, rates):
    """The click rate that a bid (not tied) gets among these others."""
    slot = sum(other > bid for other in others)
    return rates[slot] if slot < len(rates) else Fraction(0)


def area_below(bid, others, floor, rates):
    """The area under the click rate as a function of the bid, from the floor up to the bid.

    Bid x rate - this area is what a truthful mechanism charges (Myerson 1981): VCG, told apart from its own formula.
    """
    steps = sorted({floor, bid, *(b for b in others if floor < b < bid)})
    return sum(
        (high - low) * rate_of(Fraction(low + high) / 2, others, rates) for low, high in pairwise(steps)
    )


def by_the_rules(c, charged=None):
    """Per request and slot (winner, paid, bid), the best loser, what is left, the fees: sort what stands, and charge.

    ``charged`` (requests, slots) are charges to go on from where they are right to within half a micro: rates like .7
    are no binary fractions, and what is a half in one arithmetic is not in another.
    """
    rates, left = [Fraction(r) for r in c.rates], list(c.budget)
    out, fees = [], 0
    for i in range(c.n):
        weight = Fraction(c.weight[i]) if c.weight else Fraction(1)
        standing = []
        for k in range(len(left)):
            bid = min(c.bid(k, i), whole(left[k] / float(weight * rates[0])))
            if bid > 0 and bid >= max(c.floor[i], c.own_floor[k]):
                standing.append((bid, int(priority(np.uint64(c.keys[k]), START + i)), k))
        if c.price[i] >= max(c.floor[i], 0):
            standing.append((c.price[i], int(priority(np.uint64(OUTSIDE_KEY), START + i)), OUTSIDE))
        standing.sort(reverse=True)
        ranked, seen = [], set()
        for bid, _, k in standing:  # of one advertiser the best bid alone
            firm = c.advertiser[k] if k >= 0 else "outside"
            if firm not in seen:
                seen.add(firm)
                ranked.append((bid, k))
        slots = []
        for slot, rate in enumerate(rates):
            if slot >= len(ranked):
                slots.append((NOBODY, 0, -1))
                continue
            bid, winner = ranked[slot]
            paid = 0
            if winner >= 0:
                floor = max(c.floor[i], c.own_floor[winner])
                following = ranked[slot + 1][0] if slot + 1 < len(ranked) else 0
                if c.mechanism[i] == FIRST or (c.mechanism[i] == SOFT and bid < c.soft):
                    charge = bid * rate
                elif c.mechanism[i] == SECOND:
                    charge = max(following, floor) * rate
                elif c.mechanism[i] == SOFT:
                    charge = max(following, floor, c.soft) * rate
                else:
                    others = [b for b, k in ranked if k != winner]
                    charge = bid * rate - area_below(bid, others, floor, rates)
                paid = round(charge * weight)
                if charged is not None:
                    assert abs(charge * weight - charged[i, slot]) <= 0.5 + 1e-6
                    paid = int(charged[i, slot])
                left[winner] -= paid
                fees += round(Fraction(c.fee) * paid)
            slots.append((winner, paid, bid))
        out.append((slots, ranked[len(rates)][0] if len(ranked) > len(rates) else -1))
    return out, left, fees


# the kernel, with its columns laid out in every way


def lay_out(c, layout, length):
    """(bids, cells, shortlist) with room for one block's table; ``load`` fills it."""
    bidders, n, cells = len(c.budget), c.n, len(c.tables[0][0]) if c.budget else 1
    column = np.array([c.cell], dtype=np.int32).reshape(1, n)
    spare = length if layout == "shortlist" else 1
    places = cells if layout == "shortlist" else 0
    who, bid = np.zeros((2, places, spare), dtype=np.int64)
    shortlist = Shortlist(who, bid, np.zeros(places, np.int64), np.full(places, -1, np.int64))
    zero, number = np.zeros(bidders, np.int64), np.arange(bidders)
    if layout == "rows":
        bids = Bids(np.zeros(bidders * n, np.int64), n * number, zero - 1, 1, False)
        return bids, np.empty((0, n), np.int32), shortlist
    if layout == "cells":
        return Bids(np.zeros(bidders * cells, np.int64), cells * number, zero, 1, False), column, shortlist
    return Bids(np.zeros(bidders * cells, np.int64), number, zero, bidders, True), column, shortlist


def load(c, layout, block, bids):
    table = np.array(c.tables[block], dtype=np.int64).reshape(len(c.budget), -1)
    if layout == "rows":
        bids.numbers[:] = table[:, c.cell].ravel()
    else:
        bids.numbers[:] = (table if layout == "cells" else table.T).ravel()


def settle(c, layout="rows", length=1):
    n, bidders, slots = c.n, len(c.budget), len(c.rates)
    bids, cells, shortlist = lay_out(c, layout, length)
    ledger = open_ledger([b / 1e6 for b in c.budget], 1, slots)
    assert ledger.left.tolist() == c.budget
    winner, bid = np.full((2, n, slots), -9, dtype=np.int64)
    record = Record(winner, np.zeros_like(winner), bid, np.full(n, -9), np.zeros((n, slots), dtype=np.bool_))
    theta = 1.0 + np.arange(bidders * n, dtype=float)
    requests = Requests(
        START,
        np.zeros(n, np.int32),
        np.array(c.mechanism, np.int8),
        np.array(c.floor, np.int64),
        np.array(c.price, np.int64),
        np.full(n, 0.5),
        np.array(c.weight, dtype=float),
        cells,
    )
    outcomes = Outcomes(
        theta, np.where(theta % 2, 0.4, 0.6), n * np.arange(bidders), np.full(bidders, -1, np.int64)
    )
    seats = Seats(
        np.array(c.own_floor, np.int64),
        np.array([-1, *c.advertiser], np.int64),
        np.array([OUTSIDE_KEY, *c.keys], np.uint64),
    )
    top, names = np.zeros((2, len(c.rates) + 1), dtype=np.int64)
    rules = Rules(np.array(c.rates), c.soft, c.fee, top, names)
    for block, first in enumerate(c.blocks[:-1]):
        last = c.blocks[block + 1]
        load(c, layout, block, bids)
        part = Record(*(column[first:last] for column in record))
        clear(first, last, 40 + block, requests, rules, bids, outcomes, seats, shortlist, ledger, part)
    return ledger, record, theta.reshape(bidders, n)


def table_of(ledger, record):
    """Everything that a run leaves, as plain lists."""
    return [column.tolist() for column in (*ledger, *record)]


AMOUNTS = st.integers(0, 6)
RATES = [
    [1.0],
    [200.0, 100.0],
    [1.0, 1.0],
    [2.5],
    [1.0, 0.75, 0.5],
    [0.5, 0.125],
    [4.0, 1.5, 1.5, 0.25],
]  # exact in binary, so that halves are halves


def lists(of, length, **options):
    return st.lists(of, min_size=length, max_size=length, **options)


@st.composite
def cases(draw, *, weighted=True, bidders=(1, 9)):
    """Few distinct amounts, so that ties, floors that equal bids and budgets of nearly nothing are the rule."""
    k, n, cells = draw(st.integers(*bidders)), draw(st.integers(1, 12)), draw(st.integers(1, 3))
    rates = draw(st.sampled_from(RATES))
    cuts = sorted(draw(st.sets(st.integers(1, max(n - 1, 1)), max_size=2)) - {n})
    kinds = st.sampled_from(sorted(set(MECHANISMS.values())))
    return Case(
        rates=rates,
        tables=draw(lists(lists(lists(AMOUNTS, cells), k), len(cuts) + 1)),
        cell=draw(lists(st.integers(0, cells - 1), n)),
        cuts=cuts,
        mechanism=draw(lists(kinds, n)),
        floor=draw(lists(st.integers(0, 3), n)),
        price=draw(lists(st.integers(-1, 5), n)),
        weight=draw(st.one_of(st.just([]), lists(st.sampled_from([1.0, 2.5, 0.5, 37.5]), n)))
        if weighted
        else [],
        advertiser=draw(st.one_of(st.just(list(range(k))), lists(st.integers(0, 3), k))),
        budget=[whole(b * rates[0]) for b in draw(lists(st.one_of(st.integers(0, 12), st.just(10**6)), k))],
        own_floor=draw(st.one_of(st.just([0] * k), lists(st.integers(0, 4), k))),
        keys=draw(lists(st.integers(8, 2**64 - 1), k, unique=True)),
        soft=draw(AMOUNTS),
        fee=draw(st.sampled_from([0.0, 0.125, 0.5, 1.0])),
    )


@settings(max_examples=300, deadline=None)
@given(cases())
def test_kernel_follows_the_rules(c):
    expected, left, fees = by_the_rules(c)
    ledger, record, theta = settle(c)
    slots = [
        [
            (int(record.winner[i, s]), int(record.paid[i, s]), int(record.bid[i, s]))
            for s in range(len(c.rates))
        ]
        for i in range(c.n)
    ]
    assert list(zip(slots, record.others.tolist(), strict=True)) == expected
    assert ledger.left.tolist() == left
    assert min(left) >= 0
    assert (ledger.spend + ledger.left).tolist() == c.budget
    assert int(ledger.fees[0]) == fees
    weight = np.array(c.weight) if c.weight else np.ones(c.n)
    for k in range(len(c.budget)):
        won = record.winner == k
        rate = np.where(won, np.array(c.rates), 0.0)
        assert ledger.wins[k].tolist() == won.sum(axis=0).tolist()
        assert ledger.hourly_wins[0, k] == won.sum()
        assert won.sum(axis=1).max() <= 1
        assert ledger.spend[k] == ledger.hourly_spend[0, k] == record.paid[won].sum()
        assert ledger.value[k] == pytest.approx((weight * (rate.sum(axis=1) * theta[k])).sum())
        chance = rate * np.where(theta[k] % 2, 0.4, 0.6)[:, None]
        assert ledger.clicks_expected[k] == pytest.approx((weight * chance.sum(axis=1)).sum())
        clicked = chance > 0.5
        assert ledger.clicks[k] == pytest.approx((weight * clicked.sum(axis=1)).sum())
        assert record.clicked[won].tolist() == clicked[won].tolist()
    for firm in set(c.advertiser):
        ours = np.isin(record.winner, [k for k, a in enumerate(c.advertiser) if a == firm])
        assert ours.sum(axis=1).max() <= 1


@settings(max_examples=300, deadline=None)
@given(cases(), st.integers(1, 11))
def test_rows_cells_and_shortlists_of_any_length_are_one_kernel(c, length):
    """Budgets that run out in mid-block, ties at the list's end and new bids at each block are the rule here, too."""
    plain = table_of(*settle(c)[:2])
    for layout in ("cells", "joint", "shortlist"):
        assert table_of(*settle(c, layout, length)[:2]) == plain, layout


@pytest.mark.parametrize("length", range(1, 9))
def test_a_shortlist_worn_out_in_mid_block(length):
    """One cell, one block, forty requests: the budgets of the highest bidders end one after the other."""
    rng = np.random.default_rng(length)
    k, n = 20, 40
    c = case([0] * k, rates=[1.0, 0.5], budget=rng.integers(0, 30, k).tolist())
    c.tables = [rng.integers(0, 9, (k, 1)).tolist()]
    c.mechanism, c.floor = rng.integers(0, 4, n).tolist(), rng.integers(0, 3, n).tolist()
    c.cell, c.price = [0] * n, [-1] * n
    plain, record, _ = settle(c)
    assert table_of(*settle(c, "shortlist", length)[:2]) == table_of(plain, record)
    assert len(set(record.winner.ravel().tolist())) > 10


@pytest.mark.parametrize("seed", range(20))
def test_any_click_rates_never_a_micro_over(seed):
    """Rates that binary fractions only come near: charges are right to half a micro, and never beyond a budget."""
    rng = np.random.default_rng(seed)
    k, n = 6, 150
    rates = (
        np.sort(rng.choice([1.0, 0.8, 0.7, 0.6, 0.3, 0.1, *rng.random(3)], 1 + seed % 4))[::-1]
        * [1, 130][seed % 2]
    )
    budget = (rng.integers(0, 300, k) * rates[0]).astype(int).tolist()
    c = case([0] * k, rates=rates.tolist(), budget=budget, soft=5)
    c.tables = [rng.integers(0, 12, (k, n)).tolist()]
    c.cell, c.mechanism = list(range(n)), rng.integers(0, 4, n).tolist()
    c.floor, c.price = rng.integers(0, 3, n).tolist(), rng.integers(-1, 9, n).tolist()
    c.weight = rng.choice([1.0, 3.7], n).tolist() if seed % 3 else []
    ledger, record, _ = settle(c)
    assert ledger.left.min() >= 0
    assert (ledger.left < 8 * rates[0]).any()
    expected, left, _ = by_the_rules(c, record.paid)
    assert [[winner for winner, _, _ in slots] for slots, _ in expected] == record.winner.tolist()
    assert left == ledger.left.tolist()


@pytest.mark.parametrize(
    ("mechanism", "bids", "floor", "price", "paid"),
    [
        (SECOND, [900], 300, -1, 300),  # a lone bidder above the floor wins and pays it
        (FIRST, [900], 300, -1, 900),  # or its own bid
        (SECOND, [300], 300, -1, 300),  # a bid at the floor is in
        (SECOND, [299], 300, -1, None),  # below it is out
        (SECOND, [900], 0, -1, 0),
        (SECOND, [0], 0, -1, None),  # 0 is no bid
        (SECOND, [900, 500], 300, -1, 500),
        (SECOND, [900, 200], 300, -1, 300),
        (SECOND, [900, 900], 300, -1, 900),  # tied: pays the tied bid
        (SECOND, [900], 300, 200, 300),  # an outside price below the floor is out
        (SECOND, [900], 300, 600, 600),
        (SECOND, [900], 300, 901, None),
        (FIRST, [900, 500], 300, 600, 900),
        (SOFT, [900, 500], 300, -1, 700),  # above the soft floor of 700: it or the next bid
        (SOFT, [900, 800], 300, -1, 800),
        (SOFT, [700, 500], 300, -1, 700),  # at it: it
        (SOFT, [699, 500], 300, -1, 699),  # below it: the own bid
        (SOFT, [299], 300, -1, None),  # the hard floor still holds
        (SOFT, [900], 800, -1, 800),  # a hard floor above the soft one
        (SOFT, [900], 300, 750, 750),
        (VCG, [900, 500], 300, -1, 500),  # with one slot VCG is second price
        (VCG, [900], 300, -1, 300),
    ],
)
def test_pinned_conventions(mechanism, bids, floor, price, paid):
    _, record, _ = settle(case(bids, floor, price, mechanism, soft=700))
    assert (record.winner[0, 0] >= 0) == (paid is not None)
    assert record.paid[0, 0] == (paid or 0)


@pytest.mark.parametrize(
    ("mechanism", "bids", "own", "paid"),
    [
        (SECOND, [900], [500], [500]),  # a bidder's own floor is one: it pays at least that
        (SECOND, [900, 400], [500, 0], [500]),
        (SECOND, [900, 600], [500, 0], [600]),
        (
            SECOND,
            [499, 400],
            [500, 0],
            [None, 300],
        ),  # below it, it is out, and the next wins at the request's floor
        (SECOND, [900, 400], [0, 450], [300]),  # and then sets no price either
        (FIRST, [900, 400], [500, 0], [900]),
        (SOFT, [900, 400], [800, 0], [800]),
        (VCG, [900, 400], [500, 0], [500]),
    ],
)
def test_floors_of_a_bidders_own(mechanism, bids, own, paid):
    ledger, _, _ = settle(case(bids, 300, -1, mechanism, soft=700, own_floor=own))
    paid = [*paid, *[None] * (len(bids) - len(paid))]
    assert ledger.spend.tolist() == [p or 0 for p in paid]
    assert ledger.wins[:, 0].tolist() == [int(p is not None) for p in paid]


@pytest.mark.parametrize(
    ("mechanism", "paid"),
    [(SECOND, [800, 200]), (VCG, [600, 200]), (FIRST, [2000, 400]), (SOFT, [1000, 400])],
)
def test_two_slots(mechanism, paid):
    """Edelman, Ostrovsky & Schwarz 2007: rates (200, 100), bids 10, 4, 2; the soft floor is 5."""
    ledger, record, _ = settle(case([10, 4, 2], mechanism=mechanism, rates=(200.0, 100.0), soft=5))
    assert record.winner.tolist() == [[0, 1]]
    assert record.paid.tolist() == [paid]
    assert record.others.tolist() == [2]
    assert ledger.wins.tolist() == [[1, 0], [0, 1], [0, 0]]


def test_slots_beyond_the_bids_stay_empty_and_the_outside_may_take_one():
    _, record, _ = settle(case([10, 4], price=6, mechanism=VCG, rates=(4.0, 2.0, 1.0, 1.0)))
    assert record.winner.tolist() == [[0, OUTSIDE, 1, NOBODY]]
    assert record.paid.tolist() == [[(4 - 2) * 6 + (2 - 1) * 4, 0, 0, 0]]
    assert record.others.tolist() == [-1]


def test_campaigns_of_one_advertiser_do_not_bid_against_each_other():
    for bids, winner, paid in (([9, 8, 5], 0, 5), ([8, 9, 5], 1, 5), ([8, 7, 9], 2, 8)):
        _, record, _ = settle(case(bids, advertiser=[0, 0, 1]))
        assert (record.winner[0, 0], record.paid[0, 0]) == (winner, paid)


@pytest.mark.parametrize("mechanism", [SECOND, VCG])
def test_campaigns_of_one_advertiser_take_one_slot_and_price_no_other(mechanism):
    c = case([9, 8, 5, 4], mechanism=mechanism, rates=(2.0, 1.0), advertiser=[0, 0, 1, 2])
    _, record, _ = settle(c)
    assert record.winner.tolist() == [[0, 2]]
    assert record.paid.tolist() == [[10 if mechanism == SECOND else 5 + 4, 4]]
    assert record.others.tolist() == [4]


def test_rows_that_stand_for_many_are_bought_whole_and_within_budget():
    """Weight w: the charge is rint(price x w); a bid is capped at what is left divided by w."""
    c = case([10], budget=[30], mechanism=FIRST)
    c.cell, c.mechanism, c.floor, c.price, c.weight = (
        [0] * 3,
        [FIRST] * 3,
        [0] * 3,
        [-1, 2, 4],
        [2.5, 1.5, 2.0],
    )
    ledger, record, theta = settle(c)
    assert record.winner.ravel().tolist() == [0, 0, OUTSIDE]  # 30 left, then 5: capped at 3, then at 0
    assert record.paid.ravel().tolist() == [25, 4, 0]  # rint(10 x 2.5), rint(3 x 1.5) to even
    assert ledger.left[0] == 1
    assert ledger.value[0] == pytest.approx(2.5 * theta[0, 0] + 1.5 * theta[0, 1])


@pytest.mark.parametrize(("paid", "fee"), [(1, 0), (3, 2), (5, 2), (7, 4), (4, 2)])
def test_the_fee_is_rounded_half_to_even(paid, fee):
    ledger, _, _ = settle(case([paid], mechanism=FIRST, fee=0.5))
    assert (ledger.spend[0], ledger.fees[0]) == (paid, fee)


def test_priorities_are_uniform_and_unrelated():
    keys = np.array([1, 2, 2**63], dtype=np.uint64)
    draws = np.array([[int(priority(key, p)) for p in range(4000)] for key in keys]) / 2.0**64
    assert np.abs(draws.mean(axis=1) - 0.5).max() < 4 / np.sqrt(12 * 4000)
    assert np.abs(np.corrcoef(draws)[np.triu_indices(3, 1)]).max() < 4 / np.sqrt(4000)
    assert abs(np.corrcoef(draws[0, :-1], draws[0, 1:])[0, 1]) < 4 / np.sqrt(4000)


SOURCES = sorted(path.relative_to(compiled.PACKAGE).as_posix() for path in compiled.PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("name", SOURCES)
def test_an_edit_of_any_source_starts_a_new_cache(name, tmp_path, monkeypatch):
    """Numba's own cache misses an edited callee in another file."""
    package = tmp_path / "auction"
    shutil.copytree(compiled.PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setenv("JOINTBID_CACHE_DIR", str(tmp_path / "cache"))
    before = cache_folder()
    monkeypatch.setattr(compiled, "PACKAGE", package)
    assert cache_folder() == before
    with (package / name).open("a") as source:
        source.write("# an edit\n")
    assert cache_folder() != before
    assert cache_folder().is_dir()


def test_the_sources_are_all_that_compiled_code_comes_from():
    """Whatever compiles under sim/ lives in the package that names the cache, subfolders too."""
    users = {
        path
        for path in compiled.PACKAGE.parent.rglob("*.py")
        if any(word in path.read_text() for word in ("@kernel", "@inlined", "njit"))
    }
    assert {path.relative_to(compiled.PACKAGE).as_posix() for path in users} <= set(SOURCES)
    assert {"kernel.py", "mechanisms/vcg.py"} <= set(SOURCES)


def test_without_a_writable_place_kernels_are_compiled_anew(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("JOINTBID_CACHE_DIR", str(tmp_path / "file"))
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path / "file"))
    assert cache_folder() is None

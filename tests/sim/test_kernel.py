"""The compiled kernel against a plain reading of the rules (`rules`)."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jointbid.sim import Scenario, simulate
from jointbid.sim.auction.arrays import NOBODY, OUTSIDE
from jointbid.sim.auction.mechanisms import MECHANISMS
from jointbid.sim.streams import word
from jointbid.strategies.base import Policy

SECOND, FIRST, SOFT, GSP, VCG = (
    MECHANISMS[name] for name in ("second_price", "first_price", "soft_floor", "gsp", "vcg")
)


@settings(max_examples=300)
@given(data=st.data())
def test_kernel_follows_the_rules(rules, settling, data):
    c = data.draw(rules.cases())
    expected, left, fees = rules.by_the_rules(c)
    ledger, record, responses = settling.settle(c)
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
    totals, viewed, creatives, happened = rules.shown(c, record.winner, settling.effects_of(c))
    assert record.viewed.tolist() == viewed.tolist()
    assert record.creative.tolist() == creatives.tolist()
    assert responses == happened
    for total, column in zip(totals, ("value", "clicks", "conversions", "viewed", "reach"), strict=True):
        assert getattr(ledger, column).tolist() == pytest.approx(total.tolist())
    for k in range(len(c.budget)):
        won = record.winner == k
        assert ledger.wins[k].tolist() == won.sum(axis=0).tolist()
        assert won.sum(axis=1).max() <= 1
        assert ledger.spend[k] == record.paid[won].sum()
    for firm in set(c.advertiser):
        ours = np.isin(record.winner, [k for k, a in enumerate(c.advertiser) if a == firm])
        assert ours.sum(axis=1).max() <= 1


@settings(max_examples=300)
@given(data=st.data(), length=st.integers(1, 11))
def test_rows_cells_and_shortlists_of_any_length_are_one_kernel(rules, settling, data, length):
    """Budgets that run out in mid-block, ties at the list's end and new bids at each block are the rule here, too."""
    c = data.draw(rules.cases())
    plain = settling.table_of(settling.settle(c))
    for layout in ("cells", "joint", "shortlist"):
        assert settling.table_of(settling.settle(c, layout, length)) == plain, layout


@pytest.mark.parametrize("length", range(1, 9))
def test_a_shortlist_worn_out_in_mid_block(rules, settling, length):
    """One cell, one block, forty requests: the budgets of the highest bidders end one after the other."""
    rng = np.random.default_rng(length)
    k, n = 20, 40
    c = rules.case([0] * k, rates=[1.0, 0.5], budget=rng.integers(0, 30, k).tolist())
    c.tables = [rng.integers(0, 9, (k, 1)).tolist()]
    c.mechanism, c.floor = rng.integers(0, 5, n).tolist(), rng.integers(0, 3, n).tolist()
    c.cell, c.price = [0] * n, [-1] * n
    plain = settling.settle(c)
    assert settling.table_of(settling.settle(c, "shortlist", length)) == settling.table_of(plain)
    assert len(set(plain.record.winner.ravel().tolist())) > 10


@pytest.mark.parametrize("seed", range(20))
def test_any_click_rates_never_a_micro_over(rules, settling, seed):
    """Rates that binary fractions only come near: charges are right to half a micro, and never beyond a budget."""
    rng = np.random.default_rng(seed)
    k, n = 6, 150
    rates = (
        np.sort(rng.choice([1.0, 0.8, 0.7, 0.6, 0.3, 0.1, *rng.random(3)], 1 + seed % 4))[::-1]
        * [1, 130][seed % 2]
    )
    budget = (rng.integers(0, 300, k) * rates[0]).astype(int).tolist()
    c = rules.case([0] * k, rates=rates.tolist(), budget=budget, soft=5)
    c.tables = [rng.integers(0, 12, (k, n)).tolist()]
    c.cell, c.mechanism = list(range(n)), rng.integers(0, 5, n).tolist()
    c.floor, c.price = rng.integers(0, 3, n).tolist(), rng.integers(-1, 9, n).tolist()
    c.weight = rng.choice([1.0, 3.7], n).tolist() if seed % 3 else []
    ledger, record, _ = settling.settle(c)
    assert ledger.left.min() >= 0
    assert (ledger.left < 8 * rates[0]).any()
    expected, left, _ = rules.by_the_rules(c, record.paid)
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
        (GSP, [900, 500], 300, -1, 500),  # with one slot GSP is second price
        (VCG, [900, 500], 300, -1, 500),  # and so is VCG
        (VCG, [900], 300, -1, 300),
    ],
)
def test_pinned_conventions(rules, settling, mechanism, bids, floor, price, paid):
    _, record, _ = settling.settle(rules.case(bids, floor, price, mechanism, soft=700))
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
def test_floors_of_a_bidders_own(rules, settling, mechanism, bids, own, paid):
    ledger, _, _ = settling.settle(rules.case(bids, 300, -1, mechanism, soft=700, own_floor=own))
    paid = [*paid, *[None] * (len(bids) - len(paid))]
    assert ledger.spend.tolist() == [p or 0 for p in paid]
    assert ledger.wins[:, 0].tolist() == [int(p is not None) for p in paid]


@pytest.mark.parametrize(
    ("mechanism", "paid"),
    [(SECOND, [800, 200]), (GSP, [800, 200]), (VCG, [600, 200]), (FIRST, [2000, 400]), (SOFT, [1000, 400])],
)
def test_two_slots(rules, settling, mechanism, paid):
    """Edelman, Ostrovsky & Schwarz 2007: rates (200, 100), bids 10, 4, 2; the soft floor is 5."""
    ledger, record, _ = settling.settle(
        rules.case([10, 4, 2], mechanism=mechanism, rates=(200.0, 100.0), soft=5)
    )
    assert record.winner.tolist() == [[0, 1]]
    assert record.paid.tolist() == [paid]
    assert record.others.tolist() == [2]
    assert ledger.wins.tolist() == [[1, 0], [0, 1], [0, 0]]


def test_slots_beyond_the_bids_stay_empty_and_the_outside_may_take_one(rules, settling):
    _, record, _ = settling.settle(rules.case([10, 4], price=6, mechanism=VCG, rates=(4.0, 2.0, 1.0, 1.0)))
    assert record.winner.tolist() == [[0, OUTSIDE, 1, NOBODY]]
    assert record.paid.tolist() == [[(4 - 2) * 6 + (2 - 1) * 4, 0, 0, 0]]
    assert record.others.tolist() == [-1]


def test_campaigns_of_one_advertiser_do_not_bid_against_each_other(rules, settling):
    for bids, winner, paid in (([9, 8, 5], 0, 5), ([8, 9, 5], 1, 5), ([8, 7, 9], 2, 8)):
        _, record, _ = settling.settle(rules.case(bids, advertiser=[0, 0, 1]))
        assert (record.winner[0, 0], record.paid[0, 0]) == (winner, paid)


@pytest.mark.parametrize("mechanism", [SECOND, VCG])
def test_campaigns_of_one_advertiser_take_one_slot_and_price_no_other(rules, settling, mechanism):
    c = rules.case([9, 8, 5, 4], mechanism=mechanism, rates=(2.0, 1.0), advertiser=[0, 0, 1, 2])
    _, record, _ = settling.settle(c)
    assert record.winner.tolist() == [[0, 2]]
    assert record.paid.tolist() == [[10 if mechanism == SECOND else 5 + 4, 4]]
    assert record.others.tolist() == [4]


def test_rows_that_stand_for_many_are_bought_whole_and_within_budget(rules, settling):
    """Weight w: the charge is rint(price x w); a bid is capped at what is left divided by w."""
    c = rules.case([10], budget=[30], mechanism=FIRST)
    c.cell, c.mechanism, c.floor, c.price, c.weight = (
        [0] * 3,
        [FIRST] * 3,
        [0] * 3,
        [-1, 2, 4],
        [2.5, 1.5, 2.0],
    )
    ledger, record, _ = settling.settle(c)
    assert record.winner.ravel().tolist() == [0, 0, OUTSIDE]  # 30 left, then 5: capped at 3, then at 0
    assert record.paid.ravel().tolist() == [25, 4, 0]  # rint(10 x 2.5), rint(3 x 1.5) to even
    assert ledger.left[0] == 1
    worth = settling.effects_of(c)["worth"][record.creative[:2, 0], 0, [0, 1]]
    assert ledger.value[0] == pytest.approx(2.5 * worth[0] + 1.5 * worth[1])


@pytest.mark.parametrize(("paid", "fee"), [(1, 0), (3, 2), (5, 2), (7, 4), (4, 2)])
def test_the_fee_is_rounded_half_to_even(rules, settling, paid, fee):
    ledger, _, _ = settling.settle(rules.case([paid], mechanism=FIRST, fee=0.5))
    assert (ledger.spend[0], ledger.fees[0]) == (paid, fee)


def test_priorities_are_uniform_and_unrelated():
    keys = np.array([1, 2, 2**63], dtype=np.uint64)
    draws = np.array([[int(word(key, p)) for p in range(4000)] for key in keys]) / 2.0**64
    assert np.abs(draws.mean(axis=1) - 0.5).max() < 4 / np.sqrt(12 * 4000)
    assert np.abs(np.corrcoef(draws)[np.triu_indices(3, 1)]).max() < 4 / np.sqrt(4000)
    assert abs(np.corrcoef(draws[0, :-1], draws[0, 1:])[0, 1]) < 4 / np.sqrt(4000)


@pytest.mark.parametrize(
    ("auction", "bids", "paid"),
    [
        ({"type": "vcg", "slots": [1, 0.7]}, (500, 15), 4),  # 4.5
        ({"type": "vcg", "slots": [1, 0.7]}, (500, 55), 16),  # 16.5
        ({"type": "first_price", "slots": [0.35]}, (90,), 32),  # 31.5
        ({"type": "gsp", "slots": [0.35]}, (500, 90), 32),
        ({"type": "first_price", "fee": 0.35}, (90,), 90),
    ],
)
def test_halves_of_decimal_rates_are_halves(auction, bids, paid):
    """.3 x 15 is 4.5 and goes to 4, though the binary fractions nearest to .3 give a little more."""

    class Always(Policy):
        reads = ()

        def __init__(self, micros):
            self._bid = micros / 1e6

        def bid(self, requests):
            return np.full(requests.n, self._bid)

    scenario = Scenario.model_validate({"supply": {"requests": 1}, "auction": auction})
    done = simulate(scenario, {str(k): Always(bid) for k, bid in enumerate(bids)}, 1)
    assert round(1e6 * done.of("0")["spend"]) == paid
    if "fee" in auction:
        assert round(1e6 * done.market["exchange_fee"]) == 32  # 31.5

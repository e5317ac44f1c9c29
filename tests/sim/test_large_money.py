"""Money up to the largest that is allowed is counted to the micro; more stops the run, and nothing wraps."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from jointbid.sim import Entrant
from jointbid.sim.ledger import SpendError
from jointbid.sim.scenario.base import MAX_CHARGE_MICROS, MAX_MONEY, MAX_SPEND_MICROS, MICROS

DEAR = {"landscape": "normal", "mu": 0.9 * MAX_MONEY, "sigma": 0.1 * MAX_MONEY}


def market(bidding, requests, block=65_536, **auction):
    return bidding.build(
        supply={"requests": requests}, rivals=DEAR, auction={"type": "first_price", **auction}, engine={"max_block": block}
    )  # fmt: skip


def entrants(bidding, budget=None):
    return {name: Entrant(bidding.Steady(MAX_MONEY), budget=budget) for name in ("a", "b", "c")}


@pytest.mark.parametrize("slots", [(1.0,), (1000.0, 3.0, 1.0)])
def test_the_highest_bids_without_a_budget_are_paid_in_full(bidding, slots):
    """Each winner pays its bid: an unlimited budget never lowers it."""
    scenario = market(bidding, 1_000 if len(slots) == 1 else 1, slots=slots, fee=0.1)
    result, rows = bidding.play(scenario, entrants(bidding))
    own = rows["winner"] >= 0
    rates = np.array(slots)[rows["slot"][own]]
    assert (rows["paid_micros"][own] == MAX_MONEY * MICROS * rates).all()
    paid = sum(rows["paid_micros"][own].tolist())
    assert 0 < paid <= MAX_SPEND_MICROS
    assert paid / MICROS == pytest.approx(result.market["revenue"], rel=1e-15)
    assert result.market["revenue"] == pytest.approx(result.bidders["spend"].sum(), rel=1e-15)
    assert result.market["exchange_fee"] == pytest.approx(0.1 * paid / MICROS, rel=1e-12)


@pytest.mark.parametrize("block", [1, 700, 65_536])
def test_a_run_that_spends_more_than_can_be_counted_stops_at_any_block_size(bidding, block):
    scenario = market(bidding, 12_000 if block > 1 else 3_000, block)
    with pytest.raises(SpendError, match=r"allowed: at most 2e\+12 in one run; lower the bids"):
        bidding.play(scenario, entrants(bidding))


def test_one_block_cannot_wrap_before_it_is_looked_at(bidding):
    """All in one hour: each of three bidders is charged for thousands of the dearest impressions in one block."""
    scenario = bidding.build(
        supply={"requests": 60_000, "horizon_h": 0.5},
        auction={"type": "first_price", "slots": [1000.0, 1000.0, 1000.0], "fee": 1.0},
    )
    with pytest.raises(SpendError):
        bidding.play(scenario, entrants(bidding))


def test_the_largest_budgets_are_spent_to_the_micro_and_no_more(bidding):
    result, rows = bidding.play(market(bidding, 3_000), entrants(bidding, MAX_MONEY))
    for number in range(3):
        assert rows["paid_micros"][rows["winner"] == number].sum() == MAX_MONEY * MICROS
    assert (result.bidders["budget_left"] == 0).all()


@pytest.mark.parametrize("budget", [-1.0, 1e10, float("nan"), float("inf")])
def test_a_budget_that_cannot_be_counted_is_refused(bidding, budget):
    with pytest.raises(ValueError, match=r"bidder 'a': budget .*: allowed: 0 to"):
        bidding.play(bidding.build(), entrants(bidding, budget))


def test_the_limits_leave_room_in_64_bits():
    unlimited = 2**62
    for low, high in pairwise([MAX_MONEY * MICROS, MAX_CHARGE_MICROS, MAX_SPEND_MICROS, unlimited, 2**63]):
        assert low < high
    assert (
        unlimited >= MAX_SPEND_MICROS + MAX_CHARGE_MICROS
    )  # so that what is left never lowers a bid that is allowed

"""Who wins by a score: what bidders receive in their own money, conservation, and settings that do not go together."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from jointbid.sim import Scenario, simulate
from jointbid.strategies.base import Policy

RANKS = {
    "bid": {},
    "quality": {"rule": "quality", "by_bidder": {"b0": 0.4, "b1": 1.7}, "exponent": 0.5},
    "quality, floor in score": {"rule": "quality", "by_bidder": {"b0": 0.4, "b1": 1.7}, "floor_in": "score"},
    "virtual value": {"rule": "virtual_value", "by_bidder": {"b0": 1.0, "b1": 0.6}},
    "virtual value, floor in score": {
        "rule": "virtual_value",
        "by_bidder": {"b0": 1.0, "b1": 0.6},
        "floor_in": "score",
    },
}


class Watches(Policy):
    """Bids the value and keeps the feedback."""

    learns = True
    kept: list = []  # noqa: RUF012 - copies of the strategy write here

    def __init__(self, name):
        self.name = name

    def bid(self, requests):
        return requests["value"]

    def observe(self, feedback):
        self.kept.append((self.name, feedback))


def market(rank, auction="second_price", **more):
    return Scenario.model_validate(
        {
            "supply": {"requests": 4000, "horizon_h": 2},
            "response": {"family": "private_value"},
            "auction": {"type": auction, "rank": rank, "floor_cpm": 200, "fee": 0.1, **more},
        }
    )


@pytest.mark.parametrize("rank", RANKS.values(), ids=RANKS)
@pytest.mark.few(1)
def test_the_minimum_bid_to_win_is_in_own_money(rank):
    Watches.kept = []
    scenario = market(rank)
    simulate(scenario, {name: Watches(name) for name in ("b0", "b1", "b2")}, seed=3)
    for name in ("b0", "b1", "b2"):
        own = [feedback for who, feedback in Watches.kept if who == name]
        bid, least, won, paid = (
            np.concatenate([getattr(one, key) for one in own])
            for key in ("bid", "minimum_bid_to_win", "won", "price_paid")
        )
        assert won[bid > least].all()
        assert not won[bid < least].any()
        assert 0 < won.sum() < len(bid) - 100
        assert np.array_equal(paid[won], least[won])  # second price


@pytest.mark.parametrize("auction", ["first_price", "second_price", "vcg", "soft_floor"])
@pytest.mark.parametrize("rank", RANKS.values(), ids=RANKS)
def test_no_winner_pays_more_than_its_bid_and_money_is_conserved(rank, auction):
    rows = []
    scenario = market(rank, auction, slots=[1.0, 0.5], soft_floor_cpm=400)
    result = simulate(
        scenario, {name: Watches(name) for name in ("b0", "b1", "b2")}, seed=3, sink=rows.append
    )
    winner, paid, bid, slot = (
        np.concatenate([part[key] for part in rows])
        for key in ("winner", "paid_micros", "bid_micros", "slot")
    )
    most = np.rint(bid * np.array([1.0, 0.5])[slot])
    assert (paid[winner >= 0] <= most[winner >= 0]).all()
    if auction == "first_price":
        assert (paid[winner >= 0] == most[winner >= 0]).all()
    for number in range(3):
        assert paid[winner == number].sum() == round(result.bidders["spend"][number] * 1e6)
    total = sum(result.bidders["spend"])
    assert total == pytest.approx(result.market["exchange_fee"] + result.market["publisher_revenue"])


def test_an_exponent_of_0_is_the_plain_auction():
    flat = {"rule": "quality", "by_bidder": {"b0": 0.4}, "exponent": 0.0}
    bidders = {name: Watches(name) for name in ("b0", "b1")}
    one, other = (simulate(market(rank), bidders, seed=1).bidders for rank in ({}, flat))
    assert all(np.array_equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize(
    ("rank", "message"),
    [
        ({"rule": "qualty"}, "no ranking rule 'qualty'; there are: bid, quality, virtual_value"),
        ({"by_bidder": {"b0": 2}}, "by_bidder: rule=bid does not use it; leave it out"),
        ({"rule": "virtual_value", "exponent": 0.5}, "exponent: rule=virtual_value does not use it"),
        (
            {"rule": "quality", "by_bidder": {"b0": 0}},
            r"by_bidder.b0 = 0: with rule=quality must be from 0.001 to 1000",
        ),
        ({"rule": "quality", "by_bidder": {"b0": float("nan")}}, "by_bidder.b0 = nan"),
        ({"rule": "quality", "exponent": 1.5}, "less than or equal to 1"),
        ({"floor_in": "money"}, "'bid' or 'score'"),
    ],
)
def test_a_setting_that_does_not_fit(rank, message):
    with pytest.raises(ValidationError, match=message):
        market(rank)


def test_beliefs_about_winning_need_the_plain_ranking():
    with pytest.raises(ValidationError, match=r"auction.rank.rule: with bidders.beliefs=winning must be bid"):
        Scenario.model_validate(
            {
                "auction": {"rank": {"rule": "quality"}},
                "source": {"profile": {}},
                "bidders": {"values": "common", "beliefs": "winning"},
            }
        )

"""Margins that differ from sale to sale: reported with each sale, summed for who made it, and what values are made of."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from jointbid.sim import Scenario
from jointbid.sim.response import truth
from jointbid.sim.scenario import HOUR_US

EACH = (1.0, 2.5, 6.0)
SALE = {"a": 0.3, "b": 0.4, "after_view": 0.2, "delay_h": {"law": "exponential", "mean": 6.0}}


def market(bidding, value=EACH, **parts) -> Scenario:
    """Three profile types; half of what is seen is clicked, and most clicks sell."""
    response = {"family": "logit", "value_per_click": 0.5, "conversion": {**SALE, "value": value}}
    audience = {"profile_types": 3} | parts.pop("audience", {})
    return bidding.build(response=response, audience=audience, **parts)


DRIFT = {"audience": {"drift": {"half_life_h": 3.0}}, "bidders": {"values": "common"}}


@pytest.mark.parametrize("parts", [{}, {"bidders": {"values": "common"}}, DRIFT], ids=str)
def test_a_sale_is_reported_with_the_margin_of_its_own_profile_type(bidding, parts):
    """The source of this market shows the truth, so that the bidder can check its own books."""
    diaries = {"one": [], "two": []}
    bidders = {name: bidding.Diary(diary, 1.0, ("profile",)) for name, diary in diaries.items()}
    result, auctions = bidding.play(market(bidding, supply={"requests": 2000}, **parts), bidders)
    for number, (name, diary) in enumerate(diaries.items()):
        total = 0.0
        for state, feedback in diary:
            sales = feedback.conversions
            assert sales.margin.tolist() == [EACH[code] for code in sales.requests["profile"]]
            assert feedback.clicks.margin.size == 0
            total += sales.margin.sum()
            assert state.margin == pytest.approx(total)
        row = result.of(name)
        codes = np.concatenate([feedback.requests["profile"] for _, feedback in diary])
        sold = (auctions["winner"] == number) & auctions["attributed"]
        sold &= (auctions["position"] < len(codes)) & (auctions["conversion_us"] <= state.hour * HOUR_US)
        assert total == pytest.approx(sum(EACH[codes[at]] for at in auctions["position"][sold]))
        assert 0 < total <= row["margin"]
        assert row["margin_censored"] > 0
        assert len(set(codes)) == 3


def test_margins_add_up_to_those_of_the_log(bidding):
    scenario = market(bidding, supply={"requests": 3000})
    result, auctions = bidding.play(scenario, {"one": bidding.Steady(1.0, ("profile",))})
    assert result.of("one")["wins"] == 3000
    assert (auctions["winner"] == 0).all()
    low, high = result.of("one")["conversions"] * EACH[0], result.of("one")["conversions"] * EACH[-1]
    assert low < result.of("one")["margin"] < high


def test_what_is_expected_comes(bidding):
    """20 runs of 4,000 sold requests: realised margin and clicks against ``value``, within 4 standard errors."""
    off = []
    for replication in range(20):
        scenario = market(bidding, supply={"requests": 4000}, bidders={"values": "common"})
        row = bidding.play(scenario, {"one": bidding.Steady()}, replication=replication)[0].of("one")
        came = row["margin"] + row["margin_censored"] + 0.5 * row["clicks"]
        off.append(came - row["value"])
    assert abs(np.mean(off)) < 4 * np.std(off, ddof=1) / np.sqrt(20)
    assert np.std(off) < 0.1 * 4000


def test_the_truth_is_click_and_sale_times_the_margin_of_the_type(bidding):
    scenario = market(bidding)
    world = truth(scenario)
    by_hand = 0.5 * world.click + world.conversion * np.reshape(EACH, (3, 1, 1))
    assert world.theta == pytest.approx(by_hand, rel=1e-12)
    assert scenario.response.most_worth == 6.5


def test_equal_margins_are_one_number_bit_for_bit(bidding):
    one, many = (
        bidding.play(market(bidding, value), {"me": bidding.Chance(), "other": bidding.Chance()})
        for value in (2.5, [2.5, 2.5, 2.5])
    )
    assert bidding.tables(one[0]) == bidding.tables(many[0])
    for name, column in one[1].items():
        assert column.tobytes() == many[1][name].tobytes()


@pytest.mark.parametrize("most", [1, 17])
def test_how_many_requests_travel_together_changes_nothing(bidding, most):
    tables = [
        bidding.tables(
            bidding.play(market(bidding, engine={"max_block": block}), {"me": bidding.Chance()})[0]
        )
        for block in (most, 65_536)
    ]
    assert tables[0] == tables[1]


def test_as_many_margins_as_profile_types(bidding):
    with pytest.raises(ValidationError, match=r"response\.conversion\.value: 2 numbers for 3 profile types"):
        market(bidding, (1.0, 2.0))
    with pytest.raises(ValidationError, match=r"(?s)conversion\.value.*greater than 0"):
        market(bidding, (1.0, 2.0, 0.0))

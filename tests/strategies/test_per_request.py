from __future__ import annotations

import numpy as np
import pytest

from jointbid import Entrant, PerRequest, Policy, Priced, bayes, load, parametrize_with_checks, simulate
from jointbid.strategies.testing import CheckFailed, all_checks


class Thrifty(PerRequest):
    reads = ("value", "floor")

    def bid_one(self, request):
        return 0.9 * request["value"] if request["value"] > request["floor"] else 0.0


class ThriftyColumns(Policy):
    reads = ("value", "floor")

    def bid(self, requests):
        return np.where(requests["value"] > requests["floor"], 0.9 * requests["value"], 0.0)


class Flat(PerRequest):
    reads = ()

    def bid_one(self, request):
        assert request == {}
        return 1


class Forgetful(PerRequest):
    def bid_one(self, request):
        if request["value"] > 1:
            return 1.0
        return None


@parametrize_with_checks([Thrifty, Flat])
@pytest.mark.few(12)
def test_it_passes_the_kit(strategy, check):
    check(strategy)


def test_one_by_one_is_the_same_as_by_columns():
    scenario = load("theory", "supply.requests=5000", "auction.floor_cpm=500")
    one, all_ = (
        simulate(scenario, {"focal": Entrant(Priced(bayes(scenario, ("profile",)), policy))}, 1).of("focal")
        for policy in (Thrifty(), ThriftyColumns())
    )
    assert one == all_
    assert one["wins"] > 0


def test_what_is_missing_is_said():
    scenario = load("theory", "supply.requests=100")
    for policy, message in (
        (PerRequest(), r"raised NotImplementedError: .*needs a method bid_one\(self, request\)"),
        (Forgetful(), "row 0: bid nan"),
    ):
        with pytest.raises(ValueError, match=f"of bidder 'focal' at hour 0: .*{message}"):
            simulate(scenario, {"focal": Priced(bayes(scenario, ("profile",)), policy)}, 1)


def test_the_kit_says_what_is_missing():
    with pytest.raises(CheckFailed, match=r"bid_one\(\) that forgets to return"):
        all_checks()["valid_bids"](Forgetful)
    with pytest.raises(CheckFailed, match="needs a method bid_one"):
        all_checks()["valid_bids"](PerRequest)

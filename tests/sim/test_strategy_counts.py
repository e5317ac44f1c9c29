"""What strategies count is in the table of bidders, a column a name."""

from __future__ import annotations

import numpy as np
import pytest

from jointbid import BidError, Policy, Priced, Scenario, Truthful, simulate

MARKET = Scenario.model_validate({"supply": {"requests": 20}, "rivals": {"landscape": "uniform"}})


class Counting(Policy):
    """It counts the rows that it was asked about."""

    reads = ("hour",)
    name = "asked"

    def __init__(self):
        self.asked = 0

    def control(self, state):
        self.asked = 0

    def bid(self, requests):
        self.asked += requests.n
        return 0.5 + 0 * requests["hour"]

    def counts(self):
        return {self.name: self.asked}


class Halves:
    """Each impression is worth .5."""

    reads = ("hour",)

    def value(self, requests):
        return np.full(requests.n, 0.5)


def test_each_name_is_a_column_and_0_for_others():
    priced = Priced(Halves(), Counting())
    result = simulate(MARKET, {"one": Counting(), "other": Priced(Halves(), Truthful()), "third": priced}, 1)
    counted = dict(zip(result.bidders["bidder"].tolist(), result.bidders["asked"].tolist(), strict=True))
    assert counted["one"] == counted["third"] > 0
    assert counted["other"] == 0


def test_a_name_of_the_table_is_refused():
    taken = Counting()
    taken.name = "wins"
    with pytest.raises(BidError, match=r"'Counting.*bidder 'one'.*counts\(\) has a name .*: wins"):
        simulate(MARKET, {"one": taken}, 1)

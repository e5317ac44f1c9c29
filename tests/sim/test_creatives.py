"""A bidder may say which creative to show: what it says is shown, by the cell and by the row, and nothing else changes."""

from __future__ import annotations

import numpy as np
import pytest

from jointbid.sim import BidError, Entrant, Scenario, simulate
from jointbid.strategies.base import Policy, Priced
from jointbid.strategies.policies.linear import Truthful
from jointbid.strategies.valuations.bayes import bayes

MARKET = {
    "supply": {"requests": 400, "horizon_h": 2},
    "response": {"a": 1, "b": 0.3, "c": 0.2},
    "creative": {"one": {}, "two": {"a": 0.5}, "three": {"a": -0.5}},
    "source": {"profile": {}, "context": {}},
    "bidders": {"control_interval_h": 0.5},
}


class Shows(Policy):
    """Bids the value and shows what `rule` says."""

    def __init__(self, rule, reads=("value", "profile", "context")):
        self.rule, self.reads = rule, reads

    def bid(self, requests):
        return requests["value"]

    def creative(self, requests):
        return self.rule(requests)


def auctions(policy, max_block=65_536):
    scenario = Scenario.model_validate(MARKET | {"engine": {"max_block": max_block}})
    batches = []
    bidder = Entrant(Priced(bayes(scenario, ("profile", "context")), policy))
    result = simulate(scenario, {"focal": bidder}, 1, sink=batches.append)
    return result, np.concatenate([batch["creative"] for batch in batches])


def by_cell(requests):
    return (requests["profile"] + requests["context"]) % 3


@pytest.mark.parametrize(
    "reads", [("value", "profile", "context"), ("value", "profile", "context", "uniform")]
)
@pytest.mark.parametrize("max_block", [1, 7, 65_536])
def test_what_is_chosen_is_shown_by_the_cell_and_by_the_row(reads, max_block):
    result, shown = auctions(Shows(by_cell, reads), max_block)
    reference, expected = auctions(Shows(by_cell))
    assert shown.tolist() == expected.tolist()
    assert set(shown.tolist()) == {0, 1, 2}
    assert result.of("focal")["value"] == reference.of("focal")["value"]


def test_none_and_minus_one_are_the_rotation_bit_for_bit():
    plain, rotated = auctions(Truthful())
    for rule in (lambda _: None, lambda requests: np.full(requests.n, -1)):
        result, shown = auctions(Shows(rule))
        assert shown.tolist() == rotated.tolist()
        assert result.of("focal") == plain.of("focal")


def test_a_choice_changes_what_is_shown_and_not_what_is_paid():
    plain, _ = auctions(Truthful())
    result, shown = auctions(Shows(lambda requests: np.full(requests.n, 1)))
    assert set(shown.tolist()) == {1}
    assert result.of("focal")["spend"] == plain.of("focal")["spend"]
    assert result.of("focal")["value"] == pytest.approx(plain.of("focal")["wins"] * 1.5, rel=0.05)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (lambda requests: np.full(requests.n, 3), "row 0: creative 3; allowed: 0 to 2"),
        (lambda requests: np.full(requests.n, -2), "row 0: creative -2"),
        (lambda requests: np.full(requests.n, 1.0), "answered a float64 array"),
        (lambda _: 1, "answered a int"),
        (lambda _: np.zeros(3, dtype=int), "answered shape (3,)"),
        (lambda requests: requests["nothing"], "creative() raised KeyError"),
    ],
)
def test_what_is_no_creative_is_refused_with_its_place(rule, words):
    with pytest.raises(BidError, match="of bidder 'focal'") as refused:
        auctions(Shows(rule))
    assert words in str(refused.value)

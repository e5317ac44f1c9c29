"""`jointbid serve`: a seat against it plays as the strategy itself does, and its books are those of the simulator."""

from __future__ import annotations

import pytest

from jointbid import load, simulate
from jointbid.experiments.cells.bidders import entrants
from jointbid.experiments.cells.cell import Cell
from tests.openrtb.bidders import SMALL, play, served


PLAIN = [
    "truthful",
    "linear",
    "ortb1",
    "adaptive_pacing",
    "throttling",
    "pid_spend",
    "random",
    "mirror_descent",
]
OVERRIDES = {"random": ["bidders.strategy.high=0.001"]}


@pytest.mark.parametrize("name", PLAIN)
def test_a_seat_against_the_server_equals_the_strategy_itself_to_the_micro(name):
    scenario = load("default", *SMALL, f"strategy={name}", "bidders.budget=0.02", *OVERRIDES.get(name, []))
    entrant = entrants(Cell(scenario, "joint"))["focal"]
    direct = simulate(scenario, {"focal": entrant}, 3).of("focal")
    with served(entrant, scenario) as (url, desk):
        row = play(scenario, url, budget=entrant.budget, seed=3)
        (account,) = desk.accounts.values()
    assert 0 < direct["wins"] < 300
    for column in ("wins", "spend", "value", "clicks_expected", "viewed"):
        assert row[column] == direct[column], column
    assert account.books.wins == direct["wins"]
    assert account.books.spend_micros == round(direct["spend"] * 1e6)
    assert account.books.requests == 300
    assert account.books.losses + account.books.wins == account.books.bids

"""What an account shows of daily budgets, flights and day parts, beside what the exchange lets the bidder spend."""

from __future__ import annotations

import math

import numpy as np
import pytest

from jointbid.sim import AccountState, Entrant, Scenario, simulate
from jointbid.sim.scenario import Terms
from jointbid.strategies.policies.linear import Truthful
from jointbid.strategies.policies.pacing import AdaptivePacing


class Watcher(Truthful):
    """Bids the value and keeps each account in a list that outlives the run."""

    def __init__(self, seen):
        self.seen = seen

    def __deepcopy__(self, memo):
        return self

    def control(self, state):
        self.seen.append(state)


def market(hours, requests=2_400, hourly=None, **bidders):
    supply = {"requests": requests, "horizon_h": hours} | ({"hourly": hourly} if hourly else {})
    return Scenario.model_validate(
        {
            "supply": supply,
            "response": {"family": "private_value"},
            "rivals": {"landscape": "uniform", "high": 1},
            "bidders": bidders,
        }
    )


def accounts(hours, terms, budget=None, **about):
    seen: list[AccountState] = []
    done = simulate(
        market(hours, **about), {"focal": Entrant(Watcher(seen), budget=budget, terms=Terms(**terms))}, 1
    )
    return seen, done.of("focal")


def at(seen, hour):
    return next(state for state in seen if state.hour == hour)


def test_a_daily_budget_alone_gives_a_total_over_the_days_of_the_run():
    seen, row = accounts(60, {"daily_budget": 5.0})
    assert {state.budget for state in seen} == {15.0}
    assert {state.daily_budget for state in seen} == {5.0}
    assert (seen[0].budget_left, seen[0].left_today, seen[0].hours_left_today) == (15.0, 5.0, 24.0)
    assert at(seen, 23).left_today < 0.01, "truthful bids spend the day's money"
    assert at(seen, 23).budget_left == pytest.approx(10.0, abs=0.01)
    assert (at(seen, 24).left_today, at(seen, 48).hours_left_today) == (5.0, 12.0)
    assert row["spend"] + row["budget_left"] == pytest.approx(15.0)


def test_money_of_a_day_that_is_not_spent_is_gone():
    seen, row = accounts(48, {"daily_budget": 1e5}, budget=1.5e5)
    assert seen[0].budget == 1.5e5
    assert at(seen, 24).budget_left == 1e5
    assert at(seen, 47).budget_left == pytest.approx(at(seen, 47).left_today)
    assert row["budget_left"] == pytest.approx(1.5e5 - row["spend"])


@pytest.mark.parametrize(
    ("terms", "hours", "days", "expected", "open_h"),
    [
        ({"flight_h": (36.0, 60.0)}, 96, 2, 600, 24),
        ({"day_parts": (20, 21)}, 96, 4, 200, 8),
        ({"day_parts": (20, 21)}, 36, 1, 2_400 / 18, 2),
        ({"flight_h": (12.0, 500.0), "day_parts": (6, 18)}, 48, 2, 150, 3),
        ({}, 36, 2, 2_400, 36),
        ({}, 24, 1, 2_400, 24),
    ],
)
def test_flights_and_day_parts_cut_the_days_and_the_demand(terms, hours, days, expected, open_h):
    seen, _ = accounts(hours, {"daily_budget": 2.0, **terms})
    first, last = seen[0], seen[-1]
    assert first.budget == 2.0 * days
    assert first.requests_expected == round(expected)
    assert first.flight_hours_left == open_h
    assert abs(last.requests_seen - expected) < 6 * math.sqrt(expected) + expected / 10
    seen_before = 0
    for state in seen:
        assert seen_before <= state.requests_seen
        seen_before = state.requests_seen


def test_an_even_plan_spends_the_day_s_money_on_the_day_s_requests():
    seen, _ = accounts(60, {"daily_budget": 5.0})
    assert seen[0].pace == pytest.approx(5.0 / 960)
    assert at(seen, 48).pace == pytest.approx(5.0 / 480), "half a day with a whole day's money"
    assert (at(seen, 48).due, at(seen, 48).due_requests) == (5.0, 480)


@pytest.mark.parametrize(
    ("budget", "pace"),
    [(10.0, 10 / 2_400), (12.5, 12.5 / 2_400), (14.0, 10 / 1_920), (15.0, 5 / 960), (80.0, 5 / 960)],
)
def test_a_total_budget_besides_is_spread_over_the_days_that_can_take_it(budget, pace):
    """Water filling by hand: 60 h of 40 requests an hour, 5 a day; 12.5 is the most that an even rate can spend."""
    seen, _ = accounts(60, {"daily_budget": 5.0}, budget=budget)
    assert seen[0].budget == min(budget, 15.0)
    assert seen[0].pace == pytest.approx(min(pace, 5 / 960))


def test_before_its_flight_a_bidder_plans_for_the_first_day_of_it():
    seen, _ = accounts(96, {"daily_budget": 2.0, "flight_h": (60.0, 96.0)})
    assert (seen[0].due, seen[0].due_requests, seen[0].requests_seen) == (2.0, 300, 0)
    assert at(seen, 60).requests_seen == 0
    assert at(seen, 60).hours_left_today == 12.0


def test_demand_follows_the_daily_curve():
    seen, _ = accounts(48, {"daily_budget": 2.0}, hourly=(1, 3))
    assert at(seen, 12).due_requests == 900
    assert at(seen, 18).due_requests == 450


def test_reports_that_are_late_say_nothing_of_a_new_day():
    seen, _ = accounts(48, {"daily_budget": 2.0}, report_delay_h=3.0, requests=4_800)
    assert at(seen, 23).left_today == pytest.approx(0.0, abs=0.01)
    after = at(seen, 25)
    assert (after.report_age_h, after.left_today, after.due_requests) == (3.0, 2.0, 2_400)
    assert after.budget_left == 2.0
    assert at(seen, 30).left_today < 2.0


@pytest.mark.parametrize("strategy", [Truthful, AdaptivePacing])
@pytest.mark.parametrize("flight", [None, (5.0, 20.0)])
def test_on_one_day_a_daily_budget_is_a_budget(strategy, flight):
    tables = []
    for budget, daily in ((9.0, None), (None, 9.0), (9.0, 9.0), (9.0, 20.0)):
        entrant = Entrant(strategy(), budget=budget, terms=Terms(daily_budget=daily, flight_h=flight))
        done = simulate(market(24), {"focal": entrant}, 1)
        tables.append({**done.bidders, **{f"hour {k}": v for k, v in done.timeseries.items()}})
    for other in tables[1:]:
        for name, column in tables[0].items():
            assert np.array_equal(column, other[name], equal_nan=column.dtype.kind == "f"), name


def test_pacing_in_day_parts_spreads_over_their_hours():
    terms = Terms(day_parts=(3, 9, 15, 21))
    entrant = Entrant(AdaptivePacing(mu=1.0), budget=160.0, terms=terms)
    done = simulate(market(24, requests=24_000), {"focal": entrant}, 1)
    spent = done.timeseries["spend"][[3, 9, 15, 21]]
    assert spent.sum() == pytest.approx(done.of("focal")["spend"])
    assert done.of("focal")["spend"] > 150
    assert (np.abs(spent / 40 - 1) < 0.25).all(), spent


def test_a_plan_for_more_requests_than_today_s_goes_on_with_the_mean_of_all_days():
    seen, _ = accounts(60, {"daily_budget": 5.0})
    state = at(seen, 18)
    assert state.due_requests == 240
    assert state.planned(100) == pytest.approx(100 * state.pace)
    assert state.planned(300) == pytest.approx(state.left_today + 60 * 15.0 / 2_400)
    alone = AccountState(12.0, 24.0, 500, 1_000, 6.0, 9, 10.0, 4.0)
    assert (alone.pace, alone.planned(100), alone.planned(700)) == (0.008, 0.8, 4.0)

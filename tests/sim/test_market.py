"""A run that is stepped from outside, and its closing account."""

from __future__ import annotations

import numpy as np
import pytest

from jointbid import Entrant, KnownOutcomes, Linear, Market, Policy, Priced, Truthful, bayes, simulate
from jointbid.sim import BidError, Feedback, Scenario

SMALL = {
    "supply": {"requests": 2_000, "horizon_h": 24, "context_types": 4},
    "audience": {"profile_types": 4},
    "response": {
        "family": "logit",
        "a": -1.0,
        "b": 0.5,
        "value_per_click": 2.0,
        "click_delay_h": {"law": "exponential", "mean": 3.0},
        "conversion": {"a": -0.5, "value": 1.0, "delay_h": {"law": "exponential", "mean": 12.0}},
    },
    "source": {"profile": {"match_rate": 0.8}, "context": {}},
    "bidders": {"control_interval_h": 6},
}


def market(**parts):
    return Scenario.model_validate(
        {name: {**SMALL.get(name, {}), **parts.get(name, {})} for name in {*SMALL, *parts}}
    )


def stepped(scenario, bidders, max_block):
    engine = scenario.engine.model_copy(update={"max_block": max_block})
    with Market(scenario.model_copy(update={"engine": engine}), bidders, 11, 3) as run:
        while run.advance():
            pass
        return run.close()


def assert_same(one, other):
    for table in ("bidders", "timeseries", "journey", "purchases", "stock"):
        for name, column in getattr(one, table).items():
            np.testing.assert_array_equal(column, getattr(other, table)[name], f"{table}.{name}")
    np.testing.assert_equal(dict(one.market), dict(other.market))


@pytest.mark.parametrize("number", range(16))
def test_a_market_is_simulate_at_any_block_size(markets, number):
    scenario, bidders = markets.drawn(number)
    whole = simulate(scenario, bidders, 11, 3)
    for max_block in (7, 65_536):
        assert_same(whole, stepped(scenario, bidders, max_block))


PRICES = {"landscape": "lognormal", "mu": -0.5, "sigma": 0.6}


def test_an_attribute_set_after_open_is_in_force_from_the_first_request():
    scenario = market(rivals=PRICES)
    values = bayes(scenario, ("profile", "context"))
    with Market(scenario, {"me": Priced(values, Linear(1.0))}, 1) as run:
        run.policy("me").multiplier = 0.5
        while run.advance():
            pass
        result = run.close()
    plain = simulate(scenario, {"me": Priced(values, Linear(0.5))}, 1)
    assert result.of("me") == plain.of("me")


@pytest.mark.parametrize("control_every", [1, 3])
def test_an_attribute_set_between_two_steps_is_in_force_from_the_next_request_on(control_every):
    class Planned(Linear):
        """Knows by its clock what the other is told from outside."""

        def control(self, state):
            self.multiplier = 1.0 if state.hour < 6 else 0.25

    scenario = market(rivals=PRICES)
    values = bayes(scenario, ("profile",))
    outside = {"me": Entrant(Priced(values, Linear(1.0)), control_every=control_every)}
    with Market(scenario, outside, 1) as run:
        while run.advance():
            run.policy("me").multiplier = 0.25
        result = run.close()
    planned = simulate(scenario, {"me": Priced(values, Planned(1.0))}, 1)
    for column in ("spend", "value", "wins", "clicks"):
        assert result.of("me")[column] == planned.of("me")[column]


def test_the_account_adds_up_to_the_result():
    scenario = market()
    with Market(
        scenario, {"me": Entrant(Priced(bayes(scenario, ("context",)), Truthful()), budget=50.0)}, 1
    ) as run:
        assert (run.bidders, run.hour, run.horizon) == (("me",), 0.0, 24.0)
        assert run.account("me").requests == run.account("me").wins == 0
        seen, hours = [run.account("me")], []
        while run.advance():
            hours.append(run.hour)
            seen.append(run.account("me"))
        end, result = run.account("me"), run.close()
    assert hours == [6.0, 12.0, 18.0]
    assert run.hour == 24.0
    assert [one.requests for one in seen] == sorted(one.requests for one in seen)
    row = result.of("me")
    assert (end.requests, end.wins, end.spend, end.value) == (2_000, row["wins"], row["spend"], row["value"])
    assert (end.profit, end.budget, end.budget_left) == (row["profit"], 50.0, row["budget_left"])
    assert 0 < seen[1].clicks < seen[-1].clicks <= row["clicks"]
    with pytest.raises(AttributeError):
        end.spend = 0.0


def test_calls_out_of_order_say_what_to_do():
    scenario = market()
    run = Market(scenario, {"me": Priced(bayes(scenario, ()), Truthful())}, 1)
    with pytest.raises(RuntimeError, match=r"advance\(\) is out of order: call open\(\) first"):
        run.advance()
    run.open()
    with pytest.raises(RuntimeError, match=r"open\(\) is out of order: it is open already"):
        run.open()
    with pytest.raises(
        RuntimeError, match=r"close\(\) is out of order: call advance\(\) until it returns False"
    ):
        run.close()
    while run.advance():
        pass
    with pytest.raises(RuntimeError, match=r"advance\(\) is out of order: .*call close\(\)"):
        run.advance()
    run.close()
    for call in (run.open, run.advance, run.close):
        with pytest.raises(RuntimeError, match="out of order: the run is closed: make another Market"):
            call()
    with pytest.raises(KeyError, match="no bidder 'you' in this market; there are: me"):
        run.account("you")


def test_a_run_that_is_left_or_fails_is_over():
    class Fails(Policy):
        reads = ()

        def bid(self, requests):
            return np.ones(requests.n)

        def control(self, state):
            if state.hour:
                raise ZeroDivisionError("by hand")

    scenario = market()
    with Market(scenario, {"me": Fails()}, 1) as left:
        pass
    with pytest.raises(RuntimeError, match="the run is closed"):
        left.advance()
    with pytest.raises(BidError, match="by hand"), Market(scenario, {"me": Fails()}, 1) as run:
        run.advance()
    with pytest.raises(RuntimeError, match="an error ended the run"):
        run.advance()


# the closing account


class Diary(Policy):
    """Bids 1 and writes down what it is given."""

    reads = ("context", "hour")
    learns = True

    def __init__(self):
        self.observed, self.closing, self.account, self.hours = [], None, None, []

    def bid(self, requests):
        return np.ones(requests.n)

    def observe(self, feedback):
        assert self.closing is None
        self.observed.append(feedback)

    def control(self, state):
        self.hours.append(state.hour)

    def finish(self, feedback, state):
        assert self.closing is None
        self.closing, self.account = feedback, state


def ended(strategy, scenario=None, **terms):
    result = simulate(scenario or market(), {"me": Entrant(strategy, **terms)}, 1, keep_strategies=True)
    return result.strategies["me"], result.of("me")


@pytest.mark.parametrize("delay_h", [0.0, 7.0, 100.0])
@pytest.mark.parametrize("control_every", [1, 3])
def test_all_own_requests_and_outcomes_are_told_by_the_end(delay_h, control_every):
    diary, row = ended(Diary(), report_delay_h=delay_h, control_every=control_every)
    positions = np.concatenate([one.position for one in (*diary.observed, diary.closing)])
    assert positions.tolist() == list(range(2_000))
    for kind, known, late in (
        ("clicks", row["clicks"], row["clicks_censored"]),
        ("conversions", row["conversions"], row["conversions_censored"]),
    ):
        before = sum(len(getattr(one, kind).position) for one in diary.observed)
        assert not any(getattr(one, kind).pending.any() for one in diary.observed)
        rest: KnownOutcomes = getattr(diary.closing, kind)
        assert before + (~rest.pending).sum() == known
        assert rest.pending.sum() == late > 0
        assert (rest.hour[rest.pending] > 24).all()
        assert (rest.hour[~rest.pending] <= 24).all()
        assert (np.diff(rest.position) >= 0).all()
    account = diary.account
    assert (account.hour, account.requests_seen, account.requests_unreported) == (24.0, 2_000, 0)
    assert (account.spend, account.wins, account.report_age_h) == (row["spend"], row["wins"], 0.0)
    assert (account.clicks, account.conversions, account.margin) == (
        row["clicks"],
        row["conversions"],
        row["margin"],
    )


def test_by_default_a_learner_observes_the_rest_but_not_what_is_to_come():
    class Observes(Policy):
        reads = ("context",)
        learns = True

        def __init__(self):
            self.rows = self.clicks = 0

        def bid(self, requests):
            return np.ones(requests.n)

        def observe(self, feedback):
            self.rows += len(feedback.bid)
            self.clicks += len(feedback.clicks.position)
            assert not feedback.clicks.pending.any()

    class Bare:
        """No base class, no finish."""

        reads, learns, rows = ("context",), True, 0
        bid, observe = Observes.bid, Observes.observe
        clicks = 0

        def control(self, state):
            pass

    for strategy in (Observes(), Bare()):
        kept, row = ended(strategy)
        assert (kept.rows, kept.clicks) == (2_000, row["clicks"])


def test_priced_passes_it_on_with_the_columns_that_each_part_declared():
    class Inner(Diary):
        reads = ("value",)

    class Learns:
        reads, learns = ("context",), True

        def __init__(self):
            self.rows = 0

        def value(self, requests):
            return 1.0 + requests["context"]

        def observe(self, feedback):
            assert list(feedback.requests) == ["context"]
            self.rows += len(feedback.bid)

        def control(self, state):
            pass

    kept, row = ended(Priced(Learns(), Inner()))
    closing: Feedback = kept.policy.closing
    assert list(closing.requests) == ["value"] == [*closing.clicks.requests, "value"]
    assert sum(len(one.bid) for one in (*kept.policy.observed, closing)) == kept.valuation.rows == 2_000
    assert closing.clicks.pending.sum() == row["clicks_censored"]


def test_one_that_does_not_learn_gets_its_account_and_no_rows():
    class Untaught(Diary):
        learns = False

    kept, row = ended(Untaught())
    assert (kept.closing.requests.n, len(kept.closing.clicks.hour), kept.observed) == (0, 0, [])
    assert (kept.account.spend, kept.account.clicks) == (row["spend"], row["clicks"])


def test_an_error_in_finish_names_strategy_method_and_time():
    class Fails(Diary):
        def finish(self, feedback, state):
            raise ZeroDivisionError("by hand")

    with pytest.raises(
        BidError, match=r"Fails.*'me' at hour 24: finish\(\) raised ZeroDivisionError: by hand"
    ):
        ended(Fails())


def test_strategies_are_kept_where_asked_and_the_entered_one_stays_as_it_is():
    mine, scenario = Diary(), market()
    assert simulate(scenario, {"me": mine}, 1).strategies == {}
    kept = simulate(scenario, {"me": mine}, 1, keep_strategies=True).strategies["me"]
    assert kept is not mine
    assert (kept.hours, mine.hours) == ([0.0, 6.0, 12.0, 18.0], [])

from __future__ import annotations

import math
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jointbid.sim import AccountState, Entrant, Feedback, Scenario, VisibleRequests, simulate
from jointbid.sim.visible import KnownOutcomes
from jointbid.strategies.base import Policy, Priced
from jointbid.strategies.bins import EDGES
from jointbid.strategies.market import MarketFacts
from jointbid.strategies.policies.linear import Linear, Truthful
from jointbid.strategies.policies.pacing import AdaptivePacing
from jointbid.strategies.policies.shading import Shading, best_bids, shaded, tabled
from jointbid.strategies.testing import Case
from jointbid.strategies.testing.life import no_feedback
from jointbid.strategies.valuations.combined import Summed
from jointbid.strategies.valuations.tables import CellValues

values = st.lists(st.floats(0, 1e3), min_size=1, max_size=20).map(np.array)


def batch(value):
    return VisibleRequests(len(value), {"value": np.asarray(value, dtype=float)})


@given(values)
def test_truthful_bids_the_value(value):
    assert Truthful().bid(batch(value)).tolist() == value.tolist()


@given(values, st.floats(0, 10))
def test_linear_bids_in_proportion(value, gain):
    assert Linear(gain).bid(batch(value)).tolist() == (gain * value).tolist()
    assert Linear(gain).multiplier == gain


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: Linear(-1), "gain"),
        (lambda: Linear(math.nan), "gain"),
        (lambda: Linear(math.inf), "gain"),
        (lambda: AdaptivePacing(mu=-0.1), "mu"),
        (lambda: AdaptivePacing(step=math.nan), "step"),
        (lambda: AdaptivePacing(mu_max=-1), "mu_max"),
    ],
)
def test_parameters_out_of_range_are_named(make, name):
    with pytest.raises(ValueError, match=rf"^{name} = .*: must be a finite number, 0 or more"):
        make()


def test_a_policy_of_ones_own_must_bid():
    with pytest.raises(NotImplementedError, match="Mine needs a method bid"):
        type("Mine", (Policy,), {})().bid(batch([1.0]))


# adaptive pacing


def account(**changes):
    known = {"hour": 1.0, "horizon_h": 24.0, "requests_seen": 10, "requests_expected": 100, "wins": 3}
    money = {"spend": 2.0, "budget": 10.0, "budget_left": 8.0}
    return AccountState(**(known | money | changes))


def test_pacing_moves_mu_by_what_was_overspent():
    policy = AdaptivePacing(mu=0.5, step=0.1)
    assert policy.bid(batch([3.0])).tolist() == [2.0]
    policy.control(account(requests_seen=0, spend=0.0))
    assert policy.mu == 0.5
    policy.control(account())  # rho = .1: 2 spent where 1 was due
    assert policy.mu == pytest.approx(0.6)
    policy.control(account(requests_seen=30, spend=2.0))  # then nothing, where 2 was due
    assert policy.mu == pytest.approx(0.4)
    assert policy.multiplier == pytest.approx(1 / 1.4)


def test_pacing_is_projected():
    policy = AdaptivePacing(mu=0.1, step=1.0, mu_max=0.5)
    policy.control(account(requests_seen=10, spend=0.0))
    assert policy.mu == 0.0
    policy.control(account(requests_seen=10, spend=9.0))
    assert policy.mu == 0.5


def test_pacing_without_a_budget_is_truthful():
    policy = AdaptivePacing()
    policy.control(account(budget=math.inf, budget_left=math.inf))
    assert (policy.mu, policy.multiplier) == (0.0, 1.0)


def test_pacing_with_no_budget_at_all_stands_still():
    policy = AdaptivePacing()
    policy.control(account(budget=0.0, budget_left=0.0, spend=0.0))
    assert policy.mu == 0.5


@pytest.mark.parametrize("requests", [1_000, 64_000])
def test_default_step_is_that_of_the_theory(requests):
    """1.5 / sqrt(T) at rho = 1/24."""
    policy = AdaptivePacing(mu=0.5)
    rho = 1 / 24
    policy.control(account(budget=rho * requests, requests_expected=requests, requests_seen=0, spend=1.0))
    assert policy.mu - 0.5 == pytest.approx(1.5 / math.sqrt(requests))


class Recorded(AdaptivePacing):
    """Keeps (requests seen, spend, mu) of each control step in a list that outlives the run."""

    def __init__(self, path, **params):
        super().__init__(**params)
        self._keep = path.append

    def __deepcopy__(self, memo):
        return Recorded.__new__(Recorded)._like(self)

    def _like(self, other):
        self.__dict__.update(other.__dict__)
        return self

    def control(self, state):
        super().control(state)
        self._keep((state.requests_seen, state.spend, self.mu))


def paced_market(requests, **bidders):
    return Scenario.model_validate(
        {
            "supply": {"requests": requests},
            "response": {"family": "private_value"},
            "rivals": {"landscape": "uniform", "high": 1},
            "bidders": bidders,
        }
    )


@pytest.mark.parametrize(
    ("rho", "mu", "step", "control"),
    [
        (1 / 24, 0.5, 0.02, {"control_interval_requests": 1}),
        (1 / 24, 2.0, 0.05, {"control_interval_requests": 1}),
        (0.03, 0.8, 0.03, {"control_interval_requests": 7}),
        (0.03, 0.8, 0.03, {"control_interval_h": 0.5}),
    ],
)
def test_pathwise_identity(rho, mu, step, control):
    """mu_T = mu_0 + eps (S_T - rho T), exactly, per control step and while unprojected; section 2, T = 3,000."""
    requests, path = 3_000, []
    strategy = Recorded(path, mu=mu, step=step)
    result = simulate(
        paced_market(requests, **control), {"focal": Entrant(strategy, budget=rho * requests)}, 1
    )
    seen, spend, mus = map(np.array, zip(*path, strict=True))
    assert (mus > 0).all()
    assert mus == pytest.approx(mu + step * (spend - rho * seen), abs=1e-9)
    assert np.ptp(mus) > 0.05
    if control.get("control_interval_requests") == 1:
        assert seen.tolist() == list(range(requests))
    assert result.of("focal")["spend"] <= rho * requests


def test_pacing_settles_where_the_dual_is_least():
    """Time averages, not the final mu: mu* = 1 at rho = 1/24, so utility near .125 and spend near rho (T = 40,000)."""
    requests, rho, path = 40_000, 1 / 24, []
    market = paced_market(requests, control_interval_requests=20)
    result = simulate(market, {"focal": Entrant(Recorded(path, mu=1.0), budget=rho * requests)}, 1)
    focal = result.of("focal")
    assert np.mean([mu for _, _, mu in path]) == pytest.approx(1.0, abs=0.05)
    assert focal["profit"] / requests == pytest.approx(0.125, rel=0.03)
    assert focal["spend"] / requests == pytest.approx(rho, rel=0.02)


# shading (b* = v - F(b*)/f(b*))


def market(auction="first_price", floor_cpm=0.0, supply=None, **rivals):
    return MarketFacts.of(
        Scenario.model_validate(
            {"supply": supply or {}, "auction": {"type": auction, "floor_cpm": floor_cpm}, "rivals": rivals}
        )
    )


UNIFORM = {"landscape": "uniform", "high": 2.0}


@given(st.lists(st.floats(0.01, 2.0), min_size=1, max_size=8))
def test_against_uniform_prices_it_bids_half(value):
    bids = Shading(market(**UNIFORM)).bid(batch(value))
    assert bids == pytest.approx(np.array(value) / 2, rel=1e-5)


def test_in_a_second_price_auction_it_bids_the_value():
    assert Shading(market("second_price")).bid(batch([0.7])).tolist() == [0.7]


@pytest.mark.parametrize(
    "rivals",
    [
        {"landscape": "lognormal", "mu": 0.0, "sigma": 0.8},
        {"landscape": "normal", "mu": 0.8, "sigma": 0.3},
        {"landscape": "histogram", "edges": [0, 0.5, 1.0, 3.0], "weights": [1, 0.2, 4]},
    ],
)
@pytest.mark.parametrize("floor", [0.0, 0.6])
def test_no_other_bid_earns_more(rivals, floor):
    rules = market(floor_cpm=1000 * floor, **rivals)
    value = np.array([0.3, 0.61, 0.9, 1.4, 2.5])
    bids = Shading(rules).bid(batch(value))
    assert (bids <= value).all()
    gain = (value - bids) * rules.win_probability(bids)
    for other in np.linspace(0, 1, 2001):
        assert ((value - other * value) * rules.win_probability(other * value) <= gain + 1e-7).all()


def test_each_row_stands_alone():
    shading, value = Shading(market(**UNIFORM)), np.linspace(0, 2, 41)
    together = shading.bid(batch(value))
    assert together.tolist() == [shading.bid(batch([v]))[0] for v in value]


@pytest.mark.few(6)
@pytest.mark.parametrize(
    "rivals",
    [
        UNIFORM,
        {"landscape": "lognormal", "mu": -0.5, "sigma": 0.6},
        {"landscape": "normal", "mu": 0.3, "sigma": 0.3},
        {"landscape": "histogram", "edges": [0, 0.5, 1.0, 3.0], "weights": [1, 0.2, 4]},
    ],
)
@pytest.mark.parametrize("floor_cpm", [0, 300])
@pytest.mark.parametrize("supply", [{}, {"floor_share": 0.5, "floor_mu": -1.0, "floor_sigma": 0.0}])
def test_the_table_answers_what_a_search_does(rivals, floor_cpm, supply):
    """To 5e-6 of the value, jumps and bends included; and it is the table that answers most of it."""
    rules = market(floor_cpm=floor_cpm, supply=supply, **rivals)
    value = np.random.default_rng(1).random(4_000) * 2
    searched = best_bids(rules, value)
    assert np.abs(shaded(rules, value) - searched).max() < 1e-5
    assert (shaded(rules, value) <= value).all()
    assert tabled(rules)[2][np.searchsorted(EDGES, value)].mean() > 0.8
    crude = np.interp(value, EDGES, tabled(rules)[0])
    if rivals["landscape"] == "histogram" or supply:
        assert np.abs(crude - searched).max() > 1e-4  # what it would answer across a jump


def test_what_is_worth_nothing_is_not_bid_on():
    assert Shading(market(**UNIFORM)).bid(batch([0.0])).tolist() == [0.0]


def test_free_impressions_are_taken_with_the_smallest_bid():
    """Most prices are 0: next to nothing is the best bid, and 0 would be none."""
    assert Shading(market(landscape="normal", mu=-1.0, sigma=1.2)).bid(batch([0.7])).tolist() == [1e-6]


def test_shading_needs_a_landscape_where_it_has_to_shade():
    with pytest.raises(ValueError, match=r"set rivals\.landscape, or curve=.*, or choose another strategy"):
        Shading(market())


def test_a_given_curve_is_bid_where_the_winner_pays_its_bid():
    """Straight between the points, level beyond the last; in second price the value itself."""
    curve, value = [[0, 0], [1, 0.5], [2, 0.75]], [0.5, 1.0, 1.5, 3.0]
    assert Shading(market(), curve).bid(batch(value)).tolist() == [0.25, 0.5, 0.625, 0.75]
    assert Shading(market(auction="second_price"), curve).bid(batch(value)).tolist() == value


@pytest.mark.parametrize(
    "curve",
    ["steep", [], [[0, 0]], [[0, 0], [1]], [[0, 0], [0, 1]], [[0, 0], [1, -1]], [[0, 0], [1, math.inf]]],
)
def test_what_is_no_curve_is_refused(curve):
    with pytest.raises(ValueError, match=r"^curve = .*: must be at least two pairs of numbers"):
        Shading(market(), curve)


def test_placement_floors_count_in_the_chance_of_winning():
    """Half of the placements have a floor of exactly .5, the price is U[0, 2]."""
    supply = {"floor_share": 0.5, "floor_mu": math.log(0.5), "floor_sigma": 0.0}
    rules = market(supply=supply, **UNIFORM)
    assert rules.win_probability(np.array([0.4, 0.6])) == pytest.approx([0.5 * 0.2, 0.3])
    (bid,) = Shading(rules).bid(batch([0.9]))
    assert bid == pytest.approx(0.5, abs=1e-3)  # just enough for the floors


def feedback(requests, bid, won, paid, least):
    """Return feedback without outcomes; what no test here looks at is left out."""
    none = KnownOutcomes(requests, *np.empty((4, 0)))
    known = {"requests": requests, "bid": bid, "won": won, "price_paid": paid, "minimum_bid_to_win": least}
    known |= {"clicks": none, "conversions": none}
    return Feedback(**{field.name: known.get(field.name) for field in fields(Feedback)})


# valuation and policy together


def test_priced_passes_everything_on():
    class Inner(Policy):
        reads = ("value", "hour")
        learns = True
        multiplier = 0.25

        def __init__(self):
            self.seen_feedback = []

        def bid(self, requests):
            return requests["value"] * requests["hour"]

        def observe(self, feedback):
            self.seen_feedback.append(feedback)

        def control(self, state):
            self.seen_feedback.append(state)

    inner = Inner()
    priced = Priced(CellValues(("profile",), np.array([-1.0, 2.0, 3.0])), inner)
    assert (priced.reads, priced.learns, priced.multiplier) == (("profile", "hour"), True, 0.25)
    columns = {"profile": np.array([0, 1, 2]), "hour": np.array([1.0, 2.0, 3.0])}
    assert priced.bid(VisibleRequests(3, columns)).tolist() == [0.0, 4.0, 9.0]  # a value below 0 counts as 0
    seen = VisibleRequests(2, {"profile": np.array([2, 0]), "hour": np.array([1.0, 2.0])})
    money = np.array([0.5, 0.25])
    seen_feedback = feedback(seen, money, np.array([True, False]), money, money)
    priced.observe(seen_feedback)
    priced.control("state")
    passed, state = inner.seen_feedback
    assert state == "state"
    assert passed.requests["value"].tolist() == [3.0, 0.0]
    assert passed.requests["hour"].tolist() == [1.0, 2.0]
    assert passed.bid is seen_feedback.bid
    assert passed.won is seen_feedback.won


def test_of_no_requests_there_is_no_value():
    inner = type(
        "Learner",
        (Policy,),
        {"learns": True, "observe": lambda self, feedback: seen_feedback.append(feedback)},
    )()
    seen_feedback, none = [], np.empty(0)
    nothing = feedback(VisibleRequests(0, {}), none, none.astype(bool), none, none)
    Priced(CellValues(("profile",), np.array([1.0, 2.0])), inner).observe(nothing)
    assert seen_feedback[0].requests["value"].tolist() == []


def test_priced_reads_all_where_its_policy_does():
    everything = type("All", (Truthful,), {"reads": None})()
    assert Priced(CellValues((), np.array(1.0)), everything).reads is None


class ReadsMore(Policy):
    """Uses a column that it does not declare, in bids or in what it learns."""

    def __init__(self, where):
        self.where, self.learns = where, True

    def bid(self, requests):
        return requests["profile"] + 0.0 if self.where == "bid" else requests["value"]

    def creative(self, requests):
        return requests["profile"] if self.where == "creative" else None

    def observe(self, feedback):
        if self.where != "bid":
            getattr(feedback, self.where).requests["profile"]


class WorthMore(CellValues):
    def value(self, requests):
        return super().value(requests) + requests["hour"]


@pytest.mark.parametrize("where", ["bid", "creative", "clicks", "conversions"])
def test_behind_a_valuation_a_policy_sees_what_it_declared(where):
    case = Case(Truthful)
    strategy = Priced(CellValues(("profile",), np.ones(5)), ReadsMore(where))
    requests, feedback = case.batch(strategy), no_feedback(case, Truthful())
    feedback = replace(
        feedback,
        **{what: replace(getattr(feedback, what), requests=requests) for what in ("clicks", "conversions")},
    )
    calls = {"bid": lambda: strategy.bid(requests), "creative": lambda: strategy.creative(requests)}
    with pytest.raises(
        KeyError, match=r"'profile' is not visible here; visible: (value|none); declare it in reads"
    ):
        calls.get(where, lambda: strategy.observe(feedback))()


@pytest.mark.parametrize("wrapped", [lambda part: part, lambda part: Summed((part, part), 0.5)])
def test_a_valuation_sees_what_it_declared(wrapped):
    class ByHour(Truthful):
        reads = ("value", "hour")

    strategy = Priced(wrapped(WorthMore(("profile",), np.ones(5))), ByHour())
    with pytest.raises(KeyError, match="'hour' is not visible here; visible: profile"):
        strategy.bid(Case(Truthful).batch(strategy))

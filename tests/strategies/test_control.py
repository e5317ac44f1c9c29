"""Policies that move with the account: mirror descent, throttling, PID, targets."""

from __future__ import annotations

import math
from dataclasses import fields

import numpy as np
import pytest

from jointbid.sim import AccountState, Feedback, Scenario, VisibleRequests
from jointbid.strategies.market import MarketFacts
from jointbid.strategies.policies.pacing import AdaptivePacing, MirrorDescent
from jointbid.strategies.policies.pid import PIDCPA, PIDSpend
from jointbid.strategies.policies.targets import TargetCPA, TargetROS
from jointbid.strategies.policies.throttling import Throttling


def batch(**columns):
    arrays = {name: np.asarray(column, dtype=float) for name, column in columns.items()}
    return VisibleRequests(len(next(iter(arrays.values()))), arrays)


def account(seen, spend, *, budget=10.0, expected=100, **counts):
    money = {"spend": spend, "budget": budget, "budget_left": budget - spend}
    return AccountState(
        hour=1.0, horizon_h=24.0, requests_seen=seen, requests_expected=expected, wins=3, **money, **counts
    )


def feedback(requests, bid, won, paid, least):
    """What a bidder receives; the rest is left out."""
    known = {"requests": requests, "bid": bid, "won": won, "price_paid": paid, "minimum_bid_to_win": least}
    return Feedback(**{field.name: known.get(field.name) for field in fields(Feedback)})


def won(value, paid):
    """Feedback on requests that were all won but the last."""
    value, paid = np.asarray(value, dtype=float), np.asarray(paid, dtype=float)
    did = np.arange(len(value)) < len(value) - 1
    return feedback(batch(value=value), value, did, np.where(did, paid, 0.0), paid)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: MirrorDescent("euklid"),
            r"^geometry = euklid: must be one of euclid, entropy; did you mean 'euclid'",
        ),
        (lambda: MirrorDescent(mu=0), r"^mu = 0: must be a finite number above 0"),
        (lambda: MirrorDescent("euclid", step=-1), r"^step = -1: must be a finite number, 0 or more"),
        (lambda: Throttling(share=1.5), r"^share = 1.5: must be a number from 0 to 1"),
        (lambda: Throttling(rate=math.nan), r"^rate = nan: must be a number from 0 to 1"),
        (lambda: PIDSpend(gain=0), r"^gain = 0: must be a finite number above 0"),
        (lambda: PIDSpend(ki=-1), r"^ki = -1: must be a finite number, 0 or more"),
        (lambda: PIDCPA(1, grace=-1), r"^grace = -1: must be a finite number, 0 or more"),
        (lambda: PIDCPA(0), r"^target = 0: must be a finite number above 0"),
        (
            lambda: PIDCPA(1, per="clik"),
            r"^per = clik: must be one of click, conversion; did you mean 'click'",
        ),
        (lambda: TargetROS(-2), r"^target = -2: must be a finite number above 0"),
        (lambda: TargetROS(2, lam=0), r"^lam = 0: must be a finite number above 0"),
        (lambda: TargetCPA(2, gain_max=0), r"^gain_max = 0: must be a finite number above 0"),
        (lambda: TargetCPA(2, value_per_action=0), r"^value_per_action = 0: must be a finite number above 0"),
        (lambda: TargetCPA(2, per="sale"), r"^per = sale: must be one of click, conversion$"),
    ],
)
def test_parameters_out_of_range_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


# mirror descent


def test_entropy_multiplies_mu():
    policy = MirrorDescent(mu=0.5, step=0.1)
    policy.control(account(10, 3.0))  # rho = .1: 2 more than was due
    assert policy.mu == pytest.approx(0.5 * math.exp(0.2))
    policy.control(account(30, 3.0))  # then nothing, where 2 was due
    assert policy.mu == pytest.approx(0.5)
    assert policy.bid(batch(value=[3.0]))[0] == pytest.approx(2.0)


def test_euclid_adds_to_mu_and_is_projected():
    policy = MirrorDescent("euclid", mu=0.1, step=0.1, mu_max=0.25)
    policy.control(account(10, 3.0))
    assert policy.mu == 0.25
    policy.control(account(100, 3.0))
    assert policy.mu == 0.0


def test_entropy_survives_a_step_beyond_all_numbers():
    policy = MirrorDescent(mu=1.0, step=1e6, mu_max=7.0)
    policy.control(account(10, 10.0))
    assert policy.mu == 7.0


def test_without_a_budget_mirror_descent_is_truthful():
    policy = MirrorDescent(mu=0.5)
    for seen in (0, 10):
        policy.control(account(seen, 0.0, budget=math.inf))
    assert policy.multiplier == 1.0


# throttling


def test_throttling_takes_part_where_u_is_low():
    policy = Throttling(share=0.4)
    assert policy.bid(batch(value=[2.0, 3.0, 4.0], uniform=[0.1, 0.4, 0.9])).tolist() == [2.0, 0.0, 0.0]


def test_the_share_follows_the_plan():
    policy = Throttling(share=0.5, rate=0.2)
    policy.control(account(0, 0.0))  # nothing seen yet: nothing to compare
    assert policy.share == 0.5
    policy.control(account(10, 1.5))  # 1.0 was planned
    assert policy.share == pytest.approx(0.4)
    policy.control(account(20, 1.9))
    assert policy.multiplier == policy.share == pytest.approx(0.48)
    for seen in range(30, 100, 10):
        policy.control(account(seen, 1.9))
    assert policy.share == 1.0


def test_without_a_budget_it_takes_part_everywhere():
    policy = Throttling(share=0.1)
    policy.control(account(0, 0.0, budget=math.inf))
    assert policy.share == 1.0


# PID


def test_pid_on_spend_in_its_parts():
    """10 requests of 100 and a budget of 10: dt = .1. The targets are .1 and then (10 - .5)/90 a request."""
    p, i, d = (
        PIDSpend(**{"kp": 0.0, "ki": 0.0, "kd": 0.0} | part) for part in ({"kp": 2}, {"ki": 3}, {"kd": 0.5})
    )
    first, second = 1 - 0.5 / 1.0, 1 - 0.3 / (9.5 / 90 * 10)
    for policy in (p, i, d):
        policy.control(account(0, 0.0))
        assert policy.phi == 0.0
        policy.control(account(10, 0.5))
    assert [policy.phi for policy in (p, i, d)] == pytest.approx([2 * first, 3 * first * 0.1, 0.0])
    for policy in (p, i, d):
        policy.control(account(20, 0.8))
    expected = [2 * second, 3 * (first + second) * 0.1, 0.5 * (second - first) / 0.1]
    assert [policy.phi for policy in (p, i, d)] == pytest.approx(expected)
    assert p.multiplier == pytest.approx(math.exp(2 * second))
    assert p.bid(batch(value=[3.0]))[0] == pytest.approx(3.0 * p.multiplier)


def test_pid_is_cut_and_does_not_wind_up():
    policy = PIDSpend(kp=0.0, ki=100.0, phi_max=1.5)
    for seen in (10, 20, 30):
        policy.control(account(seen, 0.0))
    assert policy.phi == 1.5
    policy.control(account(40, 5.0))
    assert policy.phi < 1.5 - 1.0


def test_pid_on_spend_without_a_budget_does_nothing():
    policy = PIDSpend(gain=0.7)
    for seen in (0, 10, 20):
        policy.control(account(seen, 1.0, budget=math.inf))
    assert policy.multiplier == 0.7


@pytest.mark.parametrize(("per", "error"), [("click", (2 - 1) / 3), ("conversion", (0.5 - 1) / 2)])
def test_pid_on_cost_per_action(per, error):
    """4 clicks and 1 conversion for 1.0, at most .5 each, and two more of them as grace."""
    policy = PIDCPA(0.5, per=per, kp=1.0, ki=0.0, grace=2)
    policy.control(account(10, 1.0, clicks=4.0, conversions=1.0))
    assert policy.phi == pytest.approx(error)


def test_the_first_money_without_an_action_moves_little():
    hasty, patient = PIDCPA(0.5, kp=1.0, ki=0.0, grace=0), PIDCPA(0.5, kp=1.0, ki=0.0)
    for policy in (hasty, patient):
        policy.control(account(10, 0.5))
    assert hasty.phi == -1.0
    assert patient.phi == pytest.approx(-0.5 / 3.0)


def test_pid_on_cost_per_action_waits_for_money_or_actions():
    policy = PIDCPA(0.5)
    policy.control(account(0, 0.0))
    policy.control(account(10, 0.0))
    assert policy.phi == 0.0


# targets


def test_coupled_duals_make_the_bid():
    policy = TargetROS(2.0, lam=0.5, mu=0.25)
    assert policy.bid(batch(value=[3.0]))[0] == pytest.approx(3.0 / 2.0 * 1.5 / 0.75)
    assert TargetROS(2.0, lam=1e-3, gain_max=4.0).multiplier == 2.0
    assert TargetCPA(0.5, value_per_action=2.0, lam=1.0).bid(batch(value=[0.4]))[0] == pytest.approx(
        2 * 0.4 / 2.0 * 0.5
    )


def test_the_dual_of_the_return_follows_what_was_won_and_paid():
    """Won 5 at 1.5 with R = 2: w = 2.5 against 1.5; a step of 1 / (4 sqrt(100)) in units of 2.5 / 10 requests."""
    policy = TargetROS(2.0, lam=0.5, mu=0.0)
    policy.control(account(0, 0.0, budget=math.inf))
    policy.observe(won([2.0, 3.0, 9.0], [0.5, 1.0, 9.5]))
    policy.control(account(10, 1.5, budget=math.inf))
    assert policy.lam == pytest.approx(0.5 * math.exp(-1.0 / 0.25 / 40))
    assert policy.mu == 0.0
    policy.control(
        account(20, 3.0, budget=math.inf)
    )  # paid 1.5 more, and won nothing; 3.0 > 2.5 is now the unit
    assert policy.lam == pytest.approx(0.5 * math.exp((-1.0 / 0.25 + 1.5 / 0.15) / 40))


def test_few_control_steps_move_it_by_half_of_the_mean():
    policy = TargetROS(1.0, lam=0.5)
    policy.observe(won([2.0, 3.0, 9.0], [0.5, 1.0, 9.5]))
    policy.control(account(1_000, 4.0, budget=math.inf, expected=10_000))
    assert policy.lam == pytest.approx(0.5 * math.exp(-0.5 * (5.0 - 4.0) / 5.0))


def test_the_dual_of_the_budget_is_adaptive_pacing():
    policy, paced = TargetROS(1.0, mu=0.3), AdaptivePacing(mu=0.3)
    for seen, spend in ((0, 0.0), (10, 2.0), (20, 2.5), (30, 6.0)):
        for each in (policy, paced):
            each.control(account(seen, spend))
    assert policy.mu == pytest.approx(paced.mu)
    assert policy.mu != 0.3


def test_no_feedback_and_huge_steps_do_no_harm():
    policy = TargetROS(1.0)
    policy.observe(feedback(VisibleRequests(0, {}), *[np.empty(0)] * 4))
    for seen in range(10, 2_000, 10):
        policy.control(account(seen, 1e6 * seen, budget=math.inf, expected=1))
    assert policy.lam == 1e9
    assert policy.multiplier == pytest.approx(1.0)


@pytest.mark.parametrize(("per", "falls"), [("click", True), ("conversion", False)])
def test_cost_per_action_goes_by_the_actions_known(per, falls):
    policy = TargetCPA(0.5, per=per)
    policy.control(account(10, 1.0, clicks=4.0, conversions=1.0))
    assert (policy.lam < 1.0) == falls


@pytest.mark.parametrize(("least", "kappa"), [(1.4, 1.8934), (2.5, 0.8)])
def test_a_target_starts_where_the_known_landscape_meets_it(least, kappa):
    """v and p U[0, 1]: bid kappa v. From lam = 1 the way there leaves 1 % of return at R = 1.4; begun anew it does not."""
    n, step = 40_000, 100
    market = MarketFacts.of(
        Scenario.model_validate(
            {
                "supply": {"requests": n, "horizon_h": 1},
                "response": {"family": "private_value"},
                "rivals": {"landscape": "uniform", "high": 1},
            }
        )
    )

    def play(policy, seed):
        rng = np.random.default_rng(seed)
        value, price = rng.random((2, n // step, step))
        spend = worth = 0.0
        for number, (v, p) in enumerate(zip(value, price, strict=True)):
            policy.control(account(number * step, spend, budget=math.inf, expected=n))
            if number == 1:
                begun = policy.multiplier
            requests = batch(value=v)
            bid = policy.bid(requests)
            hit = bid > p
            spend, worth = spend + p[hit].sum(), worth + v[hit].sum()
            policy.observe(feedback(requests, bid, hit, np.where(hit, p, 0.0), p))
        return begun, worth / spend

    begun, found = np.mean([play(TargetROS(least, market=market), seed) for seed in range(4)], axis=0)
    assert begun == pytest.approx(kappa, rel=0.2)
    assert found == pytest.approx(least, rel=0.003)
    if least < 2:
        assert play(TargetROS(least, lam=1.0, market=market), 0)[1] > 1.008 * least


def test_a_target_starts_where_the_budget_binds_first():
    """v and p U[0, 1], rho = 1/24: bid v / 2 (theory of pacing), at which the return is slack."""
    n = 40_000
    market = MarketFacts.of(
        Scenario.model_validate(
            {
                "supply": {"requests": n, "horizon_h": 1},
                "response": {"family": "private_value"},
                "rivals": {"landscape": "uniform", "high": 1},
            }
        )
    )
    policy, requests = TargetROS(1.4, market=market), batch(value=np.random.default_rng(1).random(4_000))
    policy.control(account(0, 0.0, budget=n / 24, expected=n))
    assert policy.multiplier == 2 / 1.4
    nothing = np.zeros(4_000)
    policy.observe(feedback(requests, nothing, nothing > 0, nothing, nothing))
    policy.control(account(4_000, 4_000 / 24, budget=n / 24, expected=n))
    assert policy.multiplier == pytest.approx(0.5, rel=0.02)


@pytest.mark.parametrize("given", [{"lam": 1.0}, {"mu": 0.0}])
def test_a_given_start_is_kept(given):
    market = MarketFacts.of(
        Scenario.model_validate({"supply": {"requests": 10}, "rivals": {"landscape": "uniform"}})
    )
    policy = TargetCPA(1.4, **given, market=market)
    assert not policy.learns
    assert policy.scales is False
    assert TargetROS(1.4, **given, market=market).scales

"""FTRL-Proximal and Thompson sampling: their rules against plain arithmetic, and what their own impressions teach them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit

from jointbid.sim import Entrant, Scenario, VisibleRequests, simulate
from jointbid.sim.training import randomised_log
from jointbid.sim.visible import Feedback, KnownOutcomes, frozen
from jointbid.strategies.base import Priced, is_learning
from jointbid.strategies.policies.linear import Truthful
from jointbid.strategies.policies.throttling import Throttling
from jointbid.strategies.testing import parametrize_with_checks
from jointbid.strategies.valuations.bayes import bayes
from jointbid.strategies.valuations.combined import Apart
from jointbid.strategies.valuations.features import Features
from jointbid.strategies.valuations.ftrl import FTRL
from jointbid.strategies.valuations.impressions import Lesson, OutcomeKind, OwnImpressions
from jointbid.strategies.valuations.learned import ONLINE, learned, learned_stacked, learned_summed
from jointbid.strategies.valuations.start import started
from jointbid.strategies.valuations.thompson import Thompson

BOTH = ("profile", "context")
PAIR = Features(BOTH, (3, 3))


def market(requests=40_000, **response):
    """Clicks at 8 %; two types a source, the profile known for most; prices uniform around an impression's worth."""
    return Scenario.model_validate(
        {
            "supply": {"requests": requests, "horizon_h": 24, "context_types": 2},
            "audience": {"profile_types": 2},
            "response": {"family": "logit", "a": -2.5, "b": 0.5, "c": 0.4, "d": 0.3, **response},
            "source": {"profile": {"match_rate": 0.8}, "context": {}},
            "rivals": {"landscape": "uniform", "high": 0.25},
        }
    )


def codes(valuation, u=0.5):
    """Values of all nine visible cells."""
    grid = np.unravel_index(np.arange(9), (3, 3))
    columns = {
        "profile": grid[0].astype(np.int32),
        "context": grid[1].astype(np.int32),
        "uniform": np.full(9, u),
    }
    return valuation.value(VisibleRequests(9, {name: columns[name] for name in valuation.reads}))


def lesson(label, features=PAIR, weight=None):
    """One cell, (1, 0), seen as often as there are labels."""
    n = len(label)
    one = features.of([np.full(n, 1), np.full(n, 0)], n)
    return Lesson(one, np.asarray(label, float), np.ones(n) if weight is None else np.asarray(weight, float))


# features


def test_each_row_has_a_constant_its_codes_and_their_pair():
    assert PAIR.of([np.array([1]), np.array([2])], 1)[:, 0].tolist() == [0, 1 + 1, 4 + 2, 7 + 3 * 1 + 2]
    assert PAIR.count == 1 + 3 + 3 + 9
    assert np.array_equal(PAIR.cells()[3], 7 + np.arange(9))
    assert Features((), ()).cells().tolist() == [[0]]


def test_three_sources_are_crossed_two_by_two():
    three = Features(("a", "b", "c"), (2, 3, 4))
    assert three.active == 1 + 3 + 3
    assert three.count == 1 + 9 + 6 + 8 + 12
    assert three.cells().max() == three.count - 1


def test_very_many_pairs_share_their_features():
    wide = Features(BOTH, (4096, 4096))
    assert wide.count == 1 + 8192 + Features.most_crossed
    assert wide.of([np.array([4095]), np.array([4095])], 1).max() < wide.count


# the models


def by_hand(labels, weights, alpha=0.2, beta=1.0, l1=0.0, l2=1.0, base=0.0):
    """McMahan et al. 2013, algorithm 1, for rows that all have the same four features."""
    z = n = 0.0
    weight = 0.0
    for label, count in zip(labels, weights, strict=True):
        weight = 0.0 if abs(z) <= l1 else -(z - math.copysign(l1, z)) / ((beta + math.sqrt(n)) / alpha + l2)
        g = count * (expit(base + 4 * weight) - label)
        sigma = (math.sqrt(n + g * g) - math.sqrt(n)) / alpha
        z, n = z + g - sigma * weight, n + g * g
    weight = 0.0 if abs(z) <= l1 else -(z - math.copysign(l1, z)) / ((beta + math.sqrt(n)) / alpha + l2)
    return float(expit(base + 4 * weight))


@pytest.mark.parametrize("l1", [0.0, 0.3])
def test_ftrl_does_the_papers_steps(l1):
    labels, weights = [1, 0, 0, 1, 0, 1, 0, 0, 0], [1, 1, 2, 1, 0.5, 1, 1, 1, 3]
    model = FTRL(PAIR, l1=l1)
    model._learn(lesson(labels, weight=weights))
    assert codes(model)[3] == pytest.approx(by_hand(labels, weights, l1=l1), abs=1e-12)


def test_ftrl_keeps_rare_features_at_nothing():
    model = FTRL(PAIR, l1=5.0, mean=0.3)
    model._learn(lesson([1, 1]))
    assert codes(model) == pytest.approx(np.full(9, 0.3))


def test_ftrl_finds_the_logs_means():
    """To within what its steps, which stay finite, let it wander."""
    rng = np.random.default_rng(1)
    truth = rng.uniform(0.05, 0.6, (3, 3))
    count = np.full((3, 3), 40_000.0)
    model = FTRL(PAIR)
    model.fit(count, rng.binomial(40_000, truth).astype(float))
    assert np.abs(codes(model).reshape(3, 3) - truth).max() < 0.04
    assert np.array_equal(model.expected(), codes(model).reshape(3, 3))


def test_thompsons_mode_is_that_of_the_posterior():
    """One constant alone: slope of the log-posterior 0 at m, and its curvature added to q."""
    model = Thompson(Features((), ()), mean=0.5, precision=2.0)
    model._learn(Lesson(np.zeros((1, 10), np.int64), np.array([1.0] * 7 + [0.0] * 3), np.ones(10)))
    mode, q = model._mode[0], model._precision[0]
    assert 10 * (0.7 - expit(mode)) - 2.0 * mode == pytest.approx(0.0, abs=1e-6)
    assert q == pytest.approx(2.0 + 10 * expit(mode) * (1 - expit(mode)))


def test_thompson_in_the_linear_model_is_the_conjugate_posterior():
    model = Thompson(Features((), ()), "identity", mean=0.0, noise=2.0, precision=0.5)
    model._learn(Lesson(np.zeros((1, 4), np.int64), np.array([1.0, 2.0, 3.0, 6.0]), np.ones(4)))
    assert model._precision[0] == pytest.approx(0.5 + 4 / 4)
    assert model._mode[0] == pytest.approx((12 / 4) / 1.5)


def test_thompson_draws_from_what_it_believes():
    """Scores over u are normal with the sum of the variances (Kolmogorov-Smirnov at 1 in 10^4)."""
    model = Thompson(PAIR, mean=0.2)
    model._learn(lesson([1, 0, 0, 0] * 20))
    n = 20_000
    u = np.random.default_rng(3).random(n)
    rows = VisibleRequests(n, {"profile": np.full(n, 1), "context": np.zeros(n, int), "uniform": u})
    value = model.value(rows)
    score = np.log(value / (1 - value)) - model.base
    features = PAIR.of([np.array([1]), np.array([0])], 1)[:, 0]
    sd = math.sqrt((1 / model._precision[features]).sum())
    assert stats.kstest((score - model._mode[features].sum()) / sd, "norm").pvalue > 1e-4
    assert abs(np.corrcoef(score, u)[0, 1]) < 4 / math.sqrt(n), (
        "a policy that uses u does not receive the draw"
    )


def test_it_knows_better_what_it_has_seen_more_of():
    little, much = Thompson(PAIR, mean=0.2), Thompson(PAIR, mean=0.2)
    little._learn(lesson([1, 0, 0, 0]))
    much._learn(lesson([1, 0, 0, 0] * 1000))
    spread = [abs(codes(model, 0.9999999)[3] - codes(model, 0.4321)[3]) for model in (little, much)]
    assert spread[1] < spread[0] / 3


# own impressions


def feedback_of(position, won, bid, click_at=(), click_hour=0.0, profile=0):
    """Feedback on requests that are all alike."""
    n, clicks = len(position), len(click_at)
    rows = {"profile": np.full(n, profile), "context": np.zeros(n, int)}
    none = KnownOutcomes(
        VisibleRequests(0, {}),
        frozen(np.empty(0, np.int64)),
        frozen(np.empty(0, np.int16)),
        *2 * [frozen(np.empty(0))],
    )
    known = KnownOutcomes(
        VisibleRequests(clicks, {}),
        frozen(np.array(click_at, np.int64)),
        frozen(np.zeros(clicks, np.int16)),
        frozen(np.full(clicks, click_hour)),
        frozen(np.ones(clicks)),
    )
    won = np.array(won, bool)
    return Feedback(
        VisibleRequests(n, rows), np.array(position), np.array(bid, float), won, np.zeros(n, bool),
        np.where(won, bid, 0.0), np.zeros(n), won, np.zeros(n, np.int16), known if clicks else none, none,
    )  # fmt: skip


def test_impressions_wait_until_their_outcomes_are_known():
    """An exponential delay of mean 2 h, held for 3 h: 1 - exp(-3 / 2) of the clicks are known, and count for all."""
    own = OwnImpressions(
        PAIR,
        OutcomeKind(1.0, market(click_delay_h={"law": "exponential", "mean": 2}).response.click_delay_h),
        wait_h=3.0,
    )
    own.add(feedback_of([0, 1, 2], [True, False, True], [0.5, 0.5, 0.5]))
    assert own.mature(1.0) is None
    own.add(feedback_of([], [], [], click_at=[2, 77]))
    assert own.mature(2.0) is None
    lesson = own.mature(3.5)
    assert lesson.label == pytest.approx([0.0, 1 / (1 - math.exp(-1.5))])
    assert lesson.features.shape == (4, 2)
    own.add(feedback_of([], [], [], click_at=[0]))
    assert own.mature(9.0) is None


def test_impressions_count_with_the_inverse_of_their_bids_win_rate():
    own = OwnImpressions(PAIR, OutcomeKind(1.0))
    won = [True] * 90 + [False] * 10 + [True] * 10 + [False] * 90
    own.add(feedback_of(list(range(200)), won, [1.0] * 100 + [0.25] * 100))
    weight = own.mature(1.0).weight
    assert weight.mean() == pytest.approx(1.0)
    assert weight[-1] / weight[0] == pytest.approx((90.5 / 101) / (10.5 / 101))
    assert (OwnImpressions(PAIR, OutcomeKind(1.0), weighted=False)).weighted is False


def test_a_model_that_is_too_simple_is_mended_by_the_weights():
    """One mean for two types of request, of which the better is bid on more and so won more: 10 % and 50 % are clicked.

    The mean over requests is 30 %; that over impressions won, 90 of the better to 10, is 46 %.
    """
    nothing = Features((), ())
    fits = []
    for weighted in (False, True):
        own = OwnImpressions(nothing, OutcomeKind(1.0), weighted=weighted)
        model = FTRL(nothing, mean=0.3, own=own, l2=0.0)
        rng = np.random.default_rng(1)
        for step in range(100):
            better = np.arange(200) < 100
            won = rng.random(200) < np.where(better, 0.9, 0.1)
            clicked = np.flatnonzero(won & (rng.random(200) < np.where(better, 0.5, 0.1)))
            position = np.arange(200) + 200 * step
            own.add(feedback_of(position, won, np.where(better, 1.0, 0.2), click_at=position[clicked]))
            model._learn(own.mature(step + 1.0))
        fits.append(float(model.expected()))
    assert fits[0] == pytest.approx(0.46, abs=0.03)
    assert fits[1] == pytest.approx(0.30, abs=0.03)


# in a market


@pytest.mark.parametrize("learner", ONLINE)
def test_it_learns_from_a_long_run_what_a_short_log_did_not_tell(learner):
    """Own impressions bring it nearer to the exact values: with clicks at once, and with clicks two hours late."""
    for delay in (0, 2):
        scenario = market(click_delay_h={"law": "exponential", "mean": delay})
        log = randomised_log(scenario, 1, 0, 300)
        frozen_, learning = (started(ONLINE[learner], scenario, log, BOTH, own=own) for own in (False, True))
        assert not is_learning(frozen_)
        assert is_learning(learning)
        seen = _Keeps(learning)
        simulate(scenario, {"focal": seen}, 1)
        exact = bayes(scenario, BOTH).table
        before, after = (np.abs(model.expected() - exact)[:, :2].max() for model in (frozen_, KEPT[-1]))
        assert after < before / 2


KEPT = []


class _Keeps(Priced):
    """Truthful behind a valuation; shows the test the copy that has learned."""

    def __init__(self, valuation):
        super().__init__(valuation, Truthful())

    def control(self, state):
        super().control(state)
        KEPT[:] = [self.valuation]


@pytest.mark.few(4)
@pytest.mark.parametrize("learner", ONLINE)
@pytest.mark.parametrize("arm", [(), ("profile",), BOTH, "stacked", "summed"])
def test_it_plays_in_every_arm_the_same_in_any_blocks(learner, arm):
    results = []
    for block in (7, 65_536):
        scenario = market(2_000, click_delay_h={"law": "exponential", "mean": 0.5})
        scenario = scenario.model_copy(
            update={"engine": scenario.engine.model_copy(update={"max_block": block})}
        )
        log = randomised_log(scenario, 1, 0, 500)
        made = (
            {"stacked": learned_stacked, "summed": learned_summed}.get(arm) if isinstance(arm, str) else None
        )
        valuation = made(scenario, log, learner) if made else learned(scenario, log, arm, learner)
        assert is_learning(valuation)
        row = simulate(scenario, {"focal": Entrant(Priced(valuation, Throttling()), budget=20.0)}, 1).of(
            "focal"
        )
        assert 0 < row["wins"] < 2_000
        results.append(row)
    assert results[0] == results[1]


@pytest.mark.parametrize("learner", ONLINE)
def test_in_a_world_without_clicks_it_has_its_log(learner):
    scenario = Scenario.model_validate(
        {
            "supply": {"requests": 100, "context_types": 2},
            "audience": {"profile_types": 2},
            "response": {"family": "additive", "a": 1, "b": 0.3, "c": 0.2, "d": 0.1},
            "source": {"profile": {}, "context": {}},
        }
    )
    valuation = learned(scenario, randomised_log(scenario, 1, 0, 200_000), BOTH, learner)
    assert not is_learning(valuation)
    off = np.abs(valuation.expected() - bayes(scenario, BOTH).table)[:2, :2]
    assert off.max() < 0.03


SHOP = {"value_per_click": 0.5, "conversion": {"a": -0.5, "b": 0.8, "value": 3.0, "after_view": 0.05}}


def test_clicks_and_conversions_have_a_model_each_and_their_values_add():
    scenario = market(100, **SHOP)
    log = randomised_log(scenario, 1, 0, 5_000)
    clicks, sales = FTRL(PAIR, unit=0.5), FTRL(PAIR, unit=3.0)
    count, *tables = (table.sum(axis=0) for table in (log.count, log.clicks, log.conversions))
    for model, table in zip((clicks, sales), tables, strict=True):
        model.fit(count, table)
    made = learned(scenario, log, BOTH, "ftrl")
    assert [part.link for part in made.parts] == ["logit", "logit"]
    assert (made.expected() == clicks.expected() + sales.expected()).all()
    assert learned(scenario, log, ("profile",), "ftrl").link == "logit"


def test_each_label_waits_for_its_own_outcomes():
    """Clicks are known at once; a tenth of the conversions come after 2.3 hours: until then they teach nothing."""
    late = {"law": "exponential", "mean": 1}
    scenario = market(100, **{**SHOP, "conversion": {**SHOP["conversion"], "delay_h": late}})
    made = learned(scenario, randomised_log(scenario, 1, 0, 500), BOTH, "ftrl")
    waits = [part.own.wait_h for part in made.parts]
    assert waits == pytest.approx([0.0, math.log(10)], abs=0.01)
    assert made.parts[0].own.conversion is None
    assert made.parts[1].own.click is None


@pytest.mark.parametrize("learner", ONLINE)
def test_it_learns_both_labels_from_a_long_run(learner):
    scenario = market(60_000, **SHOP)
    log = randomised_log(scenario, 1, 0, 300)
    frozen_, learning = (started(ONLINE[learner], scenario, log, BOTH, own=own) for own in (False, True))
    simulate(scenario, {"focal": _Keeps(learning)}, 1)
    exact = bayes(scenario, BOTH).table
    before, after = (np.abs(model.expected() - exact)[:, :2].max() for model in (frozen_, KEPT[-1]))
    assert after < before / 2


def test_two_models_draw_apart_by_one_chance():
    """Both normal, and next to uncorrelated: the second from the last bits of what the first draws by."""
    u = np.random.default_rng(1).random(20_000)
    drawn = []
    for number in (0, 1):
        model = Thompson(Features((), ()), "identity", mean=0.0, precision=1.0)
        model.draw = number
        drawn.append(model.value(VisibleRequests(len(u), {"uniform": u})))
    assert stats.kstest(drawn[0], "norm").pvalue > 0.01
    assert stats.kstest(drawn[1], "norm").pvalue > 0.01
    assert abs(np.corrcoef(drawn)[0, 1]) < 0.03


def priced_ftrl():
    return _priced(FTRL)


def priced_thompson():
    return _priced(Thompson)


def priced_apart():
    features = Features(BOTH, (5, 5))
    clicks = Thompson(features, unit=3.0, mean=0.3, own=OwnImpressions(features, OutcomeKind(1.0)))
    sales = Thompson(features, unit=9.0, mean=0.1, own=OwnImpressions(features, conversion=OutcomeKind(1.0)))
    sales.draw = 1
    return Priced(Apart((clicks, sales)), Truthful())


def _priced(model):
    features = Features(BOTH, (5, 5))
    return Priced(
        model(features, unit=3.0, mean=0.3, own=OwnImpressions(features, OutcomeKind(1.0))), Truthful()
    )


@parametrize_with_checks([priced_ftrl, priced_thompson, priced_apart])
def test_behind_a_policy_it_passes_the_kit(strategy, check):
    check(strategy)


@pytest.mark.parametrize("learner", ONLINE)
def test_it_reads_any_number_of_sources_and_copies_once(learner):
    tree = market(4_000).model_dump()
    tree["source"] = {
        "crm": {"shows": "profile", "match_rate": 0.8},
        "page": {"shows": "context"},
        "crm_too": {"copy_of": "crm"},
        "past": {"shows": "history"},
    }
    scenario = Scenario.model_validate(tree)
    log = randomised_log(scenario, 1, 0, 2_000)
    valuation = learned(scenario, log, ("crm_too", "page", "past"), learner)
    row = simulate(scenario, {"focal": Entrant(Priced(valuation, Truthful()))}, 1).of("focal")
    assert 0 < row["wins"] < 4_000
    assert len(valuation.features.sources) == 3

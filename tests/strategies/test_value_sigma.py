"""The column ``value_sigma``: how sure a valuation is of the value that it shows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from jointbid import Entrant, Policy, Priced, Truthful, bayes, load, parametrize_with_checks, simulate
from jointbid.sim import LogColumns, Scenario, VisibleRequests
from jointbid.sim.scenario import LogSupply
from jointbid.sim.training import randomised_log
from jointbid.sim.visible import TrialError
from jointbid.sim.worth import worth
from jointbid.strategies.testing.trial import trial_scenario
from jointbid.strategies.valuations.cell_tables import cell_error, smoothed_error, smoothed_table
from jointbid.strategies.valuations.creative import bayes_apart, best_creative
from jointbid.strategies.valuations.learned import LEARNERS, ONLINE, learned, learned_stacked
from jointbid.strategies.valuations.logistic import logistic, logistic_error
from jointbid.strategies.valuations.ridge import ridge
from jointbid.strategies.valuations.ridge_errors import ridge_error
from jointbid.strategies.valuations.stacking import stacked_bayes, summed_bayes
from jointbid.strategies.valuations.tables import CellValues

MARKET = load("default", "supply.requests=20000")


class Asks(Policy):
    """Bid the value less a part of its standard deviation; keep both."""

    reads = ("value", "value_sigma")
    learns = True

    def __init__(self):
        self.seen = []

    def bid(self, requests):
        return np.maximum(requests["value"] - 0.3 * requests["value_sigma"], 0.0)

    def observe(self, feedback):
        self.seen.append((feedback.requests["value"], feedback.requests["value_sigma"]))


def played(scenario, valuation, policy=None):
    result = simulate(scenario, {"me": Priced(valuation, policy or Asks())}, 1, keep_strategies=True)
    seen = [part for part in result.strategies["me"].policy.seen if len(part[0])]
    return result, *(np.concatenate(parts) for parts in zip(*seen, strict=True))


def calibrated(scenario, value, sigma):
    """The squared distance of the truth from the value is sigma squared on average, also where sigma is small and where it is large."""
    error = (worth(scenario, ["me"], 1)[0] - value) ** 2
    for part in (sigma <= np.median(sigma), sigma > np.median(sigma)):
        if part.sum() > 100:
            distance = (error - sigma**2)[part]
            assert abs(distance.mean()) < 4.5 * distance.std() / np.sqrt(part.sum()) + 1e-18


@pytest.mark.oracle
@pytest.mark.parametrize("sources", [(), ("profile",), ("context",), ("profile", "context", "history")])
def test_the_truth_lies_one_sigma_from_the_value(sources):
    _, value, sigma = played(MARKET, bayes(MARKET, sources))
    assert (sigma > 0).any()
    calibrated(MARKET, value, sigma)


@pytest.mark.oracle
def test_of_copies_whose_age_is_known():
    tree = trial_scenario().model_dump()
    tree["supply"]["requests"] = 20_000
    scenario = Scenario.model_validate(tree)
    valuation = bayes(scenario, ("profile", "context"))
    assert "age_profile" in valuation.reads
    result, value, sigma = played(scenario, valuation)
    calibrated(scenario, value, sigma)
    old, new = (VisibleRequests(1, {"profile": [0], "context": [1], "age_profile": [age]}) for age in (9.0, 0.0))  # fmt: skip
    assert valuation.sigma(old) > valuation.sigma(new)
    assert result.of("me")["wins"] > 0


@pytest.mark.oracle
def test_two_types_by_hand():
    """theta is one of two values; a record that is right with probability a leaves |difference| sqrt(a (1 - a))."""
    scenario = Scenario.model_validate(
        {
            "name": "two",
            "supply": {"requests": 10, "context_types": 1},
            "audience": {"profile_types": 2},
            "response": {"family": "additive", "a": 2.0, "b": 1.0, "c": 0.0},
            "source": {"profile": {"accuracy": 0.9, "match_rate": 0.5}, "context": {}},
        }
    )
    certain = scenario.model_copy(
        update={"source": {"profile": scenario.source["profile"].model_copy(update={"accuracy": 1.0, "match_rate": 1.0})}}
    )  # fmt: skip
    row = VisibleRequests(2, {"profile": np.array([0, 1])})
    truth = bayes(certain, ("profile",)).value(row)
    assert bayes(certain, ("profile",)).sigma(row) == pytest.approx([0.0, 0.0])
    gap = abs(truth[1] - truth[0])
    seen = bayes(scenario, ("profile",))
    right = (seen.value(row)[1] - truth[0]) / (truth[1] - truth[0])
    assert seen.sigma(row)[1] == pytest.approx(gap * np.sqrt(right * (1 - right)))
    unmatched = VisibleRequests(1, {"profile": np.array([2])})
    assert seen.sigma(unmatched) == pytest.approx([bayes(scenario, ()).sigma(unmatched)[0]])


@pytest.mark.parametrize("scenario", ["v1/drift", "touchpoints"])
def test_of_moving_facts_and_journeys(scenario):
    market = load(scenario, "supply.requests=2000")
    everything, nothing = (bayes(market, names) for names in (tuple(market.source), ()))
    _, _, sure = played(market, everything)
    _, _, unsure = played(market, nothing)
    assert 0 <= sure.mean() < unsure.mean()


def test_the_size_of_blocks_changes_nothing():
    found = []
    for block in (1, 7, 65_536):
        tree = trial_scenario().model_dump()
        tree["engine"]["max_block"] = block
        scenario = Scenario.model_validate(tree)
        result, _, sigma = played(scenario, bayes(scenario, ("profile", "context")))
        found.append((result.of("me")["profit"], result.of("me")["spend"], sigma.tobytes()))
    assert found[0] == found[1] == found[2]


def test_it_costs_nothing_where_no_policy_asks():
    valuation = bayes(MARKET, ("profile", "context"))
    simulate(MARKET, {"me": Priced(valuation, Truthful())}, 1)
    assert "deviation_table" not in vars(valuation)
    seen = []

    class ReadsAll(Policy):
        reads = None

        def bid(self, requests):
            seen.append(set(requests))
            return requests["value"]

    simulate(MARKET, {"me": Priced(valuation, ReadsAll())}, 1)
    assert all("value_sigma" not in names for names in seen)


def log_of(market, requests=30_000):
    return randomised_log(market, 1, 0, requests)


@pytest.mark.parametrize("learner", [*LEARNERS, *ONLINE])
def test_each_learner_says_how_sure_it_is(learner):
    market = load("default", "supply.requests=1000")
    small, large = (
        learned(market, log_of(market, n), ("profile", "context"), learner) for n in (3_000, 300_000)
    )
    _, value, unsure = played(market, small)
    _, _, sure = played(market, large)
    assert np.isfinite(unsure).all()
    assert (unsure >= 0).all()
    assert unsure.max() > 0
    assert unsure.max() < 100 * value.max() + 1e-3
    if learner not in {"table", "ridge"}:  # these may see nothing in a small log, and are sure of the mean
        assert sure.mean() < unsure.mean()


def test_a_cell_s_click_rate_has_a_beta_posterior():
    count, clicks = np.array([0.0, 10.0, 1000.0]), np.array([0.0, 3.0, 20.0])
    mean = 23 / 1010
    wanted = [stats.beta(k + mean, n - k + 1 - mean).std() for n, k in zip(count, clicks, strict=True)]
    assert cell_error(count, clicks, clicks, True) == pytest.approx(wanted)


@pytest.mark.oracle
def test_a_smoothed_cell_has_the_normal_posterior():
    """Over many drawn tables the true means lie one standard deviation from the smoothed ones."""
    rng = np.random.default_rng(5)
    distance, believed = [], []
    for _ in range(
        40
    ):  # of many cells, as the spread between them counts as known (Morris 1983 corrects that)
        truth, count = rng.normal(1.0, 0.5, 400), rng.integers(2, 30, 400).astype(float)
        total = rng.normal(count * truth, 2.0 * np.sqrt(count))
        square = total**2 / count + 4.0 * (count - 1)  # of draws whose spread within a cell is 2
        distance.append((smoothed_table(count, total, square, False) - truth) ** 2)
        believed.append(smoothed_error(count, total, square, False) ** 2)
    assert np.mean(distance) == pytest.approx(np.mean(believed), rel=0.05)


def parts(shape, rng, rate):
    count = rng.integers(50, 400, (5, *shape)).astype(float)
    return count, rng.binomial(count.astype(int), np.broadcast_to(rate, count.shape)).astype(float)


@pytest.mark.oracle
def test_errors_of_the_ridge_are_those_of_the_whole_design_matrix():
    """Without crosses the variance of each cell's score is x' (X'WX + penalties)^-1 x."""
    from jointbid.strategies.valuations.ridge import fit_folds, folds_of

    rng = np.random.default_rng(3)
    effect = np.array([-0.5, 0.0, 0.6])
    rate = 1 / (1 + np.exp(2.0 - effect[:, None] - np.array([0.0, 0.4])[None, :]))
    count, clicks = parts((3, 2), rng, rate)
    found = fit_folds(folds_of(count, clicks, clicks, True)[0])
    assert not found.crosses
    mean = ridge(count, clicks, clicks, True).ravel()
    codes = np.unravel_index(np.arange(6), (3, 2))
    design = np.column_stack([np.ones(6), np.eye(3)[codes[0]], np.eye(2)[codes[1]]])
    penalty = np.diag([1e-9, *[found.penalties[0]] * 3, *[found.penalties[1]] * 2])
    weight = count.sum(axis=0).ravel() * mean * (1 - mean)
    inverse = np.linalg.inv((design * weight[:, None]).T @ design + penalty)
    wanted = mean * (1 - mean) * np.sqrt(np.einsum("ij,jk,ik->i", design, inverse, design))
    assert ridge_error(count, clicks, clicks, True).ravel() == pytest.approx(wanted, rel=1e-6)


@pytest.mark.oracle
@pytest.mark.parametrize(
    ("fit", "error"),
    [(ridge, ridge_error), (lambda *t: logistic(*(a.sum(axis=0) for a in t[:3]), t[3]), lambda *t: logistic_error(*(a.sum(axis=0) for a in t[:3]), t[3]))],
    ids=["ridge", "logistic"],
)  # fmt: skip
@pytest.mark.slow
def test_estimates_scatter_by_their_errors(fit, error):
    rng = np.random.default_rng(4)
    rate = 1 / (1 + np.exp(1.5 - np.array([-0.7, 0.0, 0.7])[:, None] - np.array([0.0, 0.5])[None, :]))
    estimates, errors = [], []
    for _ in range(60):
        count, clicks = parts((3, 2), rng, rate)
        estimates.append(fit(count, clicks, clicks, True))
        errors.append(error(count, clicks, clicks, True))
    scatter = np.std(estimates, axis=0)
    assert np.mean(scatter) == pytest.approx(np.mean(errors), rel=0.25)


def test_sums_of_scores():
    one, two = (CellValues((), np.array(v), lambda s=s: np.array(s)) for v, s in ((2.0, 3.0), (5.0, 4.0)))
    nothing = VisibleRequests(1, {})
    from jointbid.strategies.valuations.stacking import Stacked, Summed

    assert Summed((one, two), 1.0).sigma(nothing) == pytest.approx([5.0])
    assert Stacked((one, two), (0.0, 2.0, 0.5)).sigma(nothing) == pytest.approx([np.hypot(6.0, 2.0)])
    odds = Stacked((one, two), (0.1, 0.8, 0.3), "logit", 10.0)

    def moved(a, b):
        return Stacked(
            (CellValues((), np.array(a)), CellValues((), np.array(b))), odds.weights, "logit", 10.0
        ).value(nothing)[0]

    h = 1e-5
    slopes = [(moved(2 + h, 5) - moved(2 - h, 5)) / (2 * h), (moved(2, 5 + h) - moved(2, 5 - h)) / (2 * h)]
    assert odds.sigma(nothing) == pytest.approx([np.hypot(slopes[0] * 3, slopes[1] * 4)], rel=1e-6)


def test_other_arms_and_creatives_have_it():
    market = load("default", "supply.requests=500")
    for valuation in (
        stacked_bayes(market),
        summed_bayes(market),
        learned_stacked(market, log_of(market), "ridge"),
    ):
        _, _, sigma = played(market, valuation)
        assert (sigma >= 0).all()
        assert sigma.max() > 0
    shop = load("busy_exchange", "supply.requests=500")
    everything = tuple(shop.source)
    best = best_creative(shop, lambda _, alone: bayes(alone, everything))
    for valuation in (best, bayes_apart(shop, everything[:1], everything)):
        _, _, sigma = played(shop, valuation)
        assert (sigma >= 0).all()


def test_who_knows_its_value_is_sure():
    market = Scenario.model_validate(
        {"name": "own", "supply": {"requests": 200}, "response": {"family": "private_value"}, "rivals": {"landscape": "uniform"}}
    )  # fmt: skip
    result = simulate(market, {"me": Asks()}, 1, keep_strategies=True)
    assert all((sigma == 0).all() for _, sigma in result.strategies["me"].seen)


class NoSigma:
    reads = ()

    def value(self, requests):
        return np.full(requests.n, 0.5)


class Only(Asks):
    reads = ("value_sigma",)


class May(Asks):
    reads = ("value",)
    may_read = ("value_sigma",)
    learns = False

    def bid(self, requests):
        return requests["value"] * (0.5 if "value_sigma" in requests else 0.9)


def test_a_valuation_without_it():
    with pytest.raises(
        TrialError, match=r"NoSigma has no method sigma\(requests\); name the column in may_read"
    ):
        simulate(MARKET, {"me": Priced(NoSigma(), Asks())}, 1)
    assert simulate(MARKET, {"me": Priced(NoSigma(), May())}, 1).of("me")["wins"] > 0
    with pytest.raises(TrialError, match=r"A valuation fills the column 'value_sigma': enter Priced"):
        simulate(MARKET, {"me": Only()}, 1)


def test_a_log_has_none():
    n = 50
    columns = LogColumns(
        time_us=np.arange(n) * 1000, price_micros=np.full(n, 10), floor_micros=np.zeros(n, np.int64), weight=np.ones(n),
        value=np.ones(n), click=np.zeros(n), columns={"value": np.ones(n)},
    )  # fmt: skip
    market = Scenario(name="log", supply=LogSupply(path="x", horizon_h=1.0))
    with pytest.raises(TrialError, match="a replayed log has none: name 'value_sigma' in may_read"):
        simulate(market, {"me": Entrant(Asks(), ("value",))}, 1, log=columns)
    assert simulate(market, {"me": Entrant(May(), ("value",))}, 1, log=columns).of("me")["wins"] == n


class Careful(Policy):
    reads = ("value", "value_sigma")

    def bid(self, requests):
        return np.maximum(requests["value"] - 0.3 * requests["value_sigma"], 0.0)


@parametrize_with_checks([Careful, May])
def test_the_kit(strategy, check):
    check(strategy)


def test_observations_of_agents_and_trajectories_may_have_it():
    pytest.importorskip("gymnasium")
    from jointbid import BidEnv, trajectories

    market = ["supply.requests=400", "bidders.control_interval_h=6"]
    joint, blind = (
        BidEnv("default", market, observation="auctionnet_sigma", information=held)
        for held in ("joint", "none")
    )
    seen = []
    for env in (joint, blind):
        state, _ = env.reset(seed=1)
        assert state.shape == (18,)
        assert not state[16:].any()
        state = env.step(np.zeros(1, np.float32))[0]
        assert env.observation_space.contains(state)
        seen.append(state)
    assert (seen[0][16:] > 0).all()
    assert (seen[1][16:] > seen[0][16:]).all(), "who knows less is less sure"
    logged = trajectories("default", market, strategies={"me": "adaptive_pacing"}, replications=1, observation="auctionnet_sigma")  # fmt: skip
    plain = trajectories("default", market, strategies={"me": "adaptive_pacing"}, replications=1)
    assert [len(state) for state in logged.frame()["state"]] == [18] * len(plain.frame())
    assert [state[:16] for state in logged.frame()["state"]] == list(plain.frame()["state"])


def test_the_log_of_the_benchmark_has_it():
    from jointbid.experiments.cells.benchmark_game import run_game
    from jointbid.experiments.cells.cell import Cell
    from jointbid.experiments.studies.benchmark.suites import lineup_of, scenario_of
    from jointbid.sim.scenario import StrategySpec

    market = scenario_of("v1", "replayed_log", 300)
    name = f"{Path(__file__)}:Careful"
    cell = Cell(market, "joint", "learned", train_requests=2_000, replayed=True, lineup=lineup_of(market, StrategySpec(name=name)))  # fmt: skip
    assert run_game(cell).rows[0]["wins"] > 0

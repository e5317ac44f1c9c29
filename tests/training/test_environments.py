"""A seat of a market as an environment: the ecosystem's own checkers, the engine's numbers, and what is refused."""

from __future__ import annotations

import subprocess
import sys
import warnings
from dataclasses import replace

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode
from pettingzoo.test import parallel_api_test, parallel_seed_test

from jointbid import BidEnv, BidParallelEnv, Entrant, Linear, Priced, Scenario, bayes, load, simulate
from jointbid.experiments.cells.bidders import entrants
from jointbid.experiments.cells.cell import Cell
from jointbid.experiments.cells.replications import TRAINING
from jointbid.experiments.errors import BadInput
from jointbid.experiments.training.registration import ENV_ID
from jointbid.experiments.training.seeds import StudyReplicationWarning, train_seeds

SMALL = ("supply.requests=600", "bidders.budget=0.05", "bidders.control_interval_h=2")
STEPS = 12
HALF = np.array([-0.5], np.float32)
CONVERTING = {
    "name": "converting",
    "supply": {"requests": 600, "context_types": 3},
    "audience": {"profile_types": 3},
    "response": {
        "family": "logit", "a": -1.0, "b": 0.5, "c": 0.5, "value_per_click": 0.5,
        "click_delay_h": {"law": "exponential", "mean": 1.0},
        "conversion": {"a": -1.0, "value": 2.0, "delay_h": {"law": "exponential", "mean": 2.0}},
    },
    "source": {"profile": {}, "context": {}},
    "rivals": {"landscape": "uniform", "high": 1},
    "bidders": {"budget": 60.0, "control_interval_h": 2},
}  # fmt: skip
"""A market with clicks and conversions in plenty."""


def converting(**bidders):
    return Scenario.model_validate({**CONVERTING, "bidders": {**CONVERTING["bidders"], **bidders}})


def play(env, action, **reset):
    """Return the observations, rewards and infos of an episode at a constant action."""
    seen, info = env.reset(**reset)
    observations, rewards, infos, over = [seen], [], [info], False
    while not over:
        seen, reward, over, truncated, info = env.step(action)
        assert not truncated
        observations.append(seen)
        rewards.append(reward)
        infos.append(info)
    return np.array(observations), np.array(rewards), infos


@pytest.fixture(scope="module")
def env():
    return BidEnv("default", SMALL, evaluate=True)


@pytest.mark.parametrize("observation", ["account", "auctionnet"])
@pytest.mark.parametrize("action", ["multiplier", "context"])
def test_gymnasium_s_checker_has_no_complaint(observation, action):
    made = gymnasium.make(ENV_ID, overrides=SMALL, observation=observation, action=action)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        check_env(made.unwrapped)
    assert [str(warning.message) for warning in said] == []


@pytest.mark.few(1)
@pytest.mark.parametrize(
    ("imports", "name"),
    [("import jointbid.gym", "jointbid/Bid-v0"), ("import jointbid", "jointbid.gym:jointbid/Bid-v0")],
)
def test_it_is_known_by_name(imports, name):
    program = f"{imports}; import gymnasium; print(gymnasium.make({name!r}).unwrapped)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "BidEnv" in done.stdout


def test_it_is_made_by_name():
    made = gymnasium.make(ENV_ID, overrides=SMALL, information="context")
    assert isinstance(made.unwrapped, BidEnv)
    assert len(play(made, HALF, seed=1)[1]) == STEPS


@pytest.mark.parametrize("observation", ["account", "auctionnet"])
@pytest.mark.parametrize("information", ["none", "context", "joint"])
def test_a_constant_action_is_the_same_run_as_a_constant_multiplier(observation, information):
    env = BidEnv("default", SMALL, information=information, observation=observation, evaluate=True)
    observations, rewards, infos = play(env, HALF, options={"replication": 3})
    gain = float(env.interface.multipliers(HALF)[0])
    (focal,) = entrants(Cell(env.scenario, information, replication=3)).values()
    entered = replace(focal, strategy=Priced(focal.strategy.valuation, Linear(gain)))
    row = simulate(env.scenario, {"focal": entered}, 1, 3).of("focal")
    last = infos[-1]
    assert (last["total_value"], last["total_cost"], last["wins"]) == (
        row["value"],
        row["spend"],
        row["wins"],
    )
    assert last["wins"] > 0
    assert sum(info["cost"] for info in infos[1:]) == pytest.approx(row["spend"])
    assert rewards.sum() * 0.05 == pytest.approx(row["value"])
    assert observations.shape == (STEPS + 1, env.observation_space.shape[0])
    assert all(env.observation_space.contains(row) for row in observations)


def test_it_holds_the_data_that_its_information_names():
    won = {}
    for information in ("context", ("profile", "context"), "joint", "stacked"):
        env = BidEnv("default", SMALL, information=information, evaluate=True)
        won[information] = play(env, HALF, options={"replication": 0})[2][-1]["total_value"]
    assert len(set(won.values())) == 4


def test_seeds_and_replications(env):
    first = play(env, HALF, seed=7)
    assert np.array_equal(first[0], play(env, HALF, seed=7)[0])
    assert first[2][0]["replication"] >= TRAINING
    other = play(env, HALF)
    assert other[2][0]["replication"] != first[2][0]["replication"]
    named = play(env, HALF, options={"replication": train_seeds(1, 5)[0]})
    assert named[2][0]["replication"] == TRAINING + 5
    assert not np.array_equal(first[0], named[0])
    with pytest.raises(ValueError, match=r"options\['replication'\] = -1: must be a whole number"):
        env.reset(options={"replication": -1})


def test_training_on_a_study_s_markets_is_warned_about(env):
    trained = BidEnv("default", SMALL)
    with pytest.warns(StudyReplicationWarning, match="replication 4 is one of those that studies estimate"):
        trained.reset(options={"replication": 4})
    trained.reset(options={"replication": train_seeds(1)[0]})
    env.reset(options={"replication": 4})  # evaluate=True
    assert train_seeds(3, 2) == [TRAINING + 2, TRAINING + 3, TRAINING + 4]
    with pytest.raises(ValueError, match="n = -1"):
        train_seeds(-1)


def test_the_first_and_the_last_observation(env):
    observations, _, _ = play(env, np.array([1.0], np.float32), options={"replication": 0})
    first = dict(zip(env.interface.names, observations[0].tolist(), strict=True))
    last = dict(zip(env.interface.names, observations[-1].tolist(), strict=True))
    assert (first["time_left"], first["budget_left"], first["pace"], first["win_rate"]) == (1, 1, 1, 0)
    assert last["time_left"] == pytest.approx(0, abs=1e-6)
    assert last["budget_left"] == pytest.approx(0, abs=0.02)
    assert last["action"] == 1


def test_auctionnet_s_numbers_are_those_of_the_requests():
    seen = []

    class Spy(Linear):
        learns = True

        def observe(self, feedback):
            seen.append((feedback.bid.mean() if feedback.requests.n else 0, feedback.requests.n))

    env = BidEnv("default", SMALL, observation="auctionnet", evaluate=True)
    observations, _, _ = play(env, HALF, options={"replication": 0})
    (focal,) = entrants(Cell(env.scenario, "joint")).values()
    spied = Priced(focal.strategy.valuation, Spy(float(env.interface.multipliers(HALF)[0])))
    simulate(env.scenario, {"focal": replace(focal, strategy=spied)}, 1)
    steps = seen[1:]  # without the opening account
    bids, requests = np.array(steps).T
    unit = 0.05 / 600
    names = list(env.interface.names)
    assert observations[-1][names.index("historical_bid_mean")] == pytest.approx(np.log1p(bids.mean() / unit))
    assert observations[-1][names.index("last_three_bid_mean")] == pytest.approx(
        np.log1p(bids[-3:].mean() / unit)
    )
    assert observations[-1][names.index("last_three_pv_num_total")] == pytest.approx(
        requests[-3:].sum() / 600
    )
    assert observations[-1][names.index("historical_pv_num_total")] == pytest.approx(1)
    assert observations[4][names.index("current_pv_num")] == pytest.approx(requests[3] / 600)


def test_observations_are_finite_where_the_exchange_does_not_tell_prices():
    untold = (*SMALL, "auction.tells=price_paid")
    env = BidEnv("default", untold, observation="auctionnet", evaluate=True)
    observations, _, _ = play(env, HALF, options={"replication": 0})
    told, _, _ = play(
        BidEnv("default", SMALL, observation="auctionnet", evaluate=True), HALF, options={"replication": 0}
    )
    column = list(env.interface.names).index("historical_LeastWinningCost_mean")
    assert all(env.observation_space.contains(row) for row in observations)
    assert 0 < observations[-1][column] < told[-1][column]


def test_rewards_add_up():
    sums, lasts = {}, {}
    for reward in ("value", "profit", "outcomes"):
        env = BidEnv(converting(), reward=reward, evaluate=True)
        _, rewards, infos = play(env, np.array([0.0], np.float32), options={"replication": 0})
        sums[reward], lasts[reward] = rewards.sum() * 60.0, infos[-1]
    row = lasts["value"]
    assert sums["value"] == pytest.approx(row["total_value"])
    assert sums["profit"] == pytest.approx(row["profit"])
    assert row["clicks"] > 10
    assert row["conversions"] > 3
    assert sums["outcomes"] == pytest.approx(0.5 * row["clicks"] + 2.0 * row["conversions"])


def test_the_penalty_is_auctionnet_s():
    scenario, zero = converting(), np.array([0.0], np.float32)
    free = play(BidEnv(scenario, evaluate=True), zero, options={"replication": 0})
    strategy = Priced(bayes(scenario, ("profile", "context")), Linear(1.0))
    row = simulate(scenario, {"focal": Entrant(strategy, budget=60.0)}, 1).of("focal")
    cpa = float(row["spend"] / row["conversions_expected"])
    for limit, share in ((cpa * 1.01, 1.0), (cpa / 2, 0.25)):
        _, rewards, _ = play(BidEnv(scenario, evaluate=True, cpa=limit), zero, options={"replication": 0})
        assert rewards.sum() == pytest.approx(share * free[1].sum())
        assert np.array_equal(rewards[:-1], free[1][:-1])


def test_kinds_of_actions():
    shading = BidEnv("default", SMALL, action="shading").interface
    assert shading.multipliers([-1.0]) == 0
    assert shading.multipliers([0.5]) == 0.75
    plain = BidEnv("default", SMALL, low=0.5, high=2.0).interface
    assert plain.multipliers([0.0]) == pytest.approx(1.0)
    assert plain.multipliers([-9.0]) == 0.5
    env = BidEnv(converting(), action="context", evaluate=True)
    assert env.action_space.shape == (4,)
    some = play(env, np.array([0, -1, 0, 0], np.float32), options={"replication": 0})[2][-1]
    each = play(env, np.zeros(4, np.float32), options={"replication": 0})[2][-1]
    one = play(BidEnv(converting(), evaluate=True), np.zeros(1, np.float32), options={"replication": 0})[2][
        -1
    ]
    assert each["total_value"] == one["total_value"] > some["total_value"]


def test_rivals_from_the_registry():
    alone = play(BidEnv("default", SMALL, evaluate=True), HALF, options={"replication": 0})[2][-1]
    rivals = ["truthful", {"name": "linear", "gain": 0.5}]
    env = BidEnv("default", SMALL, rivals=rivals, rivals_information="joint", evaluate=True)
    met = play(env, HALF, options={"replication": 0})[2][-1]
    assert met["wins"] < alone["wins"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"scenario": "defualt"}, "default"),
        ({"overrides": ["supply.requests=-1"]}, "supply.requests"),
        ({"information": "contxt"}, "information = contxt: allowed: none, profile"),
        ({"information": ["contxt"]}, "no source 'contxt'; this scenario has: profile, context, history"),
        ({"observation": "raw"}, "observation = raw: must be one of account, auctionnet"),
        ({"action": "context", "information": "profile"}, "action = context: allowed: multiplier, shading"),
        ({"low": 2.0, "high": 1.0}, "low = 2.0: must be below high"),
        ({"reward": "roi"}, "reward = roi: allowed: value, profit, outcomes"),
        ({"scenario": "theory", "reward": "outcomes"}, "needs response.family=logit"),
        ({"cpa": -1.0}, "cpa = -1.0: must be a finite number above 0"),
        ({"valuation": "guess"}, "valuation = guess: allowed: bayes, learned"),
        ({"rivals": [3]}, "rivals: 3: must be a strategy's name"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(BadInput) as refused:
        BidEnv(**{"overrides": SMALL, **arguments} if "scenario" not in arguments else arguments)
    assert message in str(refused.value)


def test_calls_out_of_order_and_wrong_actions():
    env = BidEnv("default", SMALL)
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.step(HALF)
    env.reset(seed=1)
    for wrong in ([0.0, 0.0], [np.nan]):
        with pytest.raises(ValueError, match="must be 1 finite numbers from -1 to 1"):
            env.step(np.array(wrong, np.float32))


@pytest.mark.parametrize(
    ("kind", "mode"),
    [
        ("sync", AutoresetMode.NEXT_STEP),
        pytest.param("async", AutoresetMode.SAME_STEP, marks=pytest.mark.slow),
    ],
)
def test_vectors_of_environments(kind, mode):
    """Asynchronous ones are in processes of their own."""
    own = {"autoreset_mode": mode} | ({"context": "spawn"} if kind == "async" else {})
    envs = gymnasium.make_vec(ENV_ID, 2, kind, vector_kwargs=own, overrides=SMALL)
    assert envs.metadata["autoreset_mode"] == mode
    try:
        first, infos = envs.reset(seed=[1, 2])
        assert infos["replication"].min() >= TRAINING
        assert infos["replication"][0] != infos["replication"][1]
        own = BidEnv("default", SMALL)
        expected = play(own, HALF, seed=1)[0]
        actions = np.array([[-0.5], [0.5]], np.float32)
        seen = [first[0], *(envs.step(actions)[0][0] for _ in range(STEPS - 1))]
        assert np.array_equal(np.array(seen), expected[:-1])
        last, _, over, _, _ = envs.step(actions)
        assert over.all()
        assert (last[0][0] == 1.0) == (mode == AutoresetMode.SAME_STEP)  # the time left: a new episode
    finally:
        envs.close()


class Agents:
    """Environments of PettingZoo."""

    @staticmethod
    def make():
        return BidParallelEnv("default", SMALL)


def test_pettingzoo_s_checkers_have_no_complaint():
    parallel_api_test(Agents.make(), num_cycles=2 * STEPS)
    parallel_seed_test(Agents.make, num_cycles=STEPS)


def test_each_agent_holds_its_own_data():
    env = BidParallelEnv("default", SMALL, agents={"one": "context", "other": "joint"}, evaluate=True)
    env.reset(options={"replication": 0})
    gains = dict.fromkeys(env.agents, 0.0)
    while env.agents:
        _, rewards, over, _, infos = env.step({name: np.zeros(1, np.float32) for name in env.agents})
        gains = {name: gains[name] + rewards[name] for name in gains}
    assert all(over.values())
    scenario = load("default", *SMALL)
    bidders = {
        name: Entrant(Priced(bayes(scenario, held), Linear(1.0)), held, 0.05)
        for name, held in (("one", ("context",)), ("other", ("profile", "context", "history")))
    }
    result = simulate(scenario, bidders, 1, 0)
    for name in bidders:
        assert infos[name]["total_value"] == result.of(name)["value"]
        assert gains[name] == pytest.approx(result.of(name)["value"] / 0.05)


def test_no_agents_are_refused():
    with pytest.raises(BadInput, match="agents: must name at least one"):
        BidParallelEnv("default", SMALL, agents={})

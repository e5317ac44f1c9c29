"""Trajectories: the engine's own runs, in AuctionNet's columns and in a dataset of Minari."""

from __future__ import annotations

import ast

import numpy as np
import pandas as pd
import pytest

from jointbid import (
    AdaptivePacing,
    BidEnv,
    Entrant,
    Policy,
    Priced,
    Scenario,
    bayes,
    load,
    simulate,
    trajectories,
)
from jointbid.experiments.cli.main import main
from jointbid.experiments.errors import BadInput
from jointbid.experiments.training.seeds import StudyReplicationWarning, train_seeds
from jointbid.experiments.training.trajectories import AUCTIONNET

SMALL = ("supply.requests=600", "bidders.budget=0.05", "bidders.control_interval_h=2")
STEPS = 12


@pytest.fixture(scope="module")
def recorded():
    return trajectories("default", (*SMALL, "strategy=adaptive_pacing"), replications=2)


def run(replication):
    market = load("default", *SMALL)
    everything = tuple(market.source)
    entrant = Entrant(Priced(bayes(market, everything), AdaptivePacing()), everything, 0.05)
    return simulate(market, {"focal": entrant}, 1, replication).of("focal")


def test_the_columns_are_auctionnet_s_and_the_numbers_the_run_s(recorded):
    frame = recorded.frame()
    assert tuple(frame) == AUCTIONNET
    assert len(frame) == 2 * STEPS
    for replication, rows in frame.groupby("deliveryPeriodIndex"):
        row = run(replication)
        assert rows["realAllCost"].iloc[0] == pytest.approx(row["spend"])
        assert rows["realAllConversion"].iloc[0] == row["clicks"]
        assert rows["reward"].sum() == row["clicks"]
        assert rows["timeStepIndex"].tolist() == list(range(STEPS))
        assert rows["done"].tolist() == [0] * (STEPS - 1) + [1]
        assert rows["state"].tolist()[1:] == rows["next_state"].tolist()[:-1]
        assert rows["next_state"].iloc[-1] is None
        assert len(rows["state"].iloc[0]) == 16
        spent = -np.diff([state[1] for state in rows["state"]]) * 0.05
        assert 0 < spent.sum() <= row["spend"]
    assert set(frame["deliveryPeriodIndex"]) == set(train_seeds(2))


def test_recording_changes_no_number():
    class Learner(Policy):
        """Learns, and bids on what it learned."""

        learns = True

        def __init__(self):
            self.multiplier = 1.0

        def bid(self, requests):
            return self.multiplier * requests["value"]

        def observe(self, feedback):
            self.multiplier = 1.0 - 0.5 * float(feedback.won.mean()) if feedback.requests.n else 1.0

    market = load("default", *SMALL)
    strategy = Priced(bayes(market, ("context",)), Learner())
    plain = simulate(market, {"one": Entrant(strategy, ("context",), 0.05)}, 1, train_seeds(1)[0]).of("one")
    entrant = Entrant(strategy, ("context",), 0.05)
    (one,) = trajectories(market, strategies={"one": entrant}, replications=1).rows
    assert sum(step.cost for step in one.steps) == pytest.approx(plain["spend"])
    assert len({step.multiplier for step in one.steps}) > 1


def test_the_states_are_the_environment_s(recorded):
    """A constant bidder's trajectory is an episode at that action."""
    made = trajectories(
        "default", SMALL, strategies={"focal": {"name": "linear", "gain": 1.0}}, replications=1
    )
    env = BidEnv("default", SMALL, observation="auctionnet")
    seen, _ = env.reset(options={"replication": train_seeds(1)[0]})
    states, over = [seen], False
    while not over:
        seen, _, over, _, _ = env.step(np.zeros(1, np.float32))
        states.append(seen)
    (one,) = made.rows
    np.testing.assert_array_equal(one.states.astype(np.float32), np.array(states))


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_files_read_back(recorded, tmp_path, suffix):
    path = recorded.save(tmp_path / f"data{suffix}")
    frame = pd.read_csv(path) if suffix == ".csv" else pd.read_parquet(path)
    assert tuple(frame) == AUCTIONNET
    state = frame["state"].iloc[3]
    state = ast.literal_eval(state) if suffix == ".csv" else state
    assert tuple(state) == recorded.frame()["state"].iloc[3]
    with pytest.raises(BadInput, match=r"must end in \.csv or \.parquet"):
        recorded.save(tmp_path / "data.txt")


def test_minari_reads_it_back(recorded, tmp_path, monkeypatch):
    minari = pytest.importorskip("minari")
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))
    recorded.to_minari("jointbid/pacing-v0")
    loaded = minari.load_dataset("jointbid/pacing-v0")
    assert loaded.total_episodes == 2
    assert loaded.total_steps == 2 * STEPS
    env = BidEnv("default", SMALL, observation="auctionnet")
    assert loaded.observation_space == env.observation_space
    assert loaded.action_space == env.action_space
    again = loaded.recover_environment().unwrapped
    assert isinstance(again, BidEnv)
    assert again.interface == env.interface
    assert again.scenario.bidders.budget == 0.05
    for episode, one in zip(loaded.iterate_episodes(), recorded.rows, strict=True):
        np.testing.assert_array_equal(episode.observations, one.states.astype(np.float32))
        assert episode.terminations.tolist() == [False] * (STEPS - 1) + [True]
        assert not episode.truncations.any()
        assert episode.rewards.sum() * 0.05 == pytest.approx(sum(step.won for step in one.steps))
        made = env.unwrapped.interface.multipliers
        expected = [np.clip(step.multiplier, 0.1, 10.0) for step in one.steps]
        np.testing.assert_allclose([made(action)[0] for action in episode.actions], expected, rtol=1e-5)


def test_several_bidders_and_a_market_of_known_values():
    market = Scenario.model_validate(
        {
            "supply": {"requests": 200, "horizon_h": 4},
            "response": {"family": "private_value"},
            "bidders": {"budget": 10.0},
        }
    )
    found = trajectories(
        market, strategies={"a": "truthful", "b": "adaptive_pacing"}, replications=1, cpa=3.0
    )
    frame = found.frame()
    assert frame["advertiserNumber"].unique().tolist() == [0, 1]
    assert set(frame["CPAConstraint"]) == {3.0}
    assert frame.loc[frame["advertiserNumber"] == 0, "action"].round(3).tolist() == [1.0] * 4


def test_what_has_no_trajectory_is_refused():
    market = load("default", *SMALL)

    class Raw(Policy):
        reads = ("context",)

        def bid(self, requests):
            return 1e-4 * requests["context"]

    with pytest.raises(
        BadInput, match=r"strategies: raw: a trajectory needs the value of each request \(pValue\)"
    ):
        trajectories(market, strategies={"raw": Raw()}, replications=1)
    with pytest.raises(BadInput, match=r"bidders\.report_delay_h = 2: trajectories need 0"):
        trajectories("default", [*SMALL, "bidders.report_delay_h=2"], replications=1)
    with pytest.warns(StudyReplicationWarning):
        trajectories(market, replications=[0])


def test_a_run_writes_them(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for further in ((), ("study.trajectories=true",)):
        assert main(["run", *SMALL, "strategy=adaptive_pacing", "plot.enabled=false", *further]) == 0
    plain, told = sorted(
        tmp_path.glob("results/run/*"), key=lambda folder: (folder / "trajectories.csv").exists()
    )
    frame = pd.read_parquet(told / "trajectories.parquet")
    assert tuple(frame) == AUCTIONNET
    assert len(frame) == STEPS
    assert not (plain / "trajectories.csv").exists()
    assert (plain / "bidders.csv").read_text("utf-8") == (told / "bidders.csv").read_text("utf-8")
    assert main(["run", *SMALL, "bidders.report_delay_h=2", "study.trajectories=true"]) == 2

"""Episodes: control steps a second of a run that is stepped from outside (`Market`), as learners play it.

One agent against a price landscape with 1,000 to 100,000 requests an episode, and AuctionNet's size: 48 seats, 480,000 requests, 3
slots. Each seat bids a multiplier times the value that its data show, and reads its account at each of 48 steps; set-up and closing
are part of an episode. `jointbid/Bid-v0` plays 10,000 requests of the default scenario in 48 steps, with either observation. The
table's extra columns have `steps_s`, steps a CPU second, and `ms_reset`, what it takes to make and open a market, in milliseconds.
"""

from __future__ import annotations

import itertools
import time

import numpy as np
import pytest

from jointbid import BidEnv
from jointbid.sim import Entrant, Market, Scenario
from jointbid.strategies.base import Policy, Priced
from jointbid.strategies.valuations.bayes import bayes

STEPS, TYPES = 48, 8
EPISODES = {"1 x 1,000": (1, 1_000, 1), "1 x 10,000": (1, 10_000, 1), "1 x 100,000": (1, 100_000, 1)} | {
    "48 x 480,000 x 3": (48, 480_000, 3)
}
"""Seats, requests and slots by name."""


class Agent(Policy):
    """Bids a multiplier times the value; looks at its account and leaves the multiplier to others."""

    def __init__(self):
        self.multiplier, self.state = 1.0, None

    def bid(self, requests):
        return self.multiplier * requests["value"]

    def control(self, state):
        self.state = state


def market(seats, requests, slots):
    """The market of one episode, and its seats."""
    scenario = Scenario.model_validate(
        {
            "supply": {"requests": requests, "context_types": TYPES, "horizon_h": 48},
            "audience": {"profile_types": TYPES},
            "response": {"a": 1, "b": 0.3, "c": 0.2, "interaction": 0.02},
            "source": {"profile": {}, "context": {}},
            "auction": {"slots": [1.0, 0.8, 0.6][:slots]},
            "rivals": {"landscape": "lognormal", "mu": 0.0, "sigma": 0.5},
            "bidders": {"control_interval_h": 48 / STEPS, "values": "common"},
            "engine": {"series_h": 48},
        }
    )
    prices, budget = bayes(scenario, ("profile", "context")), 0.4 * requests / seats
    return scenario, {f"seat_{i}": Entrant(Priced(prices, Agent()), budget=budget) for i in range(seats)}


def episode(case, seed=1):
    """Play one episode; return the CPU seconds of its set-up and of all of it."""
    begin = time.process_time()
    with Market(*case, seed) as run:
        opened = time.process_time()
        agents = [run.policy(name) for name in run.bidders]
        while run.advance():
            for agent in agents:
                agent.multiplier = 0.5 + 0.5 * agent.state.budget_left / agent.state.budget
        run.close()
    return opened - begin, time.process_time() - begin


@pytest.mark.parametrize("name", EPISODES)
def test_an_episode(benchmark, name):
    case = market(*EPISODES[name])
    episode(case)
    benchmark(episode, case)
    if benchmark.enabled:
        played = np.array([episode(case) for _ in range(3 if EPISODES[name][0] > 1 else 60)])
        benchmark.extra_info["steps_s"] = round(STEPS / float(np.median(played[:, 1])))
        benchmark.extra_info["ms_reset"] = round(1e3 * float(np.median(played[:, 0])), 2)


def environment(observation, first=10_000_000):
    """Return a function that plays the next episode of the environment, and returns its CPU seconds as `episode` does."""
    env = BidEnv(
        "default", ["supply.requests=10000", "bidders.control_interval_h=0.5"], observation=observation
    )
    numbers, action = itertools.count(first), np.array([-0.3], np.float32)

    def play():
        begin = time.process_time()
        env.reset(options={"replication": next(numbers)})
        opened, over = time.process_time(), False
        while not over:
            _, _, over, _, _ = env.step(action)
        return opened - begin, time.process_time() - begin

    return play


@pytest.mark.parametrize("observation", ["account", "auctionnet"])
def test_an_environment(benchmark, observation):
    play = environment(observation)
    play()
    benchmark(play)
    if benchmark.enabled:
        played = np.array([play() for _ in range(60)])
        benchmark.extra_info["steps_s"] = round(STEPS / float(np.median(played[:, 1])))
        benchmark.extra_info["ms_reset"] = round(1e3 * float(np.median(played[:, 0])), 2)

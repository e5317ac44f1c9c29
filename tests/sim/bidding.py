"""Bidders that do one simple thing, and a run with every auction of it."""

from __future__ import annotations

import numpy as np

from jointbid.sim import Scenario, simulate
from jointbid.strategies.base import Policy


class Steady(Policy):
    """Bids the same on everything, looking at ``reads``."""

    def __init__(self, bid=1.0, reads=()):
        self._bid, self.reads = bid, reads

    def bid(self, requests):
        return np.full(requests.n, self._bid)


class Chance(Policy):
    """Bids what its own random column says, up to 2."""

    reads = ("uniform",)

    def bid(self, requests):
        return 2.0 * requests["uniform"]


class Diary(Steady):
    """Keeps all that it receives, each account with the feedback before it, in a list of the test's own."""

    learns = True

    def __init__(self, heard, bid=1.0, reads=()):
        super().__init__(bid, reads)
        self.heard = heard

    def __deepcopy__(self, memo):
        return self

    def observe(self, feedback):
        self._feedback = feedback

    def control(self, state):
        self.heard.append((state, self._feedback))


def build(**parts):
    """A market of one source of each kind and 400 requests in 24 hours; everything else is default or said."""
    supply = {"requests": 400} | parts.pop("supply", {})
    return Scenario.model_validate({"supply": supply, "source": {"profile": {}, "context": {}}} | parts)


def play(scenario, bidders, seed=1, replication=0):
    """(result, every auction's columns)."""
    batches = []
    result = simulate(scenario, bidders, seed, replication, sink=batches.append)
    return result, {name: np.concatenate([b[name] for b in batches]) for name in batches[0]}


def tables(result):
    """Everything in a result that has bits, with who it is about, in the order of names."""
    order = np.argsort(result.bidders["bidder"].astype(str))
    by_bidder = {name: column[order].tolist() for name, column in result.bidders.items()}
    rows = zip(*(column.tolist() for column in result.timeseries.values()), strict=True)
    return by_bidder, sorted(map(repr, rows)), dict(result.market)

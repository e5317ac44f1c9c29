"""The world: people, requests, auctions and money. Knows no strategy, no config files, no plots."""

from __future__ import annotations

from sim.desk import Entrant
from sim.results import RunResult
from sim.scenario import Scenario
from sim.simulation import simulate
from sim.supply import LogColumns
from sim.visible import AccountState, BidError, Feedback, Strategy, VisibleRequests

__all__ = [
    "AccountState",
    "BidError",
    "Entrant",
    "Feedback",
    "LogColumns",
    "RunResult",
    "Scenario",
    "Strategy",
    "VisibleRequests",
    "simulate",
]

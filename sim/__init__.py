"""The world: people, requests, auctions and money. Imports no strategy, no config files, no plots.

What simulates is imported when it is asked for: who only wants to know what a strategy looks like waits for no compiler.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .account import AccountState
from .scenario import Scenario
from .visible import BidError, Feedback, Strategy, VisibleRequests

if TYPE_CHECKING:
    from .entrant import Entrant
    from .market import Market
    from .results import RunResult
    from .simulation import simulate
    from .supply import LogColumns

__all__ = [
    "AccountState",
    "BidError",
    "Entrant",
    "Feedback",
    "LogColumns",
    "Market",
    "RunResult",
    "Scenario",
    "Strategy",
    "VisibleRequests",
    "simulate",
]

LATER = {
    "Entrant": "entrant",
    "LogColumns": "supply",
    "Market": "market",
    "RunResult": "results",
    "simulate": "simulation",
}
"""Name -> the module that has it."""


def __getattr__(name: str) -> Any:
    if name not in LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{LATER[name]}"), name)

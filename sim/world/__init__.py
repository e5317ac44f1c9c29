"""The facts behind requests, and the columns that a bidder's data shows of them.

Worlds share one face (``base.World``): requests of types, seen through sources (``typed``), whose facts may move while the run goes on
(``moving``); private values, and a log's rows (``plain``).
"""

from __future__ import annotations

from ..kept import kept
from ..scenario import LogSupply, Scenario
from ..streams import Streams
from ..supply import Log
from .base import World
from .moving import JourneyWorld, ShopWorld
from .plain import LogWorld, PrivateValues
from .typed import TypedWorld

__all__ = ["World", "make_world"]


def make_world(scenario: Scenario, streams: Streams, log: Log | None) -> World:
    """The world of a scenario."""
    if isinstance(scenario.supply, LogSupply):
        return LogWorld(scenario, streams, log.names if log is not None else ())
    if scenario.response.family == "private_value":
        return PrivateValues(scenario, streams)
    if scenario.journey is not None:
        return JourneyWorld(scenario, streams)
    if scenario.audience.drift is not None or scenario.stock is not None:
        return ShopWorld(scenario, streams)
    return _typed(scenario).with_streams(streams)


@kept
def _typed(scenario: Scenario) -> TypedWorld:
    """The world of types that all runs of a scenario have copies of."""
    return TypedWorld(scenario, Streams(0, 0))

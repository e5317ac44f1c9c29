"""The facts behind requests, and the columns that a bidder's data shows of them.

Worlds share one face (``base.World``): requests of types, seen through sources (``typed``), whose facts may move while the run goes on
(``moving``); private values, and a log's rows (``plain``).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..drawn import Drawn
from ..exposures import Exposures
from ..scenario import LogSupply, Scenario
from ..streams import Streams
from ..supply import Log
from .base import World
from .moving import JourneyWorld, ShopWorld
from .plain import LogWorld, PrivateValues
from .typed import typed_world

__all__ = ["World", "make_world"]


def make_world(
    scenario: Scenario,
    streams: Streams,
    log: Log | None,
    advertisers: Sequence[str] = (),
    seen: NDArray[np.uint8] | NDArray[np.uint16] | None = None,
    drawn: Drawn | None = None,
) -> World:
    """Return the world of one run.

    Args:
        scenario: the market.
        streams: the run's randomness.
        log: the rows of a log, where the scenario replays one.
        advertisers: each bidder's advertiser; they have shelves, and stocks of preference.
        seen: what people have seen so far, shape (people, advertisers), where they are known.
        drawn: what earlier runs of the same market have drawn.
    """
    world = _world_of(scenario, streams, log, tuple(dict.fromkeys(advertisers)))
    exposures = Exposures(seen, advertisers) if seen is not None and world.knows_people else None
    return world.of_run(streams, exposures, drawn)


def _world_of(scenario: Scenario, streams: Streams, log: Log | None, advertisers: tuple[str, ...]) -> World:
    if isinstance(scenario.supply, LogSupply):
        return LogWorld(scenario, streams, log.names if log is not None else ())
    if scenario.response.family == "private_value":
        return PrivateValues(scenario, streams)
    if scenario.journey is not None:
        return JourneyWorld(scenario, streams, advertisers)
    if scenario.audience.drift is not None or scenario.stock is not None:
        return ShopWorld(scenario, streams, advertisers)
    return typed_world(scenario)

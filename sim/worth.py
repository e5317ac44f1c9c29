"""What the requests of a run are worth, for those who look at it afterwards: the truth, which no bidder is shown."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .scenario import Scenario
from .streams import Streams
from .supply import Log, chunks
from .world import make_world


def worth(
    scenario: Scenario,
    advertisers: Sequence[str],
    seed: int,
    replication: int = 0,
    log: Log | None = None,
) -> NDArray[np.float64]:
    """The most that each request of a run can be expected to be worth to each advertiser; shape (advertisers, requests).

    In currency, for an impression in the best slot, with the better creative, to somebody who has seen none before. What
    ``simulate`` counts for an impression is never more.
    """
    streams = Streams(seed, replication)
    world = make_world(scenario, streams, log)
    parts = []
    for chunk in chunks(scenario, streams, log):
        here = world.at(chunk)
        parts.append(np.stack([here.worth(advertiser) for advertiser in advertisers]))
    return np.concatenate(parts, axis=1) if parts else np.empty((len(advertisers), 0))

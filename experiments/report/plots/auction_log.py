"""Plots of an auction log: the price to beat, and on which requests the focal bidder wins."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from jointbid.sim.audience import COMMON, Visits, draw_types
from jointbid.sim.scenario import Scenario
from jointbid.sim.streams import Streams

from .figure import Figure
from .landscape import draw_landscape, draw_win_rates, landscape_points, win_rate_points

LOOKED_AT = 2_000_000
"""Number of requests, from the first, that are read: more would change no visible line."""
FOCAL = "focal"


def figures_of_log(path: Path, scenario: Scenario, seed: int, replication: int) -> Iterator[Figure]:
    """The bid landscape; and win rates by profile and context where the response has types of them.

    Args:
        path: of ``auctions.parquet``.
        scenario: the market that it logs.
        seed: of the run.
        replication: of the run.
    """
    columns = ["id", "slot", "seat", "sold_to", "bid", "other_bid", "bidfloor"]
    auctions = pd.read_parquet(path, columns=columns, filters=[("id", "<", LOOKED_AT)])
    if auctions.empty:
        return
    landscape = landscape_points(auctions)
    yield Figure("landscape", landscape, partial(draw_landscape, currency=scenario.currency))
    if scenario.response.family != "private_value":
        rates = win_rate_points(typed(auctions, scenario, seed, replication))
        yield Figure("win_rate", rates, draw_win_rates)


def typed(auctions: pd.DataFrame, scenario: Scenario, seed: int, replication: int) -> pd.DataFrame:
    """True types of each logged request, drawn anew from the run's streams, and whether the focal bidder won it.

    Returns:
        Columns profile, context (codes), won (by the focal bidder, in any slot); a row a request.
    """
    streams, n = Streams(seed, replication), int(auctions["id"].max()) + 1
    owner = COMMON if scenario.bidders.values == "common" else FOCAL
    types = draw_types(scenario, streams, owner, Visits.at(scenario, streams, 0, n))
    won = np.zeros(n, dtype=bool)
    won[auctions.loc[auctions["seat"] == FOCAL, "id"].to_numpy()] = True
    return pd.DataFrame({"profile": types["profile"], "context": types["context"], "won": won})

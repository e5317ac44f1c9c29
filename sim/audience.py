"""Who meets the ad, and where: profile and context types, and how far one tells the other (redundancy)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from sim.scenario import Scenario
from sim.streams import Streams


def scores(types: int) -> NDArray[np.float64]:
    """Standardised scores of equally frequent types: a normal quantile bin's mean, scaled to mean 0 and variance 1.

    Shape (types,). Two types score -1 and +1; a single type scores 0.
    """
    if types == 1:
        return np.zeros(1)
    density = np.exp(-0.5 * ndtri(np.linspace(0.0, 1.0, types + 1)) ** 2)
    means = (density[:-1] - density[1:]) * types
    centred = means - means.mean()
    return np.asarray(centred / np.sqrt(np.mean(centred**2)))


def joint_law(profile_types: int, context_types: int, redundancy: float) -> NDArray[np.float64]:
    """pi(x, z): shape (profile types, context types), sums to 1, both margins uniform.

    A mixture: with probability ``|redundancy|`` profile and context are one fact seen twice (comonotone, or
    countermonotone where redundancy is negative), otherwise independent. With equally many types the correlation of
    the scores is the redundancy itself.
    """
    edges_x = np.linspace(0.0, 1.0, profile_types + 1)
    edges_z = np.linspace(0.0, 1.0, context_types + 1)
    low = np.maximum(edges_x[:-1, None], edges_z[None, :-1])
    high = np.minimum(edges_x[1:, None], edges_z[None, 1:])
    same = np.clip(high - low, 0.0, None)
    if redundancy < 0:
        same = same[::-1]
    return np.asarray((1.0 - abs(redundancy)) / (profile_types * context_types) + abs(redundancy) * same)


def draw_types(
    scenario: Scenario, streams: Streams, owner: str, start: int, n: int
) -> dict[str, NDArray[np.int32]]:
    """The true profile and context type of the requests at positions ``start`` on, as facts of ``owner``.

    ``owner`` names the streams: one for all where values are common, one per advertiser where they are private.
    Two columns of shape (n,), law ``joint_law``. More redundancy couples more of the same people.
    """
    profiles, contexts = scenario.audience.profile_types, scenario.supply.context_types
    redundancy = scenario.response.redundancy
    u = streams.uniform(f"context/{owner}", start, n)
    own = streams.uniform(f"profile/{owner}", start, n)
    if redundancy != 0.0:
        one_fact = streams.uniform(f"redundancy/{owner}", start, n) < abs(redundancy)
        own = np.where(one_fact, u if redundancy > 0 else 1.0 - u, own)
    return {"profile": type_of(own, profiles), "context": type_of(u, contexts)}


def type_of(u: NDArray[np.float64], types: int) -> NDArray[np.int32]:
    """The type that a uniform falls on: inverse transform of equally frequent types; shape as ``u``."""
    return np.minimum((u * types).astype(np.int32), types - 1)

"""Who meets the ad, and where: profile and context types, and how far one tells the other (redundancy)."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from sim.scenario import Scenario
from sim.streams import Streams


def scores(types: int) -> NDArray[np.float64]:
    """Standardised scores of equally frequent types: a normal quantile bin's mean, scaled to mean 0 and variance 1.

    Shape (types,). Two types score -1 and +1; a single type scores 0.
    """
    if types == 1:
        return np.zeros(1)
    edges = np.array([NormalDist().inv_cdf(share) for share in np.linspace(0.0, 1.0, types + 1)[1:-1]])
    density = np.concatenate([[0.0], np.exp(-0.5 * edges**2), [0.0]])
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


@dataclass(frozen=True, slots=True)
class Visits:
    """Requests ``start`` to ``start + n - 1`` and who makes them: ``person`` (n,), empty where everybody is new."""

    start: int
    n: int
    person: NDArray[np.int64]

    @classmethod
    def at(cls, scenario: Scenario, streams: Streams, start: int, n: int) -> Visits:
        """Who makes the requests at positions ``start`` on."""
        people = scenario.audience.people
        if people is None:
            return cls(start, n, np.empty(0, dtype=np.int64))
        u = streams.uniform("person", start, n) ** (1.0 + scenario.audience.activity_skew)
        return cls(start, n, np.minimum((u * people).astype(np.int64), people - 1))

    def by_request(self, streams: Streams, name: str) -> NDArray[np.float64]:
        """A uniform for each request, shape (n,)."""
        return streams.uniform(name, self.start, self.n)

    def by_person(self, streams: Streams, name: str) -> NDArray[np.float64]:
        """A uniform for each request's person, the same whenever that person comes, shape (n,)."""
        return streams.at(name, self.person) if len(self.person) else self.by_request(streams, name)


def draw_types(
    scenario: Scenario, streams: Streams, owner: str, visits: Visits
) -> dict[str, NDArray[np.int32]]:
    """The true profile and context type of some requests, as facts of ``owner``.

    ``owner`` names the streams: one for all where values are common, one per advertiser where they are private.
    Two columns of shape (n,), law ``joint_law``. A profile belongs to a person, a context to a request; where both are one
    fact (redundancy), the context is what the person's profile makes it.
    """
    profiles, contexts = scenario.audience.profile_types, scenario.supply.context_types
    redundancy = scenario.response.redundancy
    who = visits.by_person(streams, f"profile/{owner}")
    where = visits.by_request(streams, f"context/{owner}")
    if redundancy != 0.0:
        one_fact = visits.by_request(streams, f"redundancy/{owner}") < abs(redundancy)
        where = np.where(one_fact, who if redundancy > 0 else 1.0 - who, where)
    return {"profile": type_of(who, profiles), "context": type_of(where, contexts)}


def type_of(u: NDArray[np.float64], types: int) -> NDArray[np.int32]:
    """The type that a uniform falls on: inverse transform of equally frequent types; shape as ``u``."""
    return np.minimum((u * types).astype(np.int32), types - 1)

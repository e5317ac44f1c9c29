"""Who meets the ad, and where: profile, context and history types, and how far one tells the other (redundancy)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache, partial
from itertools import pairwise
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .scenario import FACTORS, Consent, Scenario

if TYPE_CHECKING:
    from .streams import Streams

COMMON = "everyone"
"""Owner of the facts where values are common."""


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


@lru_cache(maxsize=64)
def joint_law(types: tuple[int, ...], redundancy: tuple[float, ...]) -> NDArray[np.float64]:
    """How often types of a leading factor and of others that follow it come together: shape ``types``, margins uniform.

    A mixture for each follower: with probability ``|redundancy|`` it and the leader are one fact seen twice (comonotone,
    or countermonotone where redundancy is negative), otherwise it is independent. With equally many types the
    correlation of their scores is the redundancy itself; two followers correlate through the leader alone. Read-only.
    """
    edges = sorted({Fraction(i, k) for k in types for i in range(k + 1)})
    law = np.zeros(types)
    for low, high in pairwise(edges):  # between two edges of any factor no person's type changes
        u = (low + high) / 2
        part: NDArray[np.float64] = np.array(float(high - low))
        for k, q in zip(types[1:], redundancy, strict=True):
            follower = np.full(k, (1.0 - abs(q)) / k)
            follower[int((u if q >= 0 else 1 - u) * k)] += abs(q)
            part = part[..., None] * follower
        law[int(u * types[0])] += part
    law.flags.writeable = False
    return law


def law_of(scenario: Scenario) -> NDArray[np.float64]:
    """pi(x, z, h): how often requests have these types, an axis for each of ``FACTORS``."""
    response = scenario.response
    types = tuple(scenario.types_of(factor) for factor in FACTORS)
    return joint_law(types, (response.redundancy, response.history_redundancy))


def consent_law(scenario: Scenario) -> NDArray[np.float64]:
    """P(a person lets its data be used | profile and history type); shape (profile types, history types)."""
    shape = (scenario.audience.profile_types, scenario.audience.history_types)
    law = scenario.audience.consent
    if isinstance(law, Consent):
        s, w = (scores(k) for k in shape)
        with np.errstate(over="ignore"):  # exp of a very low level is infinite, and the probability 0
            return np.asarray(1.0 / (1.0 + np.exp(-(law.a + law.b * s[:, None] + law.history * w))))
    return np.broadcast_to(np.reshape(np.asarray(law, dtype=np.float64), (-1, 1)), shape)


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
        if scenario.audience.activity_skew == 0.0:
            return cls(start, n, streams.whole("person", start, n, people).astype(np.int64))
        u = streams.uniform("person", start, n) ** (1.0 + scenario.audience.activity_skew)
        return cls(start, n, np.minimum((u * people).astype(np.int64), people - 1))

    def by_request(self, streams: Streams, name: str) -> NDArray[np.float64]:
        """A uniform for each request, shape (n,)."""
        return streams.uniform(name, self.start, self.n)

    def by_person(self, streams: Streams, name: str) -> NDArray[np.float64]:
        """A uniform for each request's person, the same whenever that person comes, shape (n,)."""
        return streams.at(name, self.person) if len(self.person) else self.by_request(streams, name)

    def by_account(self, streams: Streams, name: str, group: int) -> NDArray[np.float64]:
        """The same for all people of an account, who stand in a row: that of the first of them, shape (n,)."""
        if group == 1:
            return self.by_person(streams, name)
        return streams.at(name, self.person // group * group)


def follows_all(scenario: Scenario, streams: Streams, owner: str, visits: Visits) -> NDArray[np.bool_] | None:
    """For whose people the facts of ``owner`` are those of all, shape (n,); None: for none, or ``owner`` is all.

    With the probability of the root of ``bidders.values``, for each advertiser apart, where that is a correlation: two advertisers have
    the same facts with that probability, and independent ones otherwise, so that it is the correlation of what they are worth to both.
    """
    correlation = scenario.bidders.affiliation
    if owner == COMMON or not 0.0 < correlation < 1.0:
        return None
    return np.asarray(visits.by_person(streams, f"affiliation/{owner}") < math.sqrt(correlation))


def uniforms_of(
    known: Callable[[Streams, str], NDArray[np.float64]],
    streams: Streams,
    names: tuple[str, str],
    shared: NDArray[np.bool_] | None,
) -> NDArray[np.float64]:
    """Return uniforms of an advertiser, shape (n,): of the first stream, and of the second, which is of all, where ``shared`` says so."""
    own = known(streams, names[0])
    return own if shared is None else np.where(shared, known(streams, names[1]), own)


def draw_types(
    scenario: Scenario, streams: Streams, owner: str, visits: Visits
) -> dict[str, NDArray[np.int32]]:
    """The true type of some requests in each of ``FACTORS``, as facts of ``owner``.

    ``owner`` names the streams: one for all where values are common, one per advertiser where they are private. Between these some
    people are the same for an advertiser as for all (``follows_all``).
    Columns of shape (n,), law ``law_of``. Profile and history belong to a person, a context to a request; where one of
    the others is one fact with the profile (redundancy), it is what the person's profile makes it.
    """
    response = scenario.response
    group = scenario.journey.group if scenario.journey else 1
    shared = follows_all(scenario, streams, owner, visits)

    if shared is None and not len(visits.person):  # people are all new: a row's draws are of its own
        return {factor: _types_of_new(scenario, streams, owner, visits, factor) for factor in FACTORS}
    if shared is None and response.redundancy == response.history_redundancy == 0.0:
        return {factor: _types_of_known(scenario, streams, owner, visits, factor) for factor in FACTORS}

    def uniform(known: Callable[[Streams, str], NDArray[np.float64]], name: str) -> NDArray[np.float64]:
        return uniforms_of(known, streams, (f"{name}/{owner}", f"{name}/{COMMON}"), shared)

    who = uniform(partial(visits.by_account, group=group), "profile")
    drawn = {"profile": who}
    for factor, known, q, name in (
        ("context", visits.by_request, response.redundancy, "redundancy"),
        ("history", visits.by_person, response.history_redundancy, "history redundancy"),
    ):
        if scenario.types_of(factor) == 1:
            drawn[factor] = np.zeros(1)
            continue
        own = uniform(known, factor)
        if q != 0.0:
            one_fact = uniform(known, name) < abs(q)
            own = np.where(one_fact, who if q > 0 else 1.0 - who, own)
        drawn[factor] = own
    types = {factor: type_of(u, scenario.types_of(factor)) for factor, u in drawn.items()}
    return {
        factor: column if len(column) == visits.n else np.broadcast_to(column, (visits.n,))
        for factor, column in types.items()
    }


def _types_of_new(
    scenario: Scenario, streams: Streams, owner: str, visits: Visits, factor: str
) -> NDArray[np.int32]:
    """The types in a factor of people who are all new, shape (n,)."""
    types, response = scenario.types_of(factor), scenario.response
    if types == 1:
        return np.zeros(visits.n, dtype=np.int32)
    q, name = {"context": (response.redundancy, "redundancy"), "history": (response.history_redundancy, "history redundancy")}.get(factor, (0.0, ""))  # fmt: skip
    if q == 0.0:
        return streams.whole(f"{factor}/{owner}", visits.start, visits.n, types)
    names = (f"profile/{owner}", f"{name}/{owner}", f"{factor}/{owner}")
    return streams.copied(names, visits.start, visits.n, types, q)


def _types_of_known(
    scenario: Scenario, streams: Streams, owner: str, visits: Visits, factor: str
) -> NDArray[np.int32]:
    """The types in a factor of people who come again, where no factor tells another, shape (n,)."""
    types, name = scenario.types_of(factor), f"{factor}/{owner}"
    if types == 1:
        return np.zeros(visits.n, dtype=np.int32)
    if factor == "context":
        return streams.whole(name, visits.start, visits.n, types)
    group = scenario.journey.group if scenario.journey and factor == "profile" else 1
    return streams.whole_at(name, visits.person, types, group)


def draw_consent(
    scenario: Scenario, streams: Streams, owner: str, visits: Visits, types: dict[str, NDArray[np.int32]]
) -> NDArray[np.bool_]:
    """Who of these requests' people lets its data be used, shape (n,); a fact of the person."""
    names = (f"consent/{owner}", f"consent/{COMMON}")
    u = uniforms_of(visits.by_person, streams, names, follows_all(scenario, streams, owner, visits))
    return np.asarray(u < consent_law(scenario)[types["profile"], types["history"]])


def type_of(u: NDArray[np.float64], types: int) -> NDArray[np.int32]:
    """The type that a uniform falls on: inverse transform of equally frequent types; shape as ``u``."""
    return np.minimum((u * types).astype(np.int32), types - 1)

"""Every information set over some sources: what its arm is called, and what each source adds to the others.

With k sources there are 2^k sets. ``none`` has no source, the full set is ``joint``, and the others are the names of their
sources joined by "+" in the scenario's order, as in ``profile+context``. Worth is divided among the sources in two ways: the
dividend of a set is what it has beyond all sets within it (Harsanyi 1959; of two sources, their synergy), and a source's Shapley
value is what it adds, on average over all orders in which the sources could have been joined (Shapley 1953).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb

NONE, JOINT, AND = "none", "joint", "+"
MAX_SOURCES = 6
"""64 sets: more would be a study of nothing else."""

Weights = dict[str, float]
"""Arm -> its weight in a sum of arms."""


@dataclass(frozen=True)
class Lattice:
    """The information sets over ``sources``, at least one, each once."""

    sources: tuple[str, ...]

    @property
    def sets(self) -> list[tuple[str, ...]]:
        """All information sets, small ones first, each in the order of the sources."""
        sizes = range(len(self.sources) + 1)
        return [members for size in sizes for members in combinations(self.sources, size)]

    @property
    def arms(self) -> tuple[str, ...]:
        """The arm of each of ``sets``."""
        return tuple(map(self.arm, self.sets))

    def arm(self, members: Sequence[str]) -> str:
        """What the arm is called whose holder can use these sources, given in any order."""
        if len(self.sources) > 1 and set(members) == set(self.sources):
            return JOINT
        return AND.join(name for name in self.sources if name in members) or NONE

    def members(self, arm: str) -> tuple[str, ...]:
        """The sources of an information set by its arm; ``joint`` are all, however few these are.

        Raises:
            KeyError: no information set has this arm.
        """
        if arm == JOINT:
            return self.sources
        return dict(zip(self.arms, self.sets, strict=True))[arm]

    def dividend(self, members: Sequence[str]) -> Weights:
        """Weights of the arms in what this set is worth beyond all sets within it."""
        return {
            self.arm(part): (-1.0) ** (len(members) - size)
            for size in range(len(members), -1, -1)
            for part in combinations(members, size)
        }

    def marginal(self, source: str, given: Sequence[str]) -> Weights:
        """Weights of the arms in what ``source`` adds to a holder of ``given``."""
        return {self.arm((*given, source)): 1.0, self.arm(given): -1.0}

    def edges(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Each source with each set that it can be added to."""
        for source in self.sources:
            yield from ((source, members) for members in self.sets if source not in members)

    def shapley(self, source: str) -> Weights:
        """Weights of the arms in what ``source`` adds on average over all orders of joining."""
        others = len(self.sources) - 1
        weights: Weights = {}
        for members in self.sets:
            if source in members:
                continue
            share = 1.0 / ((others + 1) * comb(others, len(members)))
            for arm, sign in self.marginal(source, members).items():
                weights[arm] = weights.get(arm, 0.0) + sign * share
        return weights

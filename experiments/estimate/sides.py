"""What joint data are compared with: an arm, or the silo that did best on pilots; and whose data each arm holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ..cells.arms import CLICKS, JOINING
from ..cells.lattice import JOINT

BEST_SILO, BEST_SINGLE = "best_silo", "best_single"
"""The owner, and the source, that does best alone: each stands for an arm that is chosen on pilots."""

ON_ONE_REQUEST = (*JOINING, CLICKS)
"""Arms whose bids rest on the data of all owners at once."""

Weights = Mapping[str, float]


@dataclass(frozen=True)
class Sides:
    """The two sides of the value of joint data.

    Attributes:
        silo: what joint is compared with, as ``study.silo`` says it: an arm, ``best_silo`` or ``best_single``.
        chosen: the arm that ``best_silo`` and ``best_single`` stand for, of each that was chosen.
        owners: the arm of each owner's sources together, and the owner.
        sources: every source, in the scenario's order.
    """

    silo: str = BEST_SILO
    chosen: Mapping[str, str] = field(default_factory=dict)
    owners: Mapping[str, str] = field(default_factory=dict)
    sources: tuple[str, ...] = ("profile", "context")

    @property
    def arm(self) -> str:
        """The arm that the silo stands for."""
        return self.chosen.get(self.silo, self.silo)

    @property
    def others(self) -> tuple[str, ...]:
        """The arms over which the silo was preferred on pilots."""
        among = {BEST_SILO: tuple(self.owners), BEST_SINGLE: self.sources}.get(self.silo, ())
        return tuple(arm for arm in among if arm != self.arm)

    @property
    def is_same_data(self) -> bool:
        """Whether the silo holds what joint holds, so that there is nothing to join."""
        return self.silo == CLICKS or self.arm == JOINT

    @property
    def weights(self) -> Weights:
        """Weights of the arms in the value of joint data; all 0 where both sides hold the same data."""
        return {JOINT: 0.0} if self.is_same_data else {JOINT: 1.0, self.silo: -1.0}

    @property
    def named(self) -> str:
        """The value of joint data as a comparison: ``joint - best_silo (cmo)``."""
        same = " (the same data)" if self.is_same_data else ""
        return f"{JOINT} - {self.label(self.silo)}{same}"

    def label(self, arm: str) -> str:
        """Return the name of an arm as tables and plots print it: a silo of several sources with its owner."""
        if arm in self.chosen:
            chosen = self.chosen[arm]
            return f"{arm} ({self.owners.get(chosen, chosen) if arm == BEST_SILO else chosen})"
        return (
            f"{self.owners[arm]} ({arm})" if arm in self.owners and arm not in (*self.sources, JOINT) else arm
        )

    def comparison(self, weights: Weights) -> str:
        """Return ``{"joint": 1, "none": -1}`` as ``joint - none``."""
        parts = (("- " if weight < 0 else "+ ") + self.label(arm) for arm, weight in weights.items())
        return " ".join(parts).removeprefix("+ ")

    def alternatives(self, weights: Weights) -> Iterator[Weights]:
        """Yield the weights, and where the silo is among them those with each of the others in its place."""
        yield weights
        for other in self.others if self.silo in weights else ():
            yield {other if arm == self.silo else arm: weight for arm, weight in weights.items()}

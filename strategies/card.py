"""A strategy's capability card: what it says of itself, in a form that tables and checks can use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .base import Policy


@dataclass(frozen=True)
class Card:
    """What a strategy declares; ``jointbid.strategies.testing`` verifies it by execution (the check ``capability_card``).

    ``reads`` None: all that it may see. ``meant_for`` empty: any auction type. ``bids_per_second`` None: not claimed.
    """

    reads: tuple[str, ...] | None
    learns: bool = False
    stochastic: bool = False
    paces: bool = False
    needs_budget: bool = False
    scales: bool = False
    meant_for: tuple[str, ...] = ()
    bids_per_second: float | None = None

    @classmethod
    def of(cls, strategy: object) -> Card:
        """Of a strategy or of its class; a valuation with a policy has the policy's. What is not said is the default."""
        reads = _declared(strategy, "reads")
        return cls(
            reads=tuple(reads) if isinstance(reads, tuple | list) else None,
            learns=_declared(strategy, "learns") is True,
            stochastic=_declared(strategy, "stochastic") is True,
            paces=_declared(strategy, "paces") is True,
            needs_budget=_declared(strategy, "needs_budget") is True,
            scales=_declared(strategy, "scales") is True,
            meant_for=tuple(_declared(strategy, "meant_for") or ()),
            bids_per_second=_declared(strategy, "bids_per_second"),
        )

    @property
    def words(self) -> str:
        """The card in a few words."""
        said = {
            "learns": self.learns,
            "stochastic": self.stochastic,
            "needs a budget": self.needs_budget,
            "paces": self.paces and not self.needs_budget,
            "scales": self.scales,
        }
        made_for = f"for {', '.join(self.meant_for)}" if self.meant_for else "for any auction"
        cost = (
            [f"at least {self.bids_per_second / 1e6:g} million bids a second"] if self.bids_per_second else []
        )
        reads = (
            "reads all it may see" if self.reads is None else f"reads {', '.join(self.reads) or 'nothing'}"
        )
        return "; ".join([reads, made_for, *(word for word, holds in said.items() if holds), *cost])


def _declared(strategy: object, name: str) -> Any:
    """The attribute, or that of the policy behind a valuation, or the base's default."""
    for place in (strategy, getattr(strategy, "policy", None)):
        found = getattr(place, name, None)
        if found is not None and not isinstance(found, property):
            return found
    return None if name == "reads" else getattr(Policy, name, None)

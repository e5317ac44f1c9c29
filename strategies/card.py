"""A strategy's capability card, what it declares in a form that tables and checks can use; and the cards of all installed ones."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from typing import Any, NamedTuple

from jointbid.sim import Strategy
from jointbid.sim.scenario import Scenario, StrategySpec

from .base import Policy
from .market import MarketFacts
from .plugins import PluginError, entries, load, origin
from .registry import BRIDGES, BUILT_IN, make

LONGEST = 160


@dataclass(frozen=True)
class Card:
    """The declarations of a strategy; ``jointbid.strategies.testing`` verifies it by execution (the check ``capability_card``).

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
        """Return the card of a strategy or class, or of the policy behind a valuation; what is not declared is the default."""
        declared = {name: _declared(strategy, name) for name in cls.__dataclass_fields__}
        reads, meant_for, speed = (declared.pop(name) for name in ("reads", "meant_for", "bids_per_second"))
        return cls(
            tuple(reads) if isinstance(reads, tuple | list) else None,
            **{name: value is True for name, value in declared.items()},
            meant_for=tuple(meant_for or ()),
            bids_per_second=speed,
        )

    @property
    def words(self) -> str:
        """The card in a few words."""
        words = {
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
        return "; ".join([reads, made_for, *(word for word, holds in words.items() if holds), *cost])


def _declared(strategy: object, name: str) -> Any:
    """The attribute, or that of the policy behind a valuation, or the base's default."""
    for place in (strategy, getattr(strategy, "policy", None)):
        found = getattr(place, name, None)
        if found is not None and not isinstance(found, property):
            return found
    return None if name == "reads" else getattr(Policy, name, None)


class Listed(NamedTuple):
    """One strategy: its package, its card, and what it does; or ``error``, the reason why it cannot be used."""

    name: str
    origin: str
    card: Card | None = None
    about: str = ""
    error: str = ""


def listing() -> Iterator[Listed]:
    """Yield the built-in strategies, then those of packages by name."""
    for name, maker in {**BUILT_IN, **BRIDGES}.items():
        yield _row(name, "jointbid", maker)
    for name, found in entries().items():
        for entry in found:
            yield _plugin(name, entry, [origin(other) for other in found if other is not entry])


def _plugin(name: str, entry: EntryPoint, others: list[str]) -> Listed:
    """Return the row of a plugin; ``others`` are the packages that bring another strategy of that name."""
    if name in {*BUILT_IN, *BRIDGES}:
        return Listed(name, origin(entry), error=f"not used: {name!r} is a built-in strategy")
    if others:
        return Listed(name, origin(entry), error=f"not used: {', '.join(others)} has a strategy {name!r} too")
    try:
        return _row(name, origin(entry), load(entry))
    except PluginError as error:
        return Listed(name, origin(entry), error=" ".join(str(error).split())[:LONGEST])


def _row(name: str, where: str, maker: Callable[..., Strategy]) -> Listed:
    """Return the row of a strategy as it is by default in a first-price market with known prices; else that of its class."""
    known = {"rivals": {"landscape": "uniform"}, "auction": {"type": "first_price"}}
    example: object = maker
    with suppress(Exception):  # the list shows a strategy that cannot be made, too
        example = make(StrategySpec(name=name), MarketFacts.of(Scenario.model_validate(known)))
    about = (inspect.getdoc(maker) or "").split("\n")[0].rstrip(":; ")
    return Listed(name, where, Card.of(example), about)

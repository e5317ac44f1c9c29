"""The installed strategies, a row each; a plugin that cannot be used is a row with the reason."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import EntryPoint

from jointbid.sim import Strategy
from jointbid.sim.scenario import Scenario, StrategySpec

from .card import Card
from .market import Market
from .plugins import PluginError, entries, load, origin
from .registry import BUILT_IN, make

LONGEST = 160


@dataclass(frozen=True)
class Listed:
    """One strategy, in words. ``error`` is the reason why it cannot be used, or empty."""

    name: str
    origin: str
    meant_for: str = ""
    learns: str = ""
    chance: str = ""
    budget: str = ""
    speed: str = ""
    about: str = ""
    error: str = ""


def listing() -> Iterator[Listed]:
    """Yield the built-in strategies, then those of packages by name."""
    for name, maker in BUILT_IN.items():
        yield _row(name, "jointbid", maker)
    for name, found in entries().items():
        for entry in found:
            yield _plugin(name, entry, [origin(other) for other in found if other is not entry])


def _plugin(name: str, entry: EntryPoint, others: list[str]) -> Listed:
    """Return the row of a plugin; ``others`` are the packages that bring another strategy of that name."""
    if name in BUILT_IN:
        return Listed(name, origin(entry), error=f"not used: {name!r} is a built-in strategy")
    if others:
        return Listed(name, origin(entry), error=f"not used: {', '.join(others)} has a strategy {name!r} too")
    try:
        return _row(name, origin(entry), load(entry))
    except PluginError as error:
        return Listed(name, origin(entry), error=" ".join(str(error).split())[:LONGEST])


def _row(name: str, where: str, maker: Callable[..., Strategy]) -> Listed:
    card = Card.of(_example(name, maker))
    return Listed(
        name,
        where,
        ", ".join(card.meant_for) or "any",
        "yes" if card.learns else "",
        "yes" if card.stochastic else "",
        "needed" if card.needs_budget else "minded" if card.paces else "",
        f"{card.bids_per_second / 1e6:g} million" if card.bids_per_second else "",
        _first_line(maker),
    )


def _example(name: str, maker: Callable[..., Strategy]) -> object:
    """One with its defaults in a first-price market with known prices; the class, where that cannot be made."""
    known = {"rivals": {"landscape": "uniform"}, "auction": {"type": "first_price"}}
    try:
        return make(StrategySpec(name=name), Market.of(Scenario.model_validate(known)))
    except Exception:  # noqa: BLE001 - a list shows what there is, and does not ask whether it works
        return maker


def _first_line(maker: Callable[..., Strategy]) -> str:
    text = (inspect.getdoc(maker) or "").split("\n\n")[0]
    return text.split("\n")[0].rstrip(":; ")

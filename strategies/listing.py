"""What strategies are installed, a row each; a broken plugin is a row that says so."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from jointbid.sim import Strategy
from jointbid.sim.scenario import Scenario, StrategySpec

from .card import Card
from .market import Market
from .plugins import PluginError, load, origin, plugins
from .registry import BUILT_IN, make

LONGEST = 160


@dataclass(frozen=True)
class Listed:
    """One strategy, in words. ``error`` says why it cannot be used; empty where it can."""

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
    """The built-in ones, then those of packages by name."""
    for name, maker in BUILT_IN.items():
        yield _row(name, "jointbid", maker)
    for name, entry in sorted(plugins().items()):
        if name in BUILT_IN:
            yield Listed(name, origin(entry), error=f"not used: {name!r} is a built-in strategy")
            continue
        try:
            yield _row(name, origin(entry), load(entry))
        except PluginError as error:
            yield Listed(name, origin(entry), error=" ".join(str(error).split())[:LONGEST])


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

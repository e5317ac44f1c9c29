"""A strategy by its name in Python: ``jointbid.strategy("ortb1", c=50)``."""

from __future__ import annotations

import inspect
from typing import Any

from jointbid.sim import Scenario, Strategy
from jointbid.sim.scenario import StrategySpec

from .market import MarketFacts
from .registry import UnknownStrategyError, find, make


def strategy(name: str, /, *, market: Scenario | MarketFacts | None = None, **parameters: Any) -> Strategy:
    """Return a new strategy by the name that the command line uses.

    A policy that reads ``value`` needs a valuation before it: ``Priced(bayes(scenario, ("profile",)), strategy("ortb1", c=50))``.

    Args:
        name: a built-in strategy, that of an installed package, or ``FILE.py:CLASS``, relative to the working directory.
        market: the scenario that it will bid in, for strategies that use its public facts, such as the price landscape.
        parameters: those of the strategy.

    Raises:
        UnknownStrategyError: no such strategy or parameter, a value that it refuses, or a market that it needs and is not given.
    """
    if not isinstance(name, str):
        raise UnknownStrategyError(f"strategy {name!r}: must be a name, such as 'ortb1', or 'FILE.py:CLASS'")
    spec = StrategySpec(name=name, **parameters)
    if market is not None:
        return make(spec, market if isinstance(market, MarketFacts) else MarketFacts.of(market))
    about = inspect.signature(find(name)).parameters.get("market")
    needs = f"it uses the public facts of its market: give the scenario, strategy({name!r}, market=load('default'))"
    if about is not None and about.default is inspect.Parameter.empty:
        raise UnknownStrategyError(f"strategy {name!r}: {needs}")
    try:
        return make(spec, MarketFacts.of(Scenario()))
    except UnknownStrategyError as error:
        hint = f"; or, as {needs}" if about is not None and "landscape" in str(error) else ""
        raise UnknownStrategyError(f"{error}{hint}") from error

"""Strategies by name: the built-in ones, those of installed packages (entry points ``jointbid.strategies``), those in files.

A package that cannot be loaded matters only where its strategy is used (``jointbid.strategies.plugins``).
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable
from typing import Any

from jointbid.sim import Scenario, Strategy
from jointbid.sim.brains import no_strategy
from jointbid.sim.identity import place_of_error
from jointbid.sim.scenario import Engine, StrategySpec
from jointbid.sim.watch import WATCH, Call, CallTimeout

from .hindsight import NOT_PLAYABLE
from .market import MarketFacts
from .openrtb.seat import OpenRTB
from .parameters import did_you_mean
from .plugins import PluginError, entries, load, missing, origin, shared_name
from .policies.constant import Burst, Constant, Random, TimedPresence
from .policies.fluid import FluidPacing
from .policies.learned_shading import LearnedShading
from .policies.linear import MCPC, Linear, Truthful
from .policies.ortb import ORTB1, ORTB2
from .policies.pacing import AdaptivePacing, MirrorDescent
from .policies.pid import PIDCPA, PIDSpend
from .policies.portfolio import Portfolio
from .policies.rlb import RLB
from .policies.shading import Shading
from .policies.targets import TargetCPA, TargetROS
from .policies.throttling import Throttling
from .policies.tracking import Tracking
from .policies.trained import Trained
from .strategy_files import StrategyFileError, find_in_file, names_a_file

BUILT_IN: dict[str, Callable[..., Strategy]] = {
    "truthful": Truthful,
    "linear": Linear,
    "adaptive_pacing": AdaptivePacing,
    "shading": Shading,
    "constant": Constant,
    "random": Random,
    "mcpc": MCPC,
    "ortb1": ORTB1,
    "ortb2": ORTB2,
    "mirror_descent": MirrorDescent,
    "throttling": Throttling,
    "pid_spend": PIDSpend,
    "pid_cpa": PIDCPA,
    "target_ros": TargetROS,
    "target_cpa": TargetCPA,
    "fluid_pacing": FluidPacing,
    "learned_shading": LearnedShading,
    "rlb": RLB,
    "burst": Burst,
    "timed_presence": TimedPresence,
    "tracking": Tracking,
    "portfolio": Portfolio,
    "trained": Trained,
}

BRIDGES: dict[str, Callable[..., Strategy]] = {"openrtb": OpenRTB}
"""Strategies of this package that are played elsewhere, and need an address."""

TIMEOUT_S = Engine().strategy_timeout_s
"""Time limit of a constructor, where no scenario sets one."""

BOUNDS = {"hindsight": NOT_PLAYABLE}
"""Names that are not of bidders, and the reason."""


class UnknownStrategyError(ValueError):
    """A strategy name or parameter that does not exist, or a value that the strategy refuses."""


def names() -> list[str]:
    """Return all names, built-in ones first."""
    return [*BUILT_IN, *BRIDGES, *sorted(set(entries()) - {*BUILT_IN, *BRIDGES})]


def make(spec: StrategySpec, market: MarketFacts, timeout_s: float | None = TIMEOUT_S) -> Strategy:
    """Return a new strategy by name and parameters; it receives the public ``market`` if it has a parameter of that name.

    Raises:
        UnknownStrategyError: no such strategy or parameter, a constructor that raises or takes longer than ``timeout_s``, or one that
            makes something else.
    """
    maker = find(spec.name)
    check_parameters(spec.name, maker, spec.params)
    takes_market = "market" in inspect.signature(maker).parameters
    given = {**spec.params, **({"market": market} if takes_market else {})}
    call = Call(f"strategy {spec.name!r}", "__init__", 0.0, timeout_s or math.inf)
    try:
        made: Strategy = WATCH.call(lambda params: maker(**params), given, call)  # type: ignore[assignment]
    except (TypeError, ValueError) as error:
        raise UnknownStrategyError(f"strategy {spec.name!r}: {error}") from error
    except CallTimeout:
        raise UnknownStrategyError(f"{call.described}; look for a loop that does not end") from None
    except Exception as error:
        place = place_of_error(error)
        raise UnknownStrategyError(
            f"strategy {spec.name!r}: {type(error).__name__}: {error}{f' ({place})' if place else ''}"
        ) from error
    if wrong := no_strategy(made):
        raise UnknownStrategyError(f"strategy {spec.name!r}: {wrong}")
    return made


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


def check_parameters(name: str, maker: Callable[..., Strategy], given: Iterable[str]) -> None:
    """Raise ``UnknownStrategyError`` for a parameter that it does not take, or one that it needs and is not given."""
    accepted = inspect.signature(maker).parameters
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    own = [key for key, about in accepted.items() if key != "market" and about.kind in named]
    anything = any(about.kind is inspect.Parameter.VAR_KEYWORD for about in accepted.values())
    for key in given:
        if key not in own and not anything:
            raise UnknownStrategyError(f"strategy {name!r} has no parameter {key!r}{_hint(key, own)}")
    needed = [key for key in own if accepted[key].default is inspect.Parameter.empty and key not in given]
    if needed:
        raise UnknownStrategyError(
            f"strategy {name!r} needs a value for {', '.join(needed)}, which has no default"
        )


def find(name: str) -> Callable[..., Strategy]:
    """Return the class or function of that name, or of that file (``FILE.py:CLASS``).

    Raises:
        UnknownStrategyError: misspelt, not installed, or not to be loaded.
    """
    if name in (shipped := {**BUILT_IN, **BRIDGES}):
        return shipped[name]
    if names_a_file(name):
        try:
            return find_in_file(name)
        except StrategyFileError as error:
            raise UnknownStrategyError(str(error)) from error
    if name in BOUNDS:
        raise UnknownStrategyError(f"{name!r} {BOUNDS[name]}")
    installed = entries().get(name, [])
    if not installed:
        elsewhere = "" if did_you_mean(name, names()) else missing(name)
        raise UnknownStrategyError(f"unknown strategy {name!r}{elsewhere}{_hint(name, names())}")
    if len(installed) > 1:
        raise UnknownStrategyError(shared_name(name, installed))
    (entry,) = installed
    try:
        return load(entry)
    except PluginError as error:
        raise UnknownStrategyError(f"strategy {name!r} of {origin(entry)} ({entry.value}) {error}") from error


def _hint(name: Any, known: list[str]) -> str:
    return f"{did_you_mean(name, known)} (there is: {', '.join(known) or 'none'})"

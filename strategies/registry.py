"""Strategies by name: the built-in ones, those of installed packages (entry points ``jointbid.strategies``), those in files.

A package that cannot be loaded matters only where its strategy is used (``jointbid.strategies.plugins``).
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import Any

from jointbid.sim import Strategy
from jointbid.sim.identity import place_of_error
from jointbid.sim.scenario import Engine, StrategySpec
from jointbid.sim.watch import WATCH, Call, CallTimeout

from .files import StrategyFileError, find_in_file, names_a_file
from .hindsight import NOT_PLAYABLE
from .market import MarketFacts
from .openrtb.seat import OpenRTB
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
        UnknownStrategyError: no such strategy or parameter, or a constructor that raises or takes longer than ``timeout_s``.
    """
    maker = find(spec.name)
    check_parameters(spec.name, maker, spec.params)
    takes_market = "market" in inspect.signature(maker).parameters
    given = {**spec.params, **({"market": market} if takes_market else {})}
    call = Call(f"strategy {spec.name!r}", "__init__", 0.0, timeout_s or math.inf)
    try:
        strategy: Strategy = WATCH.call(lambda _: maker(**given), None, call)  # type: ignore[assignment]
    except (TypeError, ValueError) as error:
        raise UnknownStrategyError(f"strategy {spec.name!r}: {error}") from error
    except CallTimeout:
        raise UnknownStrategyError(f"{call.described}; look for a loop that does not end") from None
    except Exception as error:
        place = place_of_error(error)
        raise UnknownStrategyError(
            f"strategy {spec.name!r}: {type(error).__name__}: {error}{f' ({place})' if place else ''}"
        ) from error
    return strategy


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
    if name in BUILT_IN:
        return BUILT_IN[name]
    if name in BRIDGES:
        return BRIDGES[name]
    if names_a_file(name):
        try:
            return find_in_file(name)
        except StrategyFileError as error:
            raise UnknownStrategyError(str(error)) from error
    if name in BOUNDS:
        raise UnknownStrategyError(f"{name!r} {BOUNDS[name]}")
    installed = entries().get(name, [])
    if not installed:
        close = get_close_matches(str(name), names(), n=1)
        raise UnknownStrategyError(
            f"unknown strategy {name!r}{'' if close else missing(name)}{_hint(name, names())}"
        )
    if len(installed) > 1:
        raise UnknownStrategyError(shared_name(name, installed))
    (entry,) = installed
    try:
        return load(entry)
    except PluginError as error:
        raise UnknownStrategyError(f"strategy {name!r} of {origin(entry)} ({entry.value}) {error}") from error


def _hint(name: Any, known: list[str]) -> str:
    close = get_close_matches(str(name), known, n=1)
    return (f"; did you mean {close[0]!r}?" if close else "") + f" (there is: {', '.join(known) or 'none'})"

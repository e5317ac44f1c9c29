"""Strategies by name: the built-in ones, and those of installed packages (entry points ``jointbid.strategies``).

Entry points are read when a name is asked for, one at a time: a broken package harms nobody who does not use it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from difflib import get_close_matches
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from sim import Strategy
from sim.scenario import StrategySpec
from strategies.hindsight import NOT_PLAYABLE
from strategies.market import Market
from strategies.policies.constant import Constant, Random
from strategies.policies.fluid import FluidPacing
from strategies.policies.learned_shading import LearnedShading
from strategies.policies.linear import MCPC, Linear, Truthful
from strategies.policies.ortb import ORTB1, ORTB2
from strategies.policies.pacing import AdaptivePacing, MirrorDescent
from strategies.policies.pid import PIDCPA, PIDSpend
from strategies.policies.rlb import RLB
from strategies.policies.shading import Shading
from strategies.policies.targets import TargetCPA, TargetROS
from strategies.policies.throttling import Throttling

GROUP = "jointbid.strategies"

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
}

BOUNDS = {"hindsight": NOT_PLAYABLE}
"""Names that belong to no bidder, and why."""


class UnknownStrategyError(ValueError):
    """A strategy name or parameter that does not exist, or a value that the strategy refuses."""


def names() -> list[str]:
    """All names that can be asked for, built-in ones first."""
    return [*BUILT_IN, *sorted(set(_plugins()) - set(BUILT_IN))]


def make(spec: StrategySpec, market: Market) -> Strategy:
    """A fresh strategy by name and parameters; it is given the public ``market`` if it asks for one by that name."""
    maker = _find(spec.name)
    accepted = inspect.signature(maker).parameters
    anything = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in accepted.values())
    own = [name for name in accepted if name != "market"]
    for name in spec.params:
        if name not in own and not anything:
            raise UnknownStrategyError(f"strategy {spec.name!r} has no parameter {name!r}{_hint(name, own)}")
    try:
        strategy: Strategy = maker(**spec.params, **({"market": market} if "market" in accepted else {}))
    except (TypeError, ValueError) as error:
        raise UnknownStrategyError(f"strategy {spec.name!r}: {error}") from error
    return strategy


def _find(name: str) -> Callable[..., Strategy]:
    if name in BUILT_IN:
        return BUILT_IN[name]
    if name in BOUNDS:
        raise UnknownStrategyError(f"{name!r} {BOUNDS[name]}")
    plugins = _plugins()
    if name not in plugins:
        raise UnknownStrategyError(f"unknown strategy {name!r}{_hint(name, names())}")
    try:
        maker: Callable[..., Strategy] = plugins[name].load()
    except Exception as error:
        raise UnknownStrategyError(
            f"strategy {name!r} of {plugins[name].value} cannot be loaded: {type(error).__name__}: {error}"
        ) from error
    return maker


def _plugins() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=GROUP)}


def _hint(name: Any, known: list[str]) -> str:
    close = get_close_matches(str(name), known, n=1)
    return (f"; did you mean {close[0]!r}?" if close else "") + f" (there is: {', '.join(known) or 'none'})"

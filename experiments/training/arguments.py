"""The arguments of environments and trajectories, from names to what they name; ``BadInput`` says what is allowed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from jointbid.sim import Scenario
from jointbid.sim.scenario import StrategySpec
from jointbid.strategies.market import MarketFacts
from jointbid.strategies.policies.steered import MULTIPLIER, SHADING, Interface
from jointbid.strategies.registry import UnknownStrategyError, make

from ..cells.arms import SPLIT_BUDGET, arms_of
from ..cells.lattice import Lattice
from ..config.points import load as compose
from ..errors import BadInput

Spec = str | Mapping[str, Any]
"""A strategy by name, or its name and parameters: ``{"name": "linear", "gain": 0.5}``."""


def scenario_of(scenario: str | Scenario, overrides: Sequence[str] = ()) -> Scenario:
    """Return a scenario by name with overrides, as on the command line. Raises ``BadInput``."""
    if isinstance(scenario, Scenario):
        if overrides:
            raise BadInput(["overrides: need a scenario by its name"])
        return scenario
    return compose("run", [f"scenario={scenario}", *overrides])[0].settings.played_scenario


def arm_of(scenario: Scenario, information: str | Sequence[str]) -> str:
    """Return the arm of an information set: an arm by name, or sources by name. Raises ``BadInput``."""
    known = [arm for arm in arms_of(scenario) if arm != SPLIT_BUDGET]
    sources = tuple(scenario.source)
    if isinstance(information, str):
        if information == "joint" or information in known:
            return information
        raise BadInput([f"information = {information}: allowed: {', '.join(known)}, or a list of sources"])
    unknown = [name for name in information if name not in sources]
    if unknown:
        raise BadInput([f"information = {list(information)}: no source {unknown[0]!r}; this scenario has: {', '.join(sources) or 'none'}"])  # fmt: skip
    return Lattice(sources).arm(information) if sources else "joint"


def interface_of(
    scenario: Scenario, arms: Sequence[str], observation: str, action: str, low: float, high: float
) -> Interface:
    """Return the interface of seats that hold these arms; an action by source has a part for each code. Raises ``BadInput``."""
    size = 1
    for name, bound in (("low", low), ("high", high)):
        number(name, bound)
    if action not in {MULTIPLIER, SHADING}:
        blind = [arm for arm in arms if action not in scenario.source or (arm not in {"joint", "stacked", "summed"} and action not in arm.split("+"))]  # fmt: skip
        if blind:
            seen = ", ".join(scenario.source) if action not in scenario.source else f"one that the seat sees; a seat with the data {blind[0]!r} does not see this one"  # fmt: skip
            raise BadInput([f"action = {action}: allowed: {MULTIPLIER}, {SHADING}, or a source: {seen}"])
        size = scenario.codes_of(action)
    try:
        return Interface(observation, action, low, high, size)
    except ValueError as error:
        raise BadInput([str(error)]) from None


def rivals_of(scenario: Scenario, rivals: Sequence[Spec]) -> tuple[StrategySpec, ...]:
    """Return strategies that can be made in this market, by name, or by name and parameters. Raises ``BadInput``."""
    if isinstance(rivals, str | Mapping):
        raise BadInput([f"rivals = {rivals!r}: must be a list of strategies: [{rivals!r}]"])
    specs = tuple(map(spec_of, rivals))
    for spec in specs:
        try:
            make(spec, MarketFacts.of(scenario))
        except UnknownStrategyError as error:
            raise BadInput([f"rivals: {error}"]) from None
    return specs


def spec_of(rival: Spec) -> StrategySpec:
    """Return a strategy by name, or by name and parameters. Raises ``BadInput``."""
    if isinstance(rival, str):
        return StrategySpec(name=rival)
    if not isinstance(rival, Mapping) or "name" not in rival:
        raise BadInput([f"rivals: {rival!r}: must be a strategy's name, or a mapping with its name"])
    return StrategySpec(**rival)


def number(name: str, value: object, least: float = -math.inf, *, whole: bool = False) -> None:
    """Raise ``BadInput`` unless the value is a finite number, ``whole`` where that is asked for, of at least ``least``."""
    kinds = (int, np.integer) if whole else (int, float, np.integer, np.floating)
    if isinstance(value, bool) or not isinstance(value, kinds) or not math.isfinite(value) or value < least:
        kind = "a whole number" if whole else "a finite number"
        raise BadInput(
            [f"{name} = {value!r}: must be {kind}{f', {least:g} or more' if math.isfinite(least) else ''}"]
        )


def one_of(name: str, value: str, allowed: Sequence[str]) -> str:
    """Return the word, if it is allowed. Raises ``BadInput``."""
    if value not in allowed:
        raise BadInput([f"{name} = {value}: allowed: {', '.join(allowed)}"])
    return value

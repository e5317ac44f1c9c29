"""The arguments of environments and trajectories, from names to what they name; ``BadInput`` says what is allowed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from jointbid.sim import Scenario
from jointbid.sim.scenario import StrategySpec
from jointbid.strategies.policies.steered import MULTIPLIER, SHADING, Interface

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
    return compose("run", [f"scenario={scenario}", *overrides])[0].settings.market


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
    if action not in {MULTIPLIER, SHADING}:
        blind = [arm for arm in arms if action not in scenario.source or (arm not in {"joint", "stacked", "summed"} and action not in arm.split("+"))]  # fmt: skip
        if blind:
            raise BadInput([f"action = {action}: allowed: {MULTIPLIER}, {SHADING}, or a source that the seat sees; a seat with the data {blind[0]!r} does not see it"])  # fmt: skip
        size = scenario.codes_of(action)
    try:
        return Interface(observation, action, low, high, size)
    except ValueError as error:
        raise BadInput([str(error)]) from None


def spec_of(rival: Spec) -> StrategySpec:
    """Return a strategy by name, or by name and parameters. Raises ``BadInput``."""
    if isinstance(rival, str):
        return StrategySpec(name=rival)
    if not isinstance(rival, Mapping) or "name" not in rival:
        raise BadInput([f"rivals: {rival!r}: must be a strategy's name, or a mapping with its name"])
    return StrategySpec(**rival)


def one_of(name: str, value: str, allowed: Sequence[str]) -> str:
    """Return the word, if it is allowed. Raises ``BadInput``."""
    if value not in allowed:
        raise BadInput([f"{name} = {value}: allowed: {', '.join(allowed)}"])
    return value

"""Ground truth: what an impression is worth, and how likely it is clicked. No strategy ever sees this module's output."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.audience import joint_law, scores
from sim.scenario import Response, Scenario


@dataclass(frozen=True, slots=True)
class Truth:
    """The world's law and response over (profile type, context type); every array has that shape.

    ``law`` is pi(x, z); ``theta`` the expected value of an impression in currency; ``click`` its click probability (zero
    in the additive family, whose outcome is a value and not a click).
    """

    law: NDArray[np.float64]
    theta: NDArray[np.float64]
    click: NDArray[np.float64]


def truth(scenario: Scenario) -> Truth:
    """The ground truth of a scenario with types (families ``additive`` and ``logit``)."""
    response = scenario.response
    law = joint_law(scenario.audience.profile_types, scenario.supply.context_types, response.redundancy)
    s = scores(law.shape[0])[:, None]
    t = scores(law.shape[1])[None, :]
    level = response.a + response.b * s + response.c * t + response.interaction * s * t
    if response.family == "logit":
        click = 1.0 / (1.0 + np.exp(-level))
        return Truth(law=law, theta=click * response.value_per_click, click=click)
    return Truth(law=law, theta=level, click=np.zeros_like(level))


def private_values(response: Response, u: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values of the family ``private_value`` by inverse transform, currency per impression, shape as ``u``."""
    if response.law == "uniform":
        return u * response.high
    return -np.log1p(-u) * response.high

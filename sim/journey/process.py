"""The law of the journey: who moves where with which probability, how accounts are spread in the long run, and when they buy.

Stages move independently of advertising; advertising decides from whom an account buys, not whether (Dawes 2021: some 5 % of
business buyers are in market in a quarter, and advertising works on the others for the day when they are).
"""

from __future__ import annotations

from typing import NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from ..kept import kept
from ..scenario import Scenario
from ..scenario.journey import Journey, Stage

STAGES: tuple[Stage, ...] = get_args(Stage)
UNAWARE, AWARE, INTERESTED, CONSIDERING, APPROVED, BOUGHT, LAPSED = range(len(STAGES))
ONWARD = np.array([AWARE, INTERESTED, CONSIDERING, APPROVED, BOUGHT, AWARE, UNAWARE], dtype=np.int8)
"""Where an account goes that leaves a stage and does not lapse."""
HIGH = np.array([0, 0, 1, 1, 1, 0, 0], dtype=np.int32)
"""The interest that shows in the media by stage: 1 while an account looks for something to buy."""
KINDS = {"stage": np.arange(len(STAGES), dtype=np.int32), "interest": HIGH}
"""What a source of each factor of a journey shows by stage."""


def leaving(scenario: Scenario) -> NDArray[np.float64]:
    """P(an account leaves its stage at a step), shape (profile types, stages)."""
    journey = journey_of(scenario)
    chance = np.array([journey.step_h / stay for _, stay in journey.stay_h])
    rates = np.tile(chance, (scenario.audience.profile_types, 1))
    rates[:, AWARE] *= np.asarray(journey.appetite)
    return rates


def lapsing(journey: Journey) -> NDArray[np.float64]:
    """The share of those who leave a stage that lapse, shape (stages,)."""
    share = np.zeros(len(STAGES))
    share[INTERESTED], share[CONSIDERING] = journey.lapse_interested, journey.lapse_considering
    return share


def transitions(scenario: Scenario) -> NDArray[np.float64]:
    """P(stage after a step | stage before it), shape (profile types, stages, stages); rows sum to 1."""
    leave, lapse = leaving(scenario), lapsing(journey_of(scenario))
    table = np.zeros((len(leave), len(STAGES), len(STAGES)))
    stage = np.arange(len(STAGES))
    table[:, stage, stage] = 1.0 - leave
    table[:, stage, ONWARD] += leave * (1.0 - lapse)
    table[:, stage, LAPSED] += leave * lapse
    return table


def stationary(scenario: Scenario) -> NDArray[np.float64]:
    """How accounts are spread over the stages in the long run, shape (profile types, stages): flow through each x mean stay."""
    journey, leave = journey_of(scenario), leaving(scenario)
    reach = 1.0 - journey.lapse_interested
    buy = reach * (1.0 - journey.lapse_considering)
    flow = np.array([1.0 - buy, 1.0, 1.0, reach, buy, buy, 1.0 - buy])
    weight = np.divide(flow, leave, out=np.full(leave.shape, np.inf), where=leave > 0)
    stuck = np.isinf(weight)
    weight = np.where(stuck.any(axis=1, keepdims=True), stuck.astype(np.float64), weight)
    return np.asarray(weight / weight.sum(axis=1, keepdims=True))


def backwards(scenario: Scenario) -> NDArray[np.float64]:
    """P(stage a step ago | stage now) in the long run, shape (profile types, stages now, stages then)."""
    return reversed_chain(stationary(scenario), transitions(scenario))


def reversed_chain(law: NDArray[np.float64], chain: NDArray[np.float64]) -> NDArray[np.float64]:
    """P(state a step ago | state now) of chains with these long-run laws, shape (chains, states now, states then); rows sum to 1.

    A state that none is ever in is taken for where it was.
    """
    flow, here = np.swapaxes(law[:, :, None] * chain, 1, 2), law[:, :, None]
    return np.asarray(np.where(here > 0, flow / np.maximum(here, 1e-300), np.eye(law.shape[1])))


class JourneyLaw(NamedTuple):
    """The journey of a scenario, worked out: ``leave``, ``lapse``, ``start`` (``stationary``), ``back`` (``backwards``), and ``kept`` (``decay``)."""

    journey: Journey
    leave: NDArray[np.float64]
    lapse: NDArray[np.float64]
    start: NDArray[np.float64]
    back: NDArray[np.float64]
    kept: float


@kept
def journey_law(scenario: Scenario) -> JourneyLaw:
    """Return what the accounts of a scenario move by."""
    journey = journey_of(scenario)
    spread, back = stationary(scenario), backwards(scenario)
    return JourneyLaw(journey, leaving(scenario), lapsing(journey), spread, back, decay(journey))


def decay(journey: Journey) -> float:
    """What is left of a stock after a step."""
    return float(0.5 ** (journey.step_h / journey.half_life_h))


def journey_of(scenario: Scenario) -> Journey:
    """The scenario's journey; ``ValueError`` where it has none."""
    if scenario.journey is None:
        raise ValueError("this scenario has no journey: set journey")
    return scenario.journey

"""What copies of different age say of a fact that moves in steps, as stages of a journey do, and units on a shelf."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jointbid.sim import Scenario
from jointbid.sim.scenario import HOUR_US, SyntheticSupply
from jointbid.sim.sources import SyncClock

PHASES = 512
"""Moments of the run at which it is looked how many steps old each copy is."""


def records(
    scenario: Scenario, names: tuple[str, ...], back: NDArray[np.float64], step_h: float, *, believed: bool
) -> NDArray[np.float64]:
    """P(states that these sources' copies were taken in | group, state now), averaged over the run.

    ``back`` is P(state a step ago | state now), shape (groups, states now, states then). Shape (groups, states now, states then,
    ...), an axis for each name. Copies of one moment agree, and older ones follow from newer ones backwards. ``believed``: naive use takes a
    copy for fresh.
    """
    states = back.shape[1]
    law = np.zeros((len(back), *[states] * (1 + len(names))))
    lags = Counter(_lags(scenario, names, step_h, believed=believed))
    for lag, count in lags.items():
        order = sorted(range(len(names)), key=lambda i: lag[i])
        since, last = 0, 1
        letters: list[int] = [0, 1]
        terms: list[Any] = [np.ones((len(back), states)), [0, 1]]
        for i in order:
            step = np.linalg.matrix_power(back, lag[i] - since)
            terms += [step, [0, last, 2 + i]]
            since, last = lag[i], 2 + i
        letters += [2 + i for i in range(len(names))]
        law += np.einsum(*terms, letters) * (count / sum(lags.values()))
    return law


def _lags(
    scenario: Scenario, names: tuple[str, ...], step_h: float, *, believed: bool
) -> list[tuple[int, ...]]:
    """How many steps old each copy is, at moments spread evenly over the run."""
    assert isinstance(scenario.supply, SyntheticSupply)  # noqa: S101 - what moves is for synthetic markets
    hours = (np.arange(PHASES) + 0.5) * (scenario.supply.horizon_h / PHASES)
    columns = []
    for name in names:
        source = scenario.data_of(name)
        clock = SyncClock.of(source)
        interval, latency = clock.interval_us / HOUR_US, clock.latency_us / HOUR_US
        taken = hours - latency
        if interval:
            taken = np.floor(taken / interval) * interval
        if source.never_arrives or (believed and source.use == "naive"):
            taken = hours
        columns.append((np.floor(hours / step_h) - np.floor(taken / step_h)).astype(int).tolist())
    return list(zip(*columns, strict=True)) if columns else [()]

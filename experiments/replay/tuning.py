"""Parameters of the classic strategies, tuned on the training rows alone: the most clicks that the budget buys there.

A replay here is the rule of the engine in a few array operations: rows in order, a bid above the price wins and pays it, a
row is bought whole, and what the budget does not allow for is lost.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.replay.market import Field
from sim.scenario import MICROS

Floats = NDArray[np.float64]
STEPS = 40
"""Levels tried of a strategy's one free number, evenly in its logarithm."""
CURVES = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Tried as c of ORTB, in medians of the price."""


@dataclass(frozen=True)
class Ground:
    """Training rows to tune on, arrays of shape (rows,): price, value and weight of each in currency, clicks.

    `budget` is in the same money for these rows.
    """

    price: Floats
    floor: Floats
    value: Floats
    cost: Floats
    clicks: Floats
    u: Floats
    budget: float

    @classmethod
    def of(cls, field: Field, budget: float, scale: float, seed: int) -> Ground:
        """The rows of a field."""
        frame = field.log.frame
        price, weight = frame["price_micros"].to_numpy() / MICROS, frame["weight"].to_numpy() / scale
        u = np.random.default_rng([seed, 0x7574]).random(len(frame))
        floor = frame["floor_micros"].to_numpy() / MICROS
        return cls(price, floor, field.ctr * field.worth, price * weight, field.happened * weight, u, budget)

    def clicks_of(self, bids: Floats) -> tuple[float, float]:
        """Clicks that the bids buy, and what they cost."""
        wanted = np.flatnonzero((bids > self.price) & (bids >= self.floor))
        spent = np.cumsum(self.cost[wanted])
        kept = wanted[spent <= self.budget]
        return float(self.clicks[kept].sum()), float(self.cost[kept].sum())


def tune(name: str, ground: Ground) -> Mapping[str, Any]:
    """The parameters of one strategy that buy the most clicks on the ground; of equals, the cheapest.

    `mcpc` has no free parameter: it bids what a click is worth. `rlb` and `pid_spend` mind the budget themselves; `pid_spend` is given the gain of `linear`.
    """
    if name == "mcpc" or name == "rlb":  # noqa: PLR1714 - one reason each
        return {}
    scored = [(*ground.clicks_of(bids), parameters) for parameters, bids in _candidates(name, ground)]
    best = max(range(len(scored)), key=lambda i: (scored[i][0], -scored[i][1]))
    return scored[best][2]


def _candidates(name: str, ground: Ground) -> Iterator[tuple[dict[str, float], Floats]]:
    """Parameters to try, and the bids that they make."""
    high = float(np.quantile(ground.price, 0.999)) * 1.05 + 1e-6
    levels = np.geomspace(max(high / 1_000, 1e-6), high, STEPS).tolist()
    typical = max(float(ground.value.mean()), 1e-12)
    gains = [level / typical for level in levels]
    if name == "constant":
        yield from (({"level": level}, np.full(len(ground.price), level)) for level in levels)
    elif name == "random":
        yield from (({"high": 2 * level}, 2 * level * ground.u) for level in levels)
    elif name in {"linear", "pid_spend"}:
        yield from (({"gain": gain}, gain * ground.value) for gain in gains)
    else:
        middle = max(float(np.median(ground.price)), 1e-9)
        rule = {"ortb1": _ortb1, "ortb2": _ortb2}[name]
        steep = [gains[-1] * 2.0**step for step in range(1, 7)]
        for c in (part * middle for part in CURVES):
            for gain in (*gains, *steep):
                yield {"c": c, "lam": 1 / gain}, rule(ground.value * gain, c)


def _ortb1(x: Floats, c: float) -> Floats:
    return c * x / (np.sqrt(c * x + c**2) + c)


def _ortb2(x: Floats, c: float) -> Floats:
    return np.asarray(2.0 * c * np.sinh(np.arcsinh(x / c) / 3.0))

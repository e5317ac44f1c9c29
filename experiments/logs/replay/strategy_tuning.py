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

from jointbid.sim.scenario import MICROS

from .priced_log import PricedLog

Floats = NDArray[np.float64]
STEPS = 40
"""Levels tried of a strategy's one free number: at each, more of the rows are won, the first steps the smallest."""
NEAR = 0.02
"""Of parameters that buy this nearly the most clicks the cheapest is taken: money that just lasts on the training rows does
not on others, and what it bought beyond is mostly noise."""
LEAST = 1e-12
CURVES = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Tried as c of ORTB, in medians of the price."""


@dataclass(frozen=True)
class TuningRows:
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
    def from_priced_log(cls, priced: PricedLog, budget: float, scale: float, seed: int) -> TuningRows:
        """The rows of a priced."""
        frame = priced.log.frame
        price, weight = frame["price_micros"].to_numpy() / MICROS, frame["weight"].to_numpy() / scale
        u = np.random.default_rng([seed, 0x7574]).random(len(frame))
        floor = frame["floor_micros"].to_numpy() / MICROS
        return cls(
            price, floor, priced.ctr * priced.worth, price * weight, priced.happened * weight, u, budget
        )

    def clicks_of(self, bids: Floats) -> tuple[float, float]:
        """Clicks that the bids buy, and what they cost."""
        wanted = np.flatnonzero((bids > self.price) & (bids >= self.floor))
        spent = np.cumsum(self.cost[wanted])
        kept = wanted[spent <= self.budget]
        return float(self.clicks[kept].sum()), float(self.cost[kept].sum())


def tune(name: str, rows: TuningRows) -> Mapping[str, Any]:
    """The parameters of one strategy that buy the most clicks on the rows; of nearly equal ones, the cheapest.

    `mcpc` has no free parameter: it bids what a click is worth. `rlb` and `pid_spend` mind the budget themselves; `pid_spend` is given the gain of `linear`.
    """
    if name == "mcpc" or name == "rlb":  # noqa: PLR1714 - one reason each
        return {}
    scored = [(*rows.clicks_of(bids), parameters) for parameters, bids in _candidates(name, rows)]
    enough = (1 - NEAR) * max(clicks for clicks, _, _ in scored)
    return min((one for one in scored if one[0] >= enough), key=lambda one: one[1])[2]


def _candidates(name: str, rows: TuningRows) -> Iterator[tuple[dict[str, float], Floats]]:
    """Parameters to try, and the bids that they make."""
    if name == "constant":
        yield from (({"level": level}, np.full(len(rows.price), level)) for level in _steps(rows.price))
    elif name == "random":
        yield from (
            ({"high": high}, high * rows.u) for high in _steps(rows.price / np.maximum(rows.u, LEAST))
        )
    elif name in {"linear", "pid_spend"}:
        yield from (({"gain": gain}, gain * rows.value) for gain in _steps(_over_value(rows, rows.price)))
    else:
        middle = max(float(np.median(rows.price)), 1e-9)
        rule, needed = {"ortb1": (_ortb1, _for_ortb1), "ortb2": (_ortb2, _for_ortb2)}[name]
        for c in (part * middle for part in CURVES):
            for gain in _steps(_over_value(rows, needed(rows.price, c))):
                yield {"c": c, "lam": 1 / gain}, rule(rows.value * gain, c)


def _steps(needed: Floats) -> list[float]:
    """Levels to try: those at which ever more rows are won; `needed` is what wins each row, inf where nothing does."""
    finite = needed[np.isfinite(needed)]
    if not len(finite):
        return [1.0]
    levels = np.unique(np.quantile(finite, np.linspace(0, 1, STEPS + 1)[1:] ** 2))
    return (np.maximum(levels, LEAST) * (1 + 1e-9)).tolist()


def _over_value(rows: TuningRows, worth: Floats) -> Floats:
    """The gain at which a row's value is raised to `worth`; inf where it has no value."""
    return np.divide(worth, rows.value, out=np.full(len(worth), np.inf), where=rows.value > 0)


def _ortb1(x: Floats, c: float) -> Floats:
    return c * x / (np.sqrt(c * x + c**2) + c)


def _for_ortb1(bid: Floats, c: float) -> Floats:
    """The value over lam at which `ortb1` bids so much."""
    return bid**2 / c + 2 * bid


def _ortb2(x: Floats, c: float) -> Floats:
    return np.asarray(2.0 * c * np.sinh(np.arcsinh(x / c) / 3.0))


def _for_ortb2(bid: Floats, c: float) -> Floats:
    """The value over lam at which `ortb2` bids so much."""
    return np.asarray(c * np.sinh(3.0 * np.arcsinh(bid / (2.0 * c))))

"""Parameters of the classic strategies, tuned on the training rows alone: the most clicks that the budget buys there.

A replay here is the rule of the engine in a few array operations: rows in order, a bid above the price wins and pays it, a
row is bought whole, and what the budget does not allow for is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jointbid.sim.scenario import MICROS

from .episodes import LOG, budgets_of, episodes_of
from .priced_log import PricedLog

Floats = NDArray[np.float64]
STEPS = 40
"""Levels tried of a strategy's one free number: at each, more of the rows are won, the first steps the smallest."""
NEAR = 0.02
"""Of parameters that buy this nearly the most clicks the cheapest is taken: money that just lasts on the training rows does
not on others, and what it bought beyond is mostly noise."""
LEAST = 1e-12
C_VALUES = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Tried as c of ORTB, in medians of the price."""


@dataclass(frozen=True)
class TuningRows:
    """Training rows to tune on, arrays of shape (rows,): price, value and weight of each in currency, clicks.

    `budget` is in the same money for these rows; each of the `episodes` has a part of it by its rows.
    """

    price: Floats
    floor: Floats
    value: Floats
    cost: Floats
    clicks: Floats
    uniform: Floats
    budget: float
    episodes: NDArray[np.int64]

    @classmethod
    def from_priced_log(
        cls, priced: PricedLog, budget: float, scale: float, seed: int, budget_per: str | int = LOG
    ) -> TuningRows:
        """Take the rows of a priced log, episode by episode; weights are divided by `scale`, `seed` is of the uniforms."""
        number = episodes_of(priced.log, budget_per)
        order = np.argsort(number, kind="stable")
        frame = priced.log.frame
        price, weight = frame["price_micros"].to_numpy() / MICROS, frame["weight"].to_numpy() / scale
        uniform = np.random.default_rng([seed, 0x7574]).random(len(frame))
        floor = frame["floor_micros"].to_numpy() / MICROS
        value, clicks = priced.ctr * priced.worth, priced.happened * weight
        price, floor, value, cost, clicks = (
            column[order] for column in (price, floor, value, price * weight, clicks)
        )
        return cls(price, floor, value, cost, clicks, uniform, budget, number[order])

    def clicks_of(self, bids: Floats) -> tuple[float, float]:
        """Return the clicks that the bids buy, and their cost."""
        wanted = np.flatnonzero((bids > self.price) & (bids >= self.floor))
        episodes = self.episodes[wanted]
        spent = np.cumsum(self.cost[wanted])
        begun = np.concatenate([[0.0], spent])[np.searchsorted(episodes, episodes)]
        kept = wanted[spent - begun <= budgets_of(self.episodes, self.budget)[episodes]]
        return float(self.clicks[kept].sum()), float(self.cost[kept].sum())


def tune(name: str, rows: TuningRows) -> Mapping[str, Any]:
    """Return the parameters of one strategy that buy the most clicks on the rows; of nearly equal ones, the cheapest.

    `mcpc` has no free parameter: it bids what a click is worth. `rlb` and `pid_spend` mind the budget themselves; `pid_spend`
    is given the gain of `linear`.
    """
    if name in {"mcpc", "rlb"}:
        return {}
    scored = [(*rows.clicks_of(bids), parameters) for parameters, bids in _candidates(name, rows)]
    enough = (1 - NEAR) * max(clicks for clicks, _, _ in scored)
    return min((one for one in scored if one[0] >= enough), key=lambda one: one[1])[2]


def _candidates(name: str, rows: TuningRows) -> Iterator[tuple[dict[str, float], Floats]]:
    """Yield parameters to try, and the bids that they make."""
    if name in LEVELS:
        parameter, base = LEVELS[name]
        raised = base(rows)
        yield from (({parameter: level}, level * raised) for level in _steps(rows.price, raised))
    else:
        rule, inverse = CURVES[name]
        for c in (part * max(float(np.median(rows.price)), 1e-9) for part in C_VALUES):
            for gain in _steps(inverse(rows.price, c), rows.value):
                yield {"c": c, "lam": 1 / gain}, rule(rows.value * gain, c)


def _steps(target: Floats, base: Floats) -> list[float]:
    """Return levels to try: those at which level x base reaches the target on ever more rows."""
    needed = np.divide(target, base, out=np.full(len(target), np.inf), where=base > 0)
    finite = needed[np.isfinite(needed)]
    if not len(finite):
        return [1.0]
    levels = np.unique(np.quantile(finite, np.linspace(0, 1, STEPS + 1)[1:] ** 2))
    return (np.maximum(levels, LEAST) * (1 + 1e-9)).tolist()


LEVELS: dict[str, tuple[str, Callable[[TuningRows], Floats]]] = {
    "constant": ("level", lambda rows: np.ones(len(rows.price))),
    "random": ("high", lambda rows: np.maximum(rows.uniform, LEAST)),
    "linear": ("gain", lambda rows: rows.value),
    "pid_spend": ("gain", lambda rows: rows.value),
}
"""Strategies that bid a level times something: the level's name, and what it multiplies on each row."""
CURVES: dict[str, tuple[Callable[[Floats, float], Floats], Callable[[Floats, float], Floats]]] = {
    "ortb1": (lambda x, c: c * x / (np.sqrt(c * x + c**2) + c), lambda bid, c: bid**2 / c + 2 * bid),
    "ortb2": (
        lambda x, c: np.asarray(2.0 * c * np.sinh(np.arcsinh(x / c) / 3.0)),
        lambda bid, c: np.asarray(c * np.sinh(3.0 * np.arcsinh(bid / (2.0 * c)))),
    ),
}
"""Strategies that bid a curve of value / lam, and the value / lam at which each bids so much."""

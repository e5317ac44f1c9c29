"""Valuations that look their values up by the codes of the sources."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jointbid.sim import VisibleRequests

DECIMALS = 12
"""Exact values are kept to a millionth of a micro: two ways of working out one number then agree in every bit, and a
source that shows nothing leaves even a value of half a micro where it was."""


@dataclass(frozen=True)
class CellValues:
    """One value a visible cell: ``table`` in currency, an axis for each source in ``reads``, its last entry unmatched."""

    reads: tuple[str, ...]
    table: NDArray[np.float64]

    def value(self, requests: VisibleRequests) -> NDArray[np.float64]:
        """Look the cells up."""
        if not self.reads:
            return np.full(requests.n, float(self.table))
        return np.asarray(self.table[tuple(requests[name] for name in self.reads)])

    def __deepcopy__(self, memo: dict[int, Any]) -> CellValues:
        """Return this one: nothing in it changes, and each bidder of each run has a copy."""
        return self


@dataclass(frozen=True)
class AgedValues:
    """Exact posterior means where the copies' ages are known: a ratio of functions linear in each source's retention.

    ``worth`` and ``weight`` have an axis of length 2 for each source in ``aged`` (retention 0, retention 1), then an axis
    of codes for each source in ``sources``. ``decay`` gives, for each aged source, its retention at age 0 and its rate.
    """

    sources: tuple[str, ...]
    aged: tuple[str, ...]
    decay: tuple[tuple[float, float], ...]
    worth: NDArray[np.float64]
    weight: NDArray[np.float64]
    prior: float

    @property
    def reads(self) -> tuple[str, ...]:
        """The sources, and the ages of those that age."""
        return (*self.sources, *(f"age_{name}" for name in self.aged))

    def value(self, requests: VisibleRequests) -> NDArray[np.float64]:
        """Mix the corner tables by each row's retentions."""
        keep = [
            fresh * np.exp(-rate * requests[f"age_{name}"])
            for name, (fresh, rate) in zip(self.aged, self.decay, strict=True)
        ]
        code = tuple(requests[name] for name in self.sources)
        worth, weight = np.zeros(requests.n), np.zeros(requests.n)
        for corner in product((0, 1), repeat=len(self.aged)):
            share = np.ones(requests.n)
            for retained, side in zip(keep, corner, strict=True):
                share = share * (retained if side else 1.0 - retained)
            worth += share * self.worth[corner][code]
            weight += share * self.weight[corner][code]
        return ratio(worth, weight, self.prior)


def ratio(worth: NDArray[np.float64], weight: NDArray[np.float64], prior: float) -> NDArray[np.float64]:
    """Return the ratio of worth and weight, and the prior where the weight is 0."""
    where = np.asarray(weight > 0)
    mean = np.divide(worth, weight, out=np.full(np.shape(worth), float(prior)), where=where)
    return np.asarray(np.round(mean, DECIMALS))


def spread_over(table: NDArray[Any], has: Sequence[str], wanted: Sequence[str]) -> NDArray[Any]:
    """Return a table over the sources ``has`` with axes of length 1 for the others in ``wanted``."""
    shape = iter(table.shape)
    return table.reshape([next(shape) if name in has else 1 for name in wanted])

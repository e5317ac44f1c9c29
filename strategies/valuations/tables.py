"""Valuations that look their values up by the codes of the sources."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jointbid.sim import VisibleRequests

DECIMALS = 12
"""Exact values are kept to a millionth of a micro: two ways of working out one number then agree in every bit, and a
source that shows nothing leaves even a value of half a micro where it was."""
NOISE = 1e-13
"""A variance below this part of the mean square is rounding."""
Later = Callable[[], NDArray[np.float64]] | None
"""A table that is worked out where a policy first asks for it."""


@dataclass(frozen=True)
class CellValues:
    """One value a visible cell: ``table`` in currency, an axis for each source in ``reads``, its last entry unmatched.

    ``deviations`` makes the table of standard deviations; without it the values are taken for certain.
    """

    reads: tuple[str, ...]
    table: NDArray[np.float64]
    deviations: Later = field(default=None, repr=False, compare=False)

    def value(self, requests: VisibleRequests) -> NDArray[np.float64]:
        """Look the cells up."""
        return self._looked_up(self.table, requests)

    def sigma(self, requests: VisibleRequests) -> NDArray[np.float64]:
        """Look the standard deviations of the cells up."""
        return self._looked_up(self.deviation_table, requests)

    @cached_property
    def deviation_table(self) -> NDArray[np.float64]:
        """The standard deviations, shape as ``table``."""
        return np.zeros_like(self.table) if self.deviations is None else self.deviations()

    def _looked_up(self, table: NDArray[np.float64], requests: VisibleRequests) -> NDArray[np.float64]:
        if not self.reads:
            return np.full(requests.n, float(table))
        return np.asarray(table[tuple(requests[name] for name in self.reads)])

    def __deepcopy__(self, memo: dict[int, Any]) -> CellValues:
        """Return this one: nothing in it changes, and each bidder of each run has a copy."""
        return self


@dataclass(frozen=True)
class AgedValues:
    """Exact posterior means where the copies' ages are known: a ratio of functions linear in each source's retention.

    ``worth`` and ``weight`` have an axis of length 2 for each source in ``aged`` (retention 0, retention 1), then an axis
    of codes for each source in ``sources``. ``decay`` gives, for each aged source, its retention at age 0 and its rate.
    ``squares`` makes the same table as ``worth`` of the mean squares.
    """

    sources: tuple[str, ...]
    aged: tuple[str, ...]
    decay: tuple[tuple[float, float], ...]
    worth: NDArray[np.float64]
    weight: NDArray[np.float64]
    prior: float
    squares: Later = field(default=None, repr=False, compare=False)

    @property
    def reads(self) -> tuple[str, ...]:
        """The sources, and the ages of those that age."""
        return (*self.sources, *(f"age_{name}" for name in self.aged))

    def value(self, requests: VisibleRequests) -> NDArray[np.float64]:
        """Mix the corner tables by each row's retentions."""
        worth, weight = self._mixed(requests, self.worth, self.weight)
        return ratio(worth, weight, self.prior)

    def sigma(self, requests: VisibleRequests) -> NDArray[np.float64]:
        """Return the standard deviations, of the mixed means and mean squares."""
        if self.squares is None:
            return np.zeros(requests.n)
        return deviation(*self._mixed(requests, self.worth, self._squares, self.weight))

    @cached_property
    def _squares(self) -> NDArray[np.float64]:
        assert self.squares is not None  # noqa: S101 - see sigma
        return self.squares()

    def _mixed(self, requests: VisibleRequests, *tables: NDArray[np.float64]) -> list[NDArray[np.float64]]:
        keep = [
            fresh * np.exp(-rate * requests[f"age_{name}"])
            for name, (fresh, rate) in zip(self.aged, self.decay, strict=True)
        ]
        sizes = self.worth.shape[len(self.aged) :]
        cell = np.ravel_multi_index(tuple(requests[name] for name in self.sources), sizes)
        sums = [np.zeros(requests.n) for _ in tables]
        for corner in product((0, 1), repeat=len(self.aged)):
            share = np.ones(requests.n)
            for retained, side in zip(keep, corner, strict=True):
                share = share * (retained if side else 1.0 - retained)
            for number, table in enumerate(tables):
                sums[number] += share * table[corner].take(cell)
        return sums


def ratio(worth: NDArray[np.float64], weight: NDArray[np.float64], prior: float) -> NDArray[np.float64]:
    """Return the ratio of worth and weight, and the prior where the weight is 0."""
    where = np.asarray(weight > 0)
    mean = np.divide(worth, weight, out=np.full(np.shape(worth), float(prior)), where=where)
    return np.asarray(np.round(mean, DECIMALS))


def deviation(
    worth: NDArray[np.float64], square: NDArray[np.float64], weight: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the standard deviation, of the sums of ``weight``, of that times the value, and of that times its square; 0 where the weight is 0."""
    where = np.asarray(weight > 0)
    mean, mean_square = (
        np.divide(part, weight, out=np.zeros(np.shape(part)), where=where) for part in (worth, square)
    )
    variance = np.where(mean_square - mean**2 > NOISE * mean_square, mean_square - mean**2, 0.0)
    return np.asarray(np.round(np.sqrt(variance), DECIMALS))


def with_axes_of(table: NDArray[Any], has: Sequence[str], wanted: Sequence[str]) -> NDArray[Any]:
    """Return a table over the sources ``has`` with axes of length 1 for the others in ``wanted``."""
    shape = iter(table.shape)
    return table.reshape([next(shape) if name in has else 1 for name in wanted])

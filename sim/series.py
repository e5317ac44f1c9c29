"""The course of a run: what the ledger and the policies' multipliers were from time to time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .auction.arrays import Ledger
from .cells import over_slots
from .scenario import HOUR_US, MICROS


class Series:
    """What the ledger and the policies' multipliers were every ``every_h``: the table ``RunResult.timeseries``.

    ``times_us`` is when its rows begin.
    """

    def __init__(self, horizon_h: float, every_h: float, bidders: int, slots: int) -> None:
        rows, self._every_h = math.ceil(horizon_h / every_h), every_h
        self.times_us = [round(row * every_h * HOUR_US) for row in range(rows)]
        self._spend = np.zeros((rows + 1, bidders), dtype=np.int64)
        self._wins = np.zeros((rows + 1, bidders, slots), dtype=np.int64)
        self._value = np.zeros((rows + 1, bidders))
        self._multipliers = np.full((rows, bidders), np.nan)
        self._noted = 0

    def note(self, ledger: Ledger, multipliers: Sequence[float]) -> None:
        """The next row begins."""
        self._spend[self._noted], self._wins[self._noted] = ledger.spend, ledger.wins
        self._value[self._noted] = ledger.value
        self._multipliers[self._noted] = multipliers
        self._noted += 1

    def columns(self, ledger: Ledger, names: Sequence[str]) -> dict[str, Any]:
        """The table, bidder by bidder; rows that begin after the last request have no multiplier."""
        self._spend[self._noted :], self._wins[self._noted :] = ledger.spend, ledger.wins
        self._value[self._noted :] = ledger.value
        rows, n = self._multipliers.shape
        wins = over_slots(self._wins)
        return {
            "bidder": np.array(names, dtype=object).repeat(rows),
            "hour": _hours(rows, self._every_h, n),
            "spend": ((self._spend[1:] - self._spend[:-1]) / MICROS).T.ravel(),
            "wins": (wins[1:] - wins[:-1]).T.ravel(),
            "value": (self._value[1:] - self._value[:-1]).T.ravel(),
            "multiplier": self._multipliers.T.ravel(),
        }


@lru_cache(maxsize=64)
def _hours(rows: int, every_h: float, bidders: int) -> NDArray[Any]:
    """Return when the rows begin, bidder by bidder; shape (bidders x rows,), which runs share."""
    hours = np.arange(rows) * every_h
    hours = np.tile(hours if every_h % 1 else hours.astype(np.int64), bidders)
    hours.flags.writeable = False
    return hours

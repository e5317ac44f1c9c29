"""The touchpoint log of one advertiser: which account saw which of its channels when, and what it bought afterwards.

A touchpoint is a seen impression; its channel is the campaign that won it. The log is what the advertiser's departments could have
written down themselves: no truth is in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .scenario import HOUR_US


@dataclass(frozen=True, slots=True)
class Touches:
    """Touchpoints ordered by account and then by time; arrays of shape (n,). ``channel`` is the campaign's number."""

    account: NDArray[np.int64]
    time_us: NDArray[np.int64]
    channel: NDArray[np.int64]

    def of(self, channels: Sequence[int]) -> Touches:
        """Those in some channels: what one part of the firm has in its log."""
        own = np.isin(self.channel, channels)
        return Touches(self.account[own], self.time_us[own], self.channel[own])


class TouchLog:
    """A sink of ``simulate`` that keeps the seen impressions of the campaigns number 0 to ``channels`` - 1.

    Accounts are single people.
    """

    def __init__(self, channels: int) -> None:
        self._channels = channels
        self._parts: list[Touches] = []

    def __call__(self, rows: Mapping[str, NDArray[Any]]) -> None:
        """Take one block."""
        seen = rows["viewed"] & (rows["winner"] >= 0) & (rows["winner"] < self._channels)
        self._parts.append(Touches(rows["person"][seen], rows["time_us"][seen], rows["winner"][seen]))

    def touches(self) -> Touches:
        """The whole log."""
        columns = [
            np.concatenate([getattr(part, name) for part in self._parts])
            if self._parts
            else np.empty(0, np.int64)
            for name in ("account", "time_us", "channel")
        ]
        order = np.lexsort((columns[1], columns[0]))
        return Touches(*(column[order] for column in columns))


@dataclass(frozen=True, slots=True)
class Paths:
    """Touchpoints as paths: what an account saw from one purchase to the next, or to the end of the log.

    Arrays of shape (n,), path by path in the order of time: ``path`` its number, ``channel``, ``before_h`` how long before the
    purchase (nan where none followed), ``bought`` whether one did. ``purchases`` counts all there were, touched or not.
    """

    path: NDArray[np.int64]
    channel: NDArray[np.int64]
    before_h: NDArray[np.float64]
    bought: NDArray[np.bool_]
    purchases: int

    @property
    def touched(self) -> int:
        """Purchases with a touchpoint in their window."""
        return len(np.unique(self.path[self.bought]))


def paths(touches: Touches, bought: Mapping[str, NDArray[Any]], window_h: float) -> Paths:
    """Paths from touchpoints and purchases (columns ``hour`` and ``account``).

    A touchpoint belongs to the account's next purchase, where that comes within ``window_h``; if it comes later the
    touchpoint counts for nothing; if none comes it is part of a path that leads nowhere.
    """
    hour, account = np.asarray(bought["hour"]), np.asarray(bought["account"], dtype=np.int64)
    order = np.lexsort((hour, account))
    account, time_us = account[order], np.rint(hour[order] * HOUR_US).astype(np.int64)
    n = len(account)
    following = _purchases_so_far(account, time_us, touches)
    there = following < n
    there[there] = account[following[there]] == touches.account[there]
    before_h = np.full(len(following), np.nan)
    before_h[there] = (time_us[following[there]] - touches.time_us[there]) / HOUR_US
    kept = ~there | (before_h <= window_h)
    number = np.where(there, following, n + touches.account)
    return Paths(number[kept], touches.channel[kept], before_h[kept], there[kept], n)


def _purchases_so_far(
    account: NDArray[np.int64], time_us: NDArray[np.int64], touches: Touches
) -> NDArray[np.int64]:
    """For each touchpoint, the number of purchases that do not follow it, in the order of account and time; shape (n,).

    So it is also the number of the next purchase. Both are sorted by two keys: one number made of account and time would not fit
    64 bits with many people and a long horizon. Of a purchase and a touchpoint at one time the purchase comes first.
    """
    purchases = len(account)
    every_account = np.concatenate([account, touches.account])
    order = np.lexsort((np.concatenate([time_us, touches.time_us]), every_account))
    is_touch = order >= purchases
    so_far = np.empty(len(touches.account), dtype=np.int64)
    so_far[order[is_touch] - purchases] = np.cumsum(~is_touch)[is_touch]
    return so_far

"""A season of channels by week: what was spent and shown, what was bought, and what each channel truly added.

The truth is a difference of two runs on the same draws: expected purchases with all channels less those without one, its money saved.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jointbid.sim import RunResult, simulate
from jointbid.sim.scenario import HOUR_US, MICROS
from jointbid.sim.touchpoints import TouchLog, paths

from .attribution_season import OBSERVED, WITHOUT, campaigns, touchpoints_of
from .cell import Cell

WEEK_H = 168
ALL = "all"
"""The channel of rows that are totals."""


@dataclass(frozen=True)
class WeeklySeason:
    """One season.

    Attributes:
        result: of the run with all channels.
        weeks: a row a week and channel, and one of all channels: `week` from 0, `channel`, `spend` in currency, `impressions`, `clicks`,
            `sales` (of `all` those that happened; of a channel those whose last touchpoint it is), `incremental_sales` (expected sales
            less those without the channel; of `all` less those without any advertising).
        people: purchases of each person in each week; shape (people, weeks).
    """

    result: RunResult
    weeks: pd.DataFrame
    people: NDArray[np.int64]


class WeekLog:
    """A sink of `simulate` that totals impressions, spend and clicks by campaign and week; arrays of shape (campaigns, weeks)."""

    def __init__(self, campaigns: int, weeks: int) -> None:
        self.spend, self.impressions, self.clicks = (np.zeros((campaigns, weeks)) for _ in range(3))

    def __call__(self, rows: Mapping[str, NDArray[Any]]) -> None:
        """Take one block."""
        winner = rows["winner"]
        self._add(self.impressions, winner, rows["time_us"], np.ones(len(winner)))
        self._add(self.spend, winner, rows["time_us"], rows["paid_micros"] / MICROS)
        self._add(self.clicks, winner, rows["click_us"], np.ones(len(winner)))

    @staticmethod
    def _add(
        total: NDArray[np.float64],
        winner: NDArray[np.int64],
        time_us: NDArray[np.int64],
        amount: NDArray[np.float64],
    ) -> None:
        week = time_us // (WEEK_H * HOUR_US)
        there = (winner >= 0) & (winner < len(total)) & (time_us >= 0) & (week < total.shape[1])
        np.add.at(total, (winner[there], week[there]), amount[there])


def full_weeks(cell: Cell) -> int:
    """Return the number of whole weeks in the scenario's time."""
    return int(cell.scenario.supply.horizon_h // WEEK_H)


def play_season(cell: Cell) -> WeeklySeason:
    """Play a season with all channels, and once more without each.

    Args:
        cell: of the arm `OBSERVED`, of a scenario with touchpoints, people and at least one whole week.
    """
    names, weeks = list(touchpoints_of(cell.scenario).channels), full_weeks(cell)
    log, touches = WeekLog(len(names), weeks), TouchLog(len(names))

    def sink(rows: Mapping[str, NDArray[Any]]) -> None:
        log(rows)
        touches(rows)

    result = simulate(cell.scenario, campaigns(cell), cell.seed, cell.replication, sink=sink)
    everything = _added(cell, result, weeks)
    sales = _by_week(result.purchases, weeks)
    last = _last_touch(cell, result, touches, len(names), weeks)
    parts = []
    for number, name in enumerate(names):
        less = replace(cell, arm=WITHOUT + name)
        without = _added(less, simulate(less.scenario, campaigns(less), less.seed, less.replication), weeks)
        own = (
            log.spend[number],
            log.impressions[number],
            log.clicks[number],
            last[number],
            everything - without,
        )
        parts.append(_rows(name, *own))
    totals = (log.spend.sum(axis=0), log.impressions.sum(axis=0), log.clicks.sum(axis=0), sales, everything)
    parts.append(_rows(ALL, *totals))
    table = pd.concat(parts, ignore_index=True).sort_values("week", kind="stable", ignore_index=True)
    return WeeklySeason(result, table, _by_person(cell, result, weeks))


def _rows(channel: str, *columns: NDArray[Any]) -> pd.DataFrame:
    names = ("spend", "impressions", "clicks", "sales", "incremental_sales")
    rows = pd.DataFrame(dict(zip(names, columns, strict=True)))
    rows.insert(0, "week", np.arange(len(rows)))
    rows.insert(1, "channel", channel)
    return rows.astype({"impressions": np.int64, "clicks": np.int64, "sales": np.int64})


def _added(cell: Cell, result: RunResult, weeks: int) -> NDArray[np.float64]:
    """Return expected sales less those without any advertising, by week; shape (weeks,)."""
    assert cell.scenario.journey is not None  # noqa: S101 - touchpoints need people on a journey
    week = np.asarray(result.timeseries["hour"]) // WEEK_H
    kept = week < weeks
    value = np.asarray(result.timeseries["value"], dtype=np.float64)
    return (
        np.bincount(week[kept].astype(np.int64), value[kept], minlength=weeks) / cell.scenario.journey.margin
    )


def _by_week(purchases: Mapping[str, NDArray[Any]], weeks: int) -> NDArray[np.int64]:
    week = _week_of(purchases.get("hour", np.empty(0)))
    return np.bincount(week[week < weeks], minlength=weeks)


def _week_of(hour: NDArray[Any]) -> NDArray[np.int64]:
    """Return the week of each purchase; what is decided at the end of a week belongs to it."""
    return np.maximum(np.ceil(np.asarray(hour, dtype=np.float64) / WEEK_H).astype(np.int64) - 1, 0)


def _last_touch(
    cell: Cell, result: RunResult, touches: TouchLog, channels: int, weeks: int
) -> NDArray[np.float64]:
    """Return purchases by the channel of their last touchpoint within the window, by week; shape (channels, weeks)."""
    bought = result.purchases or {"hour": np.empty(0), "account": np.empty(0, np.int64)}
    way = paths(touches.touches(), bought, touchpoints_of(cell.scenario).window_h)
    hour, account = np.asarray(bought["hour"]), np.asarray(bought["account"], dtype=np.int64)
    week = _week_of(hour[np.lexsort((hour, account))])
    found = np.zeros((channels, weeks))
    order = np.argsort(way.path, kind="stable")  # within a path touchpoints are in order of time
    path, channel, led = way.path[order], way.channel[order], way.bought[order]
    is_last = np.append(path[1:] != path[:-1], True) & led if len(path) else np.zeros(0, dtype=bool)
    there = is_last & (week[np.where(led, path, 0)] < weeks) if len(week) else is_last
    np.add.at(found, (channel[there], week[path[there]]), 1.0)
    return found


def _by_person(cell: Cell, result: RunResult, weeks: int) -> NDArray[np.int64]:
    people = cell.scenario.audience.people or 0
    found = np.zeros((people, weeks), dtype=np.int64)
    if result.purchases:
        week, account = (
            _week_of(result.purchases["hour"]),
            np.asarray(result.purchases["account"], dtype=np.int64),
        )
        np.add.at(found, (account[week < weeks], week[week < weeks]), 1)
    return found


__all__ = ["ALL", "OBSERVED", "WEEK_H", "WeeklySeason", "full_weeks", "play_season"]

"""Replay of a log that is longer than memory: learned on the sample that is held, played on all rows as they go by."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pyarrow as pa

from jointbid.sim import LogColumns
from jointbid.sim.scenario import HOUR_US, MICROS

from ..log_table import LogTable
from ..rows.rereadable import RereadableLog
from .bids import click_values
from .plan import Plan
from .streamed_predictor import fit_predictor

DAY_US = 24 * HOUR_US


class Streamed:
    """The rows of a log from the `start`-th on, as the engine takes them: once, in order (`jointbid.sim.supply.Log`).

    `last_us` is the time of the last one, from the start of the first one's day.
    """

    names = ("value",)

    def __init__(self, again: RereadableLog, start: int, price: Callable[[pa.Table], LogColumns]) -> None:
        """Take the log, where to begin, and how rows are priced."""
        self._rows, self._given = len(again) - start, 0
        self._parts = self._priced(again.tables(start), price)
        self._waiting: deque[LogColumns] = deque()
        self._waiting.append(next(self._parts))
        self.last_us = again.last_us - self._offset_us

    def __len__(self) -> int:
        return self._rows

    def rows(self, part: slice) -> LogColumns:
        """The next rows; stretches are asked for in order."""
        start, stop = part.start, min(part.stop, self._rows)
        if start != self._given:
            raise AssertionError(
                f"rows {start} to {stop} of a log that goes by, which is at row {self._given}"
            )
        self._given = stop
        found: list[LogColumns] = []
        while (wanted := stop - start - sum(map(len, found))) > 0:
            if not self._waiting:
                self._waiting.append(next(self._parts))
            first = self._waiting.popleft()
            found.append(first.rows(slice(0, wanted)))
            if len(first) > wanted:
                self._waiting.appendleft(first.rows(slice(wanted, len(first))))
        return _together(found)

    def _priced(
        self, tables: Iterator[pa.Table], price: Callable[[pa.Table], LogColumns]
    ) -> Iterator[LogColumns]:
        self._offset_us = -1
        for table in tables:
            columns = price(table)
            if self._offset_us < 0:
                self._offset_us = int(columns.time_us[0]) // DAY_US * DAY_US
            yield replace(columns, time_us=columns.time_us - self._offset_us)


def obstacle(plan: Plan, log: LogTable) -> str:
    """Why not all rows of a log of which a sample is held can be played; empty where they can."""
    if log.again is None:
        return "its rows are not in order of time, or supply.requests takes the first"
    if plan.settings.split != "time":
        return f"study.replay.split is {plan.settings.split}, not time"
    brought = "pctr" in log.frame
    if plan.settings.learner != "logistic" and not brought:
        return f"study.replay.learner is {plan.settings.learner}, not logistic"
    if "known" in log.frame and not brought:
        return "the outcome of some rows was not seen, and no predictions came with them"
    return ""


def held_training(plan: Plan, log: LogTable) -> LogTable:
    """The training rows that are held of a log that is read again."""
    if log.again is None:
        raise AssertionError("a log of which all rows are held is played from memory")
    start = round(plan.settings.train_share * len(log.again))
    return replace(log, frame=log.frame[log.again.places < start].reset_index(drop=True))


def open_stream(plan: Plan, log: LogTable, arm: str) -> tuple[LogTable, Streamed]:
    """The training rows that are held, and all rows after them.

    Raises:
        BadInput: nothing to learn from.
    """
    training, again = held_training(plan, log), log.again
    assert again is not None  # noqa: S101 - there are training rows of it
    start = round(plan.settings.train_share * len(again))
    predictor = None if "pctr" in training.frame else fit_predictor(plan, training, arm)
    worth = _worth(plan, training)
    default = plan.settings.value_per_click or 0.0

    def price(table: pa.Table) -> LogColumns:
        campaign = table["campaign"].combine_chunks()
        each = np.array([worth.get(name, default) for name in campaign.dictionary.to_pylist()])
        value = each[np.asarray(campaign.indices)]
        ctr = np.asarray(table["pctr"]) if predictor is None else predictor.ctr(table)
        happened = np.asarray(table["click"]).astype(np.float64)
        if "known" in table.column_names:
            happened = np.where(np.asarray(table["known"]), happened, ctr)
        time_us, prices, floors, weight = (
            np.asarray(table[name]) for name in ("time_us", "price_micros", "floor_micros", "weight")
        )
        seen = {"value": ctr * value}
        return LogColumns(time_us, prices, floors, weight, happened * value, happened, seen)

    return training, Streamed(again, start, price)


def _worth(plan: Plan, training: LogTable) -> dict[str, float]:
    """What a click is worth to each campaign, in currency: what it cost in the training rows; empty where it was said."""
    if plan.settings.value_per_click is not None:
        return {}
    per_row = click_values(training) / MICROS
    return dict(zip(training.frame["campaign"].astype(str), per_row.tolist(), strict=True))


def _together(parts: list[LogColumns]) -> LogColumns:
    if len(parts) == 1:
        return parts[0]

    def join(name: str) -> np.ndarray:
        return np.concatenate([getattr(part, name) for part in parts])

    return LogColumns(
        join("time_us"), join("price_micros"), join("floor_micros"), join("weight"), join("value"), join("click"),
        {name: np.concatenate([part.columns[name] for part in parts]) for name in parts[0].columns},
    )  # fmt: skip

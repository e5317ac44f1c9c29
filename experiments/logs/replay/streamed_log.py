"""Replay of a log that is longer than memory: learned on the sample in memory, played on all rows as they are read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pyarrow as pa

from jointbid.sim import LogColumns

from ..log_table import LogTable
from ..rows.log_columns import DAY_US
from ..rows.row_sampling import RereadableLog
from .holdout_models import fit_predictor
from .plan import ReplayPlan
from .priced_log import click_worth


class StreamedLog:
    """The rows of a log from the `start`-th on, read once and in order by the engine (`jointbid.sim.supply.Log`).

    `last_us` is the time of the last one, from the start of the first one's day.
    """

    names = ("value",)

    def __init__(self, full: RereadableLog, start: int, price: Callable[[pa.Table], LogColumns]) -> None:
        """Take the log, where to begin, and the function that prices rows."""
        self._rows, self._read = len(full) - start, 0
        self._parts = map(price, full.tables(start))
        self._rest = next(self._parts)
        self._offset_us = int(self._rest.time_us[0]) // DAY_US * DAY_US
        self.last_us = full.last_us - self._offset_us

    def __len__(self) -> int:
        return self._rows

    def rows(self, part: slice) -> LogColumns:
        """Return the next rows; the engine asks for stretches in order."""
        start, stop = part.start, min(part.stop, self._rows)
        if start != self._read:
            raise AssertionError(f"rows {start} to {stop} of a streamed log that is at row {self._read}")
        self._read = stop
        found: list[LogColumns] = []
        while (wanted := stop - start - sum(map(len, found))) > 0:
            if not len(self._rest):
                self._rest = next(self._parts)
            found.append(self._rest.rows(slice(0, wanted)))
            self._rest = self._rest.rows(slice(wanted, len(self._rest)))
        together = _together(found)
        return replace(together, time_us=together.time_us - self._offset_us)


def obstacle(plan: ReplayPlan, log: LogTable) -> str:
    """Return why the rows of a sampled log cannot all be played; empty where they can."""
    if plan.supply.test_path is not None:
        return "supply.test_path plays the second of two logs"
    if log.full is None:
        return "its rows are not in order of time, or supply.requests takes the first"
    if plan.settings.split != "time":
        return f"study.replay.split is {plan.settings.split}, not time"
    brought = "pctr" in log.frame
    if plan.settings.learner != "logistic" and not brought:
        return f"study.replay.learner is {plan.settings.learner}, not logistic"
    if "known" in log.frame and not brought:
        return "the outcome of some rows was not seen, and no predictions came with them"
    return ""


def training_sample(plan: ReplayPlan, log: LogTable) -> LogTable:
    """Return the sampled rows of the training part of a log that is read again."""
    if log.full is None:
        raise AssertionError("a log whose rows are all in memory is played from there")
    start = round(plan.settings.train_share * len(log.full))
    return replace(log, frame=log.frame[log.full.places < start].reset_index(drop=True))


def open_stream(plan: ReplayPlan, log: LogTable, training: LogTable, arm: str) -> StreamedLog:
    """Return all rows after the training part, priced by what is learned from its sample.

    Raises:
        BadInput: nothing to learn from.
    """
    full = log.full
    assert full is not None  # noqa: S101 - there are training rows of it
    start = round(plan.settings.train_share * len(full))
    predictor = None if "pctr" in training.frame else fit_predictor(plan, training, arm)[0]
    worth = click_worth(plan, training)
    default = plan.settings.value_per_click or 0.0

    def price(table: pa.Table) -> LogColumns:
        campaign = table["campaign"].combine_chunks()
        each = np.array([worth.get(name, default) for name in campaign.dictionary.to_pylist()])
        value = each[np.asarray(campaign.indices)]
        ctr = np.asarray(table["pctr"]) if predictor is None else predictor.ctr(table.to_pandas())
        happened = np.asarray(table["click"]).astype(np.float64)
        if "known" in table.column_names:
            happened = np.where(np.asarray(table["known"]), happened, ctr)
        time_us, prices, floors, weight = (
            np.asarray(table[name]) for name in ("time_us", "price_micros", "floor_micros", "weight")
        )
        seen = {"value": ctr * value}
        return LogColumns(time_us, prices, floors, weight, happened * value, happened, seen)

    return StreamedLog(full, start, price)


def _together(parts: list[LogColumns]) -> LogColumns:
    if len(parts) == 1:
        return parts[0]
    names = ("time_us", "price_micros", "floor_micros", "weight", "value", "click")
    joined = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    columns = {name: np.concatenate([part.columns[name] for part in parts]) for name in parts[0].columns}
    return LogColumns(**joined, columns=columns)

"""Counts of a log as it streams by, whose size does not grow with its rows."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ..log_table import Roles
from ..read_log import MOST_NAMES
from .leaks import LeakCounts

PER_OCTAVE = 64
"""Bins of amounts in which the highest is twice the lowest."""
NO_EPISODE = -1
"""Of rows before the first episode."""
MOST_AMOUNTS = 10_000
"""Most distinct prices counted one by one."""
COMPARED = 1_000_000
"""First rows that are searched for doubles."""


@dataclass
class Histogram:
    """Amounts, micros, 0 and up: exact while few distinct ones have come, then in bins of 1.1 %.

    Attributes:
        counts: the weight of each amount, or of each bin by its middle.
        is_exact: whether quantiles are amounts that occur, not the middle of a bin.
        total, weight: sums over all amounts.
        least, most: the lowest and the highest amount.
    """

    counts: dict[float, float] = field(default_factory=dict)
    is_exact: bool = True
    total: float = 0.0
    weight: float = 0.0
    least: float = math.inf
    most: float = 0.0

    def add(self, amounts: NDArray[np.int64], weights: NDArray[np.float64]) -> None:
        """Count amounts, each with its weight."""
        self.total += float(amounts @ weights)
        self.weight += float(weights.sum())
        self.least = min(self.least, float(amounts.min(initial=2**62)))
        self.most = max(self.most, float(amounts.max(initial=0)))
        self._count(amounts.astype(np.float64), weights)
        if self.is_exact and len(self.counts) > MOST_AMOUNTS:
            counts, self.counts, self.is_exact = self.counts, {}, False
            self._count(np.array(list(counts)), np.array(list(counts.values())))

    def _count(self, amounts: NDArray[np.float64], weights: NDArray[np.float64]) -> None:
        if not self.is_exact:
            middle = 2.0 ** ((np.floor(np.log2(np.maximum(amounts, 1)) * PER_OCTAVE) + 0.5) / PER_OCTAVE)
            amounts = np.where(amounts > 0, middle, 0.0)
        distinct, at = np.unique(amounts, return_inverse=True)
        for amount, weight in zip(distinct.tolist(), np.bincount(at, weights).tolist(), strict=True):
            self.counts[amount] = self.counts.get(amount, 0.0) + weight

    @property
    def mean(self) -> float:
        """Of all amounts, between the lowest and the highest; nan without amounts."""
        return min(max(self.total / self.weight, self.least), self.most) if self.weight else float("nan")

    @property
    def above_0(self) -> float:
        """The share that is above 0."""
        return 1 - self.counts.get(0.0, 0.0) / self.weight if self.weight else float("nan")

    def quantile(self, share: float) -> float:
        """Return the least amount that at least this share of the weight does not exceed, or the middle of its bin."""
        if not self.weight:
            return float("nan")
        amounts = sorted(self.counts)
        place = place_of(np.cumsum([self.counts[amount] for amount in amounts]), share)
        return min(max(amounts[place], self.least), self.most)


def place_of(upto: NDArray[np.float64], share: float) -> int:
    """Return the place at which a share of the whole is reached; sums are compared up to rounding."""
    return min(int(np.searchsorted(upto, share * upto[-1] * (1 - 1e-12))), len(upto) - 1)


@dataclass
class Survey:
    """What a log contains."""

    roles: Roles
    rows: int = 0
    weight: float = 0.0
    clicks: int = 0
    clicks_weight: float = 0.0
    conversions: int | None = None
    known: int = 0
    first_us: int = 2**62
    last_us: int = -(2**62)
    in_order: bool = True
    price: Histogram = field(default_factory=Histogram)
    floor: Histogram = field(default_factory=Histogram)
    bids: Counter[int] = field(default_factory=Counter)
    bid_rows: int = 0
    at_floor: float = 0.0
    above_bid: int = 0
    hourly: NDArray[np.float64] = field(default_factory=lambda: np.zeros(24))
    campaigns: dict[str, list[int]] = field(default_factory=dict)
    people: dict[str, list[int]] = field(default_factory=dict)
    episodes: dict[str, list[int]] = field(default_factory=dict)
    missing: dict[str, list[int]] = field(default_factory=dict)
    values: dict[str, set[str]] = field(default_factory=dict)
    doubles: int = 0
    columns: tuple[str, ...] = ()
    leaks: LeakCounts = field(init=False)
    _hashes: list[NDArray[np.uint64]] = field(default_factory=list)
    _compared: int = 0

    def __post_init__(self) -> None:
        self.leaks = LeakCounts(self.roles)

    def add(self, table: pa.Table) -> None:
        """Take a chunk."""
        self.columns = tuple(table.column_names)
        click, weight, time_us = (np.asarray(table[name]) for name in ("click", "weight", "time_us"))
        price, floor = (np.asarray(table[name]) for name in ("price_micros", "floor_micros"))
        self.rows += len(table)
        self.weight += float(weight.sum())
        self.clicks += int(click.sum())
        self.clicks_weight += float((click * weight).sum())
        self.known += int(np.asarray(table["known"]).sum()) if "known" in self.columns else len(table)
        if "conversion" in self.columns:
            self.conversions = (self.conversions or 0) + int(np.asarray(table["conversion"]).sum())
        self.in_order &= int(time_us[0]) >= self.last_us and bool((np.diff(time_us) >= 0).all())
        self.first_us = min(self.first_us, int(time_us.min()))
        self.last_us = max(self.last_us, int(time_us.max()))
        self.hourly += np.bincount(time_us // 3_600_000_000 % 24, weight, minlength=24)
        self.price.add(price, weight)
        self.floor.add(floor, weight)
        self.at_floor += float(weight[(floor > 0) & (floor == price)].sum())
        self._add_bids(table, price)
        campaign = table["campaign"].combine_chunks().cast(pa.string())
        _add_names(self.campaigns, campaign, click)
        if "user" in self.columns:
            _add_names(self.people, table["user"].combine_chunks().cast(pa.string()), click)
        if "episode" in self.columns:  # each campaign numbers its episodes anew
            number = table["episode"].combine_chunks()
            names = pc.binary_join_element_wise(campaign, number.cast(pa.string()), "/")
            _add_names(self.episodes, pc.if_else(pc.equal(number, NO_EPISODE), "", names), click)
        self._add_features(table, click)
        self.leaks.add(table)
        self._compare(table)

    def _add_bids(self, table: pa.Table, price: NDArray[np.int64]) -> None:
        if "bid_micros" not in self.columns:
            return
        bid = np.asarray(table["bid_micros"])
        self.bid_rows += int((bid > 0).sum())
        self.above_bid += int(((bid > 0) & (price > bid)).sum())
        if len(self.bids) < 1_000:
            levels, counts = np.unique(bid[bid > 0], return_counts=True)
            self.bids.update(dict(zip(levels[:1_000].tolist(), counts[:1_000].tolist(), strict=True)))

    def _add_features(self, table: pa.Table, click: NDArray[np.int64]) -> None:
        for name in self.roles.features:
            column = table[name].combine_chunks()
            gone = np.asarray(pc.equal(column.cast(pa.string()), ""))
            so_far = self.missing.setdefault(name, [0, 0])
            so_far[0] += int(gone.sum())
            so_far[1] += int((gone & (click == 1)).sum())
            seen = self.values.setdefault(name, set())
            if len(seen) < MOST_NAMES:
                seen.update(_occurring(column, is_list=name in self.roles.lists)[:MOST_NAMES])

    def _compare(self, table: pa.Table) -> None:
        if self._compared >= COMPARED:
            return
        hashes: Any = pd.util.hash_pandas_object(table.to_pandas(), index=False, categorize=False).to_numpy()
        self._hashes.append(hashes[: COMPARED - self._compared])
        self._compared += len(self._hashes[-1])

    def close(self) -> None:
        """The log is at its end."""
        hashes = np.concatenate(self._hashes) if self._hashes else np.empty(0, dtype=np.uint64)
        self.doubles = len(hashes) - len(np.unique(hashes))
        self._hashes = []

    @property
    def ctr(self) -> float:
        """Clicks of all impressions that the log stands for, and whose outcome was seen."""
        unseen = self.rows - self.known
        return self.clicks_weight / max(self.weight - unseen, 1e-300)


def _occurring(column: pa.DictionaryArray, *, is_list: bool) -> list[str]:
    """Return the values that stand on a row, without the missing one; of a list its members."""
    values = column.dictionary.take(pc.unique(column.indices))
    if is_list:
        values = pc.unique(pc.split_pattern(values, ",").flatten())
    return [value for value in values.to_pylist() if value]


def _add_names(seen: dict[str, list[int]], column: Any, click: NDArray[np.int64]) -> None:
    """Add rows and clicks by name; new names are taken while there is room."""
    groups = pa.table({"name": column, "click": click}).group_by("name", use_threads=False)
    for row in groups.aggregate([("click", "count"), ("click", "sum")]).to_pylist():
        name = row["name"]
        if name and (name in seen or len(seen) < MOST_NAMES):
            so_far = seen.setdefault(name, [0, 0])
            so_far[0] += row["click_count"]
            so_far[1] += row["click_sum"]

"""A log of auctions: what every reader makes of a file, and which data source has which column."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from jointbid.sim.scenario.source import OWNERS, Factor

from ..cells.lattice import Lattice
from .rows.row_audit import RowAudit
from .rows.row_sampling import RereadableLog

SAMPLED_OUT = "not in the sample that stands for the log"
"""Why a row was dropped of a log that is longer than memory."""
UNSEEN = "outcome not seen"
"""Why a row was dropped that was not shown."""
SOURCES = ("profile", "context", "history")
"""The data sources of a log: groups of feature columns with an owner."""


@dataclass(frozen=True)
class Roles:
    """The feature columns of each data source. All features are text; the empty string is "missing".

    Attributes:
        profile: columns of the CIO (the person).
        context: columns of the CMO (the page, the slot, the hour).
        ad: columns that every bidder of a campaign knows (the advertiser, the creative).
        lists: those among them that hold several values in one cell, separated by commas.
        history: columns of the CMO on earlier touchpoints of the person.
    """

    profile: tuple[str, ...] = ()
    context: tuple[str, ...] = ()
    ad: tuple[str, ...] = ()
    lists: frozenset[str] = frozenset()
    history: tuple[str, ...] = ()

    def of(self, source: str) -> tuple[str, ...]:
        """Return the columns of one group."""
        columns: tuple[str, ...] = getattr(self, source)
        return columns

    @property
    def sources(self) -> tuple[str, ...]:
        """The data sources that have columns."""
        return tuple(source for source in SOURCES if self.of(source))

    @property
    def features(self) -> tuple[str, ...]:
        """All feature columns."""
        return (*self.profile, *self.context, *self.history, *self.ad)

    @property
    def silos(self) -> dict[str, str]:
        """The arm of all sources of an owner, such as `context+history`, and the owner; `joint` where these are all."""
        lattice, held = Lattice(self.sources), dict[str, list[str]]()
        for source in self.sources:
            held.setdefault(OWNERS[cast("Factor", source)], []).append(source)
        return {lattice.arm(own): owner for owner, own in held.items()}

    @property
    def models(self) -> dict[str, tuple[str, ...]]:
        """The columns of each model: `none` (the ad alone), each source and each silo with the ad, and `joint`."""
        lattice = Lattice(self.sources)
        own = {
            arm: tuple(column for source in lattice.members(arm) for column in self.of(source)) + self.ad
            for arm in dict.fromkeys((*self.sources, *self.silos))
        }
        return {"none": self.ad, **own, "joint": self.features}


class Joins(Protocol):
    """The tables that are joined to a log, to be looked up again with other keys or at other times."""

    def look_up(
        self, name: str, keys: NDArray[np.int64], at_us: NDArray[np.int64] | None = None
    ) -> dict[str, Any]:
        """Return what a table holds for keys: `found`, and its columns by name; shape (rows,) each."""


@dataclass(frozen=True)
class LogForm:
    """What is known of a log by its form.

    Attributes:
        roles: the feature columns of each data source.
        facts: what the rows do not show, in sentences.
        currency: of the prices.
        full_information: whether rows that the logger did not win are there too, each with its price.
        keeps_time: whether `time_us` is the log's own; else rows come every tenth of a second.
        joins: the tables that are joined to the log; None without.
        has_prices: whether rows have prices; else `price_micros` is 0 everywhere.
    """

    roles: Roles
    facts: tuple[str, ...] = ()
    currency: str = "currency"
    full_information: bool = False
    keeps_time: bool = True
    joins: Joins | None = None
    has_prices: bool = True


@dataclass(frozen=True, kw_only=True)
class Reader(LogForm):
    """One log, opened and its form checked.

    Attributes:
        chunks: yields the rows in the file's order, block by block, and records them in the audit: columns of
            `rows.log_columns.TYPES`, of which every log has the first six, and the features. `time_us` counts from 1970 or from the log's own start. Text is
            dictionary-encoded.
        tick_us: the resolution of the times, where rows of one moment are spread evenly over it; else 0.
        unsold_at_0: whether a row with the price 0 is a lost auction, unless its outcome is known.
        mapped: whether a mapping says what the columns are.
    """

    chunks: Callable[[RowAudit], Iterator[pa.Table]]
    tick_us: int = 0
    unsold_at_0: bool = False
    mapped: bool = False


def impressions(click: NDArray[np.int64], nonclick_weight: float) -> NDArray[np.float64]:
    """Return how many impressions of the full log each row stands for, where non-clicks are sampled; shape (rows,)."""
    return np.where(click == 1, 1.0, nonclick_weight)


@dataclass(frozen=True)
class RowCount:
    """The number of rows read, used, and dropped by reason: `read == used + sum(dropped.values())`, checked on creation."""

    read: int
    used: int
    dropped: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.read != self.used + sum(self.dropped.values()):
            raise AssertionError(f"rows do not add up: {self}")

    def __str__(self) -> str:
        dropped = ", ".join(f"{count:,} {reason}" for reason, count in self.dropped.items()) or "none"
        return f"{self.read:,} rows read, {self.used:,} used, dropped: {dropped}"


@dataclass(frozen=True, kw_only=True)
class LogTable(LogForm):
    """A log that was read, checked and put in order of time.

    Attributes:
        frame: the feature columns of `roles` (text), and the canonical ones: `time_us` (int64, microseconds since the
            start of the log's first day), `campaign` (text), `click` (0 or 1), `price_micros` (int64, the market
            price, highest rival bid or floor, per impression), `floor_micros` (int64), `weight` (float64, how many
            requests of the full log the row stands for). Some logs have `user` (text), `conversion` (0 or 1),
            `known` (bool: the outcome was seen, as the impression was), `episode` (int64), `pctr` (float64, a
            prediction that came with the log), `bid_micros` (int64, what the logger bid), `value_micros` (float64, what its
            outcomes brought), `propensity` (float64, the probability with which the logger showed the ad), `test` (bool: of
            `supply.test_path`), `unpriced` (bool: a lost auction whose price is not known). With `joins` it has the numbers of their keys, and
            `user` is a number, too.
        rows: read, used, dropped and why.
        path: the file, for messages.
        notes: what the reader had to decide about odd rows, in words.
        full: all rows, to be read once more, where the frame is a sample of a log in order of time.
    """

    frame: pd.DataFrame
    rows: RowCount
    path: str
    notes: tuple[str, ...] = ()
    full: RereadableLog | None = None

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def what(self) -> str:
        """What a row stands for: won impressions, and the seen part of a log, tell nothing of the other bid requests."""
        return (
            "bid requests"
            if self.full_information and UNSEEN not in self.rows.dropped
            else "logged impressions"
        )

    @property
    def is_sample(self) -> bool:
        """Whether the frame is a sample that stands for a longer log."""
        return SAMPLED_OUT in self.rows.dropped

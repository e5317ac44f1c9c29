"""A log of auctions in memory: one row a bid request, and which house owns which column."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

CANONICAL = ("time_us", "campaign", "click", "price_micros", "floor_micros", "weight")
"""Columns that every log has, whatever file it came from; see `LogTable`."""


@dataclass(frozen=True)
class Roles:
    """Which feature columns belong to whom. All features are text; the empty string is "missing".

    Attributes:
        profile: columns of the CIO's house (the person).
        context: columns of the CMO's house (the page, the slot, the hour).
        ad: what anybody who bids for a campaign knows (the advertiser, the creative).
        lists: those among them that hold several values in one cell, separated by commas.
    """

    profile: tuple[str, ...]
    context: tuple[str, ...]
    ad: tuple[str, ...]
    lists: frozenset[str] = frozenset()


@dataclass(frozen=True)
class RowCount:
    """What became of each row of the file: `read == used + sum(dropped.values())`, held on creation."""

    read: int
    used: int
    dropped: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.read != self.used + sum(self.dropped.values()):
            raise AssertionError(f"rows do not add up: {self}")


@dataclass(frozen=True)
class LogTable:
    """A log that was read, checked and put in order of time.

    Attributes:
        frame: the feature columns of `roles` (text), and the canonical ones: `time_us` (int64, microseconds since
            the log's start), `campaign` (text), `click` (int64, 0 or 1), `price_micros` (int64, the market price,
            highest rival bid or floor, per impression), `floor_micros` (int64), `weight` (float64, how many
            requests of the full log the row stands for).
        roles: who owns which feature column.
        rows: read, used, dropped and why.
        currency: of the prices.
        path: the file, for messages.
        notes: what the reader had to decide about odd rows, in words.
    """

    frame: pd.DataFrame
    roles: Roles
    rows: RowCount
    currency: str
    path: str
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.frame)

"""Reading a log: the format is given by `supply.format` or detected from the file."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from jointbid.sim.paths import expand
from jointbid.sim.scenario import LogSupply
from jointbid.sim.scenario.supply import MOST_ROWS

from ..errors import BadInput
from .formats.detect import AUCTIONNET, CLICK_PRICE_PCTR, CSV, MAPPED, YZBX, YZX
from .formats.mapped import Mapped
from .formats.registry import AUTO, Options, open_log
from .log_table import SAMPLED_OUT, LogTable, Reader, RowCount
from .rows.campaign_filter import CampaignFilter
from .rows.columns import DAY_US, HOUR_US, believe_prices
from .rows.rereadable import RereadableLog, TimeScan
from .rows.row_audit import RowAudit
from .rows.row_sampling import FirstRows, RowSampler, compact

TICK_US = {CSV: HOUR_US, AUCTIONNET: HOUR_US // 2}
"""Resolution of the times of some formats: rows of one moment are spread evenly over it."""

PRICE_PAID = frozenset({CLICK_PRICE_PCTR, YZX, YZBX, MAPPED})
"""Formats without a mark of won rows: in them a price of 0 is that of a lost auction, unless the outcome is known."""
UNSOLD = "lost auctions with the price 0 or none (what would have won them is not known)"
TIMELESS = frozenset({CLICK_PRICE_PCTR, YZX, YZBX})
"""Formats that keep no time."""


def stream(
    reader: Reader, audit: RowAudit, campaigns: Collection[str] = (), log_format: str = ""
) -> Iterator[pa.Table]:
    """The log chunk by chunk in the file's order, in bounded memory; each row is accounted for.

    Where `campaigns` are named, rows of others are left out; so are lost auctions with the price 0 of a format of `PRICE_PAID`.

    Raises:
        BadInput: at the end, for rows that could not be used (unless they may be dropped) and where none was left; at once
            for a file that cannot be read on; for campaigns that do not occur.
    """
    own = CampaignFilter(campaigns)
    for chunk in reader.chunks(audit):
        table = own.of(chunk, audit) if campaigns else chunk
        if log_format in PRICE_PAID:
            table = _priced(table, audit)
        audit.used += len(table)
        if len(table):
            yield believe_prices(table, audit)
    own.check(audit)
    audit.finish()


def _priced(table: pa.Table, audit: RowAudit) -> pa.Table:
    """The rows without lost auctions whose price is 0: a replay would buy them for nothing."""
    unsold = np.asarray(table["price_micros"]) <= 0
    if "known" in table.column_names:
        unsold &= ~np.asarray(table["known"])
    audit.dropped[UNSOLD] += int(unsold.sum())
    return compact(table.filter(pa.array(~unsold))) if unsold.any() else table


def _keeps_time(name: str, reader: Reader) -> bool:
    return name not in TIMELESS and not (isinstance(reader, Mapped) and reader.mapping.time is None)


def read_log(
    path: str | Path,
    log_format: str = AUTO,
    options: Options | None = None,
    *,
    campaigns: Collection[str] = (),
    drop_bad: bool = False,
    first: int | None = None,
    most: int = MOST_ROWS,
    seed: int = 1,
) -> LogTable:
    """Read a log into memory, in order of time.

    Args:
        path: a file, or a folder with the files of one log.
        log_format: its name in `FORMATS`, or `auto`.
        options: further settings of the log.
        campaigns: the campaigns to use; all where none is named.
        drop_bad: leave out and count rows that cannot be used, instead of refusing the log.
        first: the number of rows to use, the first in order of time; the rest are counted as dropped.
        most: the number of rows kept in memory; of a longer log a sample is kept (`RowSampler`).
        seed: of that sample.

    Raises:
        BadInput: an unknown format, or a log that cannot be used, with file, row, column and value.
    """
    path = expand(path)
    name, reader = open_log(path, log_format, options)

    def rows(audit: RowAudit) -> Iterator[pa.Table]:
        return stream(reader, audit, campaigns, name)

    audit, sampler = RowAudit(str(path), drop_bad=drop_bad), RowSampler(most, seed)
    scan = TimeScan(TICK_US.get(name, 0))
    for table in rows(audit) if first is None else _first(rows(audit), first):
        sampler.add(table)
        scan.add(table)
    frame = as_frame(sampler.tables(), scan.tick_us)
    dropped, beyond = audit.reasons, 0
    if first is not None:
        frame = frame.head(first)
        beyond = dropped["beyond supply.requests"] = max(audit.used - first, 0)
    dropped[SAMPLED_OUT] = audit.used - beyond - len(frame)
    full = None
    if sampler.is_sample and scan.in_order and first is None:
        full = RereadableLog(lambda: rows(RowAudit(str(path), drop_bad=drop_bad)), scan, sampler.places)
    return LogTable(
        frame,
        reader.roles,
        RowCount(audit.read, len(frame), {reason: count for reason, count in dropped.items() if count}),
        reader.currency,
        str(path),
        (*sampler.notes, *audit.sentences),
        reader.full_information,
        reader.facts,
        full,
        keeps_time=_keeps_time(name, reader),
    )


def _first(chunks: Iterable[pa.Table], most: int) -> list[pa.Table]:
    first = FirstRows(most)
    for table in chunks:
        first.add(table)
    return first.tables()


def read_supply(supply: LogSupply, seed: int = 1) -> LogTable:
    """Read the log that a scenario's `supply` names; `seed` is of the sample of a long one.

    Raises:
        BadInput: see `read_log`.
    """
    return read_log(
        supply.path,
        supply.format,
        options_of(supply),
        campaigns=supply.campaign,
        drop_bad=supply.drop_bad,
        first=supply.requests,
        most=supply.most_rows,
        seed=seed,
    )


def options_of(supply: LogSupply) -> Options:
    """Return the options of a scenario's log."""
    return Options(supply.nonclick_weight, supply.clicks, supply.mapping, supply.seat)


def as_frame(tables: list[pa.Table], tick_us: int = 0) -> pd.DataFrame:
    """Return chunks as one table in order of time, counted from the start of the first day; text as sorted categories.

    Rows of one moment are spread evenly over `tick_us`.
    """
    together = pa.concat_tables(tables).unify_dictionaries()
    frame = together.to_pandas(split_blocks=True, self_destruct=True)
    order = np.argsort(frame["time_us"].to_numpy(), kind="stable")
    if (np.diff(order) != 1).any():
        frame = frame.take(order)
    frame = frame.reset_index(drop=True)
    frame["time_us"] -= frame["time_us"].iloc[0] // DAY_US * DAY_US
    if tick_us:
        group = frame["time_us"].groupby(frame["time_us"])
        frame["time_us"] += group.cumcount() * tick_us // group.transform("size")
    for name in frame.columns:
        if isinstance(frame[name].dtype, pd.CategoricalDtype):
            frame[name] = frame[name].cat.set_categories(sorted(frame[name].cat.categories.astype(str)))
    return frame


def check_sources(log: LogTable) -> None:
    """Raise `BadInput` where the log does not tell two sources apart, so that there is nothing to join."""
    if len(log.roles.sources) < 2:
        there = ", ".join(log.roles.sources) or "none"
        raise BadInput(
            f"{log.path}: feature columns of {there} alone: what joining is worth needs two of profile, context and history "
            "(supply.mapping says which columns are whose)"
        )

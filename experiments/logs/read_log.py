"""Readers of real logs, one family a file, chosen by `supply.format` or told by what is in the file."""

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
from .log_table import THINNED, LogTable, Reader, RowCount
from .rows.campaign_filter import CampaignFilter
from .rows.columns import DAY_US, HOUR_US, believe_prices
from .rows.rereadable import RereadableLog, TimeScan
from .rows.row_audit import RowAudit
from .rows.row_sampling import FirstRows, RowSampler, compact

TICK_US = {CSV: HOUR_US, AUCTIONNET: HOUR_US // 2}
"""Formats that tell the time only so finely: rows of one moment are spread evenly over it."""

PRICE_PAID = frozenset({CLICK_PRICE_PCTR, YZX, YZBX, MAPPED})
"""Formats that do not say whether each row was won. In them a price of 0 is that of a lost auction, unless the row was shown."""
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
        options: what else was said about it.
        campaigns: use the rows of these alone, where some are named.
        drop_bad: leave rows out that cannot be used, and count them, instead of refusing the log.
        first: use the first so many rows in order of time, and count the rest as dropped.
        most: hold at most so many rows; of a longer log a sample that stands for it (`held.RowSampler`).
        seed: of that sample.

    Raises:
        BadInput: an unknown format, or a log that cannot be used, with file, row, column and value.
    """
    path = expand(path)
    name, reader = open_log(path, log_format, options)
    audit, held, watch = (
        RowAudit(str(path), drop_bad=drop_bad),
        RowSampler(most, seed),
        TimeScan(TICK_US.get(name, 0)),
    )
    chunks: Iterable[pa.Table] = stream(reader, audit, campaigns, name)
    for table in chunks if first is None else _first(chunks, first):
        held.add(table)
        watch.add(table)
    frame = as_frame(held.tables(), watch.tick_us)
    dropped = audit.reasons
    if first is not None:
        frame = frame.head(first)
        dropped["beyond supply.requests"] = max(audit.used - first, 0)
    dropped[THINNED] = audit.used - dropped.get("beyond supply.requests", 0) - len(frame)
    return LogTable(
        frame,
        reader.roles,
        RowCount(audit.read, len(frame), {reason: count for reason, count in dropped.items() if count}),
        reader.currency,
        str(path),
        (*held.notes, *audit.sentences),
        reader.full_information,
        reader.facts,
        RereadableLog(
            lambda: stream(reader, RowAudit(str(path), drop_bad=drop_bad), campaigns, name),
            watch,
            held.places,
        )
        if held.left_out and watch.in_order and first is None
        else None,
        keeps_time=_keeps_time(name, reader),
    )


def _first(chunks: Iterable[pa.Table], most: int) -> list[pa.Table]:
    first = FirstRows(most)
    for table in chunks:
        first.add(table)
    return first.tables()


def read_supply(supply: LogSupply, seed: int = 1) -> LogTable:
    """The log that a scenario's `supply` names; `seed` is of the sample that is held of a long one.

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
    """What the scenario says of its log."""
    return Options(supply.nonclick_weight, supply.clicks, supply.mapping, supply.seat)


def as_frame(tables: list[pa.Table], tick_us: int = 0) -> pd.DataFrame:
    """Chunks as one table in order of time, counted from the start of the first day; text as categories in order.

    `tick_us` is how finely the log tells the time: rows of one moment are spread evenly over so much.
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
            known = frame[name].cat.categories
            frame[name] = frame[name].cat.set_categories(sorted(known.astype(str)))
    return frame


def check_sources(log: LogTable) -> None:
    """Raise `BadInput` where the log does not tell two sources apart, so that there is nothing to join."""
    if len(log.roles.sources) < 2:
        there = ", ".join(log.roles.sources) or "none"
        raise BadInput(
            f"{log.path}: feature columns of {there} alone: what joining is worth needs two of profile, context and history "
            "(supply.mapping says which columns are whose)"
        )

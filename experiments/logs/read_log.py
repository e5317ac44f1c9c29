"""Reading a log: the format is given by `supply.format` or detected from the file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import fields
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from jointbid.sim.scenario import LogSupply

from ..errors import BadInput, closest
from .formats.click_price_pctr import campaign_of
from .formats.registry import open_log
from .log_table import SAMPLED_OUT, LogForm, LogTable, Reader, RowCount
from .rows.log_columns import DAY_US, believe_prices, constant
from .rows.row_audit import RowAudit
from .rows.row_sampling import RereadableLog, RowSampler, TimeScan, compact, first_rows
from .small_groups import check_persons

UNSOLD = "lost auctions with the price 0 or none (what would have won them is not known)"
SHOWN = 20
"""Most campaigns named in a message."""
MOST_NAMES = 100_000
"""Beyond this number of campaigns no more are counted."""


def stream(
    reader: Reader,
    audit: RowAudit,
    campaigns: Collection[str] = (),
    *,
    is_last: bool = True,
    with_lost: bool = False,
) -> Iterator[pa.Table]:
    """Yield the log block by block in the file's order, in bounded memory; the audit records each row, and is closed with the last log.

    Where `campaigns` are named, rows of others are left out; so are lost auctions with the price 0. `with_lost` keeps those
    of them that have a bid, marked in the column `unpriced`; their price is their floor.

    Raises:
        BadInput: at the end, for rows that could not be used (unless they may be dropped) and where none was left; at once
            for a file that cannot be read on; for campaigns that do not occur.
    """
    wanted, others, absent = pa.array(list(campaigns), pa.string()), Counter[str](), set(campaigns)
    for chunk in reader.chunks(audit):
        table = chunk
        if campaigns:
            names = chunk["campaign"].combine_chunks().cast(pa.string())
            if absent and len(others) < MOST_NAMES:
                others.update({pair["values"]: pair["counts"] for pair in pc.value_counts(names).to_pylist()})
            absent -= set(pc.unique(names).to_pylist()) if absent else set()
            table = compact(chunk.filter(pc.is_in(names, value_set=wanted)))
            audit.dropped["of other campaigns"] += len(chunk) - len(table)
        if reader.unsold_at_0:
            table = _priced(table, audit, with_lost=with_lost)
        audit.used += len(table)
        if len(table):
            yield believe_prices(table, audit)
    if absent:
        known = ", ".join(name for name, _ in others.most_common(SHOWN))
        raise BadInput(
            [
                f"supply.campaign = {name}: {audit.path} has no rows of it that can be used; it has {known}"
                + closest(name, others)
                for name in sorted(absent)
            ]
        )
    if is_last:
        audit.finish()


def _priced(table: pa.Table, audit: RowAudit, *, with_lost: bool) -> pa.Table:
    """Return the rows without lost auctions whose price is 0: a replay would buy them for nothing."""
    unsold = np.asarray(table["price_micros"]) <= 0
    if "known" in table.column_names:
        unsold &= ~np.asarray(table["known"])
    if with_lost and {"known", "bid_micros"} <= set(table.column_names):
        unpriced = unsold & (np.asarray(table["bid_micros"]) > 0)
        price, floor = (np.asarray(table[name]) for name in ("price_micros", "floor_micros"))
        table = _replaced(table, "price_micros", np.where(unpriced, floor, price))
        table, unsold = table.append_column("unpriced", pa.array(unpriced)), unsold & ~unpriced
    audit.dropped[UNSOLD] += int(unsold.sum())
    return compact(table.filter(pa.array(~unsold))) if unsold.any() else table


def read_log(supply: LogSupply, seed: int = 1, *, with_lost: bool = False) -> LogTable:
    """Read the log that a scenario's `supply` names into memory, in order of time.

    Where `supply.requests` is given, the first rows in order of time are used, and the rest are counted as dropped. Of a log of
    more than `supply.most_rows` rows a sample is kept (`RowSampler`), drawn with `seed`. With `supply.test_path` the rows of both logs
    are there, marked in the column `test`. With `with_lost` lost auctions without a price are there, too (`stream`).

    Raises:
        BadInput: an unknown format, or a log that cannot be used, with file, row, column and value.
    """
    _, reader = open_log(supply)
    second = _test_reader(supply, reader)

    def rows(audit: RowAudit) -> Iterator[pa.Table]:
        if second is None:
            return stream(reader, audit, supply.campaign, with_lost=with_lost)
        return _pair(reader, second, audit, supply)

    first, audit = supply.requests, RowAudit(supply.path, drop_bad=supply.drop_bad)
    sampler, scan, tables = RowSampler(supply.most_rows, seed), TimeScan(reader.tick_us), rows(audit)
    for table in tables if first is None else first_rows(tables, first):
        sampler.add(table)
        scan.add(table)
    frame = as_frame(sampler.tables(), scan.tick_us).iloc[:first]
    dropped = audit.reasons
    beyond = 0 if first is None else max(audit.used - first, 0)
    dropped["beyond supply.requests"], dropped[SAMPLED_OUT] = beyond, audit.used - beyond - len(frame)
    full = None
    if sampler.is_sample and scan.in_order and first is None and second is None:
        full = RereadableLog(
            lambda: rows(RowAudit(supply.path, drop_bad=supply.drop_bad)), scan, sampler.places
        )
    form = {field.name: getattr(reader, field.name) for field in fields(LogForm)}
    if second is not None:
        form["facts"] += (f"learned and tuned on {supply.path}, played on {supply.test_path}",)
    log = LogTable(
        **form,
        frame=frame,
        rows=RowCount(audit.read, len(frame), {reason: count for reason, count in dropped.items() if count}),
        path=supply.path,
        notes=(*sampler.notes, *audit.sentences),
        full=full,
    )
    check_persons(supply, log)
    return log


_EPISODES_A_LOG = 2**61


def _test_reader(supply: LogSupply, reader: Reader) -> Reader | None:
    """Return the reader of `supply.test_path`, where it is given.

    Raises:
        BadInput: it is the same log, or one of another form or with other columns.
    """
    if supply.test_path is None:
        return None
    if Path(supply.test_path).resolve() == Path(supply.path).resolve():
        raise BadInput(
            f"supply.test_path = {supply.test_path}: is supply.path itself; give the log that strategies shall play"
        )
    name, second = open_log(supply.model_copy(update={"path": supply.test_path, "test_path": None}))
    if second.roles != reader.roles:
        raise BadInput(
            f"supply.test_path = {supply.test_path}: is read as {name} with the columns {', '.join(second.roles.features)}, where "
            f"{supply.path} has {', '.join(reader.roles.features)}; both must be logs of one form"
        )
    return second


def _pair(reader: Reader, second: Reader, audit: RowAudit, supply: LogSupply) -> Iterator[pa.Table]:
    """Yield the rows of the training log, and then of the test log, with the column `test`.

    Without times of its own the test log follows after the training log; its episodes are others. Where a mapping names no campaign, each log
    would be a campaign of its file's name: the test log is then of that of the training log.
    """
    end, campaigns = 0, set[str]()
    for table in stream(reader, audit, supply.campaign, is_last=False):
        end = max(end, int(np.asarray(table["time_us"]).max()) + 1)
        campaigns |= _campaigns(table)
        yield table.append_column("test", pa.array(np.zeros(len(table), dtype=bool)))
    learned = audit.used
    for table in stream(second, audit, supply.campaign):
        made = table
        own = [{campaign_of(Path(path or ""))} for path in (supply.path, supply.test_path)]
        if reader.mapped and [campaigns, _campaigns(table)] == own:
            place = made.schema.get_field_index("campaign")
            made = made.set_column(place, "campaign", constant(min(campaigns), len(table)))
        if not reader.keeps_time:
            made = _replaced(made, "time_us", np.asarray(table["time_us"]) + end)
        if "episode" in table.column_names:
            episode = np.asarray(table["episode"])
            made = _replaced(made, "episode", np.where(episode >= 0, episode + _EPISODES_A_LOG, episode))
        yield made.append_column("test", pa.array(np.ones(len(table), dtype=bool)))
    for path, rows in ((supply.path, learned), (supply.test_path, audit.used - learned)):
        if not rows:
            raise BadInput(f"{path}: has no rows that can be used")


def _campaigns(table: pa.Table) -> set[str]:
    return set(pc.unique(table["campaign"].combine_chunks().cast(pa.string())).to_pylist())


def _replaced(table: pa.Table, name: str, values: NDArray[np.int64]) -> pa.Table:
    return table.set_column(table.schema.get_field_index(name), name, pa.array(values))


def as_frame(tables: list[pa.Table], tick_us: int = 0) -> pd.DataFrame:
    """Return blocks as one table in order of time, counted from the start of the first day; text as sorted categories.

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
    """Raise `BadInput` where the log has no columns of two sources, so that there is nothing to join."""
    if len(log.roles.sources) < 2:
        there = ", ".join(log.roles.sources) or "none"
        raise BadInput(
            f"{log.path}: feature columns of {there} alone: what joining is worth needs two of profile, context and history "
            "(supply.mapping says which columns are whose)"
        )

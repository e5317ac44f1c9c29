"""Any CSV or Parquet file, read by a mapping."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ...errors import BadInput
from ..log_table import Roles
from ..rows import columns as make
from ..rows.columns import PRICE_MAX
from ..rows.compression import BROKEN, why
from ..rows.delimited import Form, Rows, check_header, read_rows
from ..rows.number_cells import Column, numbers_of
from ..rows.row_audit import Account
from .click_price_pctr import ROW_US, campaign_of
from .mapping import PER_UNIT, TIME_US, Mapping

_BATCH = 131_072
_FALSE = ("false", "False", "FALSE")
_LATEST = 4e18


@dataclass(frozen=True)
class Mapped:
    """Reader of files described by a mapping; `parquet` says which kind they are."""

    files: Sequence[Path]
    mapping: Mapping
    parquet: bool
    nonclick_weight: float

    @property
    def roles(self) -> Roles:
        """As the mapping says."""
        m = self.mapping
        return Roles(m.profile, m.context, m.ad, frozenset(m.lists), m.history)

    @property
    def currency(self) -> str:
        """As the mapping says."""
        return self.mapping.currency

    @property
    def full_information(self) -> bool:
        """As the mapping says."""
        return self.mapping.full_information

    @property
    def facts(self) -> tuple[str, ...]:
        """What the mapping leaves out."""
        said = [] if self.mapping.time else ["the mapping names no time: rows come every tenth of a second"]
        if not self.mapping.floor:
            said.append("the mapping names no floor: there is none")
        return tuple(said)

    def chunks(self, account: Account) -> Iterator[pa.Table]:
        """See `Reader`."""
        wanted, seen = self._columns(), 0
        for file in self.files:
            m = self.mapping
            source = _parquet(file, wanted, account) if self.parquet else read_rows(
                file, wanted, account, Form(m.delimiter, m.header, m.quoted)
            )  # fmt: skip
            for block in source:
                rows, time_us = self._timed(str(file), block, account, seen)
                yield self._chunk(file, rows, time_us)
                seen += len(rows)

    def _columns(self) -> list[Column]:
        """The columns that the mapping names, with their rules; one named twice comes once."""
        m, missing = self.mapping, self.mapping.missing
        found = [Column(m.price, "number", 0, PRICE_MAX), Column(m.click, "integer", 0, 1, missing=_FALSE)]
        found += [Column(name, "number", 0, PRICE_MAX, missing=missing) for name in (m.floor, m.bid) if name]
        found += [
            Column(name, "integer", 0, 1, missing=(*missing, *_FALSE))
            for name in (m.conversion, m.known)
            if name
        ]
        if m.weight:
            found.append(Column(m.weight, "number", 1e-9, 1e9))
        if m.pctr:
            found.append(Column(m.pctr, "number", 0, 1))
        if m.episode:
            found.append(Column(m.episode, "integer", -(2**53), 2**53))
        if m.time:
            written = {"iso": "id", "yyyyMMddHHmmssSSS": "integer"}.get(m.time.unit, "number")
            found.append(Column(m.time.column, written, 0 if written != "id" else -np.inf, _LATEST))  # type: ignore[arg-type]
        found += [Column(m.user, "id", lenient=True)] if m.user else []
        found += [Column(name, lenient=True) for name in (*self.roles.features, m.campaign) if name]
        return list({column.name: column for column in reversed(found)}.values())[::-1]

    def _timed(self, file: str, rows: Rows, account: Account, seen: int) -> tuple[Rows, NDArray[np.int64]]:
        """Rows whose time can be told, and that time in microseconds."""
        about = self.mapping.time
        if about is None:
            return rows, (seen + np.arange(len(rows))) * ROW_US
        column = rows[about.column]
        if about.unit == "iso":
            time_us, wrong = _iso(pc.cast(column, pa.string()))
        elif about.unit == "yyyyMMddHHmmssSSS":
            time_us, wrong = make.clock17(column)
        else:
            exact = column * TIME_US[about.unit]
            wrong = ~(np.abs(exact) < _LATEST)
            time_us = np.where(wrong, 0, exact).astype(np.int64)
        for i in np.flatnonzero(wrong):
            value = column[int(i)].as_py() if isinstance(column, pa.Array) else column[i]
            what = f", column {about.column!r}: {value!r} is not a time ({about.unit})"
            account.complain(file, int(rows.numbers[i]), what, f"bad {about.column}")
        return rows.without(wrong), time_us[~wrong]

    def _chunk(self, file: Path, rows: Rows, time_us: NDArray[np.int64]) -> pa.Table:
        m, n = self.mapping, len(rows)
        scale, gone = PER_UNIT[m.price_unit], frozenset(m.missing)
        clean: Any = lambda text: "" if text in gone else text  # noqa: E731 - one word for one rule
        split: Any = lambda text: clean(text).replace(m.list_separator, ",")  # noqa: E731
        table: dict[str, Any] = {
            "time_us": time_us,
            "campaign": make.recode(rows[m.campaign], clean)
            if m.campaign
            else make.constant(campaign_of(file), n),
            "click": rows[m.click],
            "price_micros": make.micros(rows[m.price], scale),
            "floor_micros": make.micros(rows[m.floor], scale) if m.floor else np.zeros(n, dtype=np.int64),
            "weight": rows[m.weight] if m.weight else np.where(rows[m.click] == 1, 1.0, self.nonclick_weight),
        }
        table |= {
            name: make.recode(rows[name], split if name in m.lists else clean) for name in self.roles.features
        }
        if m.bid:
            table["bid_micros"] = make.micros(rows[m.bid], scale)
        if m.user:
            table["user"] = make.recode(rows[m.user], clean).cast(pa.string())
        if m.known:
            table["known"] = rows[m.known] == 1
        for name, column in {"conversion": m.conversion, "episode": m.episode, "pctr": m.pctr}.items():
            if column:
                table[name] = rows[column]
        return make.chunk(table)


def _iso(text: pa.Array) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """ISO 8601 times as microseconds since 1970 (UTC where no zone is said), and which cells are none."""
    try:
        times = text.cast(pa.timestamp("us", tz="UTC") if _zoned(text) else pa.timestamp("us"))
        return np.asarray(times.cast(pa.int64())), np.zeros(len(text), dtype=bool)
    except pa.ArrowInvalid:
        values, wrong = np.zeros(len(text), dtype=np.int64), np.zeros(len(text), dtype=bool)
        for i, cell in enumerate(text.to_pylist()):
            try:
                moment = datetime.fromisoformat(cell.strip())
                seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
                values[i] = round(seconds * 1_000_000)
            except ValueError:
                wrong[i] = True
        return values, wrong


def _zoned(text: pa.Array) -> bool:
    return bool(len(text)) and bool(pc.match_substring_regex(text[:1], r"(Z|[+-]\d\d:?\d\d)$")[0].as_py())


def _parquet(path: Path, columns: Sequence[Column], account: Account) -> Iterator[Rows]:
    """Rows of a Parquet file, numbered from 1; nulls are missing.

    Raises:
        BadInput: a file that is no Parquet or is damaged, or that lacks columns.
    """
    first = 1
    try:
        with pq.ParquetFile(path) as file:
            check_header(path, file.schema_arrow.names, columns)
            names = [column.name for column in columns]
            for raw in file.iter_batches(batch_size=_BATCH, columns=names):
                batch = pa.RecordBatch.from_arrays([_readable(cells) for cells in raw], raw.schema.names)
                numbers = np.arange(first, first + len(batch), dtype=np.int64)
                account.read += len(batch)
                first += len(batch)
                yield _checked(str(path), batch, numbers, columns, account)
    except BROKEN as error:
        raise BadInput(f"{path}: cannot be read on after row {first - 1}: {why(error)}") from error


def _readable(cells: pa.Array) -> pa.Array:
    """Text as it is; bytes in it that are not UTF-8 as a backslash, x and two digits, as they are read from other files."""
    text = pa.types.is_string(cells.type) or pa.types.is_large_string(cells.type)
    try:
        cells.validate(full=text)
    except pa.ArrowInvalid:
        raw = cells.cast(pa.large_binary()).to_pylist()
        return pa.array(
            [None if cell is None else cell.decode("utf-8", "backslashreplace") for cell in raw], pa.string()
        )
    return cells


def _checked(
    file: str, batch: pa.RecordBatch, numbers: NDArray[np.int64], columns: Sequence[Column], account: Account
) -> Rows:
    """The columns in the kinds that are wanted; rows that break a rule are noted and left out."""
    found: dict[str, Any] = {}
    bad = np.zeros(len(batch), dtype=bool)
    for column in columns:
        cells = batch.column(column.name)
        found[column.name], wrong = _text(cells) if column.is_text else _numbers(cells, column)
        for i in np.flatnonzero(wrong & ~bad):
            what = f", column {column.name!r}: {cells[int(i)].as_py()!r:.200} is not {column.allowed}"
            account.complain(file, int(numbers[i]), what, f"bad {column.name}")
        bad |= wrong
    return Rows(found, numbers).without(bad)


def _text(cells: pa.Array) -> tuple[pa.Array, NDArray[np.bool_]]:
    none = np.zeros(len(cells), dtype=bool)
    if pa.types.is_list(cells.type) or pa.types.is_large_list(cells.type):
        joined = [",".join(map(str, cell)) if cell is not None else "" for cell in cells.to_pylist()]
        return pa.array(joined, pa.string()), none
    if pa.types.is_timestamp(cells.type):
        moments = cells.cast(pa.timestamp("us", tz=cells.type.tz), safe=False)
        cells = pc.strftime(moments.cast(pa.timestamp("us")), format="%Y-%m-%dT%H:%M:%S")
    if pa.types.is_dictionary(cells.type):
        cells = cells.dictionary_decode()
    return pc.fill_null(cells.cast(pa.string()), ""), none


def _numbers(cells: pa.Array, column: Column) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    if pa.types.is_dictionary(cells.type):
        cells = cells.dictionary_decode()
    if pa.types.is_string(cells.type) or pa.types.is_large_string(cells.type):
        return numbers_of(pc.fill_null(cells.cast(pa.string()), ""), column)
    gone = np.asarray(cells.is_null())
    if pa.types.is_timestamp(cells.type):
        cells = cells.cast(pa.int64())
    try:
        exact = (
            cells.cast(pa.int64())
            if column.kind == "integer" and not pa.types.is_floating(cells.type)
            else cells.cast(pa.float64())
        )
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return np.zeros(len(cells), dtype=np.int64), np.ones(len(cells), dtype=bool)
    values = np.asarray(pc.fill_null(exact, 0))
    with np.errstate(invalid="ignore"):
        good = np.isfinite(values) & (values >= column.low) & (values <= column.high)
        if column.kind == "integer":
            good &= values == np.rint(values)
    default = column.default if column.missing else np.nan
    values = np.where(gone, np.nan_to_num(default), np.where(good, values, 0))
    wrong = np.where(gone, np.isnan(default), ~good)
    return (values.astype(np.int64) if column.kind == "integer" else values.astype(np.float64)), wrong

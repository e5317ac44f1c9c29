"""The iPinYou log of 2013 (seasons 2 and 3) in its four forms.

Source: Liao, Peng, Liu & Shen (2014), "iPinYou global RTB bidding algorithm competition dataset"; Zhang, Yuan, Wang &
Shen (2014), "Real-time bidding benchmarking with iPinYou dataset", arXiv:1407.7073. Prices are fen CPM: 1 fen CPM is
CNY .01 for a thousand impressions, so 10 micros for one. Only impressions that the advertiser won are logged: the
market price is what it paid, second price, and prices above its own bid are censored.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ..log_table import Reader, Roles, impressions
from ..rows import log_columns as make
from ..rows.checked_rows import Rows
from ..rows.column_rules import Column, flag
from ..rows.compression import first_lines
from ..rows.delimited import Form, headed, read_rows
from ..rows.log_columns import HOUR_US, NULLS, PRICE_MAX
from ..rows.row_audit import RowAudit

MICROS_PER_FEN_CPM = 10
FLOOR_EDGES = (-1, 0, 5, 20, 50, 80, 120)
"""Upper ends of the floor's buckets in fen CPM, fixed beforehand so that no row shapes them; 0 is "no floor"."""
SCHEMA = (
    "bidid", "timestamp", "logtype", "ipinyouid", "useragent", "IP", "region", "city", "adexchange", "domain", "url",
    "urlid", "slotid", "slotwidth", "slotheight", "slotvisibility", "slotformat", "slotprice", "creative", "bidprice",
    "payprice", "keypage", "advertiser", "usertag",
)  # fmt: skip
"""The 24 columns of impression, click and conversion logs."""
TEST_SCHEMA = (*SCHEMA, "nclick", "nconversation")
"""The testing sets count clicks and conversions on each row."""
_DERIVED = ("click", "weekday", "hour")
LOG_COLUMNS = (*_DERIVED, *SCHEMA)
"""The columns of make-ipinyou-data's logs."""

ROLES = Roles(
    profile=("usertag", "region", "city", "useragent"),
    context=("weekday", "hour", "adexchange", "domain", "slotid", "slotwidth", "slotheight", "slotvisibility",
             "slotformat", "floor_bucket"),
    ad=("advertiser", "creative"),
    lists=frozenset({"usertag"}),
)  # fmt: skip
FACT = "second price; only impressions that the advertiser won are logged, so that prices above its own bid are censored"

_MADE = ("weekday", "hour", "floor_bucket")
_TEXT = tuple(name for name in ROLES.features if name not in _MADE)
_FREE_TEXT = frozenset({"useragent", "domain", "usertag"})
_MONEY = (
    Column("slotprice", "number", 0, PRICE_MAX, missing=tuple(NULLS)),
    Column("payprice", "number", 0, PRICE_MAX),
)
_BID = Column("bidprice", "number", 0, PRICE_MAX, missing=tuple(NULLS))
_CALENDAR = (Column("weekday", "integer", 0, 6), Column("hour", "integer", 0, 23))
_CLICK = flag("click")
_LOGTYPE = Column("logtype", "integer", 0, 9, missing=tuple(NULLS), default=1)
_COUNTED = (Column("nclick", "integer", 0, 10**6), Column("nconversation", "integer", 0, 10**6))
CLEANED = (_CLICK, *_CALENDAR, Column("slotprice", "number", 0, PRICE_MAX), _MONEY[1], *map(Column, _TEXT))
"""Columns that the cleaned CSV must have, in any order; others are ignored."""

SEEN = ("Na", "FirstView", "SecondView", "ThirdView", "FourthView", "FifthView", "SixthView", "SeventhView",
        "EighthView", "NinthView", "TenthView")  # fmt: skip
VISIBILITY = {name: str(number) for number, name in enumerate(SEEN)} | {"OtherView": "255"}
"""Season 3 writes names where season 2 writes numbers; both are read as the numbers."""
FORMAT = {"Na": "0", "Fixed": "1", "Pop": "2", "Background": "3", "Float": "4"}
_SYSTEMS = ("windows", "ios", "mac", "android", "linux")
_BROWSERS = ("chrome", "sogou", "maxthon", "safari", "firefox", "theworld", "opera", "ie")


def cleaned_csv(files: Sequence[Path], nonclick_weight: float) -> Reader:
    """Read the cleaned CSV: 20 columns, clicks all kept, non-clicks sampled; weekday and hour are all that is left of time.

    The rows of one hour share its first microsecond.
    """

    def chunks(audit: RowAudit) -> Iterator[pa.Table]:
        for file in files:
            for rows in read_rows(file, CLEANED, audit, headed(file, CLEANED)):
                time_us = (rows["weekday"] * 24 + rows["hour"]) * HOUR_US
                text = {name: make.recode(rows[name], make.without_null) for name in _TEXT}
                yield make.chunk(_canonical(rows, text, time_us, nonclick_weight))

    spread = "the log keeps no minutes: the rows of an hour are spread evenly over it"
    return Reader(ROLES, (FACT, spread), "CNY", chunks=chunks, tick_us=HOUR_US)


def log_txt(files: Sequence[Path], nonclick_weight: float) -> Reader:
    """Read `*.log.txt` of make-ipinyou-data: click, weekday, hour, then the raw logs' columns; with a header or without.

    Conversions are there where each file counts them.
    """

    def chunks(audit: RowAudit) -> Iterator[pa.Table]:
        headers = {file: _log_header(file) for file in files}
        counted = all(_COUNTED[1].name in (names or _first_cells(file)) for file, names in headers.items())
        columns = (_CLICK, *_CALENDAR, *_raw_columns(), *(_COUNTED[1:] if counted else ()))
        for file, names in headers.items():
            for rows in read_rows(file, columns, audit, Form("\t", names, quoted=False)):
                if counted:
                    rows.columns["conversion"] = (rows[_COUNTED[1].name] > 0).astype(np.int64)
                yield _raw_chunk(rows, audit, nonclick_weight)

    return Reader(ROLES, (FACT,), "CNY", chunks=chunks)


def _first_cells(file: Path) -> list[str]:
    return next(iter(first_lines(file, 1)), "").split("\t")


def _log_header(file: Path) -> tuple[str, ...] | None:
    """Return the names of a `*.log.txt` without a header; None where its first line is one."""
    if "click" in [cell.strip().casefold() for cell in _first_cells(file)]:
        return None
    counts_too = width_of(file) == len(_DERIVED) + len(TEST_SCHEMA)
    return (*_DERIVED, *(TEST_SCHEMA if counts_too else SCHEMA))


def raw_logs(
    files: Sequence[Path], clicks: Sequence[Path], conversions: Sequence[Path], nonclick_weight: float
) -> Reader:
    """Read the raw logs: impressions (`files`) and clicks (and conversions) in other files, joined on bid id and creative.

    Tags come from the impression: click rows may lack them.
    """

    def chunks(audit: RowAudit) -> Iterator[pa.Table]:
        indices = {"click": _index(clicks, audit), "conversion": _index(conversions, audit)}
        for file in files:
            counted = width_of(file) == len(TEST_SCHEMA)
            wanted = (_LOGTYPE, *_raw_columns(), *(_COUNTED if counted else ()))
            form = Form("\t", TEST_SCHEMA if counted else SCHEMA, quoted=False)
            for block in read_rows(file, wanted, audit, form):
                # Of other logs (2: clicks, 3: conversions) no row is an impression.
                other, rule = block["logtype"] > 1, "1, an impression"
                rows = block.reject(other, audit, "logtype", block["logtype"], rule, "not an impression")
                for (what, index), count in zip(indices.items(), _COUNTED, strict=True):
                    if counted:
                        rows.columns[what] = (rows[count.name] > 0).astype(np.int64)
                    elif what == "click" or conversions:
                        rows.columns[what] = index.clicked(rows["bidid"], rows["creative"])
                yield _raw_chunk(rows, audit, nonclick_weight)
        for what, index in indices.items():
            audit.notes.update(index.notes(what))

    return Reader(ROLES, (FACT,), "CNY", chunks=chunks)


def width_of(file: Path) -> int:
    """Return the number of cells of most of the first lines, separated by tabs."""
    lines = first_lines(file, 50)
    counts = [line.count("\t") + 1 for line in (lines[:-1] or lines) if line.strip()]
    return max(set(counts), key=counts.count) if counts else 0


class ClickIndex:
    """The distinct keys of click rows, the rows of each, and the number of impressions that have it.

    Two clicks on one impression are one clicked impression.
    """

    def __init__(self, rows: Sequence[tuple[pa.Array, pa.Array]]) -> None:
        """Take the bid ids and creatives of the click rows, block by block."""
        parts = [_key(*block) for block in rows]
        counted = pc.value_counts(pa.concat_arrays(parts) if parts else pa.array([], pa.string()))
        self._keys, self._counts = counted.field("values"), np.asarray(counted.field("counts"))
        self._hits = np.zeros(len(self._keys), dtype=np.int64)

    def clicked(self, bid_id: pa.Array, creative: pa.Array) -> NDArray[np.int64]:
        """Return 1 where the impression was clicked, else 0; shape (rows,)."""
        if not len(self._keys):
            return np.zeros(len(bid_id), dtype=np.int64)
        place = pc.index_in(_key(bid_id, creative), value_set=self._keys)
        hit = np.asarray(pc.fill_null(place, -1))
        self._hits += np.bincount(hit[hit >= 0], minlength=len(self._hits))
        return (hit >= 0).astype(np.int64)

    def notes(self, what: str) -> dict[str, int]:
        """Return counts of matched, unmatched, repeated and shared rows, in words; `what` they are (click, conversion)."""
        rows, unmatched = int(self._counts.sum()), int(self._counts[self._hits == 0].sum())
        few = f"; beware: that is most of the {rows:,}, so these files may not belong together, or their ids may differ"
        return {
            f"{what} rows found their impression, of {rows:,}": rows - unmatched,
            f"{what} rows have no impression among these{few if 2 * unmatched > rows else ''}": unmatched,
            f"{what} rows repeat another one's bid id and creative": rows - len(self._keys),
            f"impressions share a {what} with another row of the same bid id and creative": int(
                np.maximum(self._hits - 1, 0).sum()
            ),
        }


def _key(bid_id: pa.Array, creative: pa.Array) -> pa.Array:
    return pc.binary_join_element_wise(bid_id.cast(pa.string()), creative.cast(pa.string()), "\t")


def _index(files: Sequence[Path], audit: RowAudit) -> ClickIndex:
    """Index the click (or conversion) files; their rows are no rows of the log."""
    wanted = (Column("bidid", "id"), Column("creative", "id"))
    found = []
    for file in files:
        own = RowAudit(str(file), audit.drop_bad, audit.tolerant)
        blocks = read_rows(file, wanted, own, Form("\t", SCHEMA, quoted=False))
        found += [(rows["bidid"], rows["creative"]) for rows in blocks]
        own.check()
        audit.problems |= own.problems
        audit.notes[f"rows of {file.name} could not be used and were dropped"] += sum(own.dropped.values())
    return ClickIndex(found)


def _raw_columns() -> tuple[Column, ...]:
    text = tuple(Column(name, lenient=name in _FREE_TEXT) for name in _TEXT)
    stamp = Column("timestamp", "integer", 0, 99_991_231_235_959_999)
    return (Column("bidid", "id"), stamp, Column("ipinyouid", "id", lenient=True), *_MONEY, _BID, *text)


def _raw_chunk(rows: Rows, audit: RowAudit, nonclick_weight: float) -> pa.Table:
    time_us, wrong = make.clock17(rows["timestamp"])
    rows = rows.reject(wrong, audit, "timestamp", rows["timestamp"], "a time yyyyMMddHHmmssSSS")
    time_us = time_us[~wrong]
    rules = {
        "useragent": agent,
        "slotvisibility": lambda text: VISIBILITY.get(text, make.without_null(text)),
        "slotformat": lambda text: FORMAT.get(text, make.without_null(text)),
    }
    text = {name: make.recode(rows[name], rules.get(name, make.without_null)) for name in _TEXT}
    table = _canonical(rows, text, time_us, nonclick_weight)
    table["user"] = make.recode(rows["ipinyouid"], make.without_null).cast(pa.string())
    table["bid_micros"] = make.micros(rows["bidprice"], MICROS_PER_FEN_CPM)
    if "conversion" in rows.columns:
        table["conversion"] = rows["conversion"]
    return make.chunk(table)


def _canonical(rows: Rows, text: dict[str, Any], time_us: Any, nonclick_weight: float) -> dict[str, Any]:
    """Return the canonical columns and the features."""
    floor, hour = rows["slotprice"], time_us // HOUR_US
    # 1970 began on a Thursday; the cleaned file counts from a Sunday.
    weekday = rows["weekday"] if "weekday" in rows.columns else (hour // 24 + 4) % 7
    return {
        "time_us": time_us,
        "campaign": text["advertiser"],
        "click": rows["click"],
        "price_micros": make.micros(rows["payprice"], MICROS_PER_FEN_CPM),
        "floor_micros": make.micros(floor, MICROS_PER_FEN_CPM),
        "weight": impressions(rows["click"], nonclick_weight),
        **text,
        "weekday": make.whole_numbers(weekday, 6),
        "hour": make.whole_numbers(hour % 24, 23),
        "floor_bucket": make.buckets(floor, FLOOR_EDGES),
    }


def agent(text: str) -> str:
    """Operating system and browser of a user agent, as in windows_chrome; what is already so short stays."""
    low = text.lower()
    if " " not in low and "/" not in low and "_" in low:
        return low
    if low in NULLS:
        return ""
    system = next((name for name in _SYSTEMS if name in low), "other")
    return f"{system}_{next((name for name in _BROWSERS if name in low), 'other')}"

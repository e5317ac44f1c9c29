"""The iPinYou log of 2013 (seasons 2 and 3) in its four forms.

Source: Liao, Peng, Liu & Shen (2014), "iPinYou global RTB bidding algorithm competition dataset"; Zhang, Yuan, Wang &
Shen (2014), "Real-time bidding benchmarking with iPinYou dataset", arXiv:1407.7073. Prices are fen CPM: 1 fen CPM is
CNY .01 for a thousand impressions, so 10 micros for one. Only impressions that the advertiser won are logged: the
market price is what it paid, second price, and prices above its own bid are censored.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from ..log_table import Roles, WonLog
from ..rows import columns as make
from ..rows.checked_rows import Rows
from ..rows.column import Column, flag
from ..rows.columns import HOUR_US, NULLS, PRICE_MAX
from ..rows.compression import first_lines
from ..rows.delimited import Form, headed, read_rows
from ..rows.row_audit import RowAudit
from .click_join import ClickIndex

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
FACTS = (
    "second price; only impressions that the advertiser won are logged, so that prices above its own bid are censored",
)

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


@dataclass(frozen=True)
class CleanedCsv(WonLog):
    """The cleaned CSV: 20 columns, clicks all kept, non-clicks sampled; weekday and hour are all that is left of time."""

    roles: Roles = ROLES
    facts: tuple[str, ...] = (
        *FACTS,
        "the log keeps no minutes: the rows of an hour are spread evenly over it",
    )

    def chunks(self, audit: RowAudit) -> Iterator[pa.Table]:
        """See `Reader`; the rows of one hour share its first microsecond."""
        for file in self.files:
            for rows in read_rows(file, CLEANED, audit, headed(file, CLEANED)):
                hour = rows["weekday"] * 24 + rows["hour"]
                text = {name: make.recode(rows[name], make.without_null) for name in _TEXT}
                yield make.chunk(_canonical(rows, text, hour * HOUR_US, self.weight(rows["click"])))


@dataclass(frozen=True)
class LogTxt(WonLog):
    """`*.log.txt` of make-ipinyou-data: click, weekday, hour, then the columns of the raw logs; with a header or without."""

    roles: Roles = ROLES
    facts: tuple[str, ...] = FACTS

    def chunks(self, audit: RowAudit) -> Iterator[pa.Table]:
        """See `Reader`; conversions are there where each file counts them."""
        wanted: tuple[Column, ...] = (_CLICK, *_CALENDAR, *_raw_columns())
        headers = {file: _log_header(file) for file in self.files}
        counted = all(_COUNTED[1].name in (names or _first_cells(file)) for file, names in headers.items())
        for file, names in headers.items():
            columns = (*wanted, _COUNTED[1]) if counted else wanted
            for rows in read_rows(file, columns, audit, Form("\t", names, quoted=False)):
                if counted:
                    rows.columns["conversion"] = (rows[_COUNTED[1].name] > 0).astype(np.int64)
                yield _raw_chunk(rows, audit, self)


def _first_cells(file: Path) -> list[str]:
    return next(iter(first_lines(file, 1)), "").split("\t")


def _log_header(file: Path) -> tuple[str, ...] | None:
    """The names of a `*.log.txt` without a header; None where its first line is one."""
    if "click" in [cell.strip().casefold() for cell in _first_cells(file)]:
        return None
    counts_too = width_of(file) == len(_DERIVED) + len(TEST_SCHEMA)
    return (*_DERIVED, *(TEST_SCHEMA if counts_too else SCHEMA))


@dataclass(frozen=True)
class RawLogs(WonLog):
    """The raw logs: impressions (`files`) and clicks (and conversions) in separate files, joined on bid id and creative.

    Tags come from the impression: click rows may lack them.
    """

    clicks: Sequence[Path]
    conversions: Sequence[Path]
    roles: Roles = ROLES
    facts: tuple[str, ...] = FACTS

    def chunks(self, audit: RowAudit) -> Iterator[pa.Table]:
        """See `Reader`."""
        clicks, conversions = (_index(files, audit) for files in (self.clicks, self.conversions))
        for file in self.files:
            counted = width_of(file) == len(TEST_SCHEMA)
            wanted = (_LOGTYPE, *_raw_columns(), *(_COUNTED if counted else ()))
            form = Form("\t", TEST_SCHEMA if counted else SCHEMA, quoted=False)
            for block in read_rows(file, wanted, audit, form):
                # Of other logs (2: clicks, 3: conversions) no row is an impression.
                other, rule = block["logtype"] > 1, "1, an impression"
                rows = block.reject(other, audit, "logtype", block["logtype"], rule, "not an impression")
                if counted:
                    rows.columns["click"] = (rows["nclick"] > 0).astype(np.int64)
                    rows.columns["conversion"] = (rows["nconversation"] > 0).astype(np.int64)
                else:
                    rows.columns["click"] = clicks.clicked(rows["bidid"], rows["creative"])
                    if self.conversions:
                        rows.columns["conversion"] = conversions.clicked(rows["bidid"], rows["creative"])
                yield _raw_chunk(rows, audit, self)
        for index, what in ((clicks, "click"), (conversions, "conversion")):
            audit.notes.update(index.notes(what))


def width_of(file: Path) -> int:
    """How many cells most of the first lines have, separated by tabs."""
    lines = first_lines(file, 50)
    counts = [line.count("\t") + 1 for line in (lines[:-1] or lines) if line.strip()]
    return max(set(counts), key=counts.count) if counts else 0


def _index(files: Sequence[Path], audit: RowAudit) -> ClickIndex:
    """Index the click (or conversion) files; their rows are no rows of the log."""
    wanted = (Column("bidid", "id"), Column("creative", "id"))
    found = []
    for file in files:
        own = RowAudit(str(file), audit.drop_bad, audit.tolerant)
        blocks = read_rows(file, wanted, own, Form("\t", SCHEMA, quoted=False))
        found += [(rows["bidid"], rows["creative"]) for rows in blocks]
        own.check()
        audit.problems += own.problems
        audit.notes[f"rows of {file.name} could not be used and were dropped"] += sum(own.dropped.values())
    return ClickIndex(found)


def _raw_columns() -> tuple[Column, ...]:
    text = tuple(Column(name, lenient=name in _FREE_TEXT) for name in _TEXT)
    stamp = Column("timestamp", "integer", 0, 99_991_231_235_959_999)
    return (Column("bidid", "id"), stamp, Column("ipinyouid", "id", lenient=True), *_MONEY, _BID, *text)


def _raw_chunk(rows: Rows, audit: RowAudit, log: WonLog) -> pa.Table:
    time_us, wrong = make.clock17(rows["timestamp"])
    rows = rows.reject(wrong, audit, "timestamp", rows["timestamp"], "a time yyyyMMddHHmmssSSS")
    time_us = time_us[~wrong]
    rules = {
        "useragent": agent,
        "slotvisibility": lambda text: VISIBILITY.get(text, make.without_null(text)),
        "slotformat": lambda text: FORMAT.get(text, make.without_null(text)),
    }
    text = {name: make.recode(rows[name], rules.get(name, make.without_null)) for name in _TEXT}
    table = _canonical(rows, text, time_us, log.weight(rows["click"]))
    table["user"] = make.recode(rows["ipinyouid"], make.without_null).cast(pa.string())
    table["bid_micros"] = make.micros(rows["bidprice"], MICROS_PER_FEN_CPM)
    if "conversion" in rows.columns:
        table["conversion"] = rows["conversion"]
    return make.chunk(table)


def _canonical(rows: Rows, text: dict[str, Any], time_us: Any, weight: Any) -> dict[str, Any]:
    """The canonical columns and the features."""
    floor, hour = rows["slotprice"], time_us // HOUR_US
    # 1970 began on a Thursday; the cleaned file counts from a Sunday.
    weekday = rows["weekday"] if "weekday" in rows.columns else (hour // 24 + 4) % 7
    return {
        "time_us": time_us,
        "campaign": text["advertiser"],
        "click": rows["click"],
        "price_micros": make.micros(rows["payprice"], MICROS_PER_FEN_CPM),
        "floor_micros": make.micros(floor, MICROS_PER_FEN_CPM),
        "weight": weight,
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

"""`click price pctr` text, as rlb-dp and rtbarbitrage use: a row an impression, its price in fen CPM, a predicted CTR.

Source: Cai et al. (2017), "Real-time bidding by reinforcement learning in display advertising"; Zhang & Wang (2015),
"Statistical arbitrage mining for display advertising". Cells are separated by spaces or tabs; a fourth one is allowed
(rtbarbitrage has the hour there). A line with one field begins an episode and is its id; a first line with two is how many
rows and how long episodes are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..log_table import Reader, Roles, impressions
from ..rows import log_columns as make
from ..rows.checked_rows import Rows
from ..rows.column_rules import Column, flag
from ..rows.compression import first_lines
from ..rows.delimited import Form, read_rows
from ..rows.files import SPLITS, order_of
from ..rows.log_columns import PRICE_MAX
from ..rows.row_audit import RowAudit

MICROS_PER_FEN_CPM = 10
ROLES = Roles(ad=("campaign_name",))
_EPISODES_A_FILE = 10**14
ROW_US = 100_000
"""Where a log keeps no time, its rows come every tenth of a second."""
FACTS = (
    "prices are taken for fen CPM, as in iPinYou; only impressions that were won are logged",
    "the log keeps no time: rows come every tenth of a second",
)


_FORMS = ("yzx", "yzbx", "log")
_SPLIT = re.compile(rf"(?:^|(?<=[_-]))(?:{'|'.join((*SPLITS, *_FORMS))})\d*(?=$|[_-])", re.IGNORECASE)


@dataclass
class Episodes:
    """Lines with a single field: episode ids, by the row on which they stand.

    Each file counts its episodes anew: `file` is the number of the file, and keeps those of several files apart.
    """

    audit: RowAudit
    file: int = 0
    rows: list[int] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)

    def takes(self, row: int, text: str) -> bool:
        """Record an episode line or the first line; return whether it was one of them."""
        fields = text.split()
        if len(fields) == 1 and fields[0].isdecimal() and int(fields[0]) < _EPISODES_A_FILE:
            self.rows.append(row)
            self.ids.append(int(fields[0]))
            self.audit.dropped["episode line"] += 1
            return True
        if row == 1 and len(fields) == 2 and all(part.isdecimal() for part in fields):
            self.audit.dropped["first line (rows, episode length)"] += 1
            return True
        return False

    def of(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the episode of each row by its number; -1 before the first id, shape (rows,)."""
        place = np.searchsorted(np.asarray(self.rows, dtype=np.int64), numbers, side="left")
        ids = np.asarray(self.ids, dtype=np.int64) + self.file * _EPISODES_A_FILE
        return np.concatenate([[-1], ids])[place]


def campaign_of(file: Path) -> str:
    """Return the campaign that a file is about, by its name or its folder's.

    It is the digits that the file's name begins with, or the folder's name where that is a number, or what the file's name
    begins with. Words for a part of a split log (train, test) or a form are no campaign's name.
    """
    begin, *others = (_SPLIT.sub("", part).strip("_-") for part in file.name.split("."))
    if begin.isdecimal():
        return begin
    folder = file.resolve().parent.name
    if folder.isdecimal():
        return folder
    return begin or next((part for part in others if part.isdecimal()), folder) or "log"


FileReader = Callable[[Path, str, RowAudit, Episodes], Iterator[tuple[Rows, dict[str, Any]]]]
"""Yields the rows of one file, of one campaign, with `click` and `price`, and the further columns of a chunk."""


def episode_log(files: Sequence[Path], nonclick_weight: float, read: FileReader, **about: Any) -> Reader:
    """Read files of these text forms: no times, a file a campaign, and episodes; `about` are members of the reader."""

    def chunks(audit: RowAudit) -> Iterator[pa.Table]:
        seen = 0
        for place, file in enumerate(files):
            campaign, episodes = campaign_of(file), Episodes(audit, place)
            for rows, more in read(file, campaign, audit, episodes):
                n = len(rows)
                yield make.chunk(
                    {
                        "time_us": (seen + np.arange(n)) * ROW_US,
                        "campaign": make.constant(campaign, n),
                        "click": rows["click"],
                        "price_micros": make.micros(rows["price"], MICROS_PER_FEN_CPM),
                        "weight": impressions(rows["click"], nonclick_weight),
                        "episode": episodes.of(rows.numbers),
                        **more,
                    }
                )
                seen += n

    return Reader(chunks=chunks, currency="CNY", keeps_time=False, unsold_at_0=True, **about)


def click_price_pctr(files: Sequence[Path], nonclick_weight: float) -> Reader:
    """Read `click price pctr`."""
    facts = (*FACTS, *order_of(files))
    return episode_log(files, nonclick_weight, _read_pctr, roles=ROLES, facts=facts)


def _read_pctr(
    file: Path, campaign: str, audit: RowAudit, episodes: Episodes
) -> Iterator[tuple[Rows, dict[str, Any]]]:
    delimiter, width = layout(file)
    columns = (
        flag("click"),
        Column("price", "number", 0, PRICE_MAX),
        Column("pctr", "number", 0, 1),
        *([Column("fourth", lenient=True)] if width == 4 else []),
    )
    form = Form(delimiter, tuple(column.name for column in columns), quoted=False)
    for rows in read_rows(file, columns, audit, form, episodes.takes):
        yield rows, {"pctr": rows["pctr"], "campaign_name": make.constant(campaign, len(rows))}


def layout(file: Path) -> tuple[str, int]:
    """Return what separates the cells, and the number of cells of most rows (3 or 4)."""
    lines = [line for line in first_lines(file, 100) if len(line.split()) > 2]
    delimiter = "\t" if any("\t" in line for line in lines) else " "
    widths = [line.count(delimiter) + 1 for line in lines]
    return delimiter, 4 if widths and max(set(widths), key=widths.count) == 4 else 3

"""`click price pctr` text, as rlb-dp and rtbarbitrage use: a row an impression, its price in fen CPM, a predicted CTR.

Source: Cai et al. (2017), "Real-time bidding by reinforcement learning in display advertising"; Zhang & Wang (2015),
"Statistical arbitrage mining for display advertising". Cells are separated by spaces or tabs; a fourth one is allowed
(rtbarbitrage has the hour there). A line with one field begins an episode and is its id; a first line with two is how many
rows and how long episodes are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..log_table import Roles, WonLog
from ..rows import columns as make
from ..rows.columns import PRICE_MAX
from ..rows.compression import head
from ..rows.delimited import Form, read_rows
from ..rows.number_cells import Column
from ..rows.row_audit import Account

MICROS_PER_FEN_CPM = 10
ROLES = Roles(ad=("campaign_name",))
ROW_US = 100_000
"""Where a log keeps no time, its rows come every tenth of a second."""
FACTS = (
    "prices are taken for fen CPM, as in iPinYou; only impressions that were won are logged",
    "the log keeps no time: rows come every tenth of a second",
)


@dataclass
class Episodes:
    """Lines with a single field: episode ids, by the row on which they stand."""

    account: Account
    rows: list[int] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)

    def takes(self, row: int, text: str) -> bool:
        """Whether a line that is no row of the log is understood."""
        fields = text.split()
        if len(fields) == 1 and fields[0].isdecimal() and len(fields[0]) < 19:
            self.rows.append(row)
            self.ids.append(int(fields[0]))
            self.account.dropped["episode line"] += 1
            return True
        if row == 1 and len(fields) == 2 and all(part.isdecimal() for part in fields):
            self.account.dropped["first line (rows, episode length)"] += 1
            return True
        return False

    def of(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """The episode of each row by its number; -1 before the first id, shape (rows,)."""
        place = np.searchsorted(np.asarray(self.rows, dtype=np.int64), numbers, side="left")
        return np.concatenate([[-1], np.asarray(self.ids, dtype=np.int64)])[place]


def campaign_of(file: Path) -> str:
    """The campaign that a file is about: the digits its name begins with, or its folder's name if that is a number."""
    begin = file.name.split(".")[0]
    if not begin.isdecimal() and file.parent.name.isdecimal():
        return file.parent.name
    return begin


@dataclass(frozen=True)
class Triples(WonLog):
    """Reader of `click price pctr`."""

    roles: Roles = ROLES
    facts: tuple[str, ...] = FACTS

    def chunks(self, account: Account) -> Iterator[pa.Table]:
        """See `Reader`."""
        seen = 0
        for file in self.files:
            delimiter, width = layout(file)
            columns = (
                Column("click", "integer", 0, 1),
                Column("price", "number", 0, PRICE_MAX),
                Column("pctr", "number", 0, 1),
                *([Column("fourth", lenient=True)] if width == 4 else []),
            )
            episodes = Episodes(account)
            form = Form(delimiter, tuple(column.name for column in columns), quoted=False)
            for rows in read_rows(file, columns, account, form, episodes.takes):
                n = len(rows)
                price = make.micros(rows["price"], MICROS_PER_FEN_CPM)
                name = make.constant(campaign_of(file), n)
                yield make.chunk(
                    {
                        "time_us": (seen + np.arange(n)) * ROW_US,
                        "campaign": name,
                        "click": rows["click"],
                        "price_micros": price,
                        "floor_micros": np.zeros(n, dtype=np.int64),
                        "weight": self.weight(rows["click"]),
                        "episode": episodes.of(rows.numbers),
                        "pctr": rows["pctr"],
                        "campaign_name": name,
                    }
                )
                seen += n


def layout(file: Path) -> tuple[str, int]:
    """What separates the cells, and how many most rows have (3 or 4)."""
    lines = [
        line for line in head(file).decode("utf-8", "replace").splitlines()[:100] if len(line.split()) > 2
    ]
    delimiter = "\t" if any("\t" in line for line in lines) else " "
    widths = [line.count(delimiter) + 1 for line in lines]
    return delimiter, 4 if widths and max(set(widths), key=widths.count) == 4 else 3

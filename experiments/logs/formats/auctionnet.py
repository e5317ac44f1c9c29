"""The period files of AuctionNet: one row an opportunity and advertiser, won or not, with the least cost of winning.

Source: Su et al. (2024), "AuctionNet: a novel benchmark for decision-making in large-scale games". Money is in the data's own
unit, per impression. A conversion is known of exposed impressions alone; `pValue` is the data's prediction of one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from jointbid.sim.scenario import MICROS

from ..log_table import Reader, Roles
from ..rows import log_columns as make
from ..rows.column_rules import Column, flag
from ..rows.delimited import headed, read_rows
from ..rows.log_columns import DAY_US
from ..rows.row_audit import RowAudit

STEP_US = DAY_US // 48
_MONEY_MAX = 1e8
ROLES = Roles(context=("timeStepIndex",), ad=("advertiserNumber", "advertiserCategoryIndex"))
HEADER = (
    "deliveryPeriodIndex", "advertiserNumber", "advertiserCategoryIndex", "budget", "CPAConstraint", "timeStepIndex",
    "remainingBudget", "pvIndex", "pValue", "pValueSigma", "bid", "xi", "adSlot", "cost", "isExposed",
    "conversionAction", "leastWinningCost", "isEnd",
)  # fmt: skip
COLUMNS = (
    Column("deliveryPeriodIndex", "integer", 0, 100_000),
    Column("advertiserNumber"),
    Column("advertiserCategoryIndex"),
    Column("timeStepIndex", "integer", 0, 47),
    Column("pvIndex", "integer", 0, 10**12),
    Column("pValue", "number", 0, 1),
    Column("bid", "number", 0, _MONEY_MAX),
    flag("isExposed"),
    flag("conversionAction"),
    Column("leastWinningCost", "number", 0, _MONEY_MAX),
)
"""What the reader needs of the header; the other columns may be there or not."""
FACTS = (
    "a click here is a conversion, known of exposed impressions; of the others the data's own prediction counts",
    "a time step is half an hour; its rows are spread evenly over it",
)


def auctionnet(files: Sequence[Path]) -> Reader:
    """Read AuctionNet's CSV files, one a period; the rows of a time step share its first microsecond."""

    def chunks(audit: RowAudit) -> Iterator[pa.Table]:
        for file in files:
            for rows in read_rows(file, COLUMNS, audit, headed(file, COLUMNS)):
                shown = rows["isExposed"] == 1
                yield make.chunk(
                    {
                        "time_us": rows["deliveryPeriodIndex"] * DAY_US + rows["timeStepIndex"] * STEP_US,
                        "campaign": rows["advertiserNumber"],
                        "click": np.where(shown, rows["conversionAction"], 0),
                        "price_micros": make.micros(rows["leastWinningCost"], MICROS),
                        "known": shown,
                        "episode": rows["deliveryPeriodIndex"],
                        "pctr": rows["pValue"],
                        "bid_micros": make.micros(rows["bid"], MICROS),
                        "timeStepIndex": make.whole_numbers(rows["timeStepIndex"], 47),
                        "advertiserNumber": rows["advertiserNumber"],
                        "advertiserCategoryIndex": rows["advertiserCategoryIndex"],
                    }
                )

    return Reader(ROLES, FACTS, full_information=True, chunks=chunks, tick_us=STEP_US)

"""The columns of a bid request that every bidder may read, and their former names."""

from __future__ import annotations

PUBLIC_COLUMNS = ("hour", "floor", "auction_type", "uniform")
"""Hours since the start, the floor (currency per impression), the auction type (its number
in ``jointbid.sim.auction.mechanisms.MECHANISMS``), own randomness."""
RENAMED_COLUMNS = {"at": "auction_type", "u": "uniform"}
"""Former name of a public column -> its name."""


def new_name(column: str) -> str:
    """Return what a message adds about a column of a former name; empty for any other."""
    return f"; the column is named {RENAMED_COLUMNS[column]!r} now" if column in RENAMED_COLUMNS else ""

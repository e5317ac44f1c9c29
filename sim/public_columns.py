"""The columns of a bid request that are no source's: those that every bidder may read, and those that the engine or a valuation fills."""

from __future__ import annotations

PUBLIC_COLUMNS = ("hour", "floor", "auction_type", "uniform")
"""Hours since the start, the floor (currency per impression), the auction type (its number
in ``jointbid.sim.auction.mechanisms.MECHANISMS``), own randomness."""
EXPOSURES = "exposures"
"""How often the person has been shown the advertiser's ads."""
VALUE, SIGMA = "value", "value_sigma"
"""The columns that a valuation fills: what it believes of an impression's value, and for policies that declare it the standard deviation."""
ENGINE_COLUMNS = frozenset({*PUBLIC_COLUMNS, EXPOSURES, VALUE, SIGMA})
"""All of them: no source may have one of these names."""
RENAMED_COLUMNS = {"at": "auction_type", "u": "uniform"}
"""Former name of a public column -> its name."""


def new_name(column: str) -> str:
    """Return what a message adds about a column of a former name; empty for any other."""
    return f"; the column is named {RENAMED_COLUMNS[column]!r} now" if column in RENAMED_COLUMNS else ""

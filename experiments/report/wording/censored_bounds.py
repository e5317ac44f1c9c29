"""The value of joint data on logged and lost auctions together, under each bound on the prices of lost ones."""

from __future__ import annotations

import pandas as pd
from rich.table import Table

from ..numbers import number
from ..tables import value_table

NAMES = {
    "logged": "won auctions alone, lost ones count 0",
    "km_never": "Kaplan-Meier; above the highest bid nothing is won",
    "km_at_once": "Kaplan-Meier; above the highest bid all is won at that price",
    "worst": "worst case: each lost auction at the price that is worst for joining",
    "best": "best case: each at the price that is best for it",
}


def bounds_table(bounds: pd.DataFrame) -> Table:
    """Return the value under each bound."""
    title = f"Value of joint data with the auctions that the logger lost: {bounds['unit'].iloc[0]}"
    return value_table(title, bounds, "prices above the logger's bid", lambda row: NAMES[row["bound"]])


def bounds_sentence(bounds: pd.DataFrame, tags: str, how: str) -> str:
    """Return the bounds in a sentence."""
    rows = bounds[bounds["tags"] == tags]
    value = dict(zip(rows["bound"], rows["estimate"].astype(float), strict=True))
    low, high = sorted((value["km_never"], value["km_at_once"]))
    return (
        f"Prices above the logger's own bids are censored ({how}). With the auctions that it lost, joining is worth {number(low)} to "
        f"{number(high)} {rows['unit'].iloc[0]} by Kaplan-Meier, and from {number(value['worst'])} to {number(value['best'])} over all prices "
        "that are possible."
    )

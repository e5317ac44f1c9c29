"""The small table of what joining is worth, in the units that a marketer reads, below one sentence."""

from __future__ import annotations

import pandas as pd
from rich.table import Table

from ...estimate.in_units import IN_UNITS
from ...estimate.ladder import lookup
from ..numbers import CAVEAT, claim, interval, number
from ..tables import between, middle, text_table

UNITS = {
    "per_requests": "{money}",
    "per_thousand_bought": "{currency} per thousand impressions bought",
    "percent_of_silo": "% of the profit of {silo}",
    "per_month": "{currency} per month, at {volume} bid requests a month",
}
"""Row -> its unit."""


def unit_of_row(name: str, money: str, currency: str, silo: str, requests_per_month: float | None) -> str:
    """Return the unit of one row."""
    volume = "" if requests_per_month is None else f"{requests_per_month:,.0f}"
    return UNITS[name].format(money=money, currency=currency, silo=silo, volume=volume)


def worth_table(summary: pd.DataFrame, silo: str) -> Table | None:
    """Return the table with its sentence as the title; None where the summary has no such rows."""
    rows = summary[summary["estimand"] == IN_UNITS]
    value = lookup(rows, IN_UNITS, "per_requests")
    if value is None:
        return None
    unit = rows["unit"].iloc[0]
    title = claim(
        value,
        "Joining is worth {amount} {unit} over {silo} ({interval})",
        loss="Joining costs {amount} {unit} against {silo} ({interval})",
        none=f"Joining: no difference shown against {{silo}}, {number(value.estimate)} {{unit}} ({interval(value)})",
        unknown="Joining: {amount} {unit} against {silo}, no interval",
        unit=unit,
        silo=silo,
    )
    found = ((row["unit"], lookup(rows, IN_UNITS, row["metric"])) for row in rows.to_dict("records"))
    columns = ("unit", str), ("value of joint data", middle, between)
    return text_table(title, found, *columns, caption=f"Before what joining costs; {CAVEAT}.")

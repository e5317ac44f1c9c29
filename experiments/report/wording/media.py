"""What media money buys with joint data, in one line for a marketer."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from ...estimate.ladder import lookup
from ...estimate.media import MEDIA, SAME_BUDGET
from ..numbers import claim, number

MEDIA_LINE = "Per 100 "
"""How the line begins."""

UNITS = {
    "clicks_per_100": "clicks per 100 {currency} of media",
    "sales_per_100": "sales per 100 {currency} of media",
    "price_of_clicks": "{currency} per click",
    "price_of_sales": "{currency} per sale",
    "return_on_spend": "{currency} per {currency} of media",
    "clicks_per_month": "clicks per month",
    "sales_per_month": "sales per month",
    "spend_per_month": "{currency} per month",
    "clicks_pct": "%",
    "sales_pct": "%",
}
"""Metric -> its unit."""


def media_line(summary: pd.DataFrame, silo: str, currency: str, volume: float | None) -> Iterator[str]:
    """Yield the line; nothing where nothing is bought that is counted.

    Args:
        summary: the study's.
        silo: the arm that joint data are compared with, as the rows write it.
        currency: of all money.
        volume: bid requests a month; None where none is stated.
    """

    def amount(metric: str, arm: str = "joint") -> str:
        found = lookup(summary, MEDIA, metric, arm)
        return "" if found is None else number(found.estimate)

    kinds = [kind for kind in ("clicks", "sales") if amount(f"{kind}_per_100")]
    if not kinds:
        return
    bought = " and ".join(
        f"{amount(f'{kind}_per_100')} {kind} at {amount(f'price_of_{kind}')} {currency} each"
        for kind in kinds
    )
    before = ", ".join(f"{amount(f'{kind}_per_100', silo)} {kind}" for kind in kinds)
    said = (
        f"{MEDIA_LINE}{currency} of media joint data buy {bought} and bring back {amount('return_on_spend')} {currency} "
        f"for each spent ({silo}: {before}, {amount('return_on_spend', silo)} {currency})"
    )
    if volume is not None:
        counts = " and ".join(f"{amount(f'{kind}_per_month')} {kind}" for kind in kinds)
        said += (
            f"; a month of {volume:,.0f} bid requests: {counts} for {amount('spend_per_month')} {currency}"
        )
    yield f"{said}; {_same_budget(summary, kinds)}."


def _same_budget(summary: pd.DataFrame, kinds: list[str]) -> str:
    found = {kind: lookup(summary, SAME_BUDGET, f"{kind}_pct") for kind in kinds}
    parts = [
        claim(
            one,
            "{amount} % ({interval}) more {kind}",
            loss="{amount} % ({interval}) fewer {kind}",
            none="no difference shown in {kind} ({amount} %, {interval})",
            unknown="{amount} % more {kind} (no interval)",
            kind=kind,
        )
        for kind, one in found.items()
        if one is not None
    ]
    if parts:
        return f"at the same budget {', '.join(parts)}"
    return "no budget binds, so nothing is said of the same budget (scenario=campaign has one)"

"""A season of channels: its totals, and what tests would see of it, as tables and sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
from rich.table import Table

from ...estimate.holdout_power import WANTED
from ..numbers import number
from ..tables import text_table


def season_table(weeks: pd.DataFrame, currency: str) -> Table:
    """Return totals by channel: spend, impressions, clicks, sales and what the channel truly added."""
    columns = ["spend", "impressions", "clicks", "sales", "incremental_sales"]
    totals = weeks.groupby("channel", sort=False)[columns].sum()
    rows = [(name, *(float(totals.loc[name, column]) for column in columns)) for name in totals.index]
    title = f"{weeks['week'].nunique()} weeks, spend in {currency}"
    heads = [
        ("spend", number),
        *((head, _whole) for head in ("impressions", "clicks", "sales")),
        ("truly added", number),
    ]
    return text_table(title, rows, ("channel", str), *heads, caption="sales of a channel: last touch")


def power_table(power: pd.DataFrame) -> Table:
    """Return what a test of each channel sees after all weeks, and from which week on its power is enough."""
    rows = []
    for (channel, unit), own in power.groupby(["channel", "unit"], sort=False):
        last = own.iloc[-1]
        enough = own[own["power"] >= WANTED]["weeks"]
        first = str(int(enough.iloc[0])) if len(enough) else "-"
        rows.append(
            (
                f"{channel}, by {unit}",
                last["effect"],
                last["standard_error"],
                last["power"],
                first,
                last["people_needed"],
            )
        )
    share = power["share"].iloc[0]
    title = f"A test that leaves out {share:.0%} for {int(power['weeks'].max())} weeks, all {int(power['people'].iloc[0]):,} people in it"
    heads: list[tuple[str, Callable[[Any], str]]] = [("adds", number), ("std. error", number), ("power", lambda value: f"{value:.0%}"),
             (f"{WANTED:.0%} from week", str), (f"people for {WANTED:.0%}", _whole)]  # fmt: skip
    return text_table(title, rows, ("channel", str), *heads, caption="")


def power_sentences(power: pd.DataFrame) -> Iterator[str]:
    """Yield a sentence on the test of each channel by person."""
    for channel, own in power[power["unit"] == "person"].groupby("channel", sort=False):
        last, enough = own.iloc[-1], own[own["power"] >= WANTED]
        begin = f"{channel}: leaving out {last['share']:.0%} of {int(last['people']):,} people"
        if len(enough):
            yield f"{begin} shows what it adds with a power of {WANTED:.0%} from week {int(enough['weeks'].iloc[0])} on"
        elif np.isfinite(last["people_needed"]):
            yield (
                f"{begin} for {int(last['weeks'])} weeks has a power of {last['power']:.0%}; {WANTED:.0%} takes {last['people_needed']:,.0f} people"
            )
        else:
            yield f"{begin}: it adds nothing that a test could show"


def _whole(value: float) -> str:
    return f"{value:,.0f}" if np.isfinite(value) else "-"

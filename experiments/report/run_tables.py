"""What `jointbid run` prints: its bidders' money, delivery and response, and its calendar."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from rich.table import Table

from jointbid.sim.response import margins
from jointbid.sim.scenario import Scenario

from .numbers import counted, number
from .remote_bidders import answer_counts
from .tables import text_table

SHOWN = 12
"""Bidders shown; the tables on disk have all."""

MONEY = ("requests", "wins", "win_rate", "spend", "value", "profit", "budget_left")
DELIVERY = ("late", "unsent", "viewed", "reach", "frequency")
RESPONSE = (
    "clicks_expected",
    "clicks",
    "clicks_censored",
    "conversions_expected",
    "conversions",
    "conversions_censored",
    "conversions_unattributed",
    "margin",
    "margin_censored",
)
"""Columns of ``bidders.csv`` by the table that shows them, where they say something."""


def bidder_tables(bidders: pd.DataFrame, scenario: Scenario, title: str) -> list[Table]:
    """The money of each bidder; how its ads were delivered, and what came of them, where there is something to say."""
    said = says_something(scenario)
    wanted = {title: MONEY, "Delivery": DELIVERY, "Response": RESPONSE}
    shown = {head: [name for name in names if said.get(name, True)] for head, names in wanted.items()}
    heads = {name: name.replace("_", "_\n") for name in RESPONSE}
    return [_first_rows(head, bidders, ["bidder", *names], heads) for head, names in shown.items() if names]


def says_something(scenario: Scenario) -> dict[str, bool]:
    """Columns of the table of bidders that are constant in a market without some feature: whether this one has it."""
    response, auction = scenario.response, scenario.auction
    clicks, conversions = response.family == "logit", response.conversion is not None
    terms = scenario.bidders.terms
    identified = scenario.audience.people is not None
    return {
        "budget_left": scenario.bidders.budget is not None or terms.daily_budget is not None,
        "late": auction.tmax_ms is not None,
        "unsent": auction.throttle is not None,
        "viewed": response.viewability != 1.0 or identified,
        "reach": identified,
        "frequency": identified,
        "clicks_expected": clicks,
        "clicks": clicks,
        "clicks_censored": clicks and not response.click_delay_h.is_none,
        **dict.fromkeys(RESPONSE[3:-2], conversions),
        **dict.fromkeys(RESPONSE[-2:], len(set(margins(response).tolist())) > 1),
    }


def answer_tables(bidders: pd.DataFrame) -> list[Table]:
    """Return what became of requests and notices of bidders elsewhere; no table where there is no such bidder."""
    rows = answer_counts(bidders)
    if rows.empty:
        return []
    columns = ("bidder", str), ("count of", str), ("number", "{:,}".format)
    return [text_table("Answers over HTTP", rows.itertuples(index=False), *columns, caption="")]


def stock_tables(stock: pd.DataFrame | None) -> list[Table]:
    """One row an advertiser's product, the first of them all; no table where everything is always there."""
    if stock is None or stock.empty:
        return []
    return [_first_rows("Stock", stock, list(map(str, stock)), {})]


def calendar_table(calendar: pd.DataFrame) -> Table:
    """One row a kind of event, and one for the blocks of requests between them."""
    rows = calendar[["kind", "count", "first_h", "last_h"]].itertuples(index=False)
    hours = [(head, "{:.2f}".format) for head in ("first, h", "last, h")]
    return text_table("Calendar", rows, ("kind", str), ("count", "{:,}".format), *hours, caption="")


def pace(each: Mapping[str, float], auctions: float) -> str:
    """How much the calendar had to do between auctions; ``each`` is ``Run.pace``."""
    return (
        f"{counted(int(auctions), 'auction')}, {counted(int(each['events']), 'event')}, {counted(int(each['blocks']), 'block')}: "
        f"{number(each['auctions_per_event'])} auctions an event, "
        f"{number(each['auctions_per_block'])} a block"
    )


def _first_rows(title: str, table: pd.DataFrame, columns: list[str], heads: Mapping[str, str]) -> Table:
    """Return the first rows of a table, with other heads where given; the caption says how many more there are."""
    more = len(table) - SHOWN
    return text_table(
        title,
        table[columns].head(SHOWN).itertuples(index=False),
        *((heads.get(name, name), _cell) for name in columns),
        caption=f"and {more} more" if more > 0 else "",
    )


def _cell(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e12:
        value = int(value)  # a count that the engine keeps as a float
    return f"{value:,}" if isinstance(value, int) else number(value)

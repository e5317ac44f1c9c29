"""What joining nets after costs, and what a firm plans by: own data, two plans, better data; in sentences and a table."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import pandas as pd
from rich.table import Table

from ...config.first_party import FirstParty
from ...config.settings import Settings
from ...estimate.intervals import Estimate
from ...estimate.ladder import lookup
from ...estimate.money import CostTerms
from ..numbers import claim, duration, estimate_of, interval, number, paid_back, shown
from ..tables import DASH, blank_table

FIGURES = {
    ("net_value", "net_value"): "net value a month, over the horizon",
    ("net_value", "npv"): "net present value",
    ("payback_month", "payback_month"): "paid back after",
    ("break_even_data_price", "data_price_cpm"): "break-even price of a thousand look-ups",
    ("break_even_match_rate", "match_rate"): "break-even match rate",
    ("break_even_latency", "lookup_latency_ms"): "break-even look-up latency",
}
"""Estimand and metric of each row of the table of costs, with its name there."""


def net_sentence(summary: pd.DataFrame, terms: CostTerms, currency: str, *, is_net: bool) -> Iterator[str]:
    """Yield what is left after costs, and when it has paid for itself; ``is_net``: whether anything costs."""
    net = lookup(summary, "net_value", "net_value")
    if net is None:
        return
    volume = f"At {terms.requests_per_month:,.0f} bid requests a month"
    volume += ", after what it costs," if is_net else ", with no costs set,"
    span = f"(95 % interval {interval(net)})" if net.has_interval else "(no interval)"
    amount = f"{number(net.estimate)} {currency} a month over {terms.horizon_months} months {span}"
    if net.finding == "positive":
        payback = lookup(summary, "payback_month", "payback_month")
        after = f"; it is {paid_back(payback)}" if payback and terms.once else ""
        yield f"{volume} joining {'nets' if is_net else 'brings'} {amount}{after}."
    elif net.finding == "negative":
        yield f"{volume} joining does not pay: {amount}."
    else:
        yield f"{volume} no gain or loss is shown: {amount}."


def cost_table(summary: pd.DataFrame, *, has_costs: bool) -> Iterator[Table]:
    """Yield a table with a row a figure, "never" where it never comes to that; nothing where there is no figure."""
    rows = [row for row in summary.to_dict("records") if (row["estimand"], row["metric"]) in FIGURES]
    if not rows:
        return
    table = blank_table(
        "After costs" if has_costs else "At the stated volume; no costs are set",
        "never: not within what was tried, or not with what a month brings; more: beyond what was tried",
    )
    for head in ("figure", "of", "estimate", "95 % interval", "unit"):
        table.add_column(head, justify="right" if head in {"estimate", "95 % interval"} else "left")
    for row in rows:
        found, falls = estimate_of(row), row["estimand"] == "break_even_latency"
        low, middle, high = (shown(v, falls=falls) for v in (found.ci_low, found.estimate, found.ci_high))
        span = DASH if math.isnan(found.ci_low) or math.isnan(found.ci_high) else f"{low} to {high}"
        table.add_row(
            FIGURES[row["estimand"], row["metric"]], str(row["arm"]), middle, span, str(row["unit"])
        )
    yield table


def own_data_sentences(
    data: FirstParty, settings: Settings, when: Estimate, net: Estimate, back: Estimate, volume: Estimate
) -> Iterator[str]:
    """Yield when to switch from bought data to own ones and what that nets, or that it never pays; and from what volume on."""
    horizon, currency = f"{settings.money.horizon_months} months", settings.scenario.currency
    span = f"({interval(net)})" if net.has_interval else "(no interval)"
    nets = f"over {horizon} it nets {number(net.estimate)} {currency} {span}"
    if net.finding == "positive":
        yield (
            f"Build {data.own} and switch from {data.bought} to it after {duration(when)}: over {horizon} that nets "
            f"{number(net.estimate)} {currency} {span}, and is {paid_back(back)}."
        )
    elif net.finding == "negative":
        yield f"Building {data.own} to switch from {data.bought} does not pay: {nets}."
    else:
        yield f"Whether to build {data.own} is not shown: {nets}."
    if not math.isfinite(volume.estimate):
        yield "By the estimates building pays at no volume."
        return
    ends = f" ({shown(volume.ci_low)} to {shown(volume.ci_high)})" if volume.has_interval else ""
    now = settings.money.requests_per_month or 0.0
    yield f"Building pays from {shown(volume.estimate)}{ends} bid requests a month; there are {now:,.0f}."


def lead_sentence(
    names: Sequence[str], when: Estimate, lead: Estimate, *, months: float, currency: str
) -> str:
    """Return from which month on the slow plan (the first of the names) is ahead, or that it never is within the horizon."""
    slow, fast = names
    if math.isfinite(when.estimate):
        first = f"For the same money {slow} is ahead of {fast} for good from month {number(when.estimate)}{_span(when)}"
    else:
        first = f"For the same money {slow} does not stay ahead of {fast} at the end{_span(when)}"
    if lead.finding == "no difference shown":
        last = f"no difference is shown, {number(lead.estimate)}"
    else:
        last = f"its lead is {number(lead.estimate)}"
    return f"{first}; after {months:.0f} months {last} {currency} ({interval(lead)})."


def _span(when: Estimate) -> str:
    """Return the interval of a month in words, as far as it has one: an end may be "never"."""
    if math.isnan(when.ci_low):
        return ""
    ends = [number(end) if math.isfinite(end) else "never" for end in (when.ci_low, when.ci_high)]
    return "" if ends == ["never", "never"] else f" ({ends[0]} to {ends[1]})"


def upgrade_sentence(found: Estimate, upgrade: str, unit: str) -> str:
    """Return what better data are worth over joint data as they are; ``upgrade`` names what makes them better."""
    over = "over joint data as they are"
    return f"Better data ({upgrade})" + claim(
        found,
        f" are worth {{amount}} {{unit}} ({{interval}}) {over}.",
        loss=f" cost {{amount}} {{unit}} ({{interval}}) {over}.",
        none=f": no difference shown {over}, {{amount}} {{unit}} ({{interval}}).",
        unknown=f": {{amount}} {{unit}} {over}, with no interval, so nothing is shown yet.",
        unit=unit,
    )

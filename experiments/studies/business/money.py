"""The study `value` after costs: net value, present value, payback and break-evens, as rows and in sentences."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...config.collaboration import Collaboration
from ...config.settings import Settings
from ...config.study_settings import Money
from ...config.value_settings import ValueStudy

if TYPE_CHECKING:
    import pandas as pd

    from ...estimate import Estimate
    from ...estimate.curves import Reading
    from ...estimate.money import Terms

ESTIMANDS = (
    "net_value",
    "payback_month",
    "break_even_data_price",
    "break_even_match_rate",
    "break_even_latency",
)
WORDS = {
    ("net_value", "net_value"): "net value a month, over the horizon",
    ("net_value", "npv"): "net present value",
    ("payback_month", "payback_month"): "paid back after",
    ("break_even_data_price", "data_price_cpm"): "break-even price of a thousand look-ups",
    ("break_even_match_rate", "match_rate"): "break-even match rate",
    ("break_even_latency", "lookup_latency_ms"): "break-even look-up latency",
}


def terms(settings: Settings[ValueStudy]) -> Terms | None:
    """Costs and volume, at the firm's level of collaboration where it has one; None where no volume is stated."""
    return terms_at(settings.money, settings.collaboration)


def terms_at(money: Money, plan: Collaboration | None) -> Terms | None:
    """The same of one level: it takes a part of the integration, and its time to deliver."""
    from ...estimate.money import Terms

    if money.requests_per_month is None:
        return None
    share, months = (1.0, 0.0) if plan is None else (plan.cost_share, plan.months)
    return Terms(
        requests_per_month=money.requests_per_month,
        once=share * money.integration_once,
        monthly=share * (money.integration_monthly + money.fees_monthly),
        horizon_months=money.horizon_months,
        discount_rate=money.discount_rate,
        delay_months=months,
    )


def rows(
    settings: Settings[ValueStudy],
    ladder: pd.DataFrame,
    best_single: str,
    curves: Sequence[Sequence[Reading]],
) -> Iterator[dict[str, Any]]:
    """For ``summary.csv``: net value and payback where a volume is stated; break-evens where a curve over the key is followed.

    Args:
        settings: the study's.
        ladder: its cells.
        best_single: the better single source.
        curves: what was found at the points of each curve.
    """
    from ...estimate.ladder import silo_label
    from ...estimate.money import net_rows

    known, silo = terms(settings), settings.study.silo
    sides = f"joint - {silo_label(silo, best_single)}"
    if known is not None and settings.first_party is None:  # what is built is not there at once
        changes = per_request(ladder, best_single, silo)
        for estimand, metric, found in net_rows(known, *changes):
            yield _row(settings, estimand, sides, metric, found)
    for readings in curves:
        yield from _break_even(settings, known, readings, silo)


def _break_even(
    settings: Settings[ValueStudy], known: Terms | None, readings: Sequence[Reading], silo: str
) -> Iterator[dict[str, Any]]:
    from ...estimate.money import falling_break_even, rising_break_even

    key = readings[0].over if readings else ""
    first, _, rest = key.partition(".")
    source, _, last = rest.partition(".")
    rising = last == "match_rate" and known is not None
    if first != "source" or not (rising or last == "lookup_latency_ms"):
        return
    fixed = known.fixed_per_request if known is not None else 0.0
    for line in dict.fromkeys(reading.line for reading in readings):
        own = [r for r in readings if r.line == line and isinstance(r.x, int | float)]
        net = [
            value - cost - fixed
            for value, cost, _ in (per_request(r.cells, r.best_single, silo) for r in own)
        ]
        order = np.argsort([r.x for r in own])
        if len(own) < 2:
            continue
        x = np.array([float(own[i].x) for i in order])
        table = np.stack([net[i].to_numpy(dtype=float) for i in order], axis=1)
        found = (rising_break_even if rising else falling_break_even)(x, table)
        estimand = "break_even_match_rate" if rising else "break_even_latency"
        yield _row(settings, estimand, _arm(source, readings[0].name, line), last, found)


def with_break_even(curve: pd.DataFrame, summary: pd.DataFrame, name: str = "") -> pd.DataFrame:
    """A curve's rows with the columns ``BREAK_EVEN`` of its plot, by line; as they are where the summary has none for them.

    Args:
        curve: one curve's rows.
        summary: of the study.
        name: of the curve, where several are over its key.
    """
    first, _, rest = str(curve["over"].iloc[0]).partition(".") if len(curve) else ("", "", "")
    source, _, last = rest.partition(".")
    found = summary[summary["estimand"].str.startswith("break_even_") & (summary["metric"] == last)]
    found = found.drop_duplicates("arm").set_index("arm")
    arms = [_arm(source, name, line) for line in curve["line"]]
    if first != "source" or not set(arms) & set(found.index):
        return curve
    ends = {"estimate": "break_even", "ci_low": "break_even_low", "ci_high": "break_even_high"}
    columns = found[list(ends)].rename(columns=ends).astype(float).reindex(arms)
    return curve.assign(**{name: columns[name].to_numpy() for name in ends.values()})


def _arm(source: str, *parts: str) -> str:
    """The source, and in brackets the curve and line where there are several."""
    told = ", ".join(filter(None, parts))
    return f"{source} ({told})" if told else source


def per_request(
    cells: pd.DataFrame, best_single: str, silo: str
) -> tuple[pd.Series[float], pd.Series[float], pd.Series[float]]:
    """Profit, cost of data and look-ups per request that joint has beyond the silo, a value a replication each."""
    from ...estimate.intervals import combined
    from ...estimate.ladder import PROFIT, arms_by_replication

    wide = arms_by_replication(cells, best_single, unit_scale=1.0)
    weights = {"joint": 1.0, silo: -1.0}
    profit = combined(wide[PROFIT], weights)
    cost, lookups = (
        combined(wide[name], weights).reindex(profit.index) if name in wide else 0.0 * profit
        for name in ("data_cost", "lookups")
    )
    return profit, cost, lookups


def _row(
    settings: Settings[ValueStudy], estimand: str, arm: str, metric: str, found: Estimate
) -> dict[str, Any]:
    from ...estimate.ladder import row_of

    currency = settings.scenario.currency
    units = {
        "net_value": f"{currency} per month",
        "npv": currency,
        "payback_month": "months",
        "data_price_cpm": f"{currency} per thousand look-ups",
        "match_rate": "share of requests",
        "lookup_latency_ms": "ms",
    }
    return row_of(estimand, arm, metric, units[metric], found)


def sentences(summary: pd.DataFrame, settings: Settings[ValueStudy]) -> Iterator[str]:
    """What is left after costs, and when it has paid for itself."""
    from ...estimate import lookup
    from ...report.verdict import interval, number, paid_back

    known = terms(settings)
    net = lookup(summary, "net_value", "net_value")
    if known is None or net is None:
        return
    currency = settings.scenario.currency
    volume = f"At {known.requests_per_month:,.0f} bid requests a month, after what it costs,"
    span = f"(95 % interval {interval(net)})" if net.has_interval else "(no interval)"
    amount = f"{number(net.estimate)} {currency} a month over {known.horizon_months} months {span}"
    if net.finding == "positive":
        payback = lookup(summary, "payback_month", "payback_month")
        after = f"; it is {paid_back(payback)}" if payback and known.once else ""
        yield f"{volume} joining nets {amount}{after}."
    elif net.finding == "negative":
        yield f"{volume} joining does not pay: {amount}."
    else:
        yield f"{volume} no gain or loss is shown: {amount}."


def money_table(summary: pd.DataFrame) -> Any:
    """A row a figure, "never" where it never comes to that; None where there is none."""
    from ...estimate import Estimate
    from ...report.tables import DASH, blank_table
    from ...report.verdict import shown

    own = summary[summary["estimand"].isin(list(ESTIMANDS))]
    if own.empty:
        return None
    table = blank_table(
        "After costs",
        "never: not within what was tried, or not with what a month brings; more: beyond what was tried",
    )
    table.add_column("figure")
    table.add_column("of")
    for head in ("estimate", "95 % interval"):
        table.add_column(head, justify="right")
    table.add_column("unit")
    for row in own.to_dict("records"):
        found = Estimate(row["estimate"], row["ci_low"], row["ci_high"], row["n_replications"])
        known = not (math.isnan(found.ci_low) or math.isnan(found.ci_high))
        falls = row["estimand"] == "break_even_latency"
        low, middle, high = (shown(v, falls=falls) for v in (found.ci_low, found.estimate, found.ci_high))
        name = WORDS[row["estimand"], row["metric"]]
        table.add_row(name, str(row["arm"]), middle, f"{low} to {high}" if known else DASH, str(row["unit"]))
    return table

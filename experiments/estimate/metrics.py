"""The closed list of metrics that a study reports, and how each is read off the table of cells."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from ..cells.cell import MARKET_FIGURES
from .sums import group_sums

Kind = Literal["money", "count", "share", "mean", "number", "percent", "correlation"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric of `summary.csv`.

    Attributes:
        kind: how its unit follows from that of the study: `money` is in the study's unit, `count` is per as many
            bid requests as that unit, `share` lies between 0 and 1, `number` is of a whole replication, `mean` per
            something else, `percent` is percent.
        meaning: what it is, in one line.
        of: what is counted, for the unit.
        column: the column of the cells that is summed over the focal advertiser's campaigns; empty where it is not that.
        only_if: whether it says something in these cells; None where it always does.
        change: how a sentence names what joining changes of it, for all whom joining concerns; empty where none does.
        whose: who gains where it rises; empty where no one.
    """

    kind: Kind
    meaning: str
    of: str = ""
    column: str = ""
    only_if: Callable[[pd.DataFrame], bool] | None = None
    change: str = ""
    whose: str = ""


def _positive(*columns: str) -> Callable[[pd.DataFrame], bool]:
    """Return what says whether cells have each of these columns, and a positive value in it."""
    return lambda cells: all(name in cells and bool((cells[name] > 0).any()) for name in columns)


def _with_rivals(cells: pd.DataFrame) -> bool:
    """Whether rivals are bidders; a price landscape's own payments are not known."""
    return bool(cells["welfare"].notna().any())


def _some_come_twice(cells: pd.DataFrame) -> bool:
    return "viewed" in cells and bool((cells["reach"] < cells["viewed"]).any())


def _differing_margins(column: str) -> Callable[[pd.DataFrame], bool]:
    """Return what says whether conversions bring different margins, and the column a positive one."""

    def says(cells: pd.DataFrame) -> bool:
        sales, margin = (cells[name] + cells[f"{name}_censored"] for name in ("conversions", "margin"))
        alike = margin.sum() / max(sales.sum(), 1.0) * sales
        return bool(((margin - alike).abs() > 1e-9 * alike.abs()).any()) and bool((cells[column] > 0).any())

    return says


USED_UP = 0.98
"""Share of a budget from which on it counts as spent."""

METRICS: dict[str, Metric] = {
    "focal_profit": Metric(
        "money", "the focal advertiser's expected value won less its spend, all its campaigns", column="profit",
        whose="the advertiser"
    ),
    "focal_profit_pct": Metric("percent", "difference of focal_profit in percent of the siloed focal_profit"),
    "revenue_lost_pct": Metric(
        "percent", "change of the seller's revenue, in percent, where joint data are taken away"
    ),
    "bidder_surplus": Metric(
        "money", "profit of all bidders together; only where rivals are bidders", change="all bidders' surplus",
        whose="all bidders together"
    ),
    "revenue": Metric(
        "money", "the seller's revenue; only where rivals are bidders", only_if=_with_rivals,
        change="the seller's revenue", whose="the seller"
    ),
    "payments": Metric(
        "money", "what the focal advertiser paid; only against a price landscape", column="spend",
        only_if=lambda cells: not _with_rivals(cells), change="the focal advertiser's payments"
    ),
    "exchange_fee": Metric(
        "money", "the exchange's share of what the simulated bidders paid", only_if=_positive("exchange_fee"),
        change="the exchange's fees", whose="the exchange"
    ),
    "effect": Metric("money", "change of the value of joint data along the whole range of a key"),
    "variance_share": Metric("share", "part of the variance of the value of joint data over all ranges", "variance"),
    "rank_correlation": Metric("correlation", "Spearman's, of a key and what is compared, over drawn worlds"),
    "worlds": Metric("share", "drawn worlds of which something is so", "worlds"),
    "attribution_error_pct": Metric(
        "percent", "what a rule credits wrongly, all channels, in percent of what the channels did"
    ),
    "misplaced_pct": Metric(
        "percent", "part of a budget that would stand elsewhere if it followed what the channels did"
    ),
    "credited": Metric("mean", "purchases that all channels together are credited with", "times the purchases"),
    "coverage": Metric("share", "tests whose own 95 % interval holds the truth", "tests"),
    "adopters": Metric("number", "bidders that hold the data", "bidders"),
    "welfare": Metric(
        "money", "expected value of all impressions sold; only where rivals are bidders", change="welfare",
        whose="all together (welfare)"
    ),
    "relevance": Metric(
        "mean", "how much people respond to what the simulated bidders showed them", "times that of ads at random",
        change="relevance to people (times)", whose="the person (relevance)"
    ),
    "spend": Metric("money", "what the focal advertiser paid", column="spend"),
    "data_cost": Metric(
        "money", "what the focal advertiser paid for data; not in spend or profit", column="data_cost",
        only_if=_positive("data_cost")
    ),
    "lookups": Metric(
        "count", "look-ups of the focal advertiser in its sources", "look-ups", "lookups",
        only_if=_positive("lookups")
    ),
    "matches": Metric(
        "count", "look-ups of the focal advertiser that matched", "look-ups", "matches", only_if=_positive("lookups")
    ),
    "win_rate": Metric("share", "impressions that the focal advertiser won, a bid request", "bid requests", "wins"),
    "viewed": Metric(
        "count", "impressions of the focal advertiser that were seen", "impressions", "viewed",
        only_if=lambda cells: bool((cells["viewed"] != cells["wins"]).any())
    ),
    "reach": Metric(
        "number", "people who saw the focal advertiser at least once", "people", "reach", only_if=_some_come_twice
    ),
    "frequency": Metric(
        "mean", "impressions that a person saw who saw any: viewed over reach", "impressions per person"
    ),
    "clicks_expected": Metric(
        "count", "expected clicks on what the focal advertiser won", "clicks", "clicks_expected",
        only_if=_positive("clicks_expected")
    ),
    "clicks": Metric(
        "count", "realised clicks, known by the end of the run", "clicks", "clicks",
        only_if=_positive("clicks_expected")
    ),
    "clicks_censored": Metric(
        "count", "realised clicks that are due after the end", "clicks", "clicks_censored",
        only_if=_positive("clicks_expected", "clicks_censored")
    ),
    "conversions_expected": Metric(
        "count", "expected conversions within their windows", "conversions", "conversions_expected",
        only_if=_positive("conversions_expected")
    ),
    "conversions": Metric(
        "count", "realised conversions within their windows, known by the end of the run", "conversions",
        "conversions", only_if=_positive("conversions_expected")
    ),
    "conversions_censored": Metric(
        "count", "realised conversions within their windows that are due after the end", "conversions",
        "conversions_censored", only_if=_positive("conversions_expected", "conversions_censored")
    ),
    "conversions_unattributed": Metric(
        "count", "realised conversions too late for their window", "conversions", "conversions_unattributed",
        only_if=_positive("conversions_expected", "conversions_unattributed")
    ),
    "margin": Metric(
        "money", "realised margin of conversions known by the end of the run", column="margin",
        only_if=_differing_margins("margin")
    ),
    "margin_censored": Metric(
        "money", "realised margin of conversions that are due after the end", column="margin_censored",
        only_if=_differing_margins("margin_censored")
    ),
    "purchases_expected": Metric(
        "count", "purchases from the focal advertiser, at their hazard, where accounts are on a journey",
        "purchases", "purchases_expected"
    ),
    "purchases_without_ads": Metric(
        "count", "those of them that were expected had the advertiser never been seen, all else equal", "purchases",
        "purchases_without_ads"
    ),
    "purchases": Metric("count", "purchases as realised", "purchases", "purchases"),
    "sold_out_h": Metric(
        "number", "how long a product of the focal advertiser had nothing left to sell, on average", "hours",
        "sold_out_h"
    ),
    "late_rate": Metric(
        "share", "bids of the focal advertiser after the exchange's deadline", "bid requests", "late",
        only_if=_positive("late")
    ),
    "unsent_rate": Metric(
        "share", "requests that the exchange did not send the focal advertiser", "bid requests", "unsent",
        only_if=_positive("unsent")
    ),
}  # fmt: skip
"""Every metric of the studies of cells with its meaning. One bidder's own profit is `profit_<bidder>`, as money."""

MARKET_METRICS = tuple(name for name, metric in METRICS.items() if metric.change)
"""What joining changes for all whom it concerns."""

REQUIRED = (
    "arm", "replication", "bidder", "focal", "requests", "wins", "spend", "profit", "revenue", "welfare",
)  # fmt: skip
"""Columns without which a table of cells cannot be summarised."""


def unit_of(metric: str, unit: str) -> str:
    """Unit of a metric in a study whose money is in `unit`, such as "CNY per million bid requests"."""
    about = METRICS.get(metric, Metric("money", ""))
    per = unit.partition(" per ")[2] or "bid request"
    return {
        "money": unit,
        "count": f"{about.of} per {per}",
        "share": f"share of {about.of}",
        "mean": about.of,
        "number": f"{about.of} in a replication",
        "percent": "%",
        "correlation": "rank correlation",
    }[about.kind]


def at_point(cells: pd.DataFrame, point: str) -> pd.DataFrame:
    """Return the rows of one study point; not copied where there is no other, as they may fill the memory."""
    here = cells["study_point"] == point
    return cells if here.all() else cells[here]


def metric_table(
    cells: pd.DataFrame, *, unit_scale: float, per_bidder: bool = False, wanted: Collection[str] = METRICS
) -> pd.DataFrame:
    """Every metric of every cell.

    Args:
        cells: one row a cell and bidder, of one study point. Columns that no metric is read off are left alone.
        unit_scale: bid requests that money and counts are stated for; 1e6 for "per million bid requests".
        per_bidder: add `profit_<bidder>` for each bidder that is not the focal advertiser's.
        wanted: metrics to look at; the others are absent too.

    Returns:
        Indexed by (arm, replication), one column a metric. What says nothing in these cells is absent: a metric that is
        nan everywhere, or one whose `only_if` is false. Money, counts and shares are divided by the bid
        requests of the cell's market: the most that any of its bidders saw.

    Raises:
        ValueError: a missing column, a bidder twice in a cell, a cell without focal bidder, several study points.
    """
    _check(cells)
    keys = ["arm", "replication"]
    groups = cells.groupby(keys, sort=False)
    is_focal = cells["focal"].astype(bool)
    focal = (cells if is_focal.all() else cells[is_focal]).groupby(keys, sort=False)
    said = [
        name
        for name, metric in METRICS.items()
        if name in wanted
        and (metric.column or name) in cells
        and (metric.only_if is None or metric.only_if(cells))
    ]
    column_of = {name: column for name in said if (column := METRICS[name].column)}
    sums = group_sums(focal[list(dict.fromkeys(column_of.values()))])
    table = pd.DataFrame({name: sums[column] for name, column in column_of.items()})
    for name in MARKET_FIGURES:
        if name in said:
            table[name] = groups[name].first()
    if "bidder_surplus" in wanted:
        table["bidder_surplus"] = group_sums(groups["profit"]).where(groups["welfare"].first().notna())
    if "reach" in table:
        table["frequency"] = group_sums(focal["viewed"]) / table["reach"].where(table["reach"] > 0)
    if per_bidder:
        rivals = cells[~is_focal]
        seat = "advertiser" if "advertiser" in cells else "bidder"  # one's departments count together
        profits = group_sums(rivals.groupby([*keys, seat])["profit"]).unstack(seat)
        table = table.join(profits.add_prefix("profit_"))
    requests = groups["requests"].max()
    for name in map(str, table):
        kind = METRICS[name].kind if name in METRICS else "money"
        if kind in {"money", "count", "share"}:
            table[name] *= (1.0 if kind == "share" else unit_scale) / requests
    known = table.dropna(axis=1, how="all")
    order = [name for name in METRICS if name in known] + [str(name) for name in known if name not in METRICS]
    return known[order]


def _check(cells: pd.DataFrame) -> None:
    missing = [name for name in REQUIRED if name not in cells]
    if missing:
        raise ValueError(f"the table of cells lacks the columns {', '.join(missing)}")
    if "study_point" in cells and cells["study_point"].nunique() > 1:
        raise ValueError("cells of several study points: summarise each by itself")
    repeated = cells.duplicated(["arm", "replication", "bidder"])
    if repeated.any():
        row = cells[repeated].iloc[0]
        raise ValueError(
            f"arm {row['arm']}, replication {row['replication']} has bidder {row['bidder']} twice"
        )
    focal = cells.groupby(["arm", "replication"])["focal"].any()
    if not focal.all():
        arm, replication = focal.index[~focal][0]
        raise ValueError(f"arm {arm}, replication {replication} has no focal bidder")

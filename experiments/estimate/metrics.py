"""The closed list of metrics that a study reports, and how each is read off the table of cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pandas as pd

Kind = Literal["money", "count", "share", "percent"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric of `summary.csv`.

    Attributes:
        kind: how its unit follows from that of the study: `money` is in the study's unit, `count` is per as many
            bid requests as that unit, `share` lies between 0 and 1, `percent` is percent.
        meaning: what it is, in one line.
    """

    kind: Kind
    meaning: str


METRICS: dict[str, Metric] = {
    "focal_profit": Metric(
        "money", "the focal advertiser's expected value won less its spend, all its campaigns"
    ),
    "focal_profit_pct": Metric("percent", "difference of focal_profit in percent of the siloed focal_profit"),
    "bidder_surplus": Metric("money", "profit of all bidders together; only where rivals are bidders"),
    "revenue": Metric(
        "money", "the seller's revenue; against a price landscape what the simulated bidders paid"
    ),
    "welfare": Metric("money", "expected value of all impressions sold; only where rivals are bidders"),
    "spend": Metric("money", "what the focal advertiser paid"),
    "win_rate": Metric("share", "impressions that the focal advertiser won, a bid request"),
    "clicks_expected": Metric(
        "count", "expected clicks on what the focal advertiser won, where clicks exist"
    ),
    "clicks": Metric("count", "realised clicks on what the focal advertiser won, where clicks exist"),
}
"""Every metric of the study `value` with its meaning. One bidder's own profit is `profit_<bidder>`, as money."""

FOCAL_SUMS = {
    "focal_profit": "profit",
    "spend": "spend",
    "win_rate": "wins",
    "clicks_expected": "clicks_expected",
    "clicks": "clicks",
}
"""Metric -> column of the cells that is summed over the focal advertiser's campaigns."""

REQUIRED = (
    "arm",
    "replication",
    "bidder",
    "focal",
    "requests",
    "wins",
    "spend",
    "profit",
    "revenue",
    "welfare",
)
"""Columns without which a table of cells cannot be summarised."""


def unit_of(metric: str, unit: str) -> str:
    """Unit of a metric in a study whose money is in `unit`, such as "CNY per million bid requests"."""
    kind = METRICS[metric].kind if metric in METRICS else "money"
    per = unit.partition(" per ")[2] or "bid request"
    return {"money": unit, "count": f"clicks per {per}", "share": "share of bid requests", "percent": "%"}[
        kind
    ]


def outcomes(cells: pd.DataFrame, *, unit_scale: float, per_bidder: bool = False) -> pd.DataFrame:
    """Every metric of every cell.

    Args:
        cells: one row a cell and bidder, of one study point.
        unit_scale: bid requests that money and clicks are stated for; 1e6 for "per million bid requests".
        per_bidder: add `profit_<bidder>` for each bidder that is not the focal advertiser's.

    Returns:
        Indexed by (arm, replication), one column a metric; a metric that is nan everywhere is absent, as are
        clicks where no click is ever expected. Figures are divided by the bid requests of the cell's market: the most that any of its bidders saw.

    Raises:
        ValueError: a missing column, a bidder twice in a cell, a cell without focal bidder, several study points.
    """
    _check(cells)
    keys = ["arm", "replication"]
    groups = cells.groupby(keys, sort=False)
    focal = cells[cells["focal"].astype(bool)].groupby(keys, sort=False)
    clicks_exist = "clicks_expected" in cells and (cells["clicks_expected"] > 0).any()
    present = {
        metric: column
        for metric, column in FOCAL_SUMS.items()
        if column in cells and (clicks_exist or not metric.startswith("clicks"))
    }
    table = pd.DataFrame({metric: focal[column].sum(min_count=1) for metric, column in present.items()})
    table["revenue"] = groups["revenue"].first()
    table["welfare"] = groups["welfare"].first()
    table["bidder_surplus"] = groups["profit"].sum().where(table["welfare"].notna())
    if per_bidder:
        rivals = cells[~cells["focal"].astype(bool)]
        seat = "advertiser" if "advertiser" in cells else "bidder"  # one's departments count together
        profits = rivals.pivot_table(index=keys, columns=seat, values="profit", aggfunc="sum")
        table = table.join(profits.add_prefix("profit_"))
    table = table.div(groups["requests"].max(), axis=0)
    scale = pd.Series({name: 1.0 if name == "win_rate" else unit_scale for name in table})
    known = (table * scale).dropna(axis=1, how="all")
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

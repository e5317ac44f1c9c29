"""The summary as tables: who gains and who loses, the arms, and every estimand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from ...estimate.intervals import Estimate, paired_difference
from ...estimate.ladder import P_HOLM, PROFIT, SUMMARY_COLUMNS, lookup
from ...estimate.metrics import METRICS
from ...storage.names import SUMMARY_CSV
from ..folders.study import StudyFolder
from ..numbers import estimate_of
from ..sweep import headline_rows
from .grid import Column, Grid, GridCell, amount, count, difference, finding, grid, share, text, unit

ARM_METRICS = ("win_rate", "spend", "ecpc", "revenue", "bidder_surplus", "welfare")
"""Metrics that the arms are compared by beside their profit; all others are among the estimands."""

GAINS = "gains.csv"
BY = ("tags", "budget_share")
"""Columns that a log's summary has besides, and that tell its rows apart."""
NO_COMPARISON = ("utility", "break_even", "payback")
"""Beginnings of the estimands that compare nothing."""
ENDS = (Column("from", amount, "95 % interval"), Column("to", amount, "95 % interval"))


def gains_table(study: StudyFolder) -> pd.DataFrame:
    """Return what joining changes, a row for each whom it concerns; no row where the study compares nothing."""
    rows = [
        (who, found.estimate, found.ci_low, found.ci_high, unit_of_it, found.finding)
        for who, found, unit_of_it in _gains(study)
    ]
    return pd.DataFrame(rows, columns=["who", "estimate", "ci_low", "ci_high", "unit", "finding"])


def gains_grid(study: StudyFolder) -> Grid | None:
    """Return the same as a grid; None without rows."""
    table = gains_table(study)
    if table.empty:
        return None
    rows = table.itertuples(index=False, name=None)
    columns = [Column("who"), Column("change", amount), Column("from", amount), Column("to", amount), Column("unit", unit),
               Column("finding", _gain, is_words=True)]  # fmt: skip
    note = f"{study.sides.named}; from, to: 95 % interval, {study.caveat}."
    return grid("gains", "Who gains and who loses", columns, rows, note, GAINS)


def arms_grid(study: StudyFolder) -> Grid | None:
    """One row an arm: profit with its interval, what it gains over others, and a few more metrics."""
    utility = study.summary[study.summary["estimand"] == "utility"]
    profit = utility[utility["metric"] == PROFIT]
    if profit.empty:
        return None
    by, compared = _by(study.summary), _compared(study)
    others = [metric for metric in ARM_METRICS if metric in set(utility["metric"])]
    money = str(profit["unit"].iloc[0])
    columns = [
        Column("arm"), *by, Column("profit", amount, money), *ENDS,
        *(Column(head, difference, money) for head in compared.values()),
        *(_metric(utility, metric) for metric in others), Column("n", count, study.unit_of_chance),
    ]  # fmt: skip
    rows = []
    for row in profit.to_dict("records"):
        same, arm = study.summary, row["arm"]
        for name in (name for name in BY if name in same):
            same = same[same[name] == row[name]]
        metrics = [lookup(same, "utility", metric, arm) for metric in others]
        rows.append([
            study.sides.label(arm), *(row[name] for name in BY if name in row),
            row["estimate"], row["ci_low"], row["ci_high"],
            *(lookup(same, estimand, arm=arm) for estimand in compared),
            *(found.estimate if found else None for found in metrics), row["n_replications"],
        ])  # fmt: skip
    return grid("arms", "Arms", columns, rows, "~ no difference shown.", SUMMARY_CSV)


def estimands_grid(study: StudyFolder) -> Grid | None:
    """Every row of the summary."""
    if study.summary.empty:
        return None
    more = [name for name in study.summary if name not in (*SUMMARY_COLUMNS, *BY)]
    columns = [
        Column("estimand"), Column("arm or comparison"), Column("metric"), *_by(study.summary),
        Column("estimate", amount), *ENDS, Column("unit", unit), Column("n", count, study.unit_of_chance),
        *(Column("p", _plain, "Holm") if name == P_HOLM else Column(str(name).replace("_", " "), _plain) for name in more),
        Column("finding", finding),
    ]  # fmt: skip
    rows = [
        [
            row["estimand"], row["arm"], row["metric"], *(row[name] for name in BY if name in row),
            row["estimate"], row["ci_low"], row["ci_high"], row["unit"], row["n_replications"],
            *(row[name] for name in more), "" if str(row["estimand"]).startswith(NO_COMPARISON) else estimate_of(row).finding,
        ]
        for row in study.summary.to_dict("records")
    ]  # fmt: skip
    note = f"Each interval stands alone; {study.caveat}."
    return grid("estimands", "Estimands", columns, rows, note, SUMMARY_CSV)


def _gains(study: StudyFolder) -> Iterator[tuple[str, Estimate, str]]:
    rows = headline_rows(study.summary)
    rows = rows[rows["estimand"] == "value_of_joint_data"]
    for metric, about in METRICS.items():
        for row in rows[rows["metric"] == metric].head(1).to_dict("records") if about.whose else ():
            yield about.whose, estimate_of(row), str(row["unit"])
    for bidder, estimate, unit_of_it in rivals(study):
        yield f"{bidder} (rival)", estimate, unit_of_it


def rivals(study: StudyFolder) -> Iterator[tuple[str, Estimate, str]]:
    """What joining changes for each other advertiser, paired by replication: name, estimate and unit."""
    names = study.summary.loc[
        study.summary["metric"].astype(str).str.startswith("profit_"), "metric"
    ].unique()
    if not len(names) or "study_point" not in study.cells or study.sides.is_same_data:
        return
    seat = "advertiser" if "advertiser" in study.cells else "bidder"
    cells = study.cells[(study.cells["study_point"] == "") & ~study.cells["focal"].astype(bool)]
    money = str(study.summary.loc[study.summary["metric"] == names[0], "unit"].iloc[0])
    silo = study.sides.arm
    for name in names:
        own = cells[cells[seat] == str(name).removeprefix("profit_")]
        profit = own["profit"] / own["requests"] * study.unit_scale
        wide = profit.groupby([own["replication"], own["arm"]]).sum().unstack()
        if {"joint", silo} <= set(wide):
            pairs = wide[["joint", silo]].dropna()
            yield str(name).removeprefix("profit_"), paired_difference(pairs["joint"], pairs[silo]), money


def _gain(found: str) -> GridCell:
    words = {"positive": "gains", "negative": "loses"}.get(found, found)
    return text(words, finding(found).mark)


def _by(summary: pd.DataFrame) -> list[Column]:
    """Return the columns that tell a log's rows apart."""
    names = [name for name in BY if name in summary]
    return [Column(name.replace("_", " "), amount if name == "budget_share" else text) for name in names]


def _compared(study: StudyFolder) -> dict[str, str]:
    """Return the differences that the arms have, with the column's head."""
    there = set(study.summary["estimand"])
    heads = {
        "difference_to_none": "over none",
        "difference_to_silo": f"over {study.sides.label(study.sides.silo)}",
    }
    return {estimand: head for estimand, head in heads.items() if estimand in there}


def _metric(utility: pd.DataFrame, metric: str) -> Column:
    unit_of_it = str(utility.loc[utility["metric"] == metric, "unit"].iloc[0])
    about = METRICS.get(metric)
    if about and about.kind == "share":
        return Column(metric.replace("_", " "), share, unit_of_it.replace("share of", "% of"))
    return Column(metric.replace("_", " "), amount, unit_of_it)


def _plain(value: Any) -> GridCell:
    return amount(float(value)) if isinstance(value, int | float) else text(value)

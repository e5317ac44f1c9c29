"""The summary as tables: who gains and who loses, the arms, and every estimand."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pandas as pd

from ...estimate.intervals import Estimate, paired_difference
from ...estimate.ladder import PROFIT, SUMMARY_COLUMNS, lookup, silo_label
from ...estimate.metrics import METRICS
from .checks import headline
from .grid import Cell, Column, Grid, amount, count, finding, share, text
from .study import Study

WHO = {
    "focal_profit": "the advertiser",
    "bidder_surplus": "all bidders together",
    "revenue": "the seller",
    "exchange": "the exchange",
    "exchange_fee": "the exchange",
    "welfare": "everybody together (welfare)",
    "relevance": "the person (relevance)",
}
"""Metric -> whose it is; a metric that starts with profit_ is a rival's."""

OF_ARMS = ("win_rate", "spend", "ecpc", "revenue", "bidder_surplus", "welfare")
"""Metrics that the arms are compared by beside their profit; all others are among the estimands."""

SUMMARY = "summary.csv"
BY = ("tags", "budget_share")
"""Columns that a log's summary has besides, and that tell its rows apart."""
HEADS = {"p_holm": Column("p", "Holm", numeric=True)}
"""Further columns of a summary whose names want explaining."""


def gains_grid(study: Study) -> Grid | None:
    """What joining changes, by whom it concerns; None where the study compares nothing."""
    rows = list(_gains(study))
    if not rows:
        return None
    columns = [Column("who"), Column("change", numeric=True), Column("from", numeric=True), Column("to", numeric=True),
               Column("unit"), Column("finding")]  # fmt: skip
    note = f"joint - {silo_label(study.silo, study.best_single)}; from, to: 95 % interval, {study.caveat}."
    return Grid("gains", "Who gains and who loses", columns, rows, note)


def arms_grid(study: Study) -> Grid | None:
    """One row an arm: profit with its interval, what it gains over others, and a few more metrics."""
    utility = study.summary[study.summary["estimand"] == "utility"]
    profit = utility[utility["metric"] == PROFIT]
    if profit.empty:
        return None
    by = [column for column in BY if column in profit]
    others = [metric for metric in OF_ARMS if metric in set(utility["metric"])]
    unit = str(profit["unit"].iloc[0])
    columns = [
        Column("arm"),
        *(Column(name.replace("_", " "), numeric=name == "budget_share") for name in by),
        Column("profit", unit, numeric=True),
        Column("from", "95 % interval", numeric=True),
        Column("to", "95 % interval", numeric=True),
        *(Column(head, unit, numeric=True) for _, head in _compared(study)),
        *(Column(str(m).replace("_", " "), _unit(utility, m), numeric=True) for m in others),
        Column("n", study.unit_of_chance, numeric=True),
    ]
    rows = []
    for row in profit.to_dict("records"):
        same = study.summary
        for name in by:
            same = same[same[name] == row[name]]
        rows.append([
            text(silo_label(row["arm"], study.best_single)),
            *(amount(row[name]) if name == "budget_share" else text(row[name]) for name in by),
            amount(row["estimate"]), amount(row["ci_low"]), amount(row["ci_high"]),
            *(_difference(lookup(same, estimand, arm=row["arm"])) for estimand, _ in _compared(study)),
            *(_metric(lookup(same, "utility", str(m), row["arm"]), str(m)) for m in others),
            count(row["n_replications"]),
        ])  # fmt: skip
    return Grid("arms", "Arms", columns, rows, "~ no difference shown.", SUMMARY)


def estimands_grid(study: Study) -> Grid | None:
    """Every row of the summary."""
    if study.summary.empty:
        return None
    by = [column for column in BY if column in study.summary]
    more = [column for column in study.summary if column not in (*SUMMARY_COLUMNS, *BY)]
    columns = [
        Column("estimand"), Column("arm or comparison"), Column("metric"),
        *(Column(name.replace("_", " "), numeric=name == "budget_share") for name in by),
        Column("estimate", numeric=True), Column("from", "95 % interval", numeric=True),
        Column("to", "95 % interval", numeric=True), Column("unit"), Column("n", study.unit_of_chance, numeric=True),
        *(HEADS.get(str(name), Column(str(name).replace("_", " "), numeric=True)) for name in more), Column("finding"),
    ]  # fmt: skip
    rows = []
    for row in study.summary.to_dict("records"):
        compares = row["estimand"] != "utility" and not str(row["estimand"]).startswith(
            ("break_even", "payback")
        )
        rows.append([
            text(row["estimand"]), text(row["arm"]), text(row["metric"]),
            *(amount(row[name]) if name == "budget_share" else text(row[name]) for name in by),
            amount(row["estimate"]), amount(row["ci_low"]), amount(row["ci_high"]), text(row["unit"], "u"),
            count(row["n_replications"]), *(_plain(row[name]) for name in more),
            finding(_estimate(row).finding) if compares else text(""),
        ])  # fmt: skip
    note = f"Each interval stands alone; {study.caveat}."
    return Grid("estimands", "Estimands", columns, rows, note, SUMMARY)


def _gains(study: Study) -> Iterator[list[Cell]]:
    rows = headline(study)
    rows = rows[rows["estimand"] == "value_of_joint_data"]
    for metric, who in WHO.items():
        for row in rows[rows["metric"] == metric].head(1).to_dict("records"):
            yield _gain(who, _estimate(row), str(row["unit"]))
    for bidder, estimate, unit in rivals(study):
        yield _gain(f"{bidder} (rival)", estimate, unit)


def rivals(study: Study) -> Iterator[tuple[str, Estimate, str]]:
    """What joining changes for each other advertiser, paired by replication: name, estimate and unit."""
    names = study.summary.loc[
        study.summary["metric"].astype(str).str.startswith("profit_"), "metric"
    ].unique()
    if not len(names) or "study_point" not in study.cells:
        return
    seat = "advertiser" if "advertiser" in study.cells else "bidder"
    cells = study.cells[(study.cells["study_point"] == "") & ~study.cells["focal"].astype(bool)]
    unit = str(study.summary.loc[study.summary["metric"] == names[0], "unit"].iloc[0])
    silo = study.best_single if study.silo == "best_single" else study.silo
    for name in names:
        own = cells[cells[seat] == str(name).removeprefix("profit_")]
        wide = (
            (own["profit"] / own["requests"] * study.per)
            .groupby([own["replication"], own["arm"]])
            .sum()
            .unstack()
        )
        if {"joint", silo} <= set(wide):
            pairs = wide[["joint", silo]].dropna()
            yield str(name).removeprefix("profit_"), paired_difference(pairs["joint"], pairs[silo]), unit


def _gain(who: str, estimate: Estimate, unit: str) -> list[Cell]:
    words = {"positive": "gains", "negative": "loses"}.get(estimate.finding, estimate.finding)
    mark = {"gains": "gain", "loses": "loss"}.get(words, "open")
    ends = (amount(estimate.ci_low), amount(estimate.ci_high))
    return [text(who), amount(estimate.estimate), *ends, text(unit, "u"), text(words, mark)]


def _compared(study: Study) -> list[tuple[str, str]]:
    """The differences that the arms have, with the column's head."""
    there = set(study.summary["estimand"])
    heads = {
        "difference_to_none": "over none",
        "difference_to_silo": f"over {silo_label(study.silo, study.best_single)}",
    }
    return [(estimand, head) for estimand, head in heads.items() if estimand in there]


def _difference(estimate: Estimate | None) -> Cell:
    if estimate is None or math.isnan(estimate.estimate):
        return amount(None)
    shown = estimate.finding in {"positive", "negative"}
    cell = amount(estimate.estimate)
    return cell if shown else Cell(f"~ {cell.text}", cell.value, "open")


def _metric(estimate: Estimate | None, metric: str) -> Cell:
    if estimate is None:
        return amount(None)
    about = METRICS.get(metric)
    return share(estimate.estimate) if about and about.kind == "share" else amount(estimate.estimate)


def _unit(utility: pd.DataFrame, metric: object) -> str:
    unit = str(utility.loc[utility["metric"] == metric, "unit"].iloc[0])
    about = METRICS.get(str(metric))
    return unit.replace("share of", "% of") if about and about.kind == "share" else unit


def _plain(value: object) -> Cell:
    return amount(float(value)) if isinstance(value, int | float) else text(value)


def _estimate(row: dict) -> Estimate:
    return Estimate(row["estimate"], row["ci_low"], row["ci_high"], int(row["n_replications"]))

"""The study `value` as tables for the terminal: the ladder, what separates its arms, its sources, and what learning costs."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from rich.table import Table

from ..cells.lattice import JOINT, Lattice
from ..estimate.intervals import Estimate
from ..estimate.ladder import lookup
from ..estimate.metrics import MARKET_METRICS, METRICS
from ..estimate.sides import Sides
from .numbers import estimate_of, number
from .tables import between, middle, percent, signed, text_table

ROWS = {
    ("value_of_joint_data", "focal_profit"): "value of joint data",
    ("value_of_joint_data", "focal_profit_pct"): "the same in %",
    ("same_request_step", "focal_profit"): "same-request step",
    ("joint_model_step", "focal_profit"): "joint-model step",
    ("bidding_better", "focal_profit"): "bidding better",
    ("showing_better", "focal_profit"): "showing better",
    ("double_counting_penalty", "focal_profit"): "penalty of counting twice",
    ("cost_of_seeing_clicks", "focal_profit"): "cost of seeing clicks alone",
    ("synergy", "focal_profit"): "synergy",
    **{("value_of_joint_data", metric): f"change of {METRICS[metric].change}" for metric in MARKET_METRICS},
    ("frozen_value_of_joint_data", "focal_profit"): "value of joint data, rivals' curves frozen",
    ("frozen_value_of_joint_data", "revenue"): "change of revenue, rivals' curves frozen",
    ("frozen_value_of_joint_data", "payments"): "change of payments, rivals' curves frozen",
    ("effect_of_reoptimising", "focal_profit"): "re-optimising, on the value",
    ("effect_of_reoptimising", "revenue"): "re-optimising, on revenue",
    ("effect_of_reoptimising", "payments"): "re-optimising, on payments",
}
"""Estimand and metric of each row of the second table, in its order, with its name there."""


def ladder_table(summary: pd.DataFrame, sides: Sides) -> Table:
    """The arms as rows: profit with its interval, paired differences to none and to the silo, win rate."""
    utility = _rows(summary, "utility", "focal_profit")
    arms = list(utility["arm"])
    rows = [
        (
            sides.label(arm),
            lookup(summary, "utility", arm=arm),
            lookup(summary, "difference_to_none", arm=arm),
            lookup(summary, "difference_to_silo", arm=arm),
            lookup(summary, "utility", "win_rate", arm),
        )
        for arm in arms
    ]
    table = text_table(
        f"Profit of each arm, {_first(utility['unit'])}", rows, ("arm", str), ("profit", middle, between),
        ("over none", signed), (f"over {sides.label(sides.silo)}", signed),
        ("win rate", percent),
    )  # fmt: skip
    for arm, row in zip(arms, table.rows, strict=True):
        row.end_section = arm == JOINT
    return table


def estimand_table(summary: pd.DataFrame, sides: Sides) -> Table:
    """What separates the arms: each estimand with its interval, the metrics of the market among them."""
    money = summary.loc[summary["metric"] == "focal_profit", "unit"]
    rows = [
        (name, row["arm"], estimate_of(row))
        for (estimand, metric), name in ROWS.items()
        for row in _rows(summary, estimand, metric).to_dict("records")
    ]
    title = f"What joining changes (siloed: {sides.label(sides.silo)}), {_first(money)}"
    columns = (("estimand", str), ("comparison", str), ("estimate", signed, between))
    return text_table(title, rows, *columns, left=2)


def source_table(summary: pd.DataFrame, sources: Sequence[str]) -> Table:
    """What each source adds: alone, to a holder of all others, and on average over all orders of joining."""
    lattice = Lattice(tuple(sources))
    rows = []
    for source in sources:
        rest = lattice.arm([other for other in sources if other != source])
        added = [lookup(summary, "marginal_value", arm=f"{source} | {given}") for given in ("none", rest)]
        rows.append((source, *added, lookup(summary, "shapley", arm=source)))
    unit = _first(_rows(summary, "shapley", "focal_profit")["unit"])
    return text_table(
        f"What each source adds, {unit}", rows, ("source", str), ("alone", signed), ("added last", signed),
        ("on average (Shapley)", signed, between),
    )  # fmt: skip


def learning_table(costs: pd.DataFrame) -> Table:
    """Each arm with exact and with learned values, and what learning costs it."""
    rows = []
    for row in costs.to_dict("records"):
        cost = Estimate(row["cost_of_learning"], row["ci_low"], row["ci_high"], row["n_replications"])
        rows.append((row["arm"], row["bayes"], row["learned"], cost))
    return text_table(
        f"What learning costs, {_first(costs['unit'])}", rows, ("arm", str), ("exact", number),
        ("learned", number), ("cost of learning", signed, between),
    )  # fmt: skip


def _rows(summary: pd.DataFrame, estimand: str, metric: str) -> pd.DataFrame:
    return summary[(summary["estimand"] == estimand) & (summary["metric"] == metric)]


def _first(values: pd.Series) -> str:
    return str(values.iloc[0]) if len(values) else ""

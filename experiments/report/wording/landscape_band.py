"""The answer of a log without prices: a band over the landscapes that stand in for them, as a table and in a sentence."""

from __future__ import annotations

import pandas as pd
from rich.table import Table

from ...estimate.ladder import VALUE
from ...logs.replay.plan import ReplayPlan
from ..numbers import estimate_of, number
from ..tables import between, middle, text_table

COLUMNS = ("landscape", "tags", "metric", "unit", "estimate", "ci_low", "ci_high", "n_replications")


def band_rows(name: str, summary: pd.DataFrame) -> pd.DataFrame:
    """Return the value of joint data in one landscape, without a budget limit; columns `COLUMNS`."""
    return summary[summary["estimand"] == VALUE].assign(landscape=name)[list(COLUMNS)]


def middle_of(band: pd.DataFrame) -> int:
    """Return the place of the landscape whose value of joint data is the middle one (the lower of two)."""
    values = _profits(band, str(band["tags"].iloc[0]))["estimate"].reset_index(drop=True)
    return int(values.sort_values(kind="stable").index[(len(values) - 1) // 2])


def band_sentence(band: pd.DataFrame, tags: str, name: str) -> str:
    """Return the range of the value over the landscapes, and whether its sign rests on them."""
    rows = _profits(band, tags)
    if len(rows) < 2:
        return f"Prices are those of the landscape {name}."
    records = sorted(rows.to_dict("records"), key=lambda row: float(row["estimate"]))
    low, high = records[0], records[-1]
    findings = {estimate_of(row).finding for row in records}
    sign = {
        frozenset({"positive"}): "it is shown to be positive in each",
        frozenset({"negative"}): "it is shown to be negative in each",
    }.get(frozenset(findings), "in some no difference is shown")
    if {"positive", "negative"} <= findings:
        sign = "its sign depends on the landscape"
    return (
        f"Prices are not in the log: that is with the landscape {name}; over {len(rows)} landscapes the value is from "
        f"{number(low['estimate'])} ({low['landscape']}) to {number(high['estimate'])} ({high['landscape']}) {rows['unit'].iloc[0]}, and {sign}."
    )


def band_notes(plan: ReplayPlan, name: str) -> tuple[str, ...]:
    """Return what the landscapes are, and what they leave out."""
    what = (
        "landscapes: level is the mean price in mean values of an impression, sigma that of its logarithm (study.replay.landscapes)"
        if plan.settings.landscapes != "scenario"
        else "the landscape is the scenario's (rivals)"
    )
    return (
        f"{what}; tables are of the landscape {name}",
        "prices do not depend on the row, and outcomes are expected ones over prices; budgets hold on average",
    )


def band_table(band: pd.DataFrame) -> Table:
    """Return the value of joint data in each landscape, with and without suspect values."""
    rows = _profits(band, None)
    cells = [(row["landscape"], row["tags"], estimate_of(row)) for row in rows.to_dict("records")]
    title = f"Value of joint data in each landscape, without a budget limit: {rows['unit'].iloc[0]}"
    columns = ("landscape", str), ("tags", str), ("value", middle, between)
    return text_table(title, cells, *columns, caption="")


def _profits(band: pd.DataFrame, tags: str | None) -> pd.DataFrame:
    rows = band[band["metric"] == "focal_profit"]
    return rows if tags is None else rows[rows["tags"] == tags]

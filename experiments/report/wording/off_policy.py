"""Off-policy estimates, and the sensitivity to what a click is worth, as tables and sentences."""

from __future__ import annotations

import pandas as pd
from rich.table import Table

from ..numbers import estimate_of, interval, number
from ..tables import value_table

ESTIMATORS = {"plug_in": "by the models alone", "doubly_robust": "doubly robust"}


def off_policy_table(table: pd.DataFrame) -> Table:
    """Return the estimates over all requests."""
    title = f"Value of joint data over all requests, won and lost: {table['unit'].iloc[0]}"
    return value_table(title, table, "estimate", lambda row: ESTIMATORS[row["estimator"]])


def off_policy_sentence(table: pd.DataFrame, unit: str) -> str:
    """Return both estimates, and whether they agree."""
    found = {str(row["estimator"]): estimate_of(row) for row in table.to_dict("records")}
    plain, robust = found["plug_in"], found["doubly_robust"]
    agree = robust.ci_low <= plain.estimate <= robust.ci_high
    said = "agree" if agree else "disagree: the models do not hold on all requests; believe the second"
    return (
        f"Over all requests it is {number(plain.estimate)} {unit} by the models alone and {number(robust.estimate)} "
        f"({interval(robust)}) doubly robust; the two {said}."
    )


def click_value_table(table: pd.DataFrame) -> Table:
    """Return the value of joint data under each worth of a click."""
    title = f"Value of joint data without a budget limit, by what a click is worth: {table['unit'].iloc[0]}"
    return value_table(title, table, "a click's value", lambda row: str(row["click_value"]))


def click_value_sentence(table: pd.DataFrame) -> str:
    """Return what halving and doubling a click's value does."""
    found = {str(row["click_value"]): estimate_of(row) for row in table.to_dict("records")}
    half, double = found["halved"], found["doubled"]
    findings = {one.finding for one in found.values()}
    sign = "" if len(findings) == 1 else "; what is shown rests on that value"
    return f"With half the value of a click it is {number(half.estimate)} ({interval(half)}), with twice that value {number(double.estimate)} ({interval(double)}){sign}."


def refit_sentence(table: pd.DataFrame, has_blocks: bool, blocks: str) -> str:
    """Return the interval with all models learned anew."""
    found, resamples = estimate_of(table.to_dict("records")[0]), int(table["n_replications"].iloc[0])
    what = (
        {"time": "stretches of time", "person": "people", "day": "days"}.get(
            blocks, f"rows with one {blocks}"
        )
        if has_blocks
        else "rows"
    )
    return (
        f"With all models learned anew on {resamples} resamples of {what} the interval is {interval(found)}."
    )


def refit_table(table: pd.DataFrame) -> Table:
    """Return the interval with all models learned anew."""
    title = f"Value of joint data without a budget limit: {table['unit'].iloc[0]}"
    return value_table(title, table, "interval", lambda _: "models learned anew")

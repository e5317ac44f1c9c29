"""A comparison of studies in words and as a table for the terminal, both with their numbers and intervals."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd
from rich.table import Table

from ...estimate.intervals import Estimate
from ...estimate.ladder import VALUE
from ..folders.comparison import HEADLINE, Comparison
from ..numbers import claim, estimate_of, interval, number
from ..tables import DASH, between, middle, signed, text_table

HEADS = {
    "value_of_joint_data": "value of joint data", "same_request_step": "same-request step",
    "joint_model_step": "joint-model step", "net_value": "net value",
}  # fmt: skip
"""Estimand -> its name in tables and sentences."""
ROWS_MOST = 40
"""Rows of the table for the terminal; the files have all."""


def comparison_table(comparison: Comparison) -> Table | None:
    """Return a row a study: its leading estimand, and the difference to the first study; None where they have none in common."""
    estimand = next((name for name in HEADLINE if all(name in known for known in comparison.known)), None)
    if estimand is None:
        return None
    rows = comparison.differences[comparison.differences["estimand"] == estimand]
    shown = list(_rows(comparison, estimand, rows))
    units = dict.fromkeys(known[estimand][1] for known in comparison.known)
    cut = f"; {len(shown) - ROWS_MOST:,} more in points.csv" if len(shown) > ROWS_MOST else ""
    return text_table(
        f"{HEADS[estimand].capitalize()}, {' or '.join(units)}", shown[:ROWS_MOST], ("study", str),
        ("estimate", middle, between), ("over the first", signed, between), ("pairs", str),
        caption=f"~ no difference shown: the interval of the difference spans zero{cut}",
    )  # fmt: skip


def _rows(comparison: Comparison, estimand: str, differences: pd.DataFrame) -> Iterator[tuple[Any, ...]]:
    own = [known[estimand][0] for known in comparison.known]
    yield comparison.labels[0], own[0], None, DASH
    later = zip(comparison.labels[1:], own[1:], differences.to_dict("records"), strict=True)
    for label, one, row in later:
        found = estimate_of(row)
        yield label, one, found, "yes" if str(row["method"]).startswith("paired") else "no"


def sentence(comparison: Comparison) -> str:
    """Return what the differences come to, claiming no more than their intervals."""
    rows = comparison.differences
    rows = rows[rows["estimand"] == VALUE]
    if rows.empty:
        return "These studies have no value of joint data in common to compare."
    found = [estimate_of(row) for row in rows.to_dict("records")]
    if len(found) == 1:
        row = rows.iloc[0]
        return claim(
            found[0],
            "Joining is worth {amount} {unit} more in {study} than in {against} (95 % interval {interval}; {method}).",
            loss="Joining is worth {amount} {unit} less in {study} than in {against} (95 % interval {interval}; {method}).",
            none="No difference shown: value of joint data in {study} less that in {against} is {amount} {unit} (95 % interval "
            "{interval}; {method}).",
            unknown="How much more or less joining is worth in {study} than in {against} is not known: there is no interval.",
            **{name: str(row[name]) for name in ("study", "against", "unit", "method")},
        )
    counts = [
        sum(one.finding == kind for one in found) for kind in ("positive", "negative", "no difference shown")
    ]
    rest = len(found) - sum(counts)
    tail = f", without an interval in {rest:,}" if rest else ""
    first, unit = comparison.known[0][VALUE]
    said = (
        f"Against {comparison.labels[0]} ({_amount(first)} {unit}), joining is worth more in {counts[0]:,} of {len(found):,} studies, "
        f"less in {counts[1]:,}, no difference shown in {counts[2]:,}{tail}"
    )
    ends = [
        f"{word} in {rows['study'].iloc[place]} ({_amount(found[place])})"
        for word, place in _ends(found).items()
    ]
    return f"{said}; the difference is {' and '.join(ends)}. Each by its own 95 % interval, simulation error only."


def _ends(found: list[Estimate]) -> dict[str, int]:
    """Return the places of the greatest and of the least difference."""
    known = [place for place, one in enumerate(found) if one.estimate == one.estimate]
    if not known:
        return {}
    return {
        "greatest": max(known, key=lambda place: found[place].estimate),
        "least": min(known, key=lambda place: found[place].estimate),
    }


def _amount(found: Estimate) -> str:
    return f"{number(found.estimate)}, {interval(found)}" if found.has_interval else number(found.estimate)

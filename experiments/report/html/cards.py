"""The few numbers that a reader takes away, as cards."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from ...estimate.intervals import Estimate
from ...estimate.ladder import VALUE, lookup
from ..folders.study import StudyFolder
from ..numbers import estimate_of, interval, number
from ..sweep import headline_rows
from .grid import FINDINGS

CARDS = {
    ("value_of_joint_data", "focal_profit"): "Value of joint data",
    ("same_request_step", "focal_profit"): "Same-request step",
    ("joint_model_step", "focal_profit"): "Joint-model step",
    ("net_value", ""): "Net value",
    ("payback_month", ""): "Payback",
    ("break_even_match_rate", ""): "Break-even match rate",
}
"""Estimand and metric (empty: any) of each card, and its title."""

COSTS = ("integration_once", "integration_monthly", "fees_monthly")
AFTER_COSTS = ("Net value", "Payback")
"""Cards that come first where joining has costs."""

NEVER = {"payback_month": "never pays back", "break_even_match_rate": "not at any rate tried"}
NOT_SHOWN = {"payback_month": "not paid back", "break_even_match_rate": "not at any rate tried"}
"""What stands for an infinite threshold; and where the interval allows a finite one."""


@dataclass(frozen=True)
class Card:
    """One number with its interval.

    Attributes:
        title: what it is.
        amount: the number, as it is read.
        value: the number behind it; nan where it is words.
        unit: of it.
        between: its interval, in words.
        note: what may be said of it.
        mark: how it is coloured.
    """

    title: str
    amount: str
    value: float
    unit: str
    between: str
    note: str = ""
    mark: str = ""

    @property
    def sort(self) -> str:
        """The exact value; empty without one."""
        return repr(self.value) if math.isfinite(self.value) else ""


def cards(study: StudyFolder) -> list[Card]:
    """The cards of those estimands that the study has."""
    rows = headline_rows(study.summary)
    found = [
        card for (estimand, metric), title in CARDS.items() for card in _cards(rows, estimand, metric, title)
    ]
    has_costs = any(float(study.config.get("money", {}).get(key) or 0) for key in COSTS)
    return sorted(found, key=lambda card: card.title not in AFTER_COSTS) if has_costs else found


def _cards(rows: pd.DataFrame, estimand: str, metric: str, title: str) -> Iterator[Card]:
    found = rows[(rows["estimand"] == estimand) & ((rows["metric"] == metric) | (metric == ""))]
    for row in found.head(1).to_dict("records"):
        yield _card(estimand, title, estimate_of(row), str(row["unit"]), _percent(rows, estimand))


def _card(estimand: str, title: str, estimate: Estimate, unit: str, percent: Estimate | None) -> Card:
    if estimand in NEVER:
        return _threshold(estimand, title, estimate, unit)
    between = f"95 % interval {interval(estimate)}" if estimate.has_interval else "no interval"
    words = {"positive": "a gain", "negative": "a loss"}.get(estimate.finding, estimate.finding)
    if (
        percent is not None
        and math.isfinite(percent.estimate)
        and estimate.finding in {"positive", "negative"}
    ):
        words += f" of {number(abs(percent.estimate))} %"
    return Card(
        title, number(estimate.estimate), estimate.estimate, unit, between, words, FINDINGS[estimate.finding]
    )


def _threshold(estimand: str, title: str, estimate: Estimate, unit: str) -> Card:
    """A point that may lie nowhere: infinite, or unknown, is said in words."""
    if math.isinf(estimate.estimate):
        shown = math.isinf(estimate.ci_low)
        words = (NEVER if shown else NOT_SHOWN)[estimand]
        return Card(title, words, math.inf, "", _ends(estimate), "", "loss" if shown else "open")
    if math.isnan(estimate.estimate):
        return Card(title, "not known", math.nan, "", "", "", "open")
    return Card(title, number(estimate.estimate), estimate.estimate, unit, _ends(estimate))


def _ends(estimate: Estimate) -> str:
    if math.isnan(estimate.ci_low) or math.isnan(estimate.ci_high):
        return "no interval"
    low, high = ("never" if math.isinf(end) else number(end) for end in (estimate.ci_low, estimate.ci_high))
    return "" if low == high == "never" else f"95 % interval {low} to {high}"


def _percent(rows: pd.DataFrame, estimand: str) -> Estimate | None:
    return lookup(rows, estimand, "focal_profit_pct") if estimand == VALUE else None

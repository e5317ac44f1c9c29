"""The study ``attribution`` in two tables and in sentences that claim no more than their intervals."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd
from rich.table import Table

from ...cells.attribution_rules import RULES
from ...cells.attribution_season import BY_CLAIMS, BY_LAST_TOUCH, COMPARED, TEST, TRUTH, UNIFIED, credit_names
from ...estimate.intervals import Estimate
from ...estimate.ladder import lookup
from ..numbers import CAVEAT, claim, counted, interval, number
from ..tables import DASH, between, middle, signed, text_table
from .sampled_markets import WHICH, goes_with, percent, share_of

EXPECTED, WRONG, MOVED = "purchases_expected", "attribution_error_pct", "misplaced_pct"
SHARES = {
    "end_to_end_value": ("the end-to-end view pays", "the end-to-end view costs"),
    "test_over_last_touch": ("the test beats last touch", "last touch beats the test"),
}
"""Estimand -> what drawn firms are counted by, where it is above zero and where it is below."""


def credit_table(summary: pd.DataFrame, channels: Sequence[str]) -> Table:
    """A row a rule: what it credits each channel with, how far off that is, and what part of a budget it misplaces."""
    truth = [lookup(summary, "true_effect", EXPECTED, channel) for channel in channels]
    rows: list[tuple[Any, ...]] = [(TRUTH, *truth, truth, None, None)]
    for name in (TEST, *credit_names()):
        found = [lookup(summary, "credit", "purchases", f"{name}: {channel}") for channel in channels]
        error, moved = (
            lookup(summary, "attribution_error", WRONG, name),
            lookup(summary, "misplaced", MOVED, name),
        )
        rows.append((name, *found, found, error, moved))
    return text_table(
        f"What each channel did, and is credited with, {_unit(summary, 'true_effect')}", rows, ("by", str),
        *((channel, middle) for channel in channels), ("all", _total), ("off, %", middle), ("misplaced, %", middle),
    )  # fmt: skip


def budget_table(summary: pd.DataFrame, budgets: Sequence[str]) -> Table:
    """A row a rule: profit in the next season under the budgets that it sets, and what it costs against the truth."""
    rows = []
    for name in budgets:
        profit, cost = lookup(summary, "utility", arm=f"by {name}"), lookup(summary, "cost_of_rule", arm=name)
        rows.append((name, profit, cost))
    return text_table(
        f"The next season, by what the budgets follow, {_unit(summary, 'utility')}", rows, ("budgets by", str),
        ("profit", middle, between), ("less than by the truth", signed, between),
    )  # fmt: skip


def sentences(summary: pd.DataFrame, channels: Sequence[str], count: int) -> Iterator[str]:
    """How wrong the rules are, whether the end-to-end view pays, whether the test beats it, and in how many worlds."""
    yield from _errors(summary)
    yield from _claims(summary)
    unit = _unit(summary, "utility")
    texts = {
        "end_to_end_value": "Last touch over all channels, in place of each owner's own, ",
        "test_over_last_touch": "Budgets by the owners' own randomised tests, in place of last touch over all channels, ",
    }
    for estimand, start in texts.items():
        found = lookup(summary, estimand)
        if found:
            yield f"{start}{_effect(found, unit)} in the next season."
    cost = lookup(summary, "cost_of_test")
    if cost:
        gain = Estimate(-cost.estimate, -cost.ci_high, -cost.ci_low, cost.n)
        yield f"Running the tests {_effect(gain, unit)} while they last."
    yield from _worlds(summary, count)
    first = lookup(summary, "true_effect", EXPECTED, channels[0])
    if first:
        yield f"{counted(first.n, 'replication')}; {CAVEAT}."


def _errors(summary: pd.DataFrame) -> Iterator[str]:
    found = {rule: lookup(summary, "misplaced", MOVED, f"{UNIFIED}/{rule}") for rule in RULES}
    known = {rule: error for rule, error in found.items() if error and math.isfinite(error.estimate)}
    wrong, test, moved = (
        lookup(summary, estimand, metric, name)
        for estimand, metric, name in (
            ("attribution_error", WRONG, BY_LAST_TOUCH),
            ("attribution_error", WRONG, TEST),
            ("misplaced", MOVED, TEST),
        )
    )
    if not known or not (wrong and test and moved) or not math.isfinite(wrong.estimate + test.estimate):
        yield "How far credits are off is not known: no share of what the channels did could be worked out."
        return
    best, worst = (pick(known, key=lambda rule: known[rule].estimate) for pick in (min, max))
    yield (
        f"With every touchpoint in one log, what last touch credits channels with is off by {number(wrong.estimate)} % "
        f"({interval(wrong)}) of what they did; a randomised test of each is off by {number(test.estimate)} % ({interval(test)})."
    )
    yield (
        f"Of a budget that follows a rule on that log, {number(known[best].estimate)} % ({best}, {interval(known[best])}) to "
        f"{number(known[worst].estimate)} % ({worst}, {interval(known[worst])}) stand in the wrong channel; if it follows the tests, "
        f"{number(moved.estimate)} % ({interval(moved)})."
    )


def _claims(summary: pd.DataFrame) -> Iterator[str]:
    claims, unified = (lookup(summary, "credited", "credited", name) for name in (BY_CLAIMS, BY_LAST_TOUCH))
    if claims and unified and math.isfinite(claims.estimate + unified.estimate):
        yield (
            f"Each owner's log alone, they claim {number(claims.estimate)} ({interval(claims)}) times the purchases there were; "
            f"together in one log {number(unified.estimate)} ({interval(unified)})."
        )


def _worlds(summary: pd.DataFrame, count: int) -> Iterator[str]:
    for name in COMPARED:
        found = [share_of(summary, label) for label in SHARES[name]]
        shares = [f"{label} in {percent(one)}" for label, one in zip(SHARES[name], found, strict=True) if one]
        if shares:
            yield f"Of {counted(count, 'world')} drawn from the stated ranges it is shown that {', and that '.join(shares)}; {WHICH}."
        yield from goes_with(summary, f"{name}_decided_by", "that")


def _effect(found: Estimate, unit: str) -> str:
    return claim(
        found,
        "earns {amount} {unit} ({interval})",
        loss="costs {amount} {unit} ({interval})",
        none="makes no difference that is shown ({interval} {unit})",
        unknown="makes a difference of {amount} {unit} (no interval)",
        unit=unit,
    )


def _total(found: Sequence[Estimate | None]) -> str:
    """The sum over channels; a dash where one of them is not known."""
    return number(sum(one.estimate for one in found if one)) if all(found) else DASH


def _unit(summary: pd.DataFrame, estimand: str) -> str:
    units = summary.loc[summary["estimand"] == estimand, "unit"]
    return str(units.iloc[0]) if len(units) else ""

"""The study `value` after costs: net value, present value, payback and break-evens, as rows and in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ...config.collaboration import Collaboration
from ...config.settings import Settings
from ...config.study_settings import JoiningCosts
from ...config.value_settings import ValueSettings
from ...estimate.curves import Reading
from ...estimate.intervals import Estimate
from ...estimate.ladder import row_of
from ...estimate.metrics import at_point
from ...estimate.money import CostTerms, falling_break_even, net_rows, per_request, rising_break_even
from ...report.wording.business import cost_table, net_sentence
from ..base import MarketPart, Row
from ..cell_plans import CellPlan

UNITS = {
    "net_value": "{currency} per month",
    "npv": "{currency}",
    "payback_month": "months",
    "data_price_cpm": "{currency} per thousand look-ups",
    "match_rate": "share of requests",
    "lookup_latency_ms": "ms",
    "level": "share of full collaboration",
    "credit": "share of the value",
    "requests_per_month": "bid requests per month",
    "switch_month": "months",
}
"""Metric -> its unit, of all that a firm plans."""


class NetValue(MarketPart[ValueSettings]):
    """Net value and payback where a volume is stated; what is shown of break-evens too."""

    def __init__(self, plan: CellPlan) -> None:
        super().__init__(plan)
        if has_costs(plan.settings) and terms(plan.settings) is not None:
            self.place = "first"  # what joining nets is the answer

    def rows(self, cells: pd.DataFrame) -> Iterator[Row]:
        """Yield net value and payback; of a firm that builds data of its own they come with ``own_data``."""
        settings, known = self.settings, terms(self.settings)
        if known is None or settings.first_party is not None:
            return
        sides = self.plan.sides()
        own = at_point(cells, self.plan.study_point)
        for estimand, metric, found in net_rows(known, *per_request(own, sides)):
            yield _row(settings, estimand, sides.named, metric, found)

    def sentences(self, summary: pd.DataFrame) -> Iterator[str]:
        """Yield what is left after costs, and when it has paid for itself."""
        if (known := terms(self.settings)) is not None:
            currency = self.settings.scenario.currency
            yield from net_sentence(summary, known, currency, is_net=has_costs(self.settings))

    def shown(self, summary: pd.DataFrame) -> Iterator[Any]:
        """Yield a table with a row a figure, "never" where it never comes to that."""
        yield from cost_table(summary, has_costs=has_costs(self.settings))


def has_costs(settings: Settings) -> bool:
    """Return whether anything that joining takes has a price: integration, fees, look-ups or matches."""
    scenario, known = settings.scenario, terms(settings)
    of_data = (scenario.data_of(name) for name in scenario.source)
    return bool(known and (known.once or known.monthly)) or any(
        one.cost_per_lookup_cpm or one.cost_per_match_cpm for one in of_data
    )


def terms(settings: Settings) -> CostTerms | None:
    """Costs and volume, at the firm's level of collaboration where it has one; None where no volume is stated."""
    return terms_at(settings.money, settings.collaboration)


def terms_at(money: JoiningCosts, plan: Collaboration | None) -> CostTerms | None:
    """Return the costs of one level: it takes a part of the integration, and its time to deliver."""
    if money.requests_per_month is None:
        return None
    share, months = (1.0, 0.0) if plan is None else (plan.cost_share, plan.months)
    return CostTerms(
        requests_per_month=money.requests_per_month,
        once=share * money.integration_once,
        monthly=share * (money.integration_monthly + money.fees_monthly),
        horizon_months=money.horizon_months,
        discount_rate=money.discount_rate,
        delay_months=months,
    )


def break_even_rows(settings: Settings, readings: Sequence[Reading]) -> Iterator[Row]:
    """Yield the break-even of each line of a curve over a source's match rate or look-up latency.

    Args:
        settings: the study's.
        readings: what was found at the points of the curve.
    """
    known = terms(settings)
    key = readings[0].over if readings else ""
    first, _, rest = key.partition(".")
    source, _, last = rest.partition(".")
    rising = last == "match_rate" and known is not None
    if first != "source" or not (rising or last == "lookup_latency_ms"):
        return
    fixed = known.fixed_per_request if known is not None else 0.0
    for line in dict.fromkeys(reading.line for reading in readings):
        own = [r for r in readings if r.line == line and isinstance(r.x, int | float)]
        net = [value - cost - fixed for value, cost, _ in (per_request(r.cells, r.sides) for r in own)]
        order = np.argsort([r.x for r in own])
        if len(own) < 2:
            continue
        x = np.array([float(own[i].x) for i in order])
        table = np.stack([net[i].to_numpy(dtype=float) for i in order], axis=1)
        found = (rising_break_even if rising else falling_break_even)(x, table)
        estimand = "break_even_match_rate" if rising else "break_even_latency"
        yield _row(settings, estimand, _arm(source, readings[0].name, line), last, found)


def with_break_even(curve: pd.DataFrame, summary: pd.DataFrame, name: str = "") -> pd.DataFrame:
    """A curve's rows with the columns ``BREAK_EVEN`` of its plot, by line; as they are where the summary has none for them.

    Args:
        curve: one curve's rows.
        summary: of the study.
        name: of the curve, where several are over its key.
    """
    first, _, rest = str(curve["over"].iloc[0]).partition(".") if len(curve) else ("", "", "")
    source, _, last = rest.partition(".")
    found = summary[summary["estimand"].str.startswith("break_even_") & (summary["metric"] == last)]
    found = found.drop_duplicates("arm").set_index("arm")
    arms = [_arm(source, name, line) for line in curve["line"]]
    if first != "source" or not set(arms) & set(found.index):
        return curve
    ends = {"estimate": "break_even", "ci_low": "break_even_low", "ci_high": "break_even_high"}
    columns = found[list(ends)].rename(columns=ends).astype(float).reindex(arms)
    return curve.assign(**{name: columns[name].to_numpy() for name in ends.values()})


def _arm(source: str, *parts: str) -> str:
    """The source, and in brackets the curve and line where there are several."""
    which = ", ".join(filter(None, parts))
    return f"{source} ({which})" if which else source


def _row(settings: Settings, estimand: str, arm: str, metric: str, found: Estimate) -> Row:
    return row_of(estimand, arm, metric, UNITS[metric].format(currency=settings.scenario.currency), found)

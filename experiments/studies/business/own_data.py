"""The study `value` of a firm that builds data of its own: in which month it should switch to them from bought ones, if ever."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...cells.cell import Cell
from ...cells.lattice import Lattice
from ...config.changes import as_overrides, fewer, varied
from ...config.first_party import built_up, with_part
from ...config.settings import Settings
from ...storage.cell_results import StudyState, table
from ..cell_plans import PILOT, Plan
from .money import terms

if TYPE_CHECKING:
    import pandas as pd

    from ...estimate.intervals import Estimate
    from ...estimate.own_data import Switching

PARTS = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Parts of the full match rate at which own data are simulated; between them profit goes in straight lines."""

UNITS = {
    "switch_month": "months", "payback_month": "months", "npv": "{currency}",
    "requests_per_month": "bid requests per month",
}  # fmt: skip
ESTIMANDS = {
    "switch_month": ("switch_month", "switch to own data"),
    "value_of_building": ("npv", "net value of building them"),
    "building_payback": ("payback_month", "building paid back after"),
    "building_volume": ("requests_per_month", "building pays from"),
}
"""Estimand -> its metric, and words for it."""


@dataclass(frozen=True)
class Steps:
    """The market at each part of the own source's full match rate, and the two ways of holding data that are compared."""

    parts: tuple[float, ...]
    plans: tuple[Plan, ...]
    own: str
    bought: str

    def arms(self, number: int) -> tuple[str, ...]:
        """Arms at one part: own data, and once, as they do not depend on it, bought ones."""
        return (self.own, self.bought) if number == 0 else (self.own,)


def steps(settings: Settings[Any], parts: Sequence[float] = PARTS, name: str = "") -> Steps | None:
    """The points that are needed; None where the firm builds nothing.

    Raises:
        BadInput: fewer requests make no market.
    """
    plan = settings.first_party
    if plan is None:
        return None
    small = varied(settings, fewer(settings, settings.study.curve.requests), place="study.curve.requests")
    lattice = Lattice(tuple(small.scenario.source))
    everything = set(lattice.sources)
    found = []
    for part in parts:
        market = with_part(small.scenario, plan.own, part)
        point = as_overrides({f"{name}{' ' if name else ''}built_up": part})
        found.append(Plan(small.model_copy(update={"scenario": market}), point))
    own, bought = (lattice.arm(tuple(everything - {other})) for other in (plan.bought, plan.own))
    return Steps(tuple(parts), tuple(found), own, bought)


def cells(found: Steps | None) -> list[Cell]:
    """Own data at each part, bought ones once; on the pilots too."""
    return [] if found is None else [*_cells(found, PILOT), *_cells(found, _replications(found))]


def switching(
    settings: Settings[Any], found: Steps | None, ledger: StudyState, *, pilot: bool = False
) -> Switching | None:
    """What own data bring more than bought ones by month; None where there are none, or a cell failed."""
    from ...estimate.own_data import Switching

    known, plan = terms(settings), settings.first_party
    if found is None or known is None or plan is None:
        return None
    profits = _per_request(found, ledger, PILOT if pilot else _replications(found))
    if profits is None:
        return None
    own, bought = profits
    part = built_up(known.horizon_months, plan.months_to_half)
    rising = np.array([np.interp(part, found.parts, row) for row in own])
    return Switching(known.requests_per_month * (rising - bought[:, None]), known)


def rows(settings: Settings[Any], found: Steps | None, ledger: StudyState) -> Iterator[dict[str, Any]]:
    """For ``summary.csv``: when to switch, what building is worth with the switch of the pilots, and when it is paid back."""
    from ...estimate.ladder import row_of

    pilot, here = (switching(settings, found, ledger, pilot=pilot) for pilot in (True, False))
    if pilot is None or here is None or found is None:
        return
    month = pilot.best_month()
    estimates: dict[str, Estimate] = {
        "switch_month": here.switch_month(),
        "value_of_building": here.net_value(month),
        "building_payback": here.payback(month),
        "building_volume": here.break_even_volume(month),
    }
    for estimand, value in estimates.items():
        metric, _ = ESTIMANDS[estimand]
        unit = UNITS[metric].format(currency=settings.scenario.currency)
        yield row_of(estimand, f"{found.own} - {found.bought}", metric, unit, value)


def month_table(settings: Settings[Any], found: Steps | None, ledger: StudyState) -> pd.DataFrame | None:
    """By month what own data bring more than bought ones, and the balance of building so far, each with its interval."""
    import pandas as pd

    from ...estimate import mean_interval

    pilot, here = (switching(settings, found, ledger, pilot=pilot) for pilot in (True, False))
    if pilot is None or here is None:
        return None
    month, count = pilot.best_month(), here.gains.shape[1]
    used = np.where(np.arange(1, count + 1) >= month, here.gains, 0.0)
    balance = np.cumsum(used - here.terms.monthly, axis=1) - here.terms.once
    lines = []
    for name, values in (
        ("own less bought, in the month", here.gains),
        ("balance of building so far", balance),
    ):
        for number in range(count):
            value = mean_interval(values[:, number])
            ends = {"estimate": value.estimate, "ci_low": value.ci_low, "ci_high": value.ci_high}
            lines.append({"panel": name, "month": number + 1, **ends, "unit": settings.scenario.currency})
    return pd.DataFrame(lines)


def sentences(summary: pd.DataFrame, settings: Settings[Any]) -> Iterator[str]:
    """When to switch, or that it never pays."""
    from ...estimate import lookup
    from ...report.verdict import duration, interval, number, paid_back, shown

    when, net, back, volume = (
        lookup(summary, estimand, metric) for estimand, (metric, _) in ESTIMANDS.items()
    )
    plan = settings.first_party
    if plan is None or when is None or net is None or back is None or volume is None:
        return
    tenure, currency = f"{settings.money.horizon_months} months", settings.scenario.currency
    span = f"({interval(net)})" if net.has_interval else "(no interval)"
    if net.finding == "positive":
        yield (
            f"Build {plan.own} and switch from {plan.bought} to it after {duration(when)}: over {tenure} that nets "
            f"{number(net.estimate)} {currency} {span}, and is {paid_back(back)}."
        )
    elif net.finding == "negative":
        yield f"Building {plan.own} to switch from {plan.bought} does not pay: over {tenure} it nets {number(net.estimate)} {currency} {span}."
    else:
        yield f"Whether to build {plan.own} is not shown: over {tenure} it nets {number(net.estimate)} {currency} {span}."
    if not math.isfinite(volume.estimate):
        yield "By the estimates building pays at no volume."
        return
    ends = f" ({shown(volume.ci_low)} to {shown(volume.ci_high)})" if volume.has_interval else ""
    now = settings.money.requests_per_month or 0.0
    yield f"Building pays from {shown(volume.estimate)}{ends} bid requests a month; there are {now:,.0f}."


def _cells(found: Steps, replications: Sequence[int]) -> list[Cell]:
    return [
        cell
        for number, plan in enumerate(found.plans)
        for cell in plan.cells(found.arms(number), replications)
    ]


def _replications(found: Steps) -> range:
    return range(found.plans[0].study.curve.replications)


def _per_request(
    found: Steps, ledger: StudyState, replications: Sequence[int]
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Profit less the price of data: of own ones, shape (replications, parts), and of bought ones, shape (replications,)."""
    from ...estimate.ladder import PROFIT
    from ...estimate.metrics import outcomes

    wanted = _cells(found, replications)
    if len(ledger.of(wanted)) < len(wanted):
        return None
    own, bought = [], np.empty(0)
    for number, plan in enumerate(found.plans):
        rows = outcomes(table(ledger.of(plan.cells(found.arms(number), replications))), unit_scale=1.0)
        after = rows[PROFIT] - rows.get("data_cost", 0.0)
        own.append(after.xs(found.own, level="arm").to_numpy(dtype=np.float64))
        if number == 0:
            bought = after.xs(found.bought, level="arm").to_numpy(dtype=np.float64)
    return np.array(own, dtype=np.float64).T, bought

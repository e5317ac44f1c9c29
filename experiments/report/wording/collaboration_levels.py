"""What the levels of collaboration come to, in sentences that claim no more than their intervals."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pandas as pd

from ...config.settings import Settings
from ...config.value_settings import ValueSettings
from ...estimate.intervals import Estimate
from ...estimate.ladder import lookup
from ..numbers import claim, interval, number, paid_back


def sentences(summary: pd.DataFrame, settings: Settings[ValueSettings]) -> Iterator[str]:
    """The best level, how far that hangs on the mapping, the CIO's level, the volume needed, and the others in the market."""
    best = lookup(summary, "best_level", "level") if settings.collaboration is not None else None
    if best is None:
        return
    yield _best(summary, settings, best)
    yield from _mappings(summary)
    yield from _volume(summary, settings)
    yield from _cio(summary, settings)
    yield from _others(summary)


def _best(summary: pd.DataFrame, settings: Settings[ValueSettings], best: Estimate) -> str:
    net, back = (
        lookup(summary, "best_level_net_value", "npv"),
        lookup(summary, "best_level_payback", "payback_month"),
    )
    horizon = f"over a horizon of {settings.money.horizon_months} months"
    if best.estimate == 0.0:
        pays = "does not pay" if best.ci_high == 0.0 else "is not shown to pay"
        return f"Collaboration {pays} {horizon}: of the levels tried 0 nets most{_tried(best)}."
    amount = _amount(net, settings.scenario.currency) if net else "not known"
    paid = f", and is {paid_back(back)}" if back else ""
    return f"Collaboration nets most at level {best.estimate:g}{_tried(best)}: {amount} {horizon}{paid}."


def _mappings(summary: pd.DataFrame) -> Iterator[str]:
    """Over all shapes and costs: a mapping is an assumption, so its part in the answer is said."""
    nets = summary[summary["estimand"] == "best_level_net_value"]
    levels = summary[summary["estimand"] == "best_level"]["estimate"].astype(float)
    if len(nets) < 2:
        return
    shown = int((nets["ci_low"] > 0).sum())
    low, high = (number(float(end)) for end in (nets["estimate"].min(), nets["estimate"].max()))
    yield (
        f"Of {len(nets)} mappings from level to data and cost {shown} have a level that is shown to pay; the best level lies "
        f"between {levels.min():g} and {levels.max():g}, and nets between {low} and {high} {nets['unit'].iloc[0]}."
    )


def _volume(summary: pd.DataFrame, settings: Settings[ValueSettings]) -> Iterator[str]:
    least = lookup(summary, "break_even_volume", "requests_per_month")
    if least is None:
        return
    if not math.isfinite(least.estimate):
        yield "By the estimates no level pays at any volume."
        return
    span = f" ({interval(least)})" if least.has_interval else ""
    now = settings.money.requests_per_month or 0.0
    yield f"Some level pays from {number(least.estimate)}{span} bid requests a month; there are {now:,.0f}."


def _cio(summary: pd.DataFrame, settings: Settings[ValueSettings]) -> Iterator[str]:
    collaboration, said = settings.collaboration, []
    for credit in collaboration.credited if collaboration else ():
        level = lookup(summary, "cio_level", "level", f"credited {credit:g}")
        left = lookup(summary, "left_on_the_table", "npv", f"credited {credit:g}")
        if level is None or left is None:
            continue
        lost = _amount(left, settings.scenario.currency) if left.estimate else "nothing"
        said.append(
            f"with {100 * credit:g} % level {level.estimate:g}{_tried(level)}, which leaves {lost} on the table"
        )
    needed = lookup(summary, "credit_needed", "credit")
    if not said or needed is None:
        return
    enough = ""
    if 0.0 < needed.estimate < math.inf:
        span = f" ({100 * needed.ci_low:.3g} to {100 * needed.ci_high:.3g})" if needed.has_interval else ""
        enough = f"; the best level takes a credit of at least {100 * needed.estimate:.3g} %{span}"
    yield (
        "A CIO who bears the integration and is credited with a share of the value chooses "
        f"{'; '.join(said)}{enough}."
    )


def _others(summary: pd.DataFrame) -> Iterator[str]:
    change = lookup(summary, "loss_from_staying_out")
    before = lookup(summary, "profit_of_the_others")
    if change is None or before is None or not change.has_interval:
        return
    row = summary[summary["estimand"] == "loss_from_staying_out"].iloc[0]
    of = f"of {number(before.estimate)} {row['unit']}"
    said = claim(
        change,
        "each of them gains {amount} ({interval})",
        loss="each of them loses {amount} ({interval})",
        none="no difference shown, {amount} ({interval})",
    )
    yield f"To firms whose departments stay apart, while {row['arm']}: {said}, {of}."


def _tried(found: Estimate) -> str:
    """The levels that are not shown to be worse."""
    if not found.has_interval or found.ci_low == found.ci_high:
        return ""
    return f" (not shown to be worse: within {found.ci_low:g} to {found.ci_high:g})"


def _amount(found: Estimate, currency: str) -> str:
    none = "no difference shown, {amount} ({interval}) {currency}"
    return claim(found, "{amount} ({interval}) {currency}", none=none, currency=currency)

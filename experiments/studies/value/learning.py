"""Both valuations beside each other: what there is to know, what a log of impressions teaches, and the difference."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from ...config.changes import varied
from ...config.settings import Settings
from ...config.value_settings import Swept, ValueStudy
from ...estimate.curves import Reading
from ...estimate.intervals import Estimate
from ...estimate.ladder import PROFIT, ladder_summary, lookup
from ...estimate.learning import COST, LEARNED, LOST, cost_over, cost_rows, learned_rows
from ...report.plots.curve import draw_curve
from ...report.plots.key_labels import key_label, key_words
from ...report.verdict import interval, number
from ..cell_plans import Plan, unit

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

BOTH = "both"
AMOUNT = "study.train_requests"
SHARES = (0.01, 0.03, 0.1, 0.3, 1.0)
"""Parts of ``study.train_requests`` over which the cost of learning is followed."""


def learned_plan(settings: Settings[ValueStudy]) -> Plan | None:
    """The ladder once more, learned; None where one valuation is asked for."""
    if settings.study.valuation != BOTH:
        return None
    change = {"study.valuation": "learned"}
    return Plan(varied(settings, change, place="study.valuation"), "study.valuation=learned")


def swept(settings: Settings[ValueStudy]) -> tuple[Swept, ...]:
    """The curve over the amount of data, where both valuations are asked for and no curve asked for is one."""
    study = settings.study
    if study.valuation != BOTH or any(one.over == AMOUNT for one in study.curves or ()):
        return ()
    amounts = dict.fromkeys(max(2, round(share * study.train_requests)) for share in SHARES)
    lines = {name: {"study.valuation": name} for name in ("bayes", "learned")}
    return (Swept(over=AMOUNT, values=tuple(amounts), lines=lines, name="learning"),)


def rows(
    settings: Settings[ValueStudy], exact: pd.DataFrame, learned: pd.DataFrame, best: tuple[str, str]
) -> pd.DataFrame:
    """For ``summary.csv``: the learned ladder, and what learning costs each arm.

    Args:
        settings: the study's.
        exact: cells of the ladder with exact valuations.
        learned: those with learned ones, of the same replications.
        best: the better single source with either.
    """
    scale, money = unit(settings)
    about: Any = {"silo": settings.study.silo, "unit_scale": scale, "unit": money}
    ladder = ladder_summary(learned, best_single=best[1], sources=tuple(settings.scenario.source), **about)
    cost = cost_rows(exact, learned, best_single=best, **about)
    return pd.concat([learned_rows(ladder), cost], ignore_index=True)


def cost_curve(readings: Sequence[Reading], settings: Settings[ValueStudy]) -> pd.DataFrame | None:
    """Bayes less learned over the amount of data, a line an arm; None of a curve that does not hold both."""
    if not {"bayes", "learned"} <= {reading.line for reading in readings} or readings[0].over != AMOUNT:
        return None
    scale, money = unit(settings)
    return cost_over(readings, unit_scale=scale, unit=money)


def table(summary: pd.DataFrame) -> pd.DataFrame:
    """A row an arm, and one of the value of joint data: with either valuation, what learning costs, and its interval."""
    profit = summary[summary["metric"] == PROFIT]
    found = []
    for estimand, of in ((COST, "utility"), (LOST, "value_of_joint_data")):
        exact, learned = (profit[profit["estimand"] == name] for name in (of, LEARNED + of))
        by_arm = [rows.set_index("arm")["estimate"] for rows in (exact, learned)]
        for row in profit[profit["estimand"] == estimand].to_dict("records"):
            both = [float(known.iloc[0] if estimand == LOST else known[row["arm"]]) for known in by_arm]
            about = {name: row[name] for name in ("ci_low", "ci_high", "n_replications", "unit")}
            found.append(
                {"arm": row["arm"], "bayes": both[0], "learned": both[1], COST: row["estimate"], **about}
            )
    return pd.DataFrame(found)


def sentences(summary: pd.DataFrame, settings: Settings[ValueStudy]) -> Iterator[str]:
    """What joining is worth to who has to learn, and what learning costs with all data and with the silo's."""
    value, lost = lookup(summary, f"{LEARNED}value_of_joint_data"), lookup(summary, LOST)
    if value is None or lost is None:
        return

    def changed(found: Estimate, more: str, less: str) -> str:
        if found.finding == "no interval":
            return f"a difference of {number(found.estimate)} (no interval)"
        amount = f"{number(abs(found.estimate))} ({interval(found, sign=-1 if found.finding == 'negative' else 1)})"
        if found.finding in {"positive", "negative"}:
            return (more if found.finding == "positive" else less).format(amount)
        return f"no difference shown ({number(found.estimate)}, {interval(found)})"

    money, amount = unit(settings)[1], settings.study.train_requests
    joining = changed(value, f"joining is worth {{}} {money}", f"joining costs {{}} {money}")
    yield (
        f"Learned from {amount:,} randomised impressions: {joining}; against what there is to know "
        f"{changed(lost, '{} less', '{} more')}."
    )
    silo = settings.study.silo
    costs = {arm: lookup(summary, COST, arm=arm) for arm in ("joint", silo)}
    parts = [f"{arm} {changed(found, '{}', 'a gain of {}')}" for arm, found in costs.items() if found]
    yield f"Learning costs, in {money}: {', '.join(parts)}."


def draw(cost: pd.DataFrame, unit: str) -> Drawing:
    """The cost of learning over the amount of data, a line an arm."""
    return draw_curve(
        cost,
        unit=unit,
        subject="What learning costs, by the amount of data",
        x_label=f"{AMOUNT} (impressions, logarithmic)",
        y_label="exact less learned profit",
        log_x=True,
    )


def draw_value(value: pd.DataFrame, unit: str, silo: str) -> Drawing:
    """The value of joint data along a curve; amounts of data on a logarithmic scale."""
    over = str(value["over"].iloc[0])
    subject = f"Value of joint data against {key_words(over)}"
    about: dict[str, Any] = {
        "subject": subject,
        "x_label": key_label(over),
        "log_x": True if over == AMOUNT else None,
    }
    return draw_curve(value, unit=unit, silo=silo, **about)

"""Both valuations beside each other: what there is to know, what a log of impressions teaches, and the difference."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from ...config.bidder_checks import values_itself
from ...config.changes import varied
from ...config.learnable import learns_beside
from ...config.settings import Settings
from ...config.value_settings import Swept, ValueSettings
from ...estimate.curves import Reading
from ...estimate.ladder import PROFIT, ladder_summary
from ...estimate.learning import (
    COST,
    LEARNED,
    LOST_TO_LEARNING,
    cost_over,
    cost_rows,
    learned_rows,
    pays_from,
)
from ...estimate.sides import Sides
from ...report.plots.curve import draw_curve
from ...report.plots.key_labels import key_label, key_words
from ...report.plots.matplotlib_types import Figure as Drawing
from ..base import Row
from ..cell_plans import LEARNED_LADDER, CellPlan

BOTH = "both"
AMOUNT = "study.train_requests"
SHARES = (0.01, 0.03, 0.1, 0.3, 1.0)
"""Parts of ``study.train_requests`` over which the cost of learning is followed."""


def ladders(plan: CellPlan) -> list[tuple[CellPlan, tuple[str, ...]]]:
    """Return a ladder with its arms, and its twin with learned values, where there is one, with its own.

    With ``study.valuation=both`` the twin has all arms, with ``study.learned_beside`` those that the value of joint data needs. A strategy
    that prices requests itself has no valuation to learn.
    """
    asked, found = plan.study.valuation, [(plan, plan.arms)]
    if not values_itself(plan.settings.scenario) and (asked == BOTH or learns_beside(plan.settings)):
        there = varied(plan.settings, {"study.valuation": "learned"}, place="study.valuation")
        point = " ".join(filter(None, (plan.study_point, LEARNED_LADDER)))
        twin = CellPlan(there, plan.state, point)
        found.append((twin, twin.arms if asked == BOTH else twin.compared))
    return found


def swept(settings: Settings[ValueSettings]) -> tuple[Swept, ...]:
    """The curve over the amount of data, where both valuations are asked for and no curve asked for is one."""
    study = settings.study
    if study.valuation != BOTH or any(one.over == AMOUNT for one in study.curves or ()):
        return ()
    amounts = dict.fromkeys(max(2, round(share * study.train_requests)) for share in SHARES)
    lines = {name: {"study.valuation": name} for name in ("bayes", "learned")}
    return (Swept(over=AMOUNT, values=tuple(amounts), lines=lines, name="learning"),)


def rows(
    settings: Settings[ValueSettings], exact: pd.DataFrame, learned: pd.DataFrame, sides: tuple[Sides, Sides]
) -> pd.DataFrame:
    """For ``summary.csv``: the learned ladder, and what learning costs each arm.

    Args:
        settings: the study's.
        exact: cells of the ladder with exact valuations.
        learned: those with learned ones, of the same replications.
        sides: what joint data are compared with, with either.
    """
    scale, money = settings.unit
    ladder = ladder_summary(learned, sides[1], unit_scale=scale, unit=money)
    cost = cost_rows(exact, learned, sides, unit_scale=scale, unit=money)
    return pd.concat([learned_rows(ladder), cost], ignore_index=True)


def cost_curve(readings: Sequence[Reading], settings: Settings[ValueSettings]) -> pd.DataFrame | None:
    """Bayes less learned over the amount of data, a line an arm; None of a curve that does not hold both."""
    if not {"bayes", "learned"} <= {reading.line for reading in readings} or readings[0].over != AMOUNT:
        return None
    scale, money = settings.unit
    return cost_over(readings, unit_scale=scale, unit=money)


def threshold(curve: pd.DataFrame) -> Iterator[Row]:
    """Yield the size of log from which joining is shown to pay, of a curve over the amount of data."""
    if (curve["over"] == AMOUNT).all() and (row := pays_from(curve)):
        yield row


def table(summary: pd.DataFrame) -> pd.DataFrame:
    """A row an arm, and one of the value of joint data: with either valuation, what learning costs, and its interval."""
    profit = summary[summary["metric"] == PROFIT]
    found = []
    for estimand, of in ((COST, "utility"), (LOST_TO_LEARNING, "value_of_joint_data")):
        exact, learned = (profit[profit["estimand"] == name] for name in (of, LEARNED + of))
        by_arm = [rows.set_index("arm")["estimate"] for rows in (exact, learned)]
        for row in profit[profit["estimand"] == estimand].to_dict("records"):
            both = [
                float(known.iloc[0] if estimand == LOST_TO_LEARNING else known[row["arm"]])
                for known in by_arm
            ]
            about = {name: row[name] for name in ("ci_low", "ci_high", "n_replications", "unit")}
            found.append(
                {"arm": row["arm"], "bayes": both[0], "learned": both[1], COST: row["estimate"], **about}
            )
    return pd.DataFrame(found)


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

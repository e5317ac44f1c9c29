"""What learning costs: profit with exact valuations less that with learned ones, replication by replication."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

import pandas as pd

from ..cells.lattice import JOINT
from .curves import CURVE_COLUMNS, Reading, line_rows
from .intervals import Estimate, contrast, greatest, least
from .ladder import P_HOLM, PROFIT, SUMMARY_COLUMNS, Row, arms_by_replication, row_of, summary_row
from .sides import Sides

COST, LOST_TO_LEARNING, LEARNED = "cost_of_learning", "value_lost_to_learning", "learned_"
"""The two estimands that compare valuations, and what the learned ladder's own begin with."""
OVER_EXACT_SILO = "value_over_exact_silo"
"""Learned joint data less the exact silo: what joining is worth without what learning costs the silo."""
PAYS_FROM, AMOUNT = "joining_pays_from", "train_requests"
"""The size of log from which joining is shown to pay, and its metric."""

KEPT = (
    "utility", "value_of_joint_data", "same_request_step", "joint_model_step", "double_counting_penalty", "synergy",
    "shapley", "marginal_value",
)  # fmt: skip
"""Estimands that are reported of the learned ladder too, of profit alone."""


def learned_rows(ladder: pd.DataFrame) -> pd.DataFrame:
    """Of the learned ladder's summary what stands beside the exact one's, under names of its own."""
    kept = ladder[ladder["estimand"].isin(KEPT) & ladder["metric"].isin((PROFIT, f"{PROFIT}_pct"))]
    return kept.assign(estimand=LEARNED + kept["estimand"])


def cost_rows(
    exact: pd.DataFrame, learned: pd.DataFrame, sides: tuple[Sides, Sides], *, unit_scale: float, unit: str
) -> pd.DataFrame:
    """What learning costs each arm, and by how much it lowers what joining is worth.

    Args:
        exact: cells with exact valuations.
        learned: cells with learned ones; replications that only one of them has are left out.
        sides: what joint data are compared with, with either.
        unit_scale: bid requests that money is stated for.
        unit: what that makes the unit of money.
    """
    wide = _side_by_side(exact, learned, sides, unit_scale)
    arms = [
        arm
        for arm in dict.fromkeys((*exact["arm"], *sides[0].chosen))
        if {_exact(arm), _learned(arm)} <= set(wide)
    ]
    rows = [summary_row(COST, arm, PROFIT, unit, contrast(wide, _cost(arm))) for arm in arms]
    if {_exact(arm) for arm in sides[0].weights} | {_learned(arm) for arm in sides[1].weights} <= set(wide):
        rows.append(
            summary_row(LOST_TO_LEARNING, sides[0].named, PROFIT, unit, lost_to_learning(wide, sides))
        )
        silos = {JOINT: 1.0, sides[0].silo: -1.0}
        against = (
            {_learned(arm) if arm == JOINT else _exact(arm): weight for arm, weight in one.items()}
            for one in sides[0].alternatives(silos)
        )
        alone = least([contrast(wide, one) for one in against if set(one) <= set(wide)])
        rows.append(summary_row(OVER_EXACT_SILO, sides[0].named, PROFIT, unit, alone))
    return pd.DataFrame(rows, columns=[*SUMMARY_COLUMNS, P_HOLM])


def lost_to_learning(wide: pd.DataFrame, sides: tuple[Sides, Sides]) -> Estimate:
    """The exact value of joint data less the learned one; the choice of either silo is part of the interval.

    Each value is the least over the silos. So the difference is at least that with the learned value over the chosen silo, the least over
    the exact silos, and at most that with the exact value over the chosen one, the most over the learned silos (``least``, on both sides).

    Args:
        wide: profits, a row a replication; columns are arms with exact and with learned values, as ``_exact`` and ``_learned`` name them.
        sides: what joint data are compared with, with either.
    """
    exact, learned = (
        [{name(arm): sign * weight for arm, weight in one.items()} for one in each.alternatives(each.weights)]
        for each, name, sign in zip(sides, (_exact, _learned), (1.0, -1.0), strict=True)
    )
    chosen = contrast(wide, exact[0] | learned[0])

    def found(pairs: Iterable[dict[str, float]]) -> list[Estimate]:
        return [contrast(wide, weights) for weights in pairs if set(weights) <= set(wide)]

    below = least([chosen, *found(one | learned[0] for one in exact[1:])])
    above = greatest([chosen, *found(exact[0] | one for one in learned[1:])])
    return replace(below, ci_high=above.ci_high)


def pays_from(curve: pd.DataFrame) -> Row | None:
    """The least amount of data from which, at it and at all larger ones, learned joint data are shown to be worth more than the silo's.

    Args:
        curve: columns ``CURVE_COLUMNS``, of one curve over the amount of data.

    Returns:
        A row of the summary, infinite where no amount tried is enough; None without a line ``learned``.
    """
    of = (
        (curve["line"] == "learned")
        & (curve["estimand"] == "value_of_joint_data")
        & (curve["metric"] == PROFIT)
    )
    line = curve[of].sort_values("x", ascending=False)
    if line.empty:
        return None
    shown = (line["ci_low"] > 0).cummin()
    least = float(line["x"][shown].min()) if shown.any() else math.inf
    found = Estimate(least, math.nan, math.nan, int(line["n_replications"].min()))
    return row_of(PAYS_FROM, "joint - silo", AMOUNT, "impressions", found) | {P_HOLM: math.nan}


def cost_over(readings: Sequence[Reading], *, unit_scale: float, unit: str) -> pd.DataFrame:
    """The cost of learning at each point of a curve with the lines ``bayes`` and ``learned``; a line an arm.

    Args:
        readings: the curve's points; one whose twin is missing is left out.
        unit_scale: bid requests that money is stated for.
        unit: what that makes the unit of money.

    Returns:
        Columns ``CURVE_COLUMNS``.
    """
    exact, learned = ({r.x: r for r in readings if r.line == line} for line in ("bayes", "learned"))
    points = [(there, exact[x]) for x, there in learned.items() if x in exact]
    wide = [
        _side_by_side(twin.cells, there.cells, (twin.sides, there.sides), unit_scale)
        for there, twin in points
    ]
    rows: list[Row] = []
    for arm in dict.fromkeys(arm for _, twin in points for arm in twin.cells["arm"]):
        costs = [(there, ((table[_exact(arm)] - table[_learned(arm)]).dropna(),))
                 for (there, _), table in zip(points, wide, strict=True)]  # fmt: skip
        rows += line_rows(costs, line=str(arm), estimand=COST, metric=PROFIT, unit=unit)
    return pd.DataFrame(rows, columns=list(CURVE_COLUMNS))


def _side_by_side(
    exact: pd.DataFrame, learned: pd.DataFrame, sides: tuple[Sides, Sides], unit_scale: float
) -> pd.DataFrame:
    """Profits of both, a row a replication and a column an arm and valuation."""
    tables = (
        arms_by_replication(cells, compared, unit_scale=unit_scale)[PROFIT].rename(columns=name)
        for cells, compared, name in zip((exact, learned), sides, (_exact, _learned), strict=True)
    )
    return pd.concat(tables, axis=1)


def _exact(arm: str) -> str:
    return f"bayes {arm}"


def _learned(arm: str) -> str:
    return f"learned {arm}"


def _cost(arm: str) -> dict[str, float]:
    return {_exact(arm): 1.0, _learned(arm): -1.0}

"""What re-optimising changes: the study where rivals answer new information, less that where they keep their old bid curves."""

from __future__ import annotations

import pandas as pd

from .intervals import contrast
from .ladder import P_HOLM, PROFIT, SUMMARY_COLUMNS, arms_by_replication, summary_row
from .metrics import MARKET_METRICS
from .sides import Sides

EFFECT, FROZEN = "effect_of_reoptimising", "frozen_"
"""The estimand that compares the two, and what the estimands of frozen rivals begin with."""

KEPT = ("utility", "value_of_joint_data")


def frozen_rows(ladder: pd.DataFrame) -> pd.DataFrame:
    """Of the summary with frozen rivals what stands beside the other one's, under names of its own."""
    kept = ladder[ladder["estimand"].isin(KEPT)]
    return kept.assign(estimand=FROZEN + kept["estimand"])


def effect_rows(
    adapted: pd.DataFrame, frozen: pd.DataFrame, sides: Sides, *, unit_scale: float, unit: str
) -> pd.DataFrame:
    """By how much the value of joint data, and what joining changes for the market, differ; paired by replication.

    Args:
        adapted: cells where all re-optimise.
        frozen: cells where rivals keep their curves; replications that only one of them has are left out.
        sides: what joint data are compared with.
        unit_scale: bid requests that money is stated for.
        unit: what that makes the unit of money.
    """
    metrics = (PROFIT, *MARKET_METRICS)
    both = [
        arms_by_replication(cells, sides, unit_scale=unit_scale, wanted=metrics)
        for cells in (adapted, frozen)
    ]
    rows = []
    for metric in metrics:
        if all(metric in wide for wide in both):
            wide = both[0][metric].join(both[1][metric].add_prefix(FROZEN))
            weights = dict(sides.weights) | {
                f"{FROZEN}{arm}": -weight for arm, weight in sides.weights.items()
            }
            rows.append(summary_row(EFFECT, sides.named, metric, unit, contrast(wide, weights)))
    return pd.DataFrame(rows, columns=[*SUMMARY_COLUMNS, P_HOLM])

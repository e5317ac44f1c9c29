"""Tables behind the curves and heat maps: one value-of-joint-data estimate at each point of a sweep."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from experiments.estimate.ladder import PROFIT, arms_by_replication, joint_decomposition

CURVE_COLUMNS = ("x", "estimate", "ci_low", "ci_high", "metric")
HEAT_COLUMNS = (
    "redundancy",
    "interaction",
    "same_request_step",
    "same_request_low",
    "same_request_high",
    "joint_model_step",
    "joint_model_low",
    "joint_model_high",
)


def curve_table(
    points: Mapping[float, pd.DataFrame],
    *,
    best_single: str | Mapping[float, str],
    silo: str = "best_single",
    unit_scale: float = 1e6,
) -> pd.DataFrame:
    """Value of joint data along one swept number.

    Args:
        points: cells at each swept value, at least those of the arms `joint` and the silo.
        best_single: the better single source, one for all points or one for each.
        silo: the arm that joint data is compared with.
        unit_scale: bid requests that money is stated for.

    Returns:
        Columns `CURVE_COLUMNS`, sorted by x.
    """
    rows = []
    for x, cells in sorted(points.items()):
        single = best_single if isinstance(best_single, str) else best_single[x]
        profit = arms_by_replication(cells, single, unit_scale=unit_scale)[PROFIT]
        found = {name: estimate for name, _, estimate in joint_decomposition(profit, silo)}
        value = found["value_of_joint_data"]
        rows.append((x, value.estimate, value.ci_low, value.ci_high, PROFIT))
    return pd.DataFrame(rows, columns=list(CURVE_COLUMNS))


def heat_table(
    points: Mapping[tuple[float, float], pd.DataFrame],
    *,
    best_single: str | Mapping[tuple[float, float], str],
    unit_scale: float = 1e6,
) -> pd.DataFrame:
    """Both steps of the value of joint data at each (redundancy, interaction).

    Args:
        points: cells at each point, at least those of the arms `joint`, `stacked` and the better single source.
        best_single: that source, one for all points or one for each.
        unit_scale: bid requests that money is stated for.

    Returns:
        Columns `HEAT_COLUMNS`, sorted by redundancy, then interaction.
    """
    rows = []
    for (redundancy, interaction), cells in sorted(points.items()):
        single = best_single if isinstance(best_single, str) else best_single[redundancy, interaction]
        profit = arms_by_replication(cells, single, unit_scale=unit_scale)[PROFIT]
        found = {name: estimate for name, _, estimate in joint_decomposition(profit, "best_single")}
        steps = (found["same_request_step"], found["joint_model_step"])
        rows.append((redundancy, interaction, *(v for s in steps for v in (s.estimate, s.ci_low, s.ci_high))))
    return pd.DataFrame(rows, columns=list(HEAT_COLUMNS))

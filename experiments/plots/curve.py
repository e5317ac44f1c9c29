"""Value of joint data along a swept number, such as the match rate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from experiments.estimate.sweeps import CURVE_COLUMNS
from experiments.plots.style import COLOURS, amounts, caption, new_figure, require, styled, zero_line

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_curve(
    curve: pd.DataFrame,
    *,
    unit: str,
    silo: str,
    subject: str = "Value of joint data against match rate",
    x_label: str = "match rate of the profile (share of requests)",
) -> Figure:
    """A line with the band of its pointwise 95 % intervals, and a line at zero.

    Args:
        curve: columns x, estimate, ci_low, ci_high, metric; of one metric.
        unit: of the estimates, such as "CNY per million bid requests".
        silo: the siloed arm as it is to be printed.
        subject: what the figure shows.
        x_label: the swept number and its unit.

    Raises:
        ValueError: missing columns, no rows, or several metrics.
    """
    require(curve, *CURVE_COLUMNS)
    if curve["metric"].nunique() > 1:
        raise ValueError("a curve shows one metric, and the table has several")
    points = curve.sort_values("x")
    x = points["x"].to_numpy(dtype=float)
    low, high = (points[end].to_numpy(dtype=float) for end in ("ci_low", "ci_high"))
    with styled():
        figure = new_figure(7, 4.4)
        axes = figure.subplots()
        zero_line(axes)
        if len(x) > 1:
            axes.fill_between(x, low, high, color=COLOURS[0], alpha=0.2, linewidth=0)
        axes.vlines(x, low, high, color=COLOURS[0], linewidth=1)
        axes.plot(x, points["estimate"].to_numpy(dtype=float), "o-", color=COLOURS[0])
        amounts(axes.yaxis)
        axes.set_xlabel(x_label)
        axes.set_ylabel(f"value of joint data\n({unit})")
        band = "Band: 95 % interval at each point, simulation error only."
        if points["ci_low"].isna().all():
            band = "One replication: there are no intervals."
        caption(figure, subject, f"Siloed: {silo}. {band}")
    return figure

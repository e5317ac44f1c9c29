"""Value of joint data along a swept key, such as the match rate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .key_labels import key_label, key_words
from .style import COLOURS, MARKERS, amounts, caption, new_figure, require, styled, zero_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

COLUMNS = ("x", "estimate", "ci_low", "ci_high", "metric")
BREAK_EVEN = ("break_even", "break_even_low", "break_even_high")
"""Columns that a curve may have: where on x its line pays for its cost, the same in each of the line's rows; inf is nowhere."""


def draw_curve(
    curve: pd.DataFrame,
    *,
    unit: str,
    silo: str = "",
    subject: str = "Value of joint data against match rate",
    x_label: str = "match rate of the profile (share of requests)",
    y_label: str = "value of joint data",
    log_x: bool | None = None,
) -> Figure:
    """A line with its points' 95 % intervals, or one for each value of `line`, a band about each, and a line at zero.

    Args:
        curve: columns x, estimate, ci_low, ci_high, metric; of one metric. x are numbers, or names that stand in the order in
            which they come. Of columns band_low and band_high the band is drawn, else it joins the intervals. The columns
            `BREAK_EVEN` mark a point on each line that has one among its x, with the interval of its x.
        unit: of the estimates, such as "CNY per million bid requests".
        silo: the siloed arm as it is to be printed; empty where nothing is compared with it.
        subject: what the figure shows.
        x_label: the swept key and its unit.
        y_label: what is estimated.
        log_x: whether the x axis is logarithmic; None: where x are positive over two orders of magnitude, and no line has a
            break-even, which lies on a straight line between points.

    Raises:
        ValueError: missing columns, no rows, or several metrics.
    """
    require(curve, *COLUMNS)
    if curve["metric"].nunique() > 1:
        raise ValueError("a curve shows one metric, and the table has several")
    names = None if _numbers(curve["x"]) else list(dict.fromkeys(map(str, curve["x"])))
    lines = list(dict.fromkeys(curve["line"])) if "line" in curve else [""]
    with styled():
        figure = new_figure(7, 4.4)
        axes = figure.subplots()
        zero_line(axes)
        for number, line in enumerate(lines):
            own = curve[curve["line"] == line] if "line" in curve else curve
            points = own.assign(x=[names.index(str(x)) for x in own["x"]]) if names else own.sort_values("x")
            _draw(axes, points, number, str(line), joined=names is None)
        if names:
            axes.set_xticks(range(len(names)), names)
        if axes.get_legend_handles_labels()[1]:
            axes.legend()
        if _spans_orders(curve) if log_x is None else log_x:
            axes.set_xscale("log")
            axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.10g}")
            axes.xaxis.set_minor_formatter("")
        amounts(axes.yaxis)
        axes.set_xlabel(x_label)
        axes.set_ylabel(f"{y_label}\n({unit})")
        caption(figure, subject, f"{silo and f'Siloed: {silo}. '}{_note(curve)}")
    return figure


def draw_lost(curve: pd.DataFrame, silo: str) -> Figure:
    """The seller's revenue that goes where joint data are taken away, along a swept key; columns as of `draw_curve`, with `over`."""
    over = str(curve["over"].iloc[0])
    return draw_curve(
        curve,
        unit="%",
        silo=silo,
        subject=f"Change of the seller's revenue without joint data, against {key_words(over)}",
        x_label=key_label(over),
        y_label="change of revenue",
    )


def _draw(axes: Axes, points: pd.DataFrame, number: int, label: str, *, joined: bool) -> None:
    colour = COLOURS[number % len(COLOURS)]
    x = points["x"].to_numpy(dtype=float)
    low, high = (points[end].to_numpy(dtype=float) for end in ("ci_low", "ci_high"))
    if len(x) > 1 and joined:
        edges = ("band_low", "band_high") if "band_low" in points else ("ci_low", "ci_high")
        below, above = (points[edge].to_numpy(dtype=float) for edge in edges)
        axes.fill_between(x, below, above, color=colour, alpha=0.2, linewidth=0)
    axes.vlines(x, low, high, color=colour, linewidth=1)
    style = f"{MARKERS[number % len(MARKERS)]}{'-' if joined else ''}"
    y = points["estimate"].to_numpy(dtype=float)
    axes.plot(x, y, style, color=colour, label=label)
    if joined and "break_even" in points:
        _mark_break_even(axes, x, y, [float(points[name].iloc[0]) for name in BREAK_EVEN], colour, label)


def _mark_break_even(
    axes: Axes, x: NDArray[np.float64], y: NDArray[np.float64], even: list[float], colour: str, label: str
) -> None:
    """A star on the line, a bar through it over the interval as far as the curve goes, and its x in the legend."""
    at, low, high = even
    if not x[0] <= at <= x[-1]:
        return
    height = float(np.interp(at, x, y))
    if not np.isnan([low, high]).any():
        axes.hlines(height, max(low, x[0]), min(high, x[-1]), color=colour, linewidth=3, alpha=0.5, zorder=3)
    axes.plot(
        at,
        height,
        "*",
        color=colour,
        markeredgecolor="white",
        markersize=15,
        zorder=4,
        label=f"break-even {at:.3g}{label and f', {label}'}",
    )


def _numbers(values: pd.Series[Any]) -> bool:
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values.tolist())


def _spans_orders(curve: pd.DataFrame) -> bool:
    if not _numbers(curve["x"]) or ("break_even" in curve and np.isfinite(curve["break_even"]).any()):
        return False
    low, high = float(curve["x"].min()), float(curve["x"].max())
    return low > 0 and high >= 100 * low


def _note(curve: pd.DataFrame) -> str:
    marked = "break_even" in curve and np.isfinite(curve["break_even"].to_numpy(dtype=float)).any()
    return _intervals(curve) + (" Star: where the value pays for its cost." if marked else "")


def _intervals(curve: pd.DataFrame) -> str:
    if curve["ci_low"].isna().all():
        return "One replication: there are no intervals."
    if "band_low" in curve:
        return (
            "Bars: 95 % interval at each point; bands: 95 % for a whole line at once. Simulation error only; "
            "all points meet the same requests."
        )
    return "Band: 95 % interval at each point, simulation error only."

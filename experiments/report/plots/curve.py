"""Value of joint data along a swept key, such as the match rate."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .key_labels import key_label, key_words
from .matplotlib_types import Axes, Figure
from .parts import INTERVAL, band_line, floats, interval_note, is_numeric, names_of
from .style import COLOURS, MARKERS, amounts, caption, one_panel, plot, zero_line

COLUMNS = ("x", "estimate", "ci_low", "ci_high", "metric")
BREAK_EVEN = ("break_even", "break_even_low", "break_even_high")
"""Columns that a curve may have: where on x its line pays for its cost, the same in each of the line's rows; inf is nowhere."""


@plot(*COLUMNS)
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
    if curve["metric"].nunique() > 1:
        raise ValueError("a curve shows one metric, and the table has several")
    names = None if is_numeric(curve["x"]) else names_of(map(str, curve["x"]))
    curve = curve if "line" in curve else curve.assign(line="")
    figure, axes = one_panel(7, 4.4)
    zero_line(axes)
    for number, (line, own) in enumerate(curve.groupby("line", sort=False)):
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
    axes.set(xlabel=x_label, ylabel=f"{y_label}\n({unit})")
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
    """Draw one line with its band and its break-even point, or unconnected points where x are names."""
    band = () if not joined else ("band_low", "band_high") if "band_low" in points else INTERVAL
    style = f"{MARKERS[number % len(MARKERS)]}{'-' if joined else ''}"
    band_line(axes, points, "x", line=number, style=style, band=band, has_bars=True, label=label)
    if joined and "break_even" in points:
        _mark_break_even(axes, points, COLOURS[number % len(COLOURS)], label)


def _mark_break_even(axes: Axes, points: pd.DataFrame, colour: str, label: str) -> None:
    """A star on the line, a bar through it over the interval as far as the curve goes, and its x in the legend."""
    (x, y), (at, low, high) = floats(points, "x", "estimate"), points[list(BREAK_EVEN)].iloc[0].astype(float)
    if not x[0] <= at <= x[-1]:
        return
    height, name = float(np.interp(at, x, y)), f"break-even {at:.3g}{label and f', {label}'}"
    if not np.isnan([low, high]).any():
        axes.hlines(height, max(low, x[0]), min(high, x[-1]), color=colour, linewidth=3, alpha=0.5, zorder=3)
    axes.plot(at, height, "*", color=colour, markeredgecolor="white", markersize=15, zorder=4, label=name)


def _spans_orders(curve: pd.DataFrame) -> bool:
    if not is_numeric(curve["x"]) or _has_break_even(curve):
        return False
    low, high = float(curve["x"].min()), float(curve["x"].max())
    return low > 0 and high >= 100 * low


def _has_break_even(curve: pd.DataFrame) -> bool:
    return "break_even" in curve and bool(np.isfinite(curve["break_even"].to_numpy(dtype=float)).any())


def _note(curve: pd.DataFrame) -> str:
    note = interval_note(curve, "Bars" if "band_low" in curve else "Bars and band")
    if "band_low" in curve:
        note += " Bands: 95 % for a whole line at once. All points meet the same requests."
    return note + (" Star: where the value pays for its cost." if _has_break_even(curve) else "")

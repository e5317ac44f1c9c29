"""The values of a figure's points as marks over its SVG file: a reader hovers over them, or walks through them by keyboard."""

from __future__ import annotations

import math
from collections.abc import Iterator
from html import escape
from typing import Any

import numpy as np

from ..numbers import number
from .matplotlib_types import Axes, Figure

POINTS_PER_INCH = 72
RADIUS = 7
MOST = 400
"""Marks beyond which a figure is a cloud, and has none."""

Mark = tuple[float, float, str]
"""Place of a mark in the figure's pixels, and its words."""


def value_marks(figure: Figure) -> str:
    """Return a group of SVG circles, one at each point and bar's end, whose titles say name, value and interval; empty without any."""
    found = [mark for axes in figure.axes if axes.get_visible() for mark in _marks(axes)]
    if not 0 < len(found) <= MOST:
        return ""
    scale, height = POINTS_PER_INCH / figure.dpi, figure.get_figheight() * POINTS_PER_INCH
    circles = "".join(
        f'<circle cx="{scale * x:.2f}" cy="{height - scale * y:.2f}" r="{RADIUS}"><title>{escape(text)}</title></circle>'
        for x, y, text in found
    )
    return f'<g class="values" fill="none" stroke="none" pointer-events="all">{circles}</g>'


def with_marks(svg: str, figure: Figure) -> str:
    """Return an SVG file's text with the marks of the figure that it shows."""
    marks, end = value_marks(figure), svg.rindex("</svg>")
    return f"{svg[:end]}{marks}\n{svg[end:]}" if marks else svg


def _marks(axes: Axes) -> Iterator[Mark]:
    if not axes.axison:
        return
    segments, panel = list(_segments(axes)), axes.get_title(loc="left") or axes.get_title()
    for x, y, label in _points(axes):
        rows = _name([one.yaxis for one in axes.get_shared_y_axes().get_siblings(axes)], y)
        columns = _name([one.xaxis for one in axes.get_shared_x_axes().get_siblings(axes)], x)
        if rows is not None:
            name, value, ends = rows, x, _ends(segments, y, x, across=False)
        elif columns is not None:
            name, value, ends = columns, y, _ends(segments, x, y, across=True)
        else:
            name, value, ends = _short(axes.get_xlabel(), x), y, _ends(segments, x, y, across=True)
        words = [word for word in (panel, label, name) if word]
        between = f" ({_amount(ends[0])} to {_amount(ends[1])})" if ends else ""
        at = axes.transData.transform((x, y))
        yield float(at[0]), float(at[1]), f"{', '.join(words)}: {_amount(value)}{between}"


def _points(axes: Axes) -> Iterator[tuple[float, float, str]]:
    """Yield the points of markers and long lines, and the ends of bars, each with its legend's words."""
    for line in axes.lines:
        xy = np.asarray(line.get_xydata(), dtype=float)
        is_marked = line.get_marker() not in {"", " ", "None", "none", None}
        if line.get_transform() != axes.transData or not (is_marked or len(xy) > 2):
            continue
        for x, y in xy:
            if math.isfinite(x) and math.isfinite(y):
                yield float(x), float(y), _words(line.get_label())
    for bars in axes.containers:
        for bar in getattr(bars, "patches", ()):
            (left, bottom), width, height = bar.get_xy(), bar.get_width(), bar.get_height()
            flat = getattr(bars, "orientation", "vertical") == "horizontal"
            x, y = (left + width, bottom + height / 2) if flat else (left + width / 2, bottom + height)
            if math.isfinite(x) and math.isfinite(y):
                yield float(x), float(y), _words(bars.get_label())


def _segments(axes: Axes) -> Iterator[Any]:
    """Yield the straight pieces that stand for intervals, two points each."""
    from matplotlib.collections import LineCollection

    for line in axes.lines:
        xy = np.asarray(line.get_xydata(), dtype=float)
        if len(xy) == 2 and line.get_marker() in {"", " ", "None", "none", None}:
            yield xy
    for several in axes.collections:
        if isinstance(several, LineCollection):
            yield from (np.asarray(one, dtype=float) for one in several.get_segments() if len(one) == 2)


def _ends(segments: list[Any], place: float, value: float, *, across: bool) -> tuple[float, float] | None:
    """Return the ends of the interval at a place that holds a value."""
    fixed, moving = (0, 1) if across else (1, 0)
    for piece in segments:
        low, high = sorted(piece[:, moving])
        if (abs(piece[:, fixed] - place) < 1e-9).all() and low < high and low <= value <= high:
            return float(low), float(high)
    return None


def _name(shared: list[Any], place: float) -> str | None:
    """Return what an axis of names, or one that it shares them with, calls a place; None where all are axes of numbers."""
    from matplotlib.ticker import FixedLocator

    for axis in shared:
        if not isinstance(axis.get_major_locator(), FixedLocator):
            continue
        texts = [" ".join(label.get_text().split()) for label in axis.get_majorticklabels()]
        if all(_is_number(text) for text in texts):
            continue
        for at, text in zip(axis.get_majorticklocs(), texts, strict=False):
            if abs(at - place) < 0.45:
                return text
    return None


def _is_number(text: str) -> bool:
    try:
        float(text.replace("\N{MINUS SIGN}", "-").replace(",", "") or "0")
    except ValueError:
        return False
    return True


def _short(label: str, x: float) -> str:
    words = " ".join(label.partition("(")[0].split())
    return f"{words} {number(x)}" if words else number(x)


def _words(label: object) -> str:
    text = str(label)
    return "" if text.startswith("_") else text


def _amount(value: float) -> str:
    return f"{value:.0f}" if value == round(value) and abs(value) < 100 else number(value)

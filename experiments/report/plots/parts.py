"""What several plots are made of: points with intervals, lines with bands, annotated maps, and the note on intervals."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..numbers import number
from .matplotlib_types import Axes, AxesImage, Figure
from .style import COLOURS, DARK, LIGHT, amounts

INTERVAL = ("ci_low", "ci_high")
USUAL_LABEL, INCHES_A_CHARACTER = 16, 0.085
"""Characters of a label that figures have room for, and what each further one takes."""
DIVERGING = "PuOr_r"
"""Orange gains, purple losses, white at zero; safe for colour-blind readers."""


def floats(table: pd.DataFrame, *names: str) -> list[NDArray[np.float64]]:
    """Return columns of a table as arrays."""
    return [table[name].to_numpy(dtype=float) for name in names]


def names_of(values: Iterable[Any]) -> list[Any]:
    """Return the distinct values, in their first order."""
    return list(dict.fromkeys(values))


def is_shown(table: pd.DataFrame) -> NDArray[np.bool_]:
    """Return for each row whether its interval excludes zero."""
    low, high = floats(table, *INTERVAL)
    return (low > 0) | (high < 0)


def is_numeric(values: pd.Series[Any]) -> bool:
    """Return whether all of a column's values are numbers, and none a truth value."""
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values.tolist())


def interval_note(table: pd.DataFrame, marks: str) -> str:
    """Say what the intervals drawn as ``marks`` are, or that one replication has none."""
    if table["ci_low"].isna().all():
        return "1 replication: there are no intervals, so no difference is shown."
    count = f", {int(table['n_replications'].min())} replications" if "n_replications" in table else ""
    return f"{marks}: 95 % intervals, simulation error only{count}."


def interval_points(
    axes: Axes,
    rows: pd.DataFrame,
    at: Iterable[float],
    *,
    colours: Iterable[str],
    marker: str = "o",
    size: float = 6.0,
    hollow: Iterable[bool] = itertools.repeat(False),
    is_upright: bool = False,
    label: str = "",
) -> None:
    """Draw a point with its interval for each row.

    Args:
        axes: of the panel.
        rows: columns estimate, ci_low, ci_high.
        at: place of each row on the axis of names: the vertical one, unless ``is_upright``.
        colours: of each row.
        marker: of the points.
        size: of the markers.
        hollow: for each row whether its point is hollow.
        is_upright: whether the estimates go along the vertical axis.
        label: in the legend, once.
    """
    way = -1 if is_upright else 1
    numbers = zip(*floats(rows, "estimate", *INTERVAL), strict=True)
    for (estimate, low, high), place, colour, is_hollow in zip(numbers, at, colours, hollow, strict=False):
        line, point = ([low, high], [place, place])[::way], ([estimate], [place])[::way]
        axes.plot(*line, color=colour, linewidth=2, solid_capstyle="butt")
        face = "white" if is_hollow else colour
        axes.plot(*point, marker, color=colour, markerfacecolor=face, markersize=size, label=label)
        label = ""


def label_rows(axes: Axes, labels: Sequence[str], unit: str) -> None:
    """Name the rows of a panel from top to bottom, and the unit of what is drawn in them."""
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    axes.margins(x=0.08)
    amounts(axes.xaxis)
    axes.set_xlabel(unit)


def room_for(names: Iterable[str], usual: int = USUAL_LABEL) -> float:
    """Return the inches that the longest of these labels needs beyond the ``usual`` characters that a figure leaves for one."""
    return INCHES_A_CHARACTER * max([0, *(len(name) - usual for name in names)])


def in_lines(text: str, width: int) -> str:
    """Return a name that is longer than ``width`` in lines, broken after spaces, underscores and plus signs."""
    lines = [""]
    for word in re.split(r"(?<=[ _+])(?![ _+])", text):
        if lines[-1] and len(lines[-1] + word.rstrip()) > width:
            lines.append("")
        lines[-1] += word
    return "\n".join(line.rstrip() for line in lines)


def band_line(
    axes: Axes,
    rows: pd.DataFrame,
    x: str,
    *,
    line: int = 0,
    style: str = "-",
    band: Sequence[str] = INTERVAL,
    has_bars: bool = False,
    **further: Any,
) -> None:
    """Draw a line through the estimates over a column ``x``, the band between two columns, and each point's interval.

    Args:
        axes: of the panel.
        rows: of one line, in their order.
        x: the column of the horizontal axis.
        line: its number, which decides its colour.
        style: matplotlib's, with a marker where there is one; empty for no line.
        band: the columns that the band lies between; none where empty.
        has_bars: whether each point's interval is drawn as a bar.
        further: passed on to ``Axes.plot``.
    """
    colour = COLOURS[line % len(COLOURS)]
    at, estimate = floats(rows, x, "estimate")
    if band and len(at) > 1:
        low, high = floats(rows, *band)
        axes.fill_between(at, low, high, color=colour, alpha=0.2, linewidth=0)
    if has_bars:
        low, high = floats(rows, *INTERVAL)
        axes.vlines(at, low, high, color=colour, linewidth=1)
    axes.plot(at, estimate, style, color=colour, **further)


def bracketed(values: pd.DataFrame, is_shown: NDArray[np.bool_]) -> NDArray[np.str_]:
    """Return the values as text, in brackets where no difference is shown, and empty without one."""
    texts = [
        "" if np.isnan(value) else number(value) if shown else f"({number(value)})"
        for value, shown in zip(values.to_numpy(dtype=float).flat, is_shown.flat, strict=True)
    ]
    return np.array(texts).reshape(values.shape)


def annotated_map(
    axes: Axes,
    values: pd.DataFrame,
    written: NDArray[np.str_],
    *,
    limits: tuple[float, float],
    colours: str = DIVERGING,
) -> AxesImage:
    """Colour a cell for each value, the first row at the bottom, and write in it; an empty text leaves it blank."""
    numbers = values.to_numpy(dtype=float)
    image = axes.imshow(numbers, cmap=colours, vmin=limits[0], vmax=limits[1], origin="lower", aspect="auto")
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    axes.set_xticks(range(values.shape[1]), list(map(tick_text, values.columns)))
    axes.set_yticks(range(values.shape[0]), list(map(tick_text, values.index)))
    is_dark = np.abs(numbers) > 0.72 * max(map(abs, limits))
    for (row, column), text in np.ndenumerate(written):
        if text:
            ink = LIGHT if is_dark[row, column] else DARK
            axes.text(column, row, text, ha="center", va="center", fontsize=8, color=ink)
    return image


def colour_bar(figure: Figure, image: AxesImage, axes: Any, label: str) -> None:
    """Draw the scale of a map beside it."""
    bar = figure.colorbar(image, ax=axes, pad=0.02, aspect=25)
    amounts(bar.ax.yaxis)
    bar.set_label(label, fontsize=9)
    bar.outline.set_visible(False)


def panel_grid(figure: Figure, count: int, columns: int, **shared: Any) -> NDArray[Any]:
    """Return the axes of ``count`` panels in rows of at most ``columns``; those beyond the last are hidden."""
    columns = min(count, columns)
    panels: NDArray[Any] = figure.subplots(-(-count // columns), columns, squeeze=False, **shared)
    for axes in panels.flat[count:]:
        axes.set_visible(False)
    return panels


def tick_text(value: Any) -> str:
    """Return the label of a tick; a number in its shortest form."""
    return f"{value:g}" if isinstance(value, float) else str(value)

"""Many studies in one figure: an estimate over one swept key, in small multiples over a second, or as a map of two."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from .key_labels import key_label
from .matplotlib_types import Axes, Figure
from .parts import annotated_map, bracketed, colour_bar, floats, is_numeric, names_of, panel_grid, tick_text
from .style import COLOURS, amounts, caption, new_figure, one_panel, plot, require, zero_line

COLUMNS = ("estimate", "ci_low", "ci_high")
MOST_PANELS = 12
CROWD = 300
"""More points than this are drawn as pixels in vector formats, or the file would be too large."""
NOTE = "Lines: 95 % interval of each study by itself, simulation error only."


@plot(*COLUMNS)
def draw_multiples(
    table: pd.DataFrame,
    *,
    x: str,
    by: str | None = None,
    unit: str,
    subject: str = "Value of joint data",
    y_label: str = "value of joint data",
) -> Figure:
    """One panel for each value of `by`, all on one scale; points with intervals over `x`, joined where they are few.

    Args:
        table: columns `COLUMNS`, the swept keys `x` and `by`; a row a study.
        x: the key on the horizontal axis.
        by: the key of the panels; None for one panel.
        unit: of the estimates.
        subject: what the figure shows.
        y_label: what is estimated.

    Raises:
        ValueError: missing columns, no rows, or more panels than can be read.
    """
    require(table, x, *([by] if by else []))
    values = names_of(_sorted(table[by])) if by else [None]
    if len(values) > MOST_PANELS:
        raise ValueError(f"{len(values)} panels; at most {MOST_PANELS} can be read")
    names = None if is_numeric(table[x]) else names_of(map(str, table[x]))
    figure = new_figure(max(7.0, 3.1 * min(len(values), 4)), 1.6 + 2.7 * -(-len(values) // 4))
    panels = panel_grid(figure, len(values), 4, sharex=True, sharey=True)
    for axes, value in zip(panels.flat, values, strict=False):
        _points(axes, table if value is None else table[table[by] == value], x, names)
        if value is not None:
            axes.set_title(f"{by} = {tick_text(value)}", fontsize=9)
    for axes in panels[:, 0]:
        axes.set_ylabel(f"{y_label}\n({unit})", fontsize=9)
    for axes in panels[-1]:
        axes.set_xlabel(key_label(x))
    amounts(panels[0, 0].yaxis)
    caption(figure, f"{subject} over {x}" + (f", by {by}" if by else ""), NOTE)
    return figure


@plot(*COLUMNS)
def draw_map(
    table: pd.DataFrame, *, x: str, y: str, unit: str, subject: str = "Value of joint data"
) -> Figure:
    """A coloured cell for each pair of swept values, white at zero, with its number; in brackets, no difference shown.

    Args:
        table: columns `COLUMNS` and the keys `x` and `y`; a row a study, each pair once.
        x: the key on the horizontal axis.
        y: the key on the vertical axis.
        unit: of the estimates.
        subject: what the figure shows.

    Raises:
        ValueError: missing columns, no rows, or a pair that occurs twice.
    """
    require(table, x, y)
    if table.duplicated([x, y]).any():
        raise ValueError(f"a pair of {x} and {y} occurs twice")
    columns, rows = (names_of(_sorted(table[key])) for key in (x, y))
    estimate, low, high = (
        table.pivot_table(index=y, columns=x, values=name, dropna=False).reindex(index=rows, columns=columns)
        for name in COLUMNS
    )
    limit = float(np.nanmax(estimate.abs().to_numpy(dtype=float), initial=0.0)) or 1.0
    width, height = max(6.5, min(14.0, 2.4 + 0.8 * len(columns))), max(3.4, min(10.0, 1.9 + 0.42 * len(rows)))
    figure, axes = one_panel(width, height)
    written = bracketed(estimate, ((low > 0) | (high < 0)).to_numpy())
    if len(columns) > 14 or len(rows) > 20:
        written[:] = ""
    image = annotated_map(axes, estimate, written, limits=(-limit, limit))
    for labels, set_ticks in ((columns, axes.set_xticks), (rows, axes.set_yticks)):
        step = max(1, math.ceil(len(labels) / 16))
        set_ticks(range(0, len(labels), step), list(map(tick_text, labels[::step])))
    axes.set(xlabel=key_label(x), ylabel=key_label(y))
    colour_bar(figure, image, axes, unit)
    note = "In brackets: no difference shown (the 95 % interval of that study spans zero, or there is none)."
    caption(figure, f"{subject} over {x} and {y}", f"{note} Intervals: simulation error only.")
    return figure


def _points(axes: Axes, table: pd.DataFrame, x: str, names: list[str] | None) -> None:
    """Draw one panel; many points as pixels."""
    at = [names.index(str(value)) for value in table[x]] if names else table[x].astype(float)
    own = table.assign(at=at).sort_values("at")
    place, estimate, low, high = floats(own, "at", *COLUMNS)
    crowd = len(own) > CROWD
    width, alpha, size = (0.6, 0.3, 2.5) if crowd else (1.2, 0.9, 5)
    zero_line(axes)
    axes.vlines(place, low, high, color=COLOURS[0], linewidth=width, alpha=alpha, rasterized=crowd)
    style = "o-" if names is None and own["at"].is_unique and not crowd else "o"
    axes.plot(place, estimate, style, color=COLOURS[0], markersize=size, linewidth=1.2, rasterized=crowd)
    if names:
        is_long = max(map(len, names)) > 8
        turned: dict[str, Any] = {"rotation": 30, "ha": "right"} if is_long else {}
        axes.set_xticks(range(len(names)), names, **turned)
    axes.margins(x=0.06)


def _sorted(values: pd.Series) -> list[Any]:
    found = values.tolist()
    return sorted(found) if is_numeric(values) else found

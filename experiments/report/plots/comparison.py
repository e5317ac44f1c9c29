"""Many studies in one figure: an estimate over one swept key, in small multiples over a second, or as a map of two."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..verdict import number
from .heat import DIVERGING
from .key_labels import key_label
from .style import (
    COLOURS,
    DARK,
    LIGHT,
    amounts,
    caption,
    new_figure,
    require,
    styled,
    zero_line,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = ("estimate", "ci_low", "ci_high")
MOST_PANELS = 12
CROWD = 300
"""More points than this are drawn as pixels in vector formats, or the file would be too large."""
NOTE = "Lines: 95 % interval of each study by itself, simulation error only."


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
    require(table, *COLUMNS, x, *([by] if by else []))
    values = list(dict.fromkeys(_sorted(table[by]))) if by else [None]
    if len(values) > MOST_PANELS:
        raise ValueError(f"{len(values)} panels; at most {MOST_PANELS} can be read")
    names = None if _numeric(table[x]) else list(dict.fromkeys(map(str, table[x])))
    columns = min(len(values), 4)
    rows = math.ceil(len(values) / columns)
    with styled():
        figure = new_figure(max(7.0, 3.1 * columns), 1.6 + 2.7 * rows)
        panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        for axes, value in zip(panels.flat, values, strict=False):
            own = table if value is None else table[table[by] == value]
            _points(axes, own, x, names)
            if value is not None:
                axes.set_title(f"{by} = {_text(value)}", fontsize=9)
        for axes in panels.flat[len(values) :]:
            axes.set_visible(False)
        for axes in panels[:, 0]:
            axes.set_ylabel(f"{y_label}\n({unit})", fontsize=9)
        figure.supxlabel("")
        for axes in panels[-1]:
            axes.set_xlabel(key_label(x))
        amounts(panels[0, 0].yaxis)
        caption(figure, f"{subject} over {x}" + (f", by {by}" if by else ""), NOTE)
    return figure


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
    require(table, *COLUMNS, x, y)
    if table.duplicated([x, y]).any():
        raise ValueError(f"a pair of {x} and {y} occurs twice")
    columns, rows = (list(dict.fromkeys(_sorted(table[key]))) for key in (x, y))
    estimate, low, high = (
        table.pivot_table(index=y, columns=x, values=name, dropna=False)
        .reindex(index=rows, columns=columns)
        .to_numpy(float)
        for name in COLUMNS
    )
    limit = float(np.nanmax(np.abs(estimate), initial=0.0)) or 1.0
    with styled():
        figure = new_figure(
            max(6.5, min(14.0, 2.4 + 0.8 * len(columns))), max(3.4, min(10.0, 1.9 + 0.42 * len(rows)))
        )
        axes = figure.subplots()
        image = axes.imshow(estimate, cmap=DIVERGING, vmin=-limit, vmax=limit, origin="lower", aspect="auto")
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)
        _ticks(axes, columns, rows)
        axes.set_xlabel(key_label(x))
        axes.set_ylabel(key_label(y))
        if len(columns) <= 14 and len(rows) <= 20:
            _written(axes, estimate, (low > 0) | (high < 0), limit)
        bar = figure.colorbar(image, ax=axes, pad=0.02, aspect=25)
        amounts(bar.ax.yaxis)
        bar.set_label(unit, fontsize=9)
        bar.outline.set_visible(False)
        note = (
            "In brackets: no difference shown (the 95 % interval of that study spans zero, or there is none)."
        )
        caption(figure, f"{subject} over {x} and {y}", f"{note} Intervals: simulation error only.")
    return figure


def _points(axes: Axes, table: pd.DataFrame, x: str, names: list[str] | None) -> None:
    own = table.assign(
        at=[names.index(str(value)) for value in table[x]] if names else table[x].astype(float)
    )
    own = own.sort_values("at")
    at, estimate, low, high = (own[name].to_numpy(dtype=float) for name in ("at", *COLUMNS))
    crowd = len(own) > CROWD
    zero_line(axes)
    axes.vlines(
        at,
        low,
        high,
        color=COLOURS[0],
        linewidth=0.6 if crowd else 1.2,
        alpha=0.3 if crowd else 0.9,
        rasterized=crowd,
    )
    joined = names is None and own["at"].is_unique
    axes.plot(
        at, estimate, "o-" if joined and not crowd else "o", color=COLOURS[0], markersize=2.5 if crowd else 5,
        linewidth=1.2, rasterized=crowd,
    )  # fmt: skip
    if names:
        axes.set_xticks(
            range(len(names)),
            names,
            rotation=30 if max(map(len, names)) > 8 else 0,
            ha="right" if max(map(len, names)) > 8 else "center",
        )
    axes.margins(x=0.06)


def _ticks(axes: Axes, columns: list[Any], rows: list[Any]) -> None:
    every, other = (max(1, math.ceil(len(values) / 16)) for values in (columns, rows))
    axes.set_xticks(range(0, len(columns), every), [_text(value) for value in columns[::every]])
    axes.set_yticks(range(0, len(rows), other), [_text(value) for value in rows[::other]])


def _written(axes: Axes, estimate: Any, shown: Any, limit: float) -> None:
    for (i, j), value in np.ndenumerate(estimate):
        if not np.isnan(value):
            text = number(value) if shown[i, j] else f"({number(value)})"
            axes.text(
                j,
                i,
                text,
                ha="center",
                va="center",
                fontsize=8,
                color=LIGHT if abs(value) > 0.72 * limit else DARK,
            )


def _numeric(values: pd.Series) -> bool:
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values.tolist())


def _sorted(values: pd.Series) -> list[Any]:
    found = values.tolist()
    return sorted(found) if _numeric(values) else found


def _text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
